"""Boxes that the user drew round objects."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, FiniteFloat, model_validator

from regen3d.errors import ConfigError
from regen3d.inputs.files import read_json
from regen3d.inputs.image import Picture
from regen3d.inputs.labels import clean_label

MAX_BOXES = 200
"""Most boxes of one scene."""

_TOLERANCE_PX = 1.0  # drawing tools round outwards; anything farther out is a mistake in size or order


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBox:
    """One object's box in the working picture."""

    label: str
    """What it is, in lower case."""
    box: tuple[float, float, float, float]
    """(x0, y0, x1, y1) in pixels of the working picture, end exclusive."""


class _Entry(BaseModel):
    label: str
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


class _Document(BaseModel):
    boxes: list[_Entry] = Field(min_length=1, max_length=MAX_BOXES)

    @model_validator(mode="before")
    @classmethod
    def _accept_bare_list(cls, content: Any) -> Any:
        return {"boxes": content} if isinstance(content, list) else content


def read_boxes(path: Path, picture: Picture) -> tuple[LabelledBox, ...]:
    """The boxes of a JSON file, in the order given.

    Args:
        path: `{"boxes": [{"label": "chair", "box": [x0, y0, x1, y1]}, ...]}` or the list alone, in pixels of the
            picture as given.
        picture: the picture in which they were drawn.

    Raises:
        ConfigError: the file is malformed, or a box is empty or lies outside the picture.
    """
    entries = read_json(path, _Document, "file of boxes").boxes
    return tuple(_to_working(entry, f"{path.name}: boxes[{i}]", picture) for i, entry in enumerate(entries))


def _to_working(entry: _Entry, source: str, picture: Picture) -> LabelledBox:
    x0, y0, x1, y1 = entry.box
    width, height = picture.given_wh
    found = f"[{x0:g}, {y0:g}, {x1:g}, {y1:g}]"
    if x1 <= x0 or y1 <= y0:
        raise ConfigError(f"{source}: the box {found} has no area; write [left, top, right, bottom] in pixels")
    if min(x0, y0) < -_TOLERANCE_PX or x1 > width + _TOLERANCE_PX or y1 > height + _TOLERANCE_PX:
        raise ConfigError(
            f"{source}: the box {found} reaches outside the picture of {width} x {height} pixels; "
            "write [left, top, right, bottom] in pixels of that picture"
        )
    factor_x, factor_y = picture.working_from_given
    left, right = max(x0, 0.0) * factor_x, min(x1, width) * factor_x
    top, bottom = max(y0, 0.0) * factor_y, min(y1, height) * factor_y
    if right - left < 1.0 or bottom - top < 1.0:
        raise ConfigError(f"{source}: the box {found} is less than one pixel wide or high; draw it round the object")
    return LabelledBox(label=clean_label(entry.label, source), box=(left, top, right, bottom))
