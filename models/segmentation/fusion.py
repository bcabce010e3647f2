"""Many looks of small detectors at one picture, fused into few trustworthy boxes.

Each detector sees the whole picture (stretched, fitted in, mirrored) and overlapping tiles of it (for small things).
A thing counts as much as the looks that could have seen it agree: noise rarely repeats itself in a mirrored picture.
On 59 things of five rendered rooms both detectors together find 25 with the right label and one false one; NanoDet
alone finds 22 with two to four false ones, the SSD alone 11 without one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Integer

from models.segmentation.detection import Detector
from models.segmentation.vocabulary import DEFAULT_THRESHOLD, GAINS, LABELS, PARTS, THRESHOLDS
from regen3d.types import Rgb

LONGEST_SIDE = 1280
"""Pixels of the longer side at which pictures are looked at: a tile then has twice the detectors' resolution."""
TILE = 0.66
"""Side of a tile as part of the picture's shorter side."""
LEAST_TILE = 0.25
"""The same as part of its longer side, which bounds the number of tiles of a panorama."""
TILE_STEP = 0.75
"""Distance of tiles as part of their side. Steps of 0.5, and mirrored tiles, find one thing in 59 more for three times
the work."""
TILE_LIMIT = 0.7
"""Longest side of a thing as part of a tile's: what is longer is left to looks at the whole picture."""
TILE_MARGIN = 0.02
"""What comes nearer to the inner border of a tile, as part of its side, is taken to be cut off by it."""
FAINTEST = 0.1
"""Least score that takes part in the fusion."""
SAME = 0.55
"""Least IoU of two sightings of one thing."""
INSIDE = 0.75
"""Part of a box that lies in another one from which on it may be a part of that thing."""
SMALLEST = 0.0009
"""Least area of a box as part of the picture: 25 x 25 pixels of 960 x 720. Below are backs of books and noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One way of looking at the picture."""

    detector: int
    """Which detector looks."""
    window: tuple[int, int, int, int]
    """What it looks at: (x0, y0, x1, y1) in pixels, end exclusive."""
    mirrored: bool
    """Whether left and right are exchanged."""
    letterbox: bool
    """Whether the window is fitted into the detector's square instead of stretched to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What all looks saw of one label."""

    boxes: Float[np.ndarray, "n 4"]
    """(x0, y0, x1, y1) in pixels."""
    scores: Float[np.ndarray, " n"]
    """Confidence in 0..1."""
    looks: Integer[np.ndarray, " n"]
    """Number of the look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A thing that was found."""

    label: str
    """What it is."""
    score: float
    """Confidence in 0..1."""
    box: Float[np.ndarray, " 4"]
    """(x0, y0, x1, y1) in pixels."""


def detect(image: Rgb, detectors: Sequence[Detector], labels: frozenset[str]) -> list[Detection]:
    """The things with one of the labels, most certain first; no two of them are the same thing."""
    if not labels:
        return []
    scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else image
    looks = plan_looks(size, len(detectors))
    seen = _look(small, detectors, looks)
    found = [item for label in sorted(labels & set(seen)) for item in fuse(label, seen[label], looks, size)]
    certain = [item for item in found if item.score >= THRESHOLDS.get(item.label, DEFAULT_THRESHOLD)]
    factors = np.array([image.shape[1] / size[0], image.shape[0] / size[1]] * 2)
    return [Detection(label=item.label, score=item.score, box=item.box * factors) for item in drop_repeats(certain)]


def plan_looks(wh: tuple[int, int], detectors: int) -> list[Look]:
    """The looks at a picture of a given size: at the whole (stretched, fitted in, mirrored), then at tiles of it."""
    side = max(TILE * min(wh), LEAST_TILE * max(wh))
    sizes = [max(1, int(min(side, length))) for length in wh]
    counts = [int(np.ceil((length - size) / (TILE_STEP * size))) + 1 for length, size in zip(wh, sizes, strict=True)]
    starts = [np.linspace(0, wh[axis] - sizes[axis], counts[axis]).astype(int).tolist() for axis in (0, 1)]
    tiles = [(x, y, x + sizes[0], y + sizes[1]) for y in starts[1] for x in starts[0]]
    whole = (0, 0, *wh)
    views = [(whole, mirrored, letterbox) for letterbox in (False, True) for mirrored in (False, True)]
    views += [(tile, False, False) for tile in tiles]
    return [
        Look(detector=detector, window=window, mirrored=mirrored, letterbox=letterbox)
        for detector in range(detectors)
        for window, mirrored, letterbox in views
    ]


def fuse(label: str, sightings: Sightings, looks: list[Look], wh: tuple[int, int]) -> list[Detection]:
    """Group the sightings of one label into things, and score each by how far the looks agree.

    The score is the mean over the looks that could see the thing, for each detector at its better scale (whole
    picture or tiles), and the two detectors count as independent witnesses: `1 - (1 - a) (1 - b)`.
    """
    found, free = [], np.ones(len(sightings.scores), dtype=bool)
    while free.any():
        members = _group(sightings, free)
        free &= ~members
        box = _mean_box(sightings, members)
        if np.prod(box[2:] - box[:2]) >= SMALLEST * wh[0] * wh[1]:
            score = _agreement(box, sightings, members, looks, wh)
            found.append(Detection(label=label, score=min(1.0, score * GAINS.get(label, 1.0)), box=box))
    return found


def drop_repeats(found: list[Detection]) -> list[Detection]:
    """Keep the most certain of boxes that mean one thing, and no parts of things."""
    kept: list[Detection] = []
    for item in sorted(found, key=lambda item: -item.score):
        if not any(_repeats(item, other) for other in kept):
            kept.append(item)
    return [item for item in kept if not any(_is_part(item, other) for other in kept)]


