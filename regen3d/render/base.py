"""The one interface of soft silhouette renderers, and the renderers by name."""

from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Float, Integer
from torch import Tensor

from regen3d.render.pytorch3d_silhouette import Pytorch3dSilhouette
from regen3d.render.silhouette import TorchSilhouette

RendererName = Literal["torch", "pytorch3d"]
"""`torch` runs everywhere; `pytorch3d` where that package is installed."""


@runtime_checkable
class SilhouetteRenderer(Protocol):
    """Draws soft silhouettes of many poses of one mesh."""

    def __call__(
        self,
        vertices_camera: Float[Tensor, "b v 3"],
        faces: Integer[Tensor, "f 3"],
        intrinsics: Float[Tensor, "3 3"],
        hw: tuple[int, int],
        sigma: float,
    ) -> Float[Tensor, "b h w"]:
        """Coverage in 0..1, differentiable in the vertices.

        Args:
            vertices_camera: camera frame (OpenCV), metres, one row for each pose.
            faces: vertex indices; faces that reach behind the camera or are seen edge-on are not drawn.
            intrinsics: K in pixels, pixel centres at +0.5.
            hw: size of each picture.
            sigma: softness in squared pixels; outlines blur over about `3 * sqrt(sigma)` pixels to each side.
        """
        ...


def silhouette_renderer(name: RendererName, memory_mb: int) -> SilhouetteRenderer:
    """The renderer of a name.

    Args:
        name: which one.
        memory_mb: working memory in 10^6 bytes that `torch` keeps within, besides what goes in and comes out;
            `pytorch3d` allocates what it needs.

    Raises:
        NotInstalledError: `pytorch3d` is asked for and is not installed.
    """
    return TorchSilhouette(memory_mb=float(memory_mb)) if name == "torch" else Pytorch3dSilhouette()
