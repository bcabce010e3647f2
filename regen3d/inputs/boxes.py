"""What the user drew to say where objects are: a box round each, points on it, or its outline as a polygon."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, Field, FiniteFloat, model_validator

from regen3d.errors import ConfigError
from regen3d.inputs.files import read_json
from regen3d.inputs.image import Picture
from regen3d.inputs.labels import clean_label

MAX_BOXES = 200
"""Most objects of one scene."""
MAX_POINTS = 100
"""Most points of one object; a few are enough, and more are a polygon."""
MAX_CORNERS = 2000
"""Most corners of a polygon."""

_TOLERANCE_PX = 1.0  # drawing tools round outwards; anything farther out is a mistake in size or order


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBox:
    """One object's box in the working picture."""

    label: str
    """What it is, in lower case."""
    box: tuple[float, float, float, float]
    """(x0, y0, x1, y1) in pixels of the working picture, end exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPoints:
    """Points on one object, and points beside it, in the working picture."""

    label: str
    """What it is, in lower case."""
    points: tuple[tuple[float, float], ...]
    """(x, y) in pixels of the working picture, on the object; at least one."""
    outside: tuple[tuple[float, float], ...]
    """The same beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPolygon:
    """The outline of one object in the working picture."""

    label: str
    """What it is, in lower case."""
    corners: Float[np.ndarray, "n 2"]
    """(x, y) in pixels of the working picture, in order; the last one joins the first."""


Mark = LabelledBox | LabelledPoints | LabelledPolygon
"""How one object is marked."""

_Point = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]


class _Entry(BaseModel):
    label: str
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None
    points: list[_Point] | None = Field(default=None, min_length=1, max_length=MAX_POINTS)
    outside: list[_Point] = Field(default=[], max_length=MAX_POINTS)
    polygon: list[_Point] | None = Field(default=None, min_length=3, max_length=MAX_CORNERS)

    @model_validator(mode="after")
    def _marked_once(self) -> "_Entry":
        if sum(mark is not None for mark in (self.box, self.points, self.polygon)) != 1:
            raise ValueError("an object is marked by one of 'box', 'points' and 'polygon'")
        if self.outside and self.points is None:
            raise ValueError("'outside' goes with 'points'")
        return self


class _Document(BaseModel):
    boxes: list[_Entry] = Field(min_length=1, max_length=MAX_BOXES)

    @model_validator(mode="before")
    @classmethod
    def _accept_bare_list(cls, content: Any) -> Any:
        return {"boxes": content} if isinstance(content, list) else content


def read_boxes(path: Path, picture: Picture) -> tuple[Mark, ...]:
    """The marks of a JSON file, in the order given.

    Args:
        path: `{"boxes": [{"label": "chair", "box": [x0, y0, x1, y1]}, ...]}` or the list alone, in pixels of the
            picture as given; in place of `box` an entry may have `points` (and `outside`) or `polygon`.
        picture: the picture in which they were drawn.

    Raises:
        ConfigError: the file is malformed, or a mark is empty or lies outside the picture.
    """
    entries = read_json(path, _Document, "file of boxes").boxes
    return tuple(_to_working(entry, f"{path.name}: boxes[{i}]", picture) for i, entry in enumerate(entries))


def _to_working(entry: _Entry, source: str, picture: Picture) -> Mark:
    label = clean_label(entry.label, source)
    if entry.box is not None:
        return LabelledBox(label=label, box=_box(entry.box, source, picture))
    if entry.polygon is not None:
        corners = np.array([_point(point, source, picture) for point in entry.polygon])
        if not covers_a_pixel(corners):
            raise ConfigError(f"{source}: the polygon has no area; list its corners in order, in pixels")
        return LabelledPolygon(label=label, corners=corners)
    points, outside = (
        tuple(_point(point, source, picture) for point in given) for given in (entry.points or [], entry.outside)
    )
    if set(points) & set(outside):
        raise ConfigError(f"{source}: a point is in 'points' and in 'outside'; leave it in one of them")
    return LabelledPoints(label=label, points=points, outside=outside)


def covers_a_pixel(corners: Float[np.ndarray, "n 2"]) -> bool:
    """Whether a polygon has an area of a pixel or more (Gauss's formula)."""
    x, y = corners.T
    return bool(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2 >= 1.0)


def _point(point: list[float], source: str, picture: Picture) -> tuple[float, float]:
    (x, y), (width, height) = point, picture.given_wh
    if min(x, y) < -_TOLERANCE_PX or x > width + _TOLERANCE_PX or y > height + _TOLERANCE_PX:
        raise ConfigError(
            f"{source}: the point [{x:g}, {y:g}] lies outside the picture of {width} x {height} pixels; "
            "write [x, y] in pixels of that picture"
        )
    factor_x, factor_y = picture.working_from_given
    return float(np.clip(x, 0.0, width)) * factor_x, float(np.clip(y, 0.0, height)) * factor_y


def _box(box: tuple[float, float, float, float], source: str, picture: Picture) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
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
    return left, top, right, bottom
