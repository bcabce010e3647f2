"""Masks that rival for the pixels of a picture: found twice, parts of another, one on top of another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float

from models.segmentation.vocabulary import PARTS
from regen3d.types import Mask

SPECK = 0.05
"""Components below this part of the largest one are specks: SAM leaves crumbs of 1 to 3 % along busy edges."""
HOLE = 0.002
"""Holes below this part of a mask are closed; larger ones may show what is behind, or what stands before."""
INSIDE = 0.8
"""A mask of which this part lies in a larger one is on it or a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that may become an instance."""

    label: str
    """What it is, in lower case."""
    score: float
    """Confidence in 0..1."""
    mask: Mask
    """Its pixels."""
    centre: tuple[float, float]
    """Middle (x, y) of the box it came from, pixels."""

    @property
    def area(self) -> int:
        """Number of its pixels."""
        return int(self.mask.sum())


def tidy_mask(mask: Mask) -> Mask:
    """A mask without specks and pinholes."""
    return ~_without_small(~_without_small(mask, SPECK, of_largest=True), HOLE * float(mask.sum()))


def overlaps(masks: Bool[np.ndarray, "n h w"]) -> Float[np.ndarray, "n n"]:
    """Number of common pixels of each two masks."""
    flat = masks.reshape(len(masks), masks.shape[1] * masks.shape[2]).astype(np.float32)
    # Sums of ones are exact in single precision up to 2^24 pixels; larger pictures err by parts in ten million.
    return (flat @ flat.T).astype(np.float64)


def suppress(candidates: Sequence[Candidate], same: float, across: float) -> list[Candidate]:
    """Non-maximum suppression on masks: of two that show one thing the more certain stays.

    Args:
        candidates: in any order.
        same: IoU above which two of one label are one thing.
        across: the same for two labels; higher, since a cushion may well fill its chair.

    Returns:
        What stays, best first.
    """
    ordered = best_first(candidates)
    if not ordered:
        return []
    common = overlaps(_stack(ordered))
    areas = np.diag(common)
    iou = common / np.maximum(areas[:, None] + areas[None, :] - common, 1.0)
    kept: list[int] = []
    for index, item in enumerate(ordered):
        limits = [same if ordered[other].label == item.label else across for other in kept]
        if all(iou[index, other] <= limit for other, limit in zip(kept, limits, strict=True)):
            kept.append(index)
    return [ordered[index] for index in kept]


def merge_parts(candidates: Sequence[Candidate], least: float) -> list[Candidate]:
    """Give tiny things, and known parts of a thing, to the thing in which they lie; drop tiny ones that lie in none.

    Args:
        candidates: in any order.
        least: area in pixels below which a thing is tiny.

    Returns:
        What stays, largest first; its masks cover those of its parts.
    """
    ordered = sorted(candidates, key=lambda item: (-item.area, -item.score, item.label))
    kept: list[Candidate] = []
    for item in ordered:
        owner = _owner(item, kept, least)
        if owner is not None:
            kept[owner] = replace(kept[owner], mask=kept[owner].mask | item.mask)
        elif item.area >= least:
            kept.append(item)
    return kept


def make_disjoint(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Give every pixel to one mask: to what lies on the other, else to the more certain.

    The union of all masks stays the same, and so does the order; a mask may be left empty.
    """
    if not candidates:
        return []
    common = overlaps(_stack(candidates))
    areas = np.diag(common)
    # on[i, j]: i lies on j. A strictly smaller area makes the relation free of circles.
    on = (common >= INSIDE * np.maximum(areas[:, None], 1.0)) & (areas[:, None] < areas[None, :])
    waiting = sorted(range(len(candidates)), key=lambda index: _precedence(candidates[index]))
    taken = np.zeros_like(candidates[0].mask)
    shared = list(candidates)
    while waiting:
        first = next(index for index in waiting if not on[waiting, index].any())
        waiting.remove(first)
        shared[first] = replace(candidates[first], mask=candidates[first].mask & ~taken)
        taken = taken | candidates[first].mask
    return shared


def best_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """By score; ties by size, label and place, so that the order of detection does not matter."""
    return sorted(candidates, key=_precedence)


def _precedence(item: Candidate) -> tuple[float, int, str, tuple[float, float]]:
    return -item.score, -item.area, item.label, item.centre


def _stack(candidates: Sequence[Candidate]) -> Bool[np.ndarray, "n h w"]:
    return np.stack([item.mask for item in candidates])


def _owner(item: Candidate, larger: Sequence[Candidate], least: float) -> int | None:
    """Number of the thing of which an item is a part: the smallest in which it lies."""
    area = item.area
    for index in sorted(range(len(larger)), key=lambda i: larger[i].area):
        other = larger[index]
        is_part = item.label == other.label or item.label in PARTS.get(other.label, ()) or area < least
        if is_part and (item.mask & other.mask).sum() >= INSIDE * max(1, area):
            return index
    return None


def _without_small(mask: Mask, limit: float, *, of_largest: bool = False) -> Mask:
    """A mask without components below a number of pixels, or below a part of its largest one."""
    count, components, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    least = limit * areas.max() if of_largest else limit
    large = np.concatenate([[False], areas >= least])
    return large[np.asarray(components, dtype=np.int64)]
