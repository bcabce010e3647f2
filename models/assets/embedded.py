"""The asset generator that needs no download: parametric furniture fitted to the silhouette, painted by the picture."""

from collections.abc import Sequence

from models.assets.candidates import fitted_shape
from models.assets.recipes import surface_from, template_of
from models.assets.sizes import category_of
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

        What the completion was fitted with is built; where it hands no fit on, one is made.

        Raises:
            DegenerateGeometryError: a visible mask is empty.
            InvalidMeshError: a size is zero or not finite.
            ModelOutputError: a completion hands on a fit of a template that is not known.
        """
        return [_asset(request) for request in requests]


def _asset(request: AssetRequest) -> Asset:
    view = request.view
    fit = request.completion.fit or fitted_shape(view, request.seed, request.completion.box)
    x0, y0, x1, y1 = view.instance.box
    mesh = textured(
        surface_from(fit),
        fit.box,
        view,
        request.completion,
        size_px=next((side for side in TEXTURE_PX if side >= 1.6 * max(x1 - x0, y1 - y0)), TEXTURE_PX[-1]),
        is_round=template_of(fit.template, fit.outline).is_round,
    )
    notes = ()
    if category_of(view.instance.label) is None:
        name = view.instance.label
        notes = (f"no furniture is known by the name '{name}': it became a {fit.kind}, textured by the picture",)
    return Asset(mesh=mesh, scale="metric", kind=fit.kind, pose_hint=fit.box.world_from_object, notes=notes)
