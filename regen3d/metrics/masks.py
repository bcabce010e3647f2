"""How well found masks cover true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from regen3d.types import Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One found mask and the true one that it stands for."""

    found: int
    """Index of the found mask."""
    true: int
    """Index of the true mask."""
    iou: float
    """Intersection over union, in (0, 1]."""


def mask_iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks, 0..1; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def pairwise_mask_iou(found: Sequence[Mask], true: Sequence[Mask]) -> Float[np.ndarray, "f t"]:
    """Intersection over union of every found mask with every true one."""
    return np.array([[mask_iou(a, b) for b in true] for a in found]).reshape(len(found), len(true))


def match_masks(found: Sequence[Mask], true: Sequence[Mask], *, least_iou: float = 0.0) -> tuple[Match, ...]:
    """One-to-one matches of found and true masks with the greatest sum of IoU, in the order of the true masks.

    Args:
        found: masks of one picture.
        true: masks of the same picture.
        least_iou: pairs that overlap no more than this are no match.

    Source: Kuhn 1955 (Hungarian method), through `scipy.optimize.linear_sum_assignment`.
    """
    overlap = pairwise_mask_iou(found, true)
    pairs = zip(*linear_sum_assignment(overlap, maximize=True), strict=True)
    matches = (
        Match(found=int(i), true=int(j), iou=float(overlap[i, j])) for i, j in pairs if overlap[i, j] > least_iou
    )
    return tuple(sorted(matches, key=lambda match: match.true))
