"""Masks of objects from boxes round them: GrabCut against the near surroundings, all objects competing.

Source: Rother et al. 2004, GrabCut; the surroundings that serve as background are a ring round the box instead of the
whole picture, so that the far side of the room does not blur the colour model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from models.segmentation.contest import colour_index, colour_shares, settle, storeys
from regen3d.types import Mask, Rgb

RING = 0.35
"""Width of the ring of background, as part of the box's sides: 0.2 to 0.5 give masks within 0.02 IoU."""
WORKING_SIDE = 256
"""Longest side of the crop in which is cut: 160 costs 0.015 IoU, 384 gains nothing, and time grows with the area."""
ITERATIONS = 4
"""Rounds of fitting colours and cutting; 8 change nothing."""
SLACK = 0.02
"""By how much of its sides a box may be too small."""
CORES = {"table": (0.5, 0.2, 0.3, 0.06), "desk": (0.5, 0.2, 0.3, 0.06), "plant": (0.5, 0.88, 0.08, 0.05)}
"""Label -> what surely belongs to such a thing: ellipse (x, y, radius x, radius y) in parts of its box. The middle of
a table's box is the floor behind its legs, that of a plant's box the wall behind its leaves."""
DEFAULT_CORE = (0.5, 0.5, 0.12, 0.12)
"""The same for all other labels."""
WIDE_CORE = (0.5, 0.5, 0.35, 0.35)
"""The same for a second try on a compact thing of which only a part was found."""
LEGS_FROM = {"table": 0.5, "desk": 0.5, "chair": 0.62}
"""Label -> part of the box's height below which a thing on legs begins as background, and so does, anywhere in the
box, what has the colours of the ring. Takes a coffee table from 0.60 to 0.95 IoU; 0.03 on average of all things."""
SPAN = 0.75
"""A mask whose bounds agree less than this (IoU) with the box is a part of the thing."""
EDGE = 8.0
"""Colour step (CIE Lab) at which an edge counts 1 - 1/e."""
SPECK = 0.1
"""Components below this part of the largest one are dropped."""
WHOLE = (0, 0, 1, 1)
"""The rectangle that OpenCV wants and does not read when it is given a trimap."""
COLLAPSED = 0.15
"""A mask below this part of its box is no answer."""
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
    boxes = [target.box for target in targets]
    levels = storeys([target.label for target in targets], boxes)
    settled = settle(image, [mask for mask, _ in cuts], boxes, levels)
    return [
        Cutout(mask=keep_large_components(mask), alone=int(claim.sum()), guessed=guessed)
        for mask, (claim, guessed) in zip(settled, cuts, strict=True)
    ]


def keep_large_components(mask: Mask) -> Mask:
    """A mask without its specks."""
    count, components, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = np.concatenate([[False], areas > SPECK * areas.max()])
    return large[np.asarray(components, dtype=np.int64)]


def rounded_box(box: Float[np.ndarray, " 4"], hw: tuple[int, int]) -> Mask:
    """The superellipse inscribed in a box."""
    centre, radii = (box[:2] + box[2:]) / 2, np.maximum((box[2:] - box[:2]) / 2, 0.5)
    x = np.abs((np.arange(hw[1]) + 0.5 - centre[0]) / radii[0]) ** SUPERELLIPSE
    y = np.abs((np.arange(hw[0]) + 0.5 - centre[1]) / radii[1]) ** SUPERELLIPSE
    return x[None, :] + y[:, None] <= 1.0


def _cut(image: Rgb, target: Target, seed: int) -> tuple[Mask, bool]:
    """The mask of one target as if there were no others, and whether it had to be guessed."""
    height, width = image.shape[:2]
    sides = np.tile(target.box[2:] - target.box[:2], 2)
    outward = np.array([-1.0, -1.0, 1.0, 1.0])
    limits = np.array([width, height, width, height])
    x0, y0, x1, y1 = np.clip(np.rint(target.box + RING * sides * outward), 0, limits).astype(int)
    crop = image[y0:y1, x0:x1]
    scale = min(1.0, WORKING_SIDE / max(crop.shape[:2]))
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    factors = np.tile(np.array(size) / crop.shape[1::-1], 2)
    box = (target.box + SLACK * sides * outward - [x0, y0, x0, y0]) * factors
    soft = cv2.resize(_best_cut(small, target.label, box, seed).astype(np.float32), crop.shape[1::-1])
    mask = np.zeros((height, width), dtype=bool)
    mask[y0:y1, x0:x1] = soft > 0.5
    if mask.sum() < COLLAPSED * sides[0] * sides[1]:
        return rounded_box(target.box, (height, width)), True
    return mask, False