def iou(box: Float[np.ndarray, " 4"], boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    """Intersection over union of one box with many."""
    overlap = _overlap(box, boxes)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return overlap / np.maximum((box[2:] - box[:2]).prod() + areas - overlap, 1e-9)


def _overlap(box: Float[np.ndarray, " 4"], boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    return np.clip(sides, 0.0, None).prod(axis=1)


def _look(image: Rgb, detectors: Sequence[Detector], looks: list[Look]) -> dict[str, Sightings]:
    """What every look sees, by label."""
    rows: dict[str, list[tuple[np.ndarray, np.ndarray, int]]] = {}
    for number, look in enumerate(looks):
        x0, y0, x1, y1 = look.window
        crop = np.ascontiguousarray(image[y0:y1, x0:x1][:, ::-1] if look.mirrored else image[y0:y1, x0:x1])
        detector = detectors[look.detector]
        proposals = detector.propose(crop, letterbox=look.letterbox)
        boxes = proposals.boxes
        if look.mirrored:
            boxes = np.stack([x1 - x0 - boxes[:, 2], boxes[:, 1], x1 - x0 - boxes[:, 0], boxes[:, 3]], axis=1)
        boxes = boxes + np.array([x0, y0, x0, y0])
        whole = _is_visible(boxes, look, (image.shape[1], image.shape[0]))
        for index, name in enumerate(detector.classes):
            chosen = whole & (proposals.scores[:, index] > FAINTEST)
            if name in LABELS and chosen.any():
                rows.setdefault(LABELS[name], []).append((boxes[chosen], proposals.scores[chosen, index], number))
    return {
        label: Sightings(
            boxes=np.concatenate([boxes for boxes, _, _ in parts]),
            scores=np.concatenate([scores for _, scores, _ in parts]),
            looks=np.concatenate([np.full(len(scores), number) for _, scores, number in parts]),
        )
        for label, parts in sorted(rows.items())
    }


def _group(sightings: Sightings, free: np.ndarray) -> np.ndarray:
    """The best of the free sightings and those of the same thing: what is like their mean, not like the best one."""
    best = int(np.argmax(np.where(free, sightings.scores, -1.0)))
    itself = np.arange(len(free)) == best  # said apart: a box without an area is not even like itself
    first = itself | (free & (iou(sightings.boxes[best], sightings.boxes) > SAME))
    return itself | (free & (iou(_mean_box(sightings, first), sightings.boxes) > SAME))


def _mean_box(sightings: Sightings, members: np.ndarray) -> Float[np.ndarray, " 4"]:
    """The mean of the best box of each look, weighted by the square of its score."""
    order = np.flatnonzero(members)[np.argsort(-sightings.scores[members], kind="stable")]
    best = order[np.unique(sightings.looks[order], return_index=True)[1]]
    return np.average(sightings.boxes[best], axis=0, weights=sightings.scores[best] ** 2)


def _is_visible(boxes: Float[np.ndarray, "n 4"], look: Look, wh: tuple[int, int]) -> np.ndarray:
    """Which boxes a look may speak of: all in a look at the whole picture, small uncut ones in a tile."""
    window = np.array(look.window, dtype=np.float64)
    side = (window[2:] - window[:2]).max()
    if look.window == (0, 0, *wh):
        return np.ones(len(boxes), dtype=bool)
    inner = np.array([look.window[0] > 0, look.window[1] > 0, look.window[2] < wh[0], look.window[3] < wh[1]])
    gaps = (boxes - window) * [1.0, 1.0, -1.0, -1.0]
    uncut = (gaps >= np.where(inner, TILE_MARGIN * side, -1.0)).all(axis=1)
    return uncut & ((boxes[:, 2:] - boxes[:, :2]).max(axis=1) <= TILE_LIMIT * side)


def _agreement(
    box: Float[np.ndarray, " 4"], sightings: Sightings, members: np.ndarray, looks: list[Look], wh: tuple[int, int]
) -> float:
    """How far the looks agree on a thing, 0..1; see `fuse`."""
    best = np.zeros(len(looks))
    np.maximum.at(best, sightings.looks[members], sightings.scores[members])
    means: dict[tuple[int, bool], list[float]] = {}
    for number, look in enumerate(looks):
        if _is_visible(box[None], look, wh)[0]:
            means.setdefault((look.detector, look.window == (0, 0, *wh)), []).append(best[number])
    by_detector: dict[int, float] = {}
    for (detector, _), values in means.items():
        by_detector[detector] = max(by_detector.get(detector, 0.0), float(np.mean(values)))
    return 1.0 - float(np.prod([1.0 - value for value in by_detector.values()]))


def _repeats(item: Detection, other: Detection) -> bool:
    """Whether two boxes mean one thing: they agree, or one lies in the other and has the same label."""
    if iou(item.box, other.box[None])[0] > SAME:
        return True
    return item.label == other.label and max(_inside(item, other), _inside(other, item)) > INSIDE


def _is_part(item: Detection, other: Detection) -> bool:
    """Whether a thing is a part of another one: inside it, and called what its parts are called."""
    return item.label in PARTS.get(other.label, ()) and _inside(item, other) > INSIDE


def _inside(item: Detection, other: Detection) -> float:
    """Part of the box of `item` that lies in the box of `other`."""
    return float(_overlap(item.box, other.box[None])[0] / max((item.box[2:] - item.box[:2]).prod(), 1e-9))
