"""A piece of furniture as one surface: parts joined and sized exactly."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from models.assets.primitives import Part
from regen3d.errors import InvalidMeshError
from regen3d.render.triangles import triangle_areas


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A closed surface in the object frame, laid out in charts."""

    vertices: Float[np.ndarray, "v 3"]
    """Metres; base at y = 0, centred in x and z."""
    faces: Integer[np.ndarray, "f 3"]
    """Counter-clockwise seen from outside."""
    layout: Float[np.ndarray, "v 2"]
    """Where each vertex lies on the unrolled surface of its chart, metres."""
    chart: Integer[np.ndarray, " v"]
    """Chart of each vertex."""
    part: Integer[np.ndarray, " f"]
    """Part of each face."""
    material: Integer[np.ndarray, " f"]
    """Material of each face, an index into `names`."""
    names: tuple[str, ...]
    """Names of the materials."""


def join(parts: list[Part], size_m: Float[np.ndarray, " 3"]) -> Surface:
    """One surface of all parts, stretched to fill width, height and depth exactly.

    Raises:
        InvalidMeshError: the parts have no extent along an axis, or are not finite.
    """
    vertices = np.concatenate([part.vertices for part in parts])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    if not np.isfinite(vertices).all() or (high - low).min() < 1e-6:
        raise InvalidMeshError(f"parts from {low} to {high} enclose nothing: give a size above 1e-6 m on each axis")
    scale = size_m / (high - low)
    base = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    first_vertex = np.cumsum([0, *(len(part.vertices) for part in parts)])
    first_chart = np.cumsum([0, *(int(part.chart.max()) + 1 for part in parts)])
    names = list(dict.fromkeys(part.material for part in parts))
    counts = [len(part.faces) for part in parts]
    surface = Surface(
        vertices=(vertices - base) * scale,
        faces=np.concatenate([part.faces + first for part, first in zip(parts, first_vertex, strict=False)]),
        layout=np.concatenate([part.layout for part in parts]),
        chart=np.concatenate([part.chart + first for part, first in zip(parts, first_chart, strict=False)]),
        part=np.repeat(np.arange(len(parts)), counts),
        material=np.repeat([names.index(part.material) for part in parts], counts),
        names=tuple(names),
    )
    return _without_flat_faces(surface)


def _without_flat_faces(surface: Surface) -> Surface:
    area = triangle_areas(surface.vertices[surface.faces])
    keep = area > 5e-11 * max(float(np.ptp(surface.vertices, axis=0).max()) ** 2, 1e-12)
    return Surface(
        vertices=surface.vertices,
        faces=surface.faces[keep],
        layout=surface.layout,
        chart=surface.chart,
        part=surface.part[keep],
        material=surface.material[keep],
        names=surface.names,
    )
