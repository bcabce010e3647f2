"""What is known of the light in a room."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

ESTIMATED = ("environment", "key light", "albedo", "illumination", "roughness", "metallic")
"""Maps and lights that nobody measured: they are estimates, and manifest and files say so."""

DIRECTION_SPREAD_DEG = 44.0
"""How far `SceneLight.direction` is off, root mean square over the five shared rooms (`python -m benchmarks.light`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneLight:
    """Distant light that explains how bright the room is, in units of the picture (1 is white, linear).

    Everything is an estimate: one picture does not tell bright paint from bright light.
    """

    environment: Float32[np.ndarray, "eh ew 3"]
    """Radiance from every direction, linear sRGB primaries: a latitude-longitude picture as OpenEXR lays it out, +Y at
    the top, +Z in the middle, +X a quarter from the left, world frame."""
    harmonics: Float[np.ndarray, "9 3"]
    """Real spherical harmonics of `environment` up to order 2, in the order of `regen3d.light.harmonics`."""
    direction: Float[np.ndarray, " 3"]
    """Unit vector towards where most light comes from, world frame."""
    key_position: Float[np.ndarray, " 3"]
    """Where a point light stands that takes the part of the strongest light, world frame, metres."""
    key_intensity: Float[np.ndarray, " 3"]
    """Its radiant intensity: picture units times square metres."""
    error: float
    """Mean difference between the picture of the empty room and the relightable room under `harmonics`, as a share of
    the picture's mean brightness (both linear)."""

    def summary(self) -> dict[str, Any]:
        """The light as JSON, without its picture."""
        return {
            "direction": self.direction.tolist(),
            "direction_spread_deg": DIRECTION_SPREAD_DEG,
            "harmonics": self.harmonics.tolist(),
            "key_position": self.key_position.tolist(),
            "key_intensity": self.key_intensity.tolist(),
            "estimated": list(ESTIMATED),
        }
