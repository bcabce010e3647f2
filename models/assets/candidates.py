"""What an object may be: the templates that its label allows, and what its outline draws on a lathe."""

from dataclasses import dataclass
from functools import partial

from models.assets.fitting import Candidate, Fit, best_fit
from models.assets.furniture.registry import HOLLOW, TEMPLATES, TURNED
from models.assets.furniture.template import Template
from models.assets.furniture.turned import turned, turned_lamp
from models.assets.outlines import unknown_candidates
from models.assets.sizes import Category, fitted_category
from models.assets.turning import turned_fits
from regen3d.types import FittedBox, ObjectView

USUAL = 0.008
"""IoU by which the first, most usual template is preferred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """What an object is taken for."""

    kind: str
    """The category, or `lathe`, `box` or `inflated outline` for what is no furniture."""
    fit: Fit
    """Its template at its best."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""


def fitted_furniture(view: ObjectView, seed: int, box: FittedBox | None = None) -> Furniture:
    """What an object is, where it stands and how it is proportioned, as far as label and silhouette tell.

    Args:
        view: the object.
        seed: for the searches.
        box: the box if it was fitted before.

    Raises:
        DegenerateGeometryError: the visible mask is empty.
        InvalidMeshError: a size is zero or not finite.
    """
    category, box = fitted_category(view, seed, box)
    if category is None:
        kinds = unknown_candidates(view, box)
        fit = best_fit([candidate for _, candidate in kinds], view, seed)
        kind = next(kind for kind, candidate in kinds if candidate.template is fit.candidate.template)
        note = f"no furniture is known by the name '{view.instance.label}': it became a {kind}, textured by the picture"
        return Furniture(kind=kind, fit=fit, notes=(note,))
    known = [
        Candidate(
            template=template,
            box=box,
            handicap=0.0 if k == 0 else USUAL,
            prior=category.prior,
            absolute=not category.rests,
        )
        for k, template in enumerate(TEMPLATES[category.name])
    ]
    return Furniture(kind=category.name, fit=best_fit([*_turned(view, category, box), *known], view, seed))


def _turned(view: ObjectView, category: Category, box: FittedBox) -> list[Candidate]:
    """The bodies that the outline draws when it is turned, for categories that are."""
    if category.name not in TURNED:
        return []
    body = turned_lamp if "lamp" in category.name else partial(turned, hollow=category.name in HOLLOW)
    return [
        Candidate(
            template=Template(partial(body, profile=profile), is_round=True),
            box=fitted,
            prior=category.prior,
            absolute=not category.rests,
        )
        for fitted, profile in turned_fits(view, box)
    ]
