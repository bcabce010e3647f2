"""The asset generator that needs no download: parametric furniture fitted to the silhouette, painted by the picture."""

from collections.abc import Sequence

from models.assets.candidates import fitted_furniture
from models.assets.texturing import textured
from models.base import AssetRequest
from regen3d.types import Asset

TEXTURE_PX = (512, 1024)
"""Sides of textures; the smallest that is 1.6 times as long as the mask is taken, as a third of it is in view. A larger
one shows nothing that the picture holds, and takes 5 s more."""


class EmbeddedAssets:
    """Furniture as code: templates by label, pose and proportions by silhouette, colours by the picture."""

    def load(self) -> None:
        """Nothing to load: the furniture is code."""

    def close(self) -> None:
        """Nothing to give back."""

    def generate(self, requests: Sequence[AssetRequest]) -> list[Asset]:
        """Answer each request with a metric mesh and the pose under which it was fitted.

        Raises:
            DegenerateGeometryError: a visible mask is empty.
            InvalidMeshError: a size is zero or not finite.
        """
        return [_asset(request) for request in requests]


def _asset(request: AssetRequest) -> Asset:
    view = request.view
    made = fitted_furniture(view, request.seed, request.completion.box)
    x0, y0, x1, y1 = view.instance.box
    mesh = textured(
        made.fit.surface,
        made.fit.box,
        view,
        request.completion,
        size_px=next((side for side in TEXTURE_PX if side >= 1.6 * max(x1 - x0, y1 - y0)), TEXTURE_PX[-1]),
        is_round=made.fit.candidate.template.is_round,
    )
    return Asset(mesh=mesh, scale="metric", kind=made.kind, pose_hint=made.fit.box.world_from_object, notes=made.notes)
