"""Which predicted object stands for which true one: a one-to-one matching with the greatest overlap."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from scipy.spatial import ConvexHull, QhullError

from regen3d.metrics.boxes import UprightBox
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
    """The upright box with the least footprint round points of a frame with +Y up.

    Where a box along the axes is hardly larger, it is taken: a round table has no yaw, and the chance of where its
    rim has corners would cost two equal ones up to 0.29 of their IoU.

    Args:
        points: one or more; where they have no extent, the box is a tenth of a millimetre thick.

    Source: Freeman and Shapira 1975: one side of the least rectangle lies along an edge of the convex hull.
    """
    corners = _footprint(points[:, [0, 2]])
    edges = np.roll(corners, -1, axis=0) - corners
    # A yaw turns the box's x axis to (cos, -sin) on the ground; the first one is along the axes.
    yaws = np.append(0.0, np.arctan2(-edges[:, 1], edges[:, 0]))
    own_x, own_z = np.stack([np.cos(yaws), -np.sin(yaws)]), np.stack([np.sin(yaws), np.cos(yaws)])
    along, across = corners @ own_x, corners @ own_z
    sides = np.maximum(np.stack([np.ptp(along, axis=0), np.ptp(across, axis=0)]), _THIN_M)
    areas = sides.prod(axis=0)
    best = 0 if areas[0] <= _HARDLY * areas.min() else int(np.argmin(areas))
    middle = [0.5 * float(axis[:, best].max() + axis[:, best].min()) for axis in (along, across)]
    x, z = middle[0] * own_x[:, best] + middle[1] * own_z[:, best]
    height = max(float(np.ptp(points[:, 1])), _THIN_M)
    return UprightBox(
        base=np.array([x, points[:, 1].min(), z]),
        size_m=np.array([sides[0, best], height, sides[1, best]]),
        yaw_rad=float(yaws[best]),
    )


def _footprint(ground: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "c 2"]:
    """Corners of the convex hull in order; both ends where the points lie on one line."""
    try:
        return ground[ConvexHull(ground).vertices]
    except (QhullError, ValueError):
        direction = np.linalg.svd(ground - ground.mean(axis=0), full_matrices=False)[2][0]
        reach = ground @ direction
        return ground[[int(np.argmin(reach)), int(np.argmax(reach))]]
