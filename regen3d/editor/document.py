"""What the page hands back, checked before anything of it is kept."""

import base64
import binascii

import numpy as np
from jaxtyping import UInt8
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from regen3d.corrections import CorrectedObject
from regen3d.editor.scene import MOST_OBJECTS
from regen3d.errors import ConfigError
from regen3d.inputs.files import validate
from regen3d.inputs.labels import clean_label
from regen3d.inputs.names import is_safe_name
from regen3d.inputs.supports import check_supports
from regen3d.types import Mask

SOURCE = "the editor"
"""What errors name."""

MOST_POINTS = 200
"""Points of one question."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Object(_Form):
    id: int = Field(ge=1, le=255)
    name: str = Field(max_length=200)
    label: str = Field(max_length=200)
    support: str | None = Field(default=None, max_length=200)


class _Saved(_Form):
    objects: list[_Object] = Field(min_length=1, max_length=MOST_OBJECTS)
    index: str
    rebuild: bool


class Question(_Form):
    """Where an object is, by points or by a box."""

    label: str = Field(max_length=200)
    """What it is."""
    on: list[tuple[FiniteFloat, FiniteFloat]] = Field(default_factory=list, max_length=MOST_POINTS)
    """(x, y) on the object, pixels."""
    beside: list[tuple[FiniteFloat, FiniteFloat]] = Field(default_factory=list, max_length=MOST_POINTS)
    """The same beside it."""
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None
    """(x0, y0, x1, y1) round it."""
    mask: str
    """What is known of it, a bit a pixel in base64."""
    others: str
    """The same of all other objects."""


def read_saved(content: object, hw: tuple[int, int]) -> tuple[list[CorrectedObject], UInt8[np.ndarray, "h w"], bool]:
    """Objects, index picture, and whether the scene is to be rebuilt.

    Raises:
        ConfigError: the masks have another size than the picture, or something else cannot be used.
    """
    form = validate(content, _Saved, SOURCE)
    index = np.frombuffer(_bytes(form.index, hw[0] * hw[1], hw), dtype=np.uint8).reshape(hw)
    objects = [
        CorrectedObject(id=item.id, name=item.name, label=clean_label(item.label, SOURCE), support=item.support or None)
        for item in form.objects
    ]
    _check(objects, index)
    return objects, index, form.rebuild


def read_question(content: object, hw: tuple[int, int]) -> tuple[Question, Mask, Mask]:
    """A question with the masks of its object and of all others.

    Raises:
        ConfigError: a point lies outside the picture, or something else cannot be used.
    """
    form = validate(content, Question, SOURCE)
    height, width = hw
    for x, y in [*form.on, *form.beside]:
        if not (0 <= x <= width and 0 <= y <= height):
            raise ConfigError(f"{SOURCE}: the point ({x:g}, {y:g}) is outside the picture of {width} x {height} pixels")
    if form.box is not None and not (form.box[0] < form.box[2] and form.box[1] < form.box[3]):
        raise ConfigError(f"{SOURCE}: the box has no inside; draw it from one corner to the other")
    if form.box is None and not (form.on or form.beside):
        raise ConfigError(f"{SOURCE}: nothing is pointed at; give a point or a box")
    return form, _bits(form.mask, hw), _bits(form.others, hw)


def pack(mask: Mask) -> str:
    """A mask as the page reads it: a bit a pixel, in base64."""
    return base64.b64encode(np.packbits(mask).tobytes()).decode("ascii")


def _bits(text: str, hw: tuple[int, int]) -> Mask:
    count = hw[0] * hw[1]
    packed = np.frombuffer(_bytes(text, (count + 7) // 8, hw), dtype=np.uint8)
    return np.unpackbits(packed, count=count).astype(bool).reshape(hw)


def _bytes(text: str, expected: int, hw: tuple[int, int]) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"{SOURCE}: the masks are damaged ({error}); reload the page and try again") from error
    if len(content) != expected:
        raise ConfigError(
            f"{SOURCE}: the masks have {len(content)} bytes, those of a picture of {hw[1]} x {hw[0]} pixels have "
            f"{expected}; reload the page, it may show another scene"
        )
    return content


def _check(objects: list[CorrectedObject], index: UInt8[np.ndarray, "h w"]) -> None:
    names, ids = [item.name for item in objects], [item.id for item in objects]
    for item in objects:
        if not is_safe_name(item.name):
            raise ConfigError(f"{SOURCE}: {item.name[:40]!r} cannot be a name; use lower-case letters, digits, hyphens")
        if names.count(item.name) > 1 or ids.count(item.id) > 1:
            raise ConfigError(f"{SOURCE}: two objects are called '{item.name}' or have one number; rename one of them")
    numbers = {int(number) for number in np.unique(index)} - {0}
    if numbers - set(ids):
        raise ConfigError(f"{SOURCE}: the masks have an object that the list lacks; reload the page and try again")
    for item in objects:
        if item.id not in numbers:
            raise ConfigError(f"{SOURCE}: '{item.name}' has no pixel; paint it or delete it")
    given = {item.name: item.support for item in objects if item.support is not None}
    check_supports(given, names, SOURCE)
