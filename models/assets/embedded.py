"""The asset generator that needs no download: parametric furniture fitted to the silhouette, painted by the picture."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from models.assets.fitting import aspect, measured_profile, silhouette_iou, symmetry
from models.assets.furniture.registry import BUILDERS, TURNED, Builder
from models.assets.furniture.storage import plain_box
from models.assets.furniture.turned import turned
from models.assets.sizes import Category, category_in
from models.assets.solid import Surface, join
from models.assets.texturing import textured
from models.base import AssetRequest
from regen3d.align.box import fit_box
from regen3d.types import Asset, FittedBox, ObjectView

LEAST_SYMMETRY, LEAST_ASPECT = 0.85, 1.2
"""What is not known, but as symmetric and as tall as this, is taken for a turned body (vases, bottles, posts)."""
TEXTURE_PX = (512, 768, 1024)
"""Sides of textures; the smallest that is twice as long as the mask is taken."""
USUAL_BONUS = 0.01
"""IoU by which the first, most usual variant is preferred."""


class EmbeddedAssets:
    """Furniture as code: builder by label, proportions by the fitted box, variant by silhouette."""

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
    view, category = request.view, category_in(request.view)
    box = request.completion.box or fit_box(
        view,
        prior=category.prior if category else None,
        seed=request.seed,
        absolute=not (category and category.rests),
    )
    kind, builders, notes = _candidates(view, category, box)
    surface = _best(builders, box, view)
    longest = max(view.instance.box[2] - view.instance.box[0], view.instance.box[3] - view.instance.box[1])
    size_px = next((side for side in TEXTURE_PX if side >= 2 * longest), TEXTURE_PX[-1])
    mesh = textured(surface, box.world_from_object, view, request.completion, size_px)
    return Asset(mesh=mesh, scale="metric", kind=kind, pose_hint=box.world_from_object, notes=notes)


def _candidates(
    view: ObjectView, category: Category | None, box: FittedBox
) -> tuple[str, tuple[Builder, ...], tuple[str, ...]]:
    """What the object may be: kind, builders to try, and notes."""
    label = view.instance.label
    if category is None:
        if symmetry(view) >= LEAST_SYMMETRY and aspect(view) >= LEAST_ASPECT:
            profile = measured_profile(view, box)
            if profile is not None:
                note = f"no furniture is known by the name '{label}': its symmetric outline was turned on a lathe"
                return "lathe", (partial(turned, profile=profile, hollow=False),), (note,)
        return "box", (plain_box,), (f"no furniture is known by the name '{label}': it became a textured box",)
    builders = BUILDERS[category.name]
    if category.name in TURNED:
        profile = measured_profile(view, box)
        if profile is not None:
            hollow = category.name != "bottle"
            builders = (partial(turned, profile=profile, hollow=hollow), *builders)
    return category.name, builders, ()


def _best(builders: tuple[Builder, ...], box: FittedBox, view: ObjectView) -> Surface:
    """The variant that covers the mask best."""
    width, height, depth = (float(side) for side in box.size_m)
    surfaces = [join(builder((width, height, depth)), box.size_m) for builder in builders]
    if len(surfaces) == 1:
        return surfaces[0]
    scores = np.array([silhouette_iou(surface, box.world_from_object, view) for surface in surfaces])
    scores[0] += USUAL_BONUS
    return surfaces[int(np.argmax(scores))]
