"""Names of templates, under which a fit is handed on and built again without a search."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from jaxtyping import Float

from models.assets.furniture.inflated import inflated
from models.assets.furniture.registry import TEMPLATES
from models.assets.furniture.storage import plain_box
from models.assets.furniture.template import Template
from models.assets.furniture.turned import Profile, turned, turned_lamp
from models.assets.solid import Surface, join
from regen3d.errors import ModelOutputError
from regen3d.types import ShapeFit

BOX, LATHE, HOLLOW_LATHE, LAMP_LATHE, INFLATED = "box", "lathe", "hollow lathe", "lamp lathe", "inflated outline"
"""Templates of no category; all but the box are drawn by an outline."""

Outline = Float[np.ndarray, "rows columns"]
"""A profile, (radius, height) a row, for what is turned; a mask of zeros and ones for what is blown up."""


def recipe_name(category: str, index: int) -> str:
    """The name of a template of a category."""
    return f"{category}/{index}"


def template_of(name: str, outline: Outline | None = None) -> Template:
    """The template that a name means.

    Args:
        name: as `recipe_name` gives it, or one of the names of this module.
        outline: what draws it, for templates that are drawn.

    Raises:
        ModelOutputError: there is no such template, or its outline is missing.
    """
    if name == BOX:
        return Template(plain_box)
    if name in _DRAWN and outline is not None:
        return _DRAWN[name](outline)
    category, _, index = name.rpartition("/")
    templates = TEMPLATES.get(category, ())
    if not index.isdecimal() or int(index) >= len(templates):
        raise ModelOutputError(
            f"the completion was fitted with '{name}', which is no template"
            f"{' without an outline' if name in _DRAWN else ''}: complete the object again, or leave its fit out"
        )
    return templates[int(index)]


def surface_from(fit: ShapeFit) -> Surface:
    """The surface that was fitted, in the object frame, metres.

    Raises:
        InvalidMeshError: a size is zero or not finite.
        ModelOutputError: the template is not known, or has another number of parameters.
    """
    template = template_of(fit.template, fit.outline)
    if len(fit.parameters) != len(template.ranges):
        raise ModelOutputError(
            f"the completion was fitted with {len(fit.parameters)} parameters of '{fit.template}', which has "
            f"{len(template.ranges)}: complete the object again, or leave its fit out"
        )
    width, height, depth = (float(side) for side in fit.box.size_m)
    return join(template((width, height, depth), fit.parameters), fit.box.size_m)


def _profile(outline: Outline) -> Profile:
    return tuple((float(radius), float(height)) for radius, height in outline)


_DRAWN: Mapping[str, Callable[[Outline], Template]] = {
    LATHE: lambda outline: Template(partial(turned, profile=_profile(outline)), is_round=True),
    HOLLOW_LATHE: lambda outline: Template(partial(turned, profile=_profile(outline), hollow=True), is_round=True),
    LAMP_LATHE: lambda outline: Template(partial(turned_lamp, profile=_profile(outline)), is_round=True),
    INFLATED: lambda outline: Template(partial(inflated, outline=outline > 0.5)),
}
