"""What an object may be: the templates that its label allows, and what its outline draws on a lathe."""

import numpy as np

from models.assets.fitting import Candidate, best_fit
from models.assets.furniture.registry import HOLLOW, TEMPLATES, TURNED
from models.assets.outlines import is_fine, unknown_candidates
from models.assets.recipes import HOLLOW_LATHE, LAMP_LATHE, LATHE, recipe_name, template_of
from models.assets.sizes import Category, fitted_category
from models.assets.turning import turned_fits
from regen3d.types import FittedBox, ObjectView, ShapeFit

USUAL = 0.008
"""IoU by which the first, most usual template is preferred."""


def fitted_shape(view: ObjectView, seed: int, box: FittedBox | None = None) -> ShapeFit:
    """What an object is, where it stands and how it is proportioned, as far as label and silhouette tell.

    The kind is the category, or `lathe`, `box` or `inflated outline` for what is no furniture.

    Args:
        view: the object.
        seed: for the searches.
        box: the box if it was fitted before.

    Raises:
        DegenerateGeometryError: the visible mask is empty.
        InvalidMeshError: a size is zero or not finite.
    """
    category, box = fitted_category(view, seed, box)
    candidates = unknown_candidates(view, box) if category is None else known_candidates(view, category, box)
    fit = best_fit(candidates, view, seed)
    return ShapeFit(
        kind=fit.candidate.name if category is None else category.name,
        template=fit.candidate.name,
        parameters=fit.morph.deviation,
        outline=fit.candidate.outline,
        box=fit.box,
    )


def known_candidates(view: ObjectView, category: Category, box: FittedBox) -> list[Candidate]:
    """The templates of a category, after the bodies that the outline draws when it is turned.

    Where some are fine and others not, only those are tried that are what the mask is: IoU sees little of that.
    """
    templates = TEMPLATES[category.name]
    mixed = len({template.is_fine for template in templates}) > 1
    fine = mixed and is_fine(view.instance.mask)
    names = [
        recipe_name(category.name, k) for k, template in enumerate(templates) if not mixed or template.is_fine == fine
    ]
    known = [
        Candidate(
            template=template_of(name),
            box=box,
            name=name,
            handicap=0.0 if k == 0 else USUAL,
            prior=category.prior,
            absolute=not category.rests,
        )
        for k, name in enumerate(names)
    ]
    return [*_turned(view, category, box), *known]


def _turned(view: ObjectView, category: Category, box: FittedBox) -> list[Candidate]:
    if category.name not in TURNED:
        return []
    name = LAMP_LATHE if "lamp" in category.name else HOLLOW_LATHE if category.name in HOLLOW else LATHE
    return [
        Candidate(
            template=template_of(name, np.array(profile)),
            box=fitted,
            name=name,
            outline=np.array(profile),
            prior=category.prior,
            absolute=not category.rests,
        )
        for fitted, profile in turned_fits(view, box)
    ]