def _best_cut(image: Rgb, label: str, box: Float[np.ndarray, " 4"], seed: int) -> Mask:
    """Cut a thing out of a small crop, from the starts that suit its label; the mask that fits best wins.

    A mask fits when its outline lies on edges of the picture and its bounds are those of the box.
    """
    core = CORES.get(label, DEFAULT_CORE)
    cuts = [keep_large_components(_grab(image, _trimap(image, box, core, LEGS_FROM.get(label)), seed))]
    if label in LEGS_FROM:
        cuts.append(keep_large_components(_grab(image, _trimap(image, box, core, None), seed)))
    elif label not in CORES and _span(cuts[0], box) < SPAN:
        cuts.append(keep_large_components(_grab(image, _trimap(image, box, WIDE_CORE, None), seed)))
    if len(cuts) == 1:
        return cuts[0]
    edges = _edges(image)
    return max(cuts, key=lambda mask: _span(mask, box) * _sharpness(mask, edges))


def _trimap(
    image: Rgb, box: Float[np.ndarray, " 4"], core: tuple[float, float, float, float], legs_from: float | None
) -> UInt8[np.ndarray, "h w"]:
    """Background outside the box, perhaps foreground in it, surely foreground in its core."""
    x, y = np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5
    inside = ((x > box[0]) & (x < box[2]))[None, :] & ((y > box[1]) & (y < box[3]))[:, None]
    u, v = (x - box[0]) / (box[2] - box[0]), (y - box[1]) / (box[3] - box[1])
    trimap = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if legs_from is not None:
        trimap[inside & ((v > legs_from)[:, None] | _looks_like_ring(image, inside))] = cv2.GC_PR_BGD
    sure = ((u - core[0]) / core[2])[None, :] ** 2 + ((v - core[1]) / core[3])[:, None] ** 2 < 1.0
    trimap[sure & inside] = cv2.GC_FGD
    return trimap


def _looks_like_ring(image: Rgb, inside: Mask) -> Mask:
    """Pixels whose colours have a greater share of the ring than of the box."""
    index = colour_index(image)
    ring, box = (colour_shares(index, part.astype(np.float64))[index] for part in (~inside, inside))
    return cv2.blur(ring / (ring + box + 1e-12), (3, 3)) > 0.5


def _grab(image: Rgb, trimap: UInt8[np.ndarray, "h w"], seed: int) -> Bool[np.ndarray, "h w"]:
    """Run GrabCut from a trimap, which needs both kinds of pixels: without background nothing is cut away."""
    labels = trimap.copy()
    background = (labels == cv2.GC_BGD) | (labels == cv2.GC_PR_BGD)
    if background.any() and not background.all():
        cv2.setRNGSeed(seed)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(np.ascontiguousarray(image), labels, WHOLE, *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def _edges(image: Rgb) -> Float[np.ndarray, "h w"]:
    """How much of an edge every pixel is, 0..1."""
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (3, 3), 0).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    kernel = np.ones((3, 3), dtype=np.uint8)
    steps = np.linalg.norm(cv2.dilate(lab, kernel) - cv2.erode(lab, kernel), axis=-1)
    return 1.0 - np.exp(-steps / EDGE)


def _sharpness(mask: Mask, edges: Float[np.ndarray, "h w"]) -> float:
    """Mean of the edges along the outline of a mask, 0..1; the border of the crop is no outline."""
    kernel = np.ones((3, 3), dtype=np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1).astype(bool)
    outline = mask & ~inner
    return float(edges[outline].mean()) if outline.any() else 0.0


def _span(mask: Mask, box: Float[np.ndarray, " 4"]) -> float:
    """IoU of the bounds of a mask with a box, 0..1."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return 0.0
    bounds = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)
    overlap = np.clip(np.minimum(bounds[2:], box[2:]) - np.maximum(bounds[:2], box[:2]), 0.0, None).prod()
    return float(overlap / ((bounds[2:] - bounds[:2]).prod() + (box[2:] - box[:2]).prod() - overlap))
