"""The asset generator that needs no download: parametric furniture fitted to the silhouette, painted by the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from models.assets.fitting import aspect, polished, silhouette_iou, symmetry, turned_fits
from models.assets.furniture.registry import BUILDERS, EXACT, HOLLOW, TURNED, Builder
from models.assets.furniture.storage import plain_box
from models.assets.furniture.turned import turned, turned_lamp
from models.assets.sizes import Category, fitted_category
from models.assets.solid import Surface, join
from models.assets.texturing import textured
from models.base import AssetRequest
from regen3d.types import Asset, FittedBox, ObjectView

LEAST_SYMMETRY, LEAST_ASPECT = 0.85, 1.2
"""What is not known, but as symmetric and as tall as this, is taken for a turned body (vases, bottles, posts)."""
TEXTURE_PX = (512, 768, 1024)
"""Sides of textures; the smallest that is 1.6 times as long as the mask is taken, as a third of it is in view."""
FINALISTS = 2
"""Variants that are polished before the choice; a third changes no choice on rendered rooms."""
USUAL_BONUS = 0.01
"""IoU by which the first, most usual variant is preferred."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What the object may be, and the box that it would fill."""

    builder: Builder
    box: FittedBox


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
    view = request.view
    category, box = fitted_category(view, request.seed, request.completion.box)
    known = [_Candidate(builder, box) for builder in BUILDERS[category.name]] if category else []
    outline = _outline(view, category, box)
    kind, note = category.name if category else "lathe" if outline else "box", ()
    if category is None:
        known = [] if outline else [_Candidate(plain_box, box)]
        what = "its symmetric outline was turned on a lathe" if outline else "it became a textured box"
        note = (f"no furniture is known by the name '{view.instance.label}': {what}",)
    settled = category is None or category.name in EXACT or bool(outline)
    surface, box = _best(outline + known, view, request.seed, polish=not settled)
    longest = max(view.instance.box[2] - view.instance.box[0], view.instance.box[3] - view.instance.box[1])
    mesh = textured(
        surface,
        box,
        view,
        request.completion,
        size_px=next((side for side in TEXTURE_PX if side >= 1.6 * longest), TEXTURE_PX[-1]),
        is_round=category.prior.is_round if category else bool(outline),
    )
    return Asset(mesh=mesh, scale="metric", kind=kind, pose_hint=box.world_from_object, notes=note)


def _outline(view: ObjectView, category: Category | None, box: FittedBox) -> list[_Candidate]:
    """The body that the outline draws when it is turned, for what is turned or looks as if it were."""
    if category is None and (symmetry(view) < LEAST_SYMMETRY or aspect(view) < LEAST_ASPECT):
        return []
    if category is not None and category.name not in TURNED:
        return []
    hollow = category is not None and category.name in HOLLOW
    body = turned_lamp if category is not None and "lamp" in category.name else partial(turned, hollow=hollow)
    return [_Candidate(partial(body, profile=profile), fitted) for fitted, profile in turned_fits(view, box)]


def _best(candidates: list[_Candidate], view: ObjectView, seed: int, *, polish: bool) -> tuple[Surface, FittedBox]:
    """The candidate that covers the mask best, with its box; the most promising are polished before the choice."""
    made = []
    for candidate in candidates:
        width, height, depth = (float(side) for side in candidate.box.size_m)
        made.append((join(candidate.builder((width, height, depth)), candidate.box.size_m), candidate.box))
    if len(made) > 1:
        ranked = sorted(range(len(made)), key=lambda k: -silhouette_iou(made[k][0], made[k][1].world_from_object, view))
        made = [made[k] for k in sorted(ranked[:FINALISTS])]
    if polish:
        made = [polished(surface, box, view, seed) for surface, box in made]
    scores = np.array([silhouette_iou(surface, box.world_from_object, view) for surface, box in made])
    scores[0] += USUAL_BONUS
    return made[int(np.argmax(scores))]
