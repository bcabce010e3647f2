"""A length that the user knows: `--scale NAME:DIMENSION=METRES`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard, get_args

from regen3d.errors import ConfigError
from regen3d.inputs.names import is_safe_name

Dimension = Literal["width", "height", "depth"]
"""Along the object's own axes: x, y, z."""
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
"""In the order of sizes."""
LEAST_M, GREATEST_M = 0.05, 10.0
"""What is shorter cannot be measured in a picture of a room, what is longer is no furniture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLength:
    """How wide, high or deep one object is."""

    name: str
    """The object."""
    dimension: Dimension
    """Which of its sizes."""
    metres: float
    """How long that is."""


def parse_length(text: str) -> KnownLength:
    """The length in `table-1:height=0.74`.

    Raises:
        ConfigError: the text has another form, or the length is that of no furniture.
    """
    place, equals, number = text.partition("=")
    name, colon, dimension = place.rpartition(":")
    if not (equals and colon and is_safe_name(name)):
        raise ConfigError(
            f"--scale takes NAME:DIMENSION=METRES, found '{text[:60]}'; write for example table-1:height=0.74"
        )
    if not _is_dimension(dimension):
        raise ConfigError(f"--scale knows no '{dimension[:30]}'; choose one of {', '.join(DIMENSIONS)}")
    try:
        metres = float(number)
    except ValueError:
        metres = float("nan")
    if not LEAST_M <= metres <= GREATEST_M:
        raise ConfigError(
            f"--scale takes metres from {LEAST_M:g} to {GREATEST_M:g}, found '{number[:30]}'; "
            "write the length as a number, as in 0.74"
        )
    return KnownLength(name=name, dimension=dimension, metres=metres)


def _is_dimension(word: str) -> TypeGuard[Dimension]:
    return word in DIMENSIONS


def check_measured(length: KnownLength, objects: Sequence[str]) -> None:
    """Make sure that the object whose length is known is there.

    Raises:
        ConfigError: it is not.
    """
    if length.name not in objects:
        found = ", ".join(objects) or "none"
        raise ConfigError(f"--scale names '{length.name}', which is no object of this scene; name one of {found}")
