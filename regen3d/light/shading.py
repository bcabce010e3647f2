"""Surfaces under light of low order, without shadows: fast enough to check an estimate."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from regen3d.light.harmonics import irradiance
from regen3d.light.linear import to_linear
from regen3d.render.scene import PlacedMesh, normals, render
from regen3d.types import Camera


def lit_picture(
    placed: Sequence[PlacedMesh], camera: Camera, harmonics: Float[np.ndarray, "9 3"]
) -> Float[np.ndarray, "h w 3"]:
    """Radiance, linear, of matt meshes whose textures are albedo; zero where there is no mesh."""
    index, normal = normals(placed, camera)
    albedo = to_linear(render(placed, camera).color)
    lit = albedo * irradiance(harmonics, normal.astype(np.float64)) / np.pi
    return np.where((index >= 0)[..., None], lit, 0.0)
