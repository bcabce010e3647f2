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
AIRY = frozenset({"plant"})
"""Labels of what the room shows through: there what looks like the room is the room. Takes a palm before a wall from
0.48 to 0.65 IoU; tables and chairs as pale as their wall would lose their tops."""
PLAIN, UNLIKE = 0.1, 0.5
"""What looks less, and what looks more unlike its room than this surely is, and surely is not the room."""
STRANGE = 0.25
"""What looks less unlike its room than this may be room. 0.5 loses the sofa that has the colours of a wall."""
NEARLY = 0.8
"""Bounds as good as this part of those of the other starts do for a start that knows the room's colours: a book as
white as the wall falls below. Mean IoU of 27 things rises from 0.80 to 0.86."""
SPECK = 0.1
"""Components below this part of the largest one are dropped."""
WHOLE = (0, 0, 1, 1)
"""The rectangle that OpenCV wants and does not read when it is given a trimap."""
BAND = 0.006
"""Half width of the band in which a rough outline may move, as part of the picture's longer side."""
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
    repeated: float
    """Largest share of the pixels that it would have alone that went to one other target."""
    guessed: bool
    """Whether colours told nothing and the mask is a rounded box."""


def cut_out(
    image: Rgb, targets: Sequence[Target], seed: int, strange: Float[np.ndarray, "h w"] | None = None
) -> list[Cutout]:
    """Masks of all targets of a picture, in their order.

    Args:
        image: the picture.
        targets: what to cut out.
        seed: for every random choice.
        strange: 0..1, how unlike its room every pixel looks; None where nothing is known of the room.
    """
    cuts = [_cut(image, target, seed, strange) for target in targets]
    boxes = [target.box for target in targets]
    levels = storeys([target.label for target in targets], boxes)
    settled = settle(image, [mask for mask, _ in cuts], boxes, levels)
    return [
        Cutout(mask=keep_large_components(mask), repeated=_largest_share(claim, settled, index), guessed=guessed)
        for index, (mask, (claim, guessed)) in enumerate(zip(settled, cuts, strict=True))
    ]


def _largest_share(claim: Mask, settled: Sequence[Mask], index: int) -> float:
    """The largest share of a claim that went to one other than its own target."""
    shares = (float((claim & mask).sum()) for other, mask in enumerate(settled) if other != index)
    return max(shares, default=0.0) / max(float(claim.sum()), 1.0)


def keep_large_components(mask: Mask) -> Mask:
    """A mask without its specks."""
    count, components, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = np.concatenate([[False], areas > SPECK * areas.max()])
    return large[np.asarray(components, dtype=np.int64)]


