"""What the editor asks of a model: the outline of one object, from points and boxes."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from regen3d.types import Mask, Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Where an object is, as somebody showed it."""

    image: Rgb
    """The picture."""
    label: str
    """What it is."""
    on: tuple[tuple[float, float], ...]
    """(x, y) on the object, pixels."""
    beside: tuple[tuple[float, float], ...]
    """The same beside it."""
    box: tuple[float, float, float, float] | None
    """(x0, y0, x1, y1) round it, pixels."""
    mask: Mask
    """What is known of it; empty for a new object."""
    others: Mask
    """Pixels of all other objects."""


@runtime_checkable
class Cutter(Protocol):
    """Cuts out what was marked."""

    name: str
    """What the page calls it: `GrabCut`, `SAM`."""

    def cut(self, marks: Marks) -> Mask:
        """The whole mask of the object: holds every point on it, none beside it."""
        ...
