"""A way of building a category of furniture, and what the picture may change about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from models.assets.primitives import Part, Point

Size = Point
"""Width, height and depth in metres."""
Range = tuple[float, float, float]
"""Least, usual and greatest value of a parameter."""

SLACK = 1e-9
"""By which rounding may carry a parameter over its bounds."""
REACH = 2.0
"""Deviation at which a parameter reaches its bound: about the range of one in twenty pieces sold."""


def form_of(ranges: Mapping[str, Range], given: Mapping[str, float]) -> dict[str, float]:
    """The parameters of a builder: those given, the others as usual.

    Raises:
        KeyError: one is given that the builder does not have.
        ValueError: one is beyond its bounds.
    """
    unknown = set(given) - set(ranges)
    if unknown:
        raise KeyError(f"no parameter {', '.join(sorted(unknown))}: there are {', '.join(ranges)}")
    for name, value in given.items():
        low, _, high = ranges[name]
        if not low - SLACK <= value <= high + SLACK:
            raise ValueError(f"parameter {name} is {value}: it goes from {low} to {high}")
    return {name: usual for name, (_, usual, _) in ranges.items()} | dict(given)


@dataclass(frozen=True, slots=True)
class Template:
    """A builder and the ranges of those of its parameters that a silhouette can tell."""

    build: Callable[..., list[Part]]
    """Takes the overall size and the parameters by name; gives closed parts in the object frame."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """Parameter -> bounds and usual value."""
    is_round: bool = False
    """Whether it looks the same from all sides."""
    is_fine: bool = False
    """Whether its silhouette is mostly strands, such as the leaflets of a palm."""

    def __call__(self, size: Size, deviation: Float[np.ndarray, " k"] | None = None) -> list[Part]:
        """The parts for a size in metres; see `values` for the deviation."""
        return self.build(size, **self.values(deviation))

    def values(self, deviation: Float[np.ndarray, " k"] | None = None) -> dict[str, float]:
        """Parameters that deviate from the usual: 0 is usual, +-`REACH` and beyond are the bounds."""
        found = np.zeros(len(self.ranges)) if deviation is None else np.clip(deviation / REACH, -1.0, 1.0)
        return {
            name: usual + float(way) * (high - usual if way > 0 else usual - low)
            for way, (name, (low, usual, high)) in zip(found, self.ranges.items(), strict=True)
        }