def outline_of(mask: Mask) -> Mask:
    """The outermost pixels of a mask; the border of the picture is no outline."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return mask & (inner == 0)


def snap(image: Rgb, mask: Mask, seed: int) -> Mask:
    """A rough mask whose outline is moved to edges nearby: GrabCut within a band along it."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    band = BAND * max(height, width)
    margin = int(3 * band) + 2
    y0, y1 = max(0, rows[0] - margin), min(height, rows[-1] + 1 + margin)
    x0, x1 = max(0, columns[0] - margin), min(width, columns[-1] + 1 + margin)
    inside = mask[y0:y1, x0:x1].astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    trimap = np.where(depth > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[depth > band], trimap[depth < -band] = cv2.GC_FGD, cv2.GC_BGD
    snapped = np.zeros_like(mask)
    snapped[y0:y1, x0:x1] = keep_large_components(grab(image[y0:y1, x0:x1], trimap, seed))
    return snapped if mask_agrees(snapped, mask) else mask


def mask_agrees(mask: Mask, other: Mask) -> bool:
    """Whether two masks show one thing: IoU of 0.7 and more."""
    return bool(np.count_nonzero(mask & other) >= 0.7 * np.count_nonzero(mask | other))


def rounded_box(box: Float[np.ndarray, " 4"], hw: tuple[int, int]) -> Mask:
    """The superellipse inscribed in a box."""
    centre, radii = (box[:2] + box[2:]) / 2, np.maximum((box[2:] - box[:2]) / 2, 0.5)
    x = np.abs((np.arange(hw[1]) + 0.5 - centre[0]) / radii[0]) ** SUPERELLIPSE
    y = np.abs((np.arange(hw[0]) + 0.5 - centre[1]) / radii[1]) ** SUPERELLIPSE
    return x[None, :] + y[:, None] <= 1.0


def _cut(image: Rgb, target: Target, seed: int, strange: Float[np.ndarray, "h w"] | None) -> tuple[Mask, bool]:
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
    odd = None if strange is None else cv2.resize(strange[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    soft = cv2.resize(_best_cut(small, target, box, seed, odd).astype(np.float32), crop.shape[1::-1])
    mask = np.zeros((height, width), dtype=bool)
    mask[y0:y1, x0:x1] = soft > 0.5
    if mask.sum() < COLLAPSED * sides[0] * sides[1]:
        return rounded_box(target.box, (height, width)), True
    return mask, False


def _best_cut(
    image: Rgb, target: Target, box: Float[np.ndarray, " 4"], seed: int, strange: Float[np.ndarray, "h w"] | None
) -> Mask:
    """Cut a thing out of a small crop, from the starts that suit its label; the mask that fits best wins.

    A mask fits when its outline lies on edges of the picture and its bounds are those of the box. One that knows the
    room's colours is preferred while its bounds are nearly as good as those of the others.
    """
    label, core = target.label, CORES.get(target.label, DEFAULT_CORE)

    def start(core: tuple[float, float, float, float], doubtful: Mask | None) -> Mask:
        return keep_large_components(grab(image, _trimap(image, box, core, doubtful), seed))

    cuts = [start(core, _below_seat(image, box, LEGS_FROM[label]) if label in LEGS_FROM else None)]
    if label in LEGS_FROM:
        cuts.append(start(core, None))
    elif label not in CORES and _span(cuts[0], box) < SPAN:
        cuts.append(start(WIDE_CORE, None))
    if strange is not None:
        informed = start(core, strange < STRANGE)
        if label in AIRY:
            airy = keep_large_components(grab(image, _airy_trimap(image, box, strange), seed))
            edges = edge_strength(image)
            informed = max(informed, airy, key=lambda mask: _span(mask, box) * sharpness(mask, edges))
        if _span(informed, box) >= NEARLY * max(_span(mask, box) for mask in cuts):
            return informed
    if len(cuts) == 1:
        return cuts[0]
    edges = edge_strength(image)
    return max(cuts, key=lambda mask: _span(mask, box) * sharpness(mask, edges))


def _trimap(
    image: Rgb, box: Float[np.ndarray, " 4"], core: tuple[float, float, float, float], doubtful: Mask | None
) -> UInt8[np.ndarray, "h w"]:
    """Background outside the box, perhaps foreground in it but for what is doubtful, surely foreground in its core."""
    u, v = _box_coordinates(image, box)
    inside = ((u > 0) & (u < 1))[None, :] & ((v > 0) & (v < 1))[:, None]
    trimap = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if doubtful is not None:
        trimap[inside & doubtful] = cv2.GC_PR_BGD
    sure = ((u - core[0]) / core[2])[None, :] ** 2 + ((v - core[1]) / core[3])[:, None] ** 2 < 1.0
    trimap[sure & inside] = cv2.GC_FGD
    return trimap


def _airy_trimap(
    image: Rgb, box: Float[np.ndarray, " 4"], strange: Float[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w"]:
    """Background where a few pixels all round look like the room, foreground where they do not."""
    u, v = _box_coordinates(image, box)
    inside = ((u > 0) & (u < 1))[None, :] & ((v > 0) & (v < 1))[:, None]
    trimap = np.where(inside & (strange > UNLIKE), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    odd = (inside & (strange > UNLIKE)).astype(np.uint8)
    trimap[cv2.erode(odd, np.ones((3, 3), np.uint8)) > 0] = cv2.GC_FGD
    plain = cv2.erode((strange < PLAIN).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    trimap[plain | ~inside] = cv2.GC_BGD
    return trimap


def _below_seat(image: Rgb, box: Float[np.ndarray, " 4"], legs_from: float) -> Mask:
    """What in the box of a thing on legs is perhaps no part of it: what is low down, or looks like the ring."""
    u, v = _box_coordinates(image, box)
    inside = ((u > 0) & (u < 1))[None, :] & ((v > 0) & (v < 1))[:, None]
    return (v > legs_from)[:, None] | _looks_like_ring(image, inside)


def _box_coordinates(
    image: Rgb, box: Float[np.ndarray, " 4"]
) -> tuple[Float[np.ndarray, " w"], Float[np.ndarray, " h"]]:
    """Columns and rows of a picture in parts of a box's sides."""
    x, y = np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5
    return (x - box[0]) / (box[2] - box[0]), (y - box[1]) / (box[3] - box[1])


def _looks_like_ring(image: Rgb, inside: Mask) -> Mask:
    """Pixels whose colours have a greater share of the ring than of the box."""
    index = colour_index(image)
    ring, box = (colour_shares(index, part.astype(np.float64))[index] for part in (~inside, inside))
    return cv2.blur(ring / (ring + box + 1e-12), (3, 3)) > 0.5


def grab(image: Rgb, trimap: UInt8[np.ndarray, "h w"], seed: int) -> Bool[np.ndarray, "h w"]:
    """Run GrabCut from a trimap, which needs both kinds of pixels: without background nothing is cut away."""
    labels = trimap.copy()
    background = (labels == cv2.GC_BGD) | (labels == cv2.GC_PR_BGD)
    if background.any() and not background.all():
        cv2.setRNGSeed(seed)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(np.ascontiguousarray(image), labels, WHOLE, *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def edge_strength(image: Rgb) -> Float[np.ndarray, "h w"]:
    """How much of an edge every pixel is, 0..1."""
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (3, 3), 0).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    kernel = np.ones((3, 3), dtype=np.uint8)
    steps = np.linalg.norm(cv2.dilate(lab, kernel) - cv2.erode(lab, kernel), axis=-1)
    return 1.0 - np.exp(-steps / EDGE)


def sharpness(mask: Mask, edges: Float[np.ndarray, "h w"]) -> float:
    """Mean of the edges along the outline of a mask, 0..1; the border of the crop is no outline."""
    outline = outline_of(mask)
    return float(edges[outline].mean()) if outline.any() else 0.0


def _span(mask: Mask, box: Float[np.ndarray, " 4"]) -> float:
    """IoU of the bounds of a mask with a box, 0..1."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return 0.0
    bounds = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)
    overlap = np.clip(np.minimum(bounds[2:], box[2:]) - np.maximum(bounds[:2], box[:2]), 0.0, None).prod()
    return float(overlap / ((bounds[2:] - bounds[:2]).prod() + (box[2:] - box[:2]).prod() - overlap))
