"""Who gets the pixels that the masks of several objects claim.

What stands on another thing gets them. Otherwise every pixel goes to the claimant whose colours it has more clearly,
and in whose box it lies more in the middle. What then hangs on its owner by a thin neck, and is claimed by others, is
theirs: the colours of two chairs are the same.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.ndimage import gaussian_filter

from regen3d.types import Mask, Rgb

COLOUR_BINS = (12, 24, 24)
"""Bins of L, a, b in which colours are compared."""
COLOUR_BLUR = 0.7
"""Blur of the histograms in bins: neighbouring bins speak for one another."""
LEAST_SHARE = 1e-2
"""Share of a colour that no pixel has; bounds what one colour can say."""
CENTRE_WEIGHT = 2.0
"""What lying in the middle of a box instead of on its edge counts, in units of log likelihood."""
NEARNESS_WEIGHT = 10.0
"""What a box counts that reaches further down by the picture's height: on a common floor, that thing is nearer."""
SIZE_WEIGHT = 1.0
"""What a box counts that is smaller by a factor e: a box that holds much else is often hidden by it."""
CONTESTED_WEIGHT = 0.5
"""What a contested pixel counts in the colours of a claimant."""
SMOOTHING = 7
"""Side in pixels of the window in which the majority decides at last: no confetti."""
NECK = 0.15
"""Width of a thin neck as part of the square root of a mask's area: 0.1 to 0.2 give the same masks."""
THEIRS = 0.9
"""Share of a part on a neck that others claim, from which on it is theirs."""
LEAST_PART = 0.02
"""Parts on a neck that are smaller than this share of the mask stay."""
FLOOR_STANDING = frozenset({"bed", "bench", "chair", "desk", "refrigerator", "sofa", "stove", "table", "toilet"})
"""Labels of what never stands on another thing, however its box lies."""
ON_TOP_INSIDE, ON_TOP_AREA = 0.75, 0.6
"""A box of which this much lies inside another one, and which is smaller than this part of it, stands on or before
the other thing."""


def colour_index(image: Rgb) -> Integer[np.ndarray, "h w"]:
    """Number of the colour bin of every pixel."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2Lab).astype(np.int64) * COLOUR_BINS // 256
    return (lab[..., 0] * COLOUR_BINS[1] + lab[..., 1]) * COLOUR_BINS[2] + lab[..., 2]


def colour_shares(index: Integer[np.ndarray, "h w"], weights: Float[np.ndarray, "h w"]) -> Float[np.ndarray, " n"]:
    """Share of every colour bin among pixels that count by their weights; sums to at most 1."""
    counts = np.bincount(index.ravel(), weights=weights.ravel(), minlength=int(np.prod(COLOUR_BINS)))
    return gaussian_filter(counts.reshape(COLOUR_BINS) / max(float(weights.sum()), 1.0), COLOUR_BLUR).ravel()


def storeys(labels: Sequence[str], boxes: Sequence[Float[np.ndarray, " 4"]]) -> list[int]:
    """On how many of the others each thing stands."""
    things = list(zip(labels, boxes, strict=True))
    return [sum(label not in FLOOR_STANDING and _lies_on(box, other) for _, other in things) for label, box in things]


def settle(
    image: Rgb, claims: Sequence[Mask], boxes: Sequence[Float[np.ndarray, " 4"]], levels: Sequence[int]
) -> list[Mask]:
    """Masks that do not overlap: every claimed pixel has one owner.

    Args:
        image: the picture.
        claims: mask of each object as if it were alone; they may overlap.
        boxes: (x0, y0, x1, y1) of each object in pixels.
        levels: on how many others each object stands; higher ones win.
    """
    if not claims:
        return []
    stack = np.stack(claims)
    highest = np.where(stack, np.asarray(levels)[:, None, None], -1).max(axis=0)
    stack &= np.asarray(levels)[:, None, None] == highest
    owner = _owners(image, stack, boxes)
    loose = np.stack([_on_necks(owner == index, np.delete(stack, index, 0).any(axis=0)) for index in range(len(stack))])
    if loose.any():
        owner = _owners(image, stack & ~loose, boxes)
    return [owner == index for index in range(len(stack))]


def _owners(
    image: Rgb, stack: Bool[np.ndarray, "k h w"], boxes: Sequence[Float[np.ndarray, " 4"]]
) -> Integer[np.ndarray, "h w"]:
    """The claimant that gets each pixel; -1 where there is none."""
    owner = np.where(stack.any(axis=0), stack.argmax(axis=0), -1)
    contested = stack.sum(axis=0) > 1
    if contested.any():
        owner[contested] = _most_likely(image, stack, boxes, contested)
        # Only contested pixels change, and only to an owner that claims them.
        votes = np.stack(
            [cv2.blur((owner == index).astype(np.float32), (SMOOTHING, SMOOTHING)) for index in range(len(stack))]
        )
        owner[contested] = np.where(stack, votes, -1.0).argmax(axis=0)[contested]
    return owner


def _on_necks(mask: Mask, claimed: Mask) -> Mask:
    """What of a mask hangs on its largest part by a thin neck and is claimed by others."""
    loose, area = np.zeros_like(mask), int(mask.sum())
    if (mask & claimed).sum() <= LEAST_PART * area:
        return loose
    radius = 0.5 * NECK * np.sqrt(area)
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    count, parts, stats, _ = cv2.connectedComponentsWithStats((depth > radius).astype(np.uint8))
    if count <= 2:
        return loose
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    for part in set(range(1, count)) - {largest}:
        whole = mask & (cv2.distanceTransform((parts != part).astype(np.uint8), cv2.DIST_L2, 5) <= radius + 1.0)
        if (whole & claimed).sum() >= THEIRS * whole.sum() and whole.sum() >= LEAST_PART * area:
            loose |= whole & claimed
    return loose


def _most_likely(
    image: Rgb, stack: Bool[np.ndarray, "k h w"], boxes: Sequence[Float[np.ndarray, " 4"]], contested: Mask
) -> Integer[np.ndarray, " n"]:
    """The claimant that fits each contested pixel best."""
    index = colour_index(image)
    rows, columns = np.nonzero(contested)
    points = np.stack([columns + 0.5, rows + 0.5], axis=-1)
    scores = np.full((len(stack), len(points)), -np.inf)
    for number, (claim, box) in enumerate(zip(stack, boxes, strict=True)):
        shares = colour_shares(index, np.where(contested, CONTESTED_WEIGHT, 1.0) * claim)
        radius = np.abs((points - (box[:2] + box[2:]) / 2) / np.maximum((box[2:] - box[:2]) / 2, 0.5)).max(axis=-1)
        fit = np.log(shares[index[contested]] + LEAST_SHARE) - CENTRE_WEIGHT * radius**2
        fit += NEARNESS_WEIGHT * box[3] / image.shape[0] - SIZE_WEIGHT * np.log((box[2:] - box[:2]).prod())
        scores[number] = np.where(claim[contested], fit, -np.inf)
    return scores.argmax(axis=0)


def _lies_on(box: Float[np.ndarray, " 4"], base: Float[np.ndarray, " 4"]) -> bool:
    overlap = np.clip(np.minimum(box[2:], base[2:]) - np.maximum(box[:2], base[:2]), 0.0, None).prod()
    area = (box[2:] - box[:2]).prod()
    return bool(overlap > ON_TOP_INSIDE * area and area < ON_TOP_AREA * (base[2:] - base[:2]).prod())
