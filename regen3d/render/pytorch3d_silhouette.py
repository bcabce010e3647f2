"""Soft silhouettes by PyTorch3D, where it is installed: the rasteriser that 3D-RE-GEN was published with.

Its conventions (Ravi et al., "Accelerating 3D Deep Learning with PyTorch3D", 2020): normalised coordinates have +x to
the left and +y up, -1..1 over the picture's shorter side; z is depth; distances and sigma are squared normalised units.
"""

import importlib.util
import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from regen3d.errors import NotInstalledError
from regen3d.render.scan import NEAR_M
from regen3d.render.silhouette import LEAST_PROBABILITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Pytorch3dSilhouette:
    """The renderer by PyTorch3D's rasteriser; slow on CPUs, where it has no binning.

    Raises:
        NotInstalledError: PyTorch3D is not installed.
    """

    faces_per_pixel: int = 100
    """Faces that count in a pixel, nearest first: with 20 gradients disagree with finite differences on furniture."""

    def __post_init__(self) -> None:
        if importlib.util.find_spec("pytorch3d") is None:
            raise NotInstalledError(
                "pytorch3d is not installed: follow its installation guide, or choose the renderer `torch`"
            )

    def __call__(
        self,
        vertices_camera: Float[Tensor, "b v 3"],
        faces: Integer[Tensor, "f 3"],
        intrinsics: Float[Tensor, "3 3"],
        hw: tuple[int, int],
        sigma: float,
    ) -> Float[Tensor, "b h w"]:
        """Coverage in 0..1; see `regen3d.render.base.SilhouetteRenderer`."""
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes  # pyright: ignore[reportMissingImports]
        from pytorch3d.structures import Meshes  # pyright: ignore[reportMissingImports]

        half_side = 0.5 * min(hw)
        normalised, drawn = _normalised(vertices_camera, faces.long(), intrinsics, hw)
        if not bool(drawn.any()):
            return vertices_camera.sum(dim=(1, 2))[:, None, None] * vertices_camera.new_zeros(hw)
        meshes = Meshes(verts=list(normalised), faces=[faces.long()[row] for row in drawn])
        sigma_normalised = sigma / half_side**2
        face, _, _, square = rasterize_meshes(
            meshes,
            image_size=hw,
            blur_radius=math.log(1.0 / LEAST_PROBABILITY - 1.0) * sigma_normalised,
            faces_per_pixel=self.faces_per_pixel,
            bin_size=0,
        )
        clear = torch.sigmoid(square / sigma_normalised)
        return 1.0 - torch.where(face >= 0, clear, 1.0).prod(dim=-1)


def _normalised(
    vertices_camera: Float[Tensor, "b v 3"],
    faces: Integer[Tensor, "f 3"],
    intrinsics: Float[Tensor, "3 3"],
    hw: tuple[int, int],
) -> tuple[Float[Tensor, "b v 3"], Bool[Tensor, "b f"]]:
    """Vertices in normalised coordinates, and which faces lie before the camera."""
    homogeneous = vertices_camera @ intrinsics.T
    depth = homogeneous[..., 2:]
    ahead = depth > NEAR_M
    depth = torch.where(ahead, depth, 1.0)
    center = vertices_camera.new_tensor([0.5 * hw[1], 0.5 * hw[0]])
    flat = (center - homogeneous[..., :2] / depth) / (0.5 * min(hw))
    return torch.cat([flat, depth], dim=-1), ahead[..., 0][:, faces].all(dim=-1)
