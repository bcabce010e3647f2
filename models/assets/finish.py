"""How rough and how metallic a piece of furniture is, by what its parts usually are made of."""

import numpy as np

from models.assets.solid import Surface
from regen3d.render.triangles import triangle_areas

FINISH: dict[str, tuple[float, float]] = {
    "arms": (0.8, 0.0),
    "back": (0.7, 0.0),
    "blanket": (0.95, 0.0),
    "fabric": (0.95, 0.0),
    "foot": (0.45, 0.3),
    "fronts": (0.5, 0.0),
    "handles": (0.35, 0.8),
    "leaves": (0.6, 0.0),
    "picture": (0.4, 0.0),
    "pillow": (0.95, 0.0),
    "pot": (0.5, 0.0),
    "seat": (0.8, 0.0),
    "shade": (0.9, 0.0),
    "sheet": (0.95, 0.0),
    "stand": (0.4, 0.3),
    "top": (0.45, 0.0),
}
"""Material -> roughness and metallic, as glTF means them, of lacquered wood, cloth, satin metal, glazed clay."""
USUAL = (0.6, 0.0)
"""Of any other material: oiled wood."""


def finish_of(surface: Surface) -> tuple[float, float]:
    """Roughness and metallic of a surface, 0..1, averaged over its area: a mesh carries one of each."""
    area = triangle_areas(surface.vertices[surface.faces])
    values = np.array([FINISH.get(name, USUAL) for name in surface.names])
    share = np.bincount(surface.material, weights=area, minlength=len(values)) / max(float(area.sum()), 1e-12)
    roughness, metallic = share @ values
    return float(np.clip(roughness, 0.0, 1.0)), float(np.clip(metallic, 0.0, 1.0))
