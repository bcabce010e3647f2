"""Masks of objects from boxes round them: GrabCut against the near surroundings, all objects competing.

Source: Rother et al. 2004, GrabCut; the surroundings that serve as background are a ring round the box instead of the
whole picture, so that the far side of the room does not blur the colour model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from regen3d.types import Mask, Rgb

RING = 0.35
"""Width of the ring of background, as part of the box's sides: 0.2 to 0.5 give masks within 0.02 IoU."""
WORKING_SIDE = 256
"""Longest side of the crop in which is cut; 160 costs 0.015 IoU, and time grows with the area."""
ITERATIONS = 4
"""Rounds of fitting colours and cutting; 8 change nothing."""
SLACK = 0.02
"""By how much of its sides a box may be too small."""
CORES = {"table": (0.5, 0.2, 0.3, 0.06), "desk": (0.5, 0.2, 0.3, 0.06), "plant": (0.5, 0.88, 0.08, 0.05)}
"""Label -> what surely belongs to such a thing: ellipse (x, y, radius x, radius y) in parts of its box. The middle of
a table's box is the floor behind its legs, that of a plant's box the wall behind its leaves."""
DEFAULT_CORE = (0.5, 0.5, 0.12, 0.12)
"""The same for all other labels."""
SPECK = 0.1
"""Components below this part of the largest one are dropped."""
COLLAPSED = 0.15
"""A mask below this part of its box is no answer."""
ON_TOP_INSIDE, ON_TOP_AREA = 0.75, 0.6
"""A box of which this much lies inside another one, and which is smaller than this part of it, stands on or before
the other thing."""
SUPERELLIPSE = 4.0
"""Exponent of the shape that stands in for a mask: between an ellipse (2) and the box (infinite)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be cut out."""

    label: str
    """What it is."""
    box: Float[np.ndarray, " 4"]
    """(x0, y0, x1, y1) in pixels, inside the picture, at least a pixel wide and high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """What was cut out."""

    mask: Mask
    """Visible pixels; those of different targets do not overlap."""
    alone: int
    """Number of pixels before those of nearer targets were taken away."""
    guessed: bool
    """Whether colours told nothing and the mask is a rounded box."""


def cut_out(image: Rgb, targets: Sequence[Target], seed: int) -> list[Cutout]:
    """Masks of all targets of a picture, in their order."""
    cuts = [_cut(image, target, seed) for target in targets]
    taken = np.zeros(image.shape[:2], dtype=bool)
    visible: dict[int, Mask] = {}
    for index in front_to_back([target.box for target in targets]):
        visible[index] = keep_large_components(cuts[index][0] & ~taken)
        taken |= visible[index]
    return [
        Cutout(mask=visible[index], alone=int(mask.sum()), guessed=guessed)
        for index, (mask, guessed) in enumerate(cuts)
    ]


def front_to_back(boxes: Sequence[Float[np.ndarray, " 4"]]) -> list[int]:
    """Indices of the boxes, nearest thing first.

    What stands on a thing comes before it; otherwise the nearer of two things on a floor reaches further down.
    """
    depth = [sum(_stands_on(box, other) for other in boxes) for box in boxes]
    return sorted(range(len(boxes)), key=lambda index: (-depth[index], -boxes[index][3], index))


def keep_large_components(mask: Mask) -> Mask:
    """A mask without its specks."""
    count, components, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = np.concatenate([[False], areas > SPECK * areas.max()])
    return large[components]


def rounded_box(box: Float[np.ndarray, " 4"], hw: tuple[int, int]) -> Mask:
    """The superellipse inscribed in a box."""
    centre, radii = (box[:2] + box[2:]) / 2, np.maximum((box[2:] - box[:2]) / 2, 0.5)
    x = np.abs((np.arange(hw[1]) + 0.5 - centre[0]) / radii[0]) ** SUPERELLIPSE
    y = np.abs((np.arange(hw[0]) + 0.5 - centre[1]) / radii[1]) ** SUPERELLIPSE
    return x[None, :] + y[:, None] <= 1.0


def _stands_on(box: Float[np.ndarray, " 4"], other: Float[np.ndarray, " 4"]) -> bool:
    overlap = np.clip(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0.0, None).prod()
    area = (box[2:] - box[:2]).prod()
    return bool(overlap > ON_TOP_INSIDE * area and area < ON_TOP_AREA * (other[2:] - other[:2]).prod())


def _cut(image: Rgb, target: Target, seed: int) -> tuple[Mask, bool]:
    """The mask of one target as if there were no others, and whether it had to be guessed."""
    height, width = image.shape[:2]
    sides = np.tile(target.box[2:] - target.box[:2], 2)
    outward = np.array([-1.0, -1.0, 1.0, 1.0])
    limits = np.array([width, height, width, height])
    x0, y0, x1, y1 = np.clip(np.rint(target.box + RING * sides * outward), 0, limits).astype(int)
    crop = image[y0:y1, x0:x1]
    scale = min(1.0, WORKING_SIDE / max(crop.shape[:2]))
    small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    factors = np.tile([small.shape[1] / crop.shape[1], small.shape[0] / crop.shape[0]], 2)
    box = (target.box + SLACK * sides * outward - [x0, y0, x0, y0]) * factors
    mask = np.zeros((height, width), dtype=bool)
    found = _grab(small, _trimap(small.shape[:2], box, CORES.get(target.label, DEFAULT_CORE)), seed)
    soft = cv2.resize(
        keep_large_components(found).astype(np.float32), crop.shape[1::-1], interpolation=cv2.INTER_LINEAR
    )
    mask[y0:y1, x0:x1] = soft > 0.5
    if mask.sum() < COLLAPSED * (target.box[2:] - target.box[:2]).prod():
        return rounded_box(target.box, (height, width)), True
    return mask, False


def _trimap(
    hw: tuple[int, int], box: Float[np.ndarray, " 4"], core: tuple[float, float, float, float]
) -> UInt8[np.ndarray, "h w"]:
    """Background outside the box, perhaps foreground in it, surely foreground in its core."""
    x, y = np.arange(hw[1]) + 0.5, np.arange(hw[0]) + 0.5
    inside = ((x > box[0]) & (x < box[2]))[None, :] & ((y > box[1]) & (y < box[3]))[:, None]
    sides = box[2:] - box[:2]
    u = (x - box[0]) / sides[0] - core[0]
    v = (y - box[1]) / sides[1] - core[1]
    sure = (u / core[2])[None, :] ** 2 + (v / core[3])[:, None] ** 2 < 1.0
    trimap = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    trimap[sure & inside] = cv2.GC_FGD
    return trimap


def _grab(image: Rgb, trimap: UInt8[np.ndarray, "h w"], seed: int) -> Bool[np.ndarray, "h w"]:
    """Run GrabCut from a trimap; without any background there is nothing to cut away."""
    if not (trimap == cv2.GC_BGD).any():
        return np.ones(trimap.shape, dtype=bool)
    cv2.setRNGSeed(seed)
    labels = trimap.copy()
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(image), labels, None, *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
