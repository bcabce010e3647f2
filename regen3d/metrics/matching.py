"""Which predicted object stands for which true one: a one-to-one matching with the greatest overlap."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from regen3d.metrics.boxes import UprightBox, least_upright_box, upright_box
from regen3d.metrics.points import Points

Box = TypeVar("Box")

_HARDLY = 1.02
"""Footprints that are less than 2 % larger count as equal: a circle of 16 corners varies by as much."""

_THIN_M = 1e-4
"""Least side of a box: a picture on a wall may be a sheet, and sheets that coincide should overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Predicted and true objects of one scene, by index; every index occurs once."""

    pairs: tuple[tuple[int, int], ...]
    """(predicted, true), in the order of the true ones."""
    missing: tuple[int, ...]
    """True objects that no predicted one stands for."""
    extra: tuple[int, ...]
    """Predicted objects that stand for no true one."""

    @property
    def predicted_of(self) -> dict[int, int]:
        """True index to predicted index, for those that were found."""
        return {true: predicted for predicted, true in self.pairs}


def match(overlap: Float[np.ndarray, "p t"], least: float = 0.0) -> Matching:
    """The one-to-one matching with the greatest sum of overlaps.

    Args:
        overlap: of each predicted object (row) with each true one (column): box IoU, mask IoU, anything of which more
            is better.
        least: pairs that overlap no more than this are no match: both count as missing and extra.

    Source: Kuhn 1955 (Hungarian method), through `scipy.optimize.linear_sum_assignment`.
    """
    predicted_count, true_count = overlap.shape
    # What is no match must not win a place by its number: it weighs nothing.
    weights = np.where(overlap > least, overlap, 0.0)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    pairs = sorted(
        ((int(i), int(j)) for i, j in zip(rows, columns, strict=True) if overlap[i, j] > least),
        key=lambda pair: pair[1],
    )
    return Matching(
        pairs=tuple(pairs),
        missing=tuple(sorted(set(range(true_count)) - {j for _, j in pairs})),
        extra=tuple(sorted(set(range(predicted_count)) - {i for i, _ in pairs})),
    )


def pairwise(
    overlap: Callable[[Box, Box], float], predicted: Sequence[Box], true: Sequence[Box]
) -> Float[np.ndarray, "p t"]:
    """The overlap of each predicted box with each true one, as `regen3d.metrics.boxes` measures it."""
    values = np.zeros((len(predicted), len(true)))
    for i, a in enumerate(predicted):
        values[i] = [overlap(a, b) for b in true]
    return values


def upright_box_around(points: Points) -> UprightBox:
    """The upright box with the least footprint round points of a frame with +Y up, never without volume.

    Where a box along the axes is hardly larger, it is taken: a round table has no yaw, and the chance of where its
    rim has corners would cost two equal ones up to 0.29 of their IoU.
    """
    least, level = least_upright_box(points), upright_box(points, 0.0)
    box = level if _footprint(level) <= _HARDLY * _footprint(least) else least
    return replace(box, size_m=np.maximum(box.size_m, _THIN_M))


def _footprint(box: UprightBox) -> float:
    return float(box.size_m[0] * box.size_m[2])
