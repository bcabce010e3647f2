"""What an object may be: the templates that its label allows, and what its outline draws on a lathe."""

from dataclasses import dataclass
from functools import partial

from models.assets.fitting import Candidate, Fit, best_fit
from models.assets.furniture.registry import HOLLOW, TEMPLATES, TURNED
from models.assets.furniture.storage import plain_box
from models.assets.furniture.template import Template
from models.assets.furniture.turned import turned, turned_lamp
from models.assets.sizes import Category, fitted_category
from models.assets.turning import aspect, symmetry, turned_fits
from regen3d.types import FittedBox, ObjectView

LEAST_SYMMETRY, LEAST_ASPECT = 0.85, 1.2
"""What is not known, but as symmetric and as tall as this, is taken for a turned body (vases, bottles, posts)."""
USUAL = 0.008
"""IoU by which the first, most usual template is preferred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """What an object is taken for."""

    kind: str
    """The category, or `lathe` or `box` for what is no furniture."""
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
    outlines = _outlines(view, category, box)
    if category is None:
        what = "its symmetric outline was turned on a lathe" if outlines else "it became a textured box"
        note = f"no furniture is known by the name '{view.instance.label}': {what}"
        candidates = outlines or [Candidate(template=Template(plain_box), box=box)]
        return Furniture(kind="lathe" if outlines else "box", fit=best_fit(candidates, view, seed), notes=(note,))
    known = [
        Candidate(template=template, box=box, handicap=0.0 if k == 0 else USUAL)
        for k, template in enumerate(TEMPLATES[category.name])
    ]
    return Furniture(kind=category.name, fit=best_fit(outlines + known, view, seed))


def _outlines(view: ObjectView, category: Category | None, box: FittedBox) -> list[Candidate]:
    """The bodies that the outline draws when it is turned, for what is turned or looks as if it were."""
    if category is None and (symmetry(view) < LEAST_SYMMETRY or aspect(view) < LEAST_ASPECT):
        return []
    if category is not None and category.name not in TURNED:
        return []
    hollow = category is not None and category.name in HOLLOW
    body = turned_lamp if category is not None and "lamp" in category.name else partial(turned, hollow=hollow)
    return [
        Candidate(template=Template(partial(body, profile=profile), is_round=True), box=fitted)
        for fitted, profile in turned_fits(view, box)
    ]
