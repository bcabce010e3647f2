"""How a scene is exported: which formats, and what they carry."""

from dataclasses import dataclass
from typing import Literal

Look = Literal["baked", "relightable"]
"""`baked`: colours as photographed, with the picture's light in them; `relightable`: colours without that light."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """What a user may choose; the defaults are what a run writes."""

    formats: tuple[str, ...] = ("glb",)
    """Names in `regen3d.export.formats.FORMATS`."""
    profile: Literal["film", "simready"] = "film"
    """USD: `film` is Y up with camera and plate; `simready` is Z up, for simulators."""
    look: Look = "baked"
    """Which colours a format shows that carries one look; USD carries both and begins with this one."""
    lods: int = 0
    """Levels of detail below the full mesh, each with a quarter of the faces; 0..3."""
    compress: Literal["none", "quantize", "meshopt"] = "none"
    """GLB: how vertices are packed."""
