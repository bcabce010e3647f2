"""Fronts of furniture: upright rectangles with four edges, one material along them, and another one outside.

The search runs in a view square on to a wall: its lines are rows and columns, and all rectangles between them are
scored at once from running sums.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Integer

from models.segmentation.straight import View
from models.segmentation.surfaces import memberships
from regen3d.types import Mask

ALONG = 15
"""Pixels along an edge over which its step is averaged: grain and plaster average out."""
LINES = 64
"""Rows, and columns, that are tried."""
LEAST_RUN = 25
"""Shortest edge in pixels of the view that makes a line, and shortest side of a front."""
APART = 4
"""Lines are at least so many pixels apart."""
UNSEEN = 0.45
"""Strength that is assumed of a side that the picture does not reach."""
WEAKEST = 0.35
"""Least strength of a side."""
FIRM = 0.6
"""Least mean strength of the four sides."""
SHOWN = 0.6
"""Part of its outline that the picture has to show."""
STRIP, GAP = 16, 4
"""Strips along the sides, inside and outside, reach from GAP to STRIP pixels from them."""
SUM_CELL = 4
"""Side of the cells of the running sums, in pixels."""
UNCLEAR = 0.2
"""What is assumed of rim and rest where a rectangle is too small to have a rest: on a wall rather a picture than a
cupboard, on the floor no open shelves."""
BEST = 40000
"""Rectangles whose colours are compared."""
FAINT = 0.7
"""Least step of colour (CIE Lab per pixel) that counts as half an edge; more where the surroundings are busy."""
NEAREST = 0.6
"""Least distance of furniture, here and below in camera heights (1.5 m)."""
LOWEST, HIGHEST = 0.18, 1.7
"""Heights of furniture: 27 cm to 2.5 m."""
NARROWEST, WIDEST = 0.2, 2.4
"""Widths of furniture: 30 cm to 3.6 m."""
HANGING = -0.5
"""Lower end, above the lens, of what hangs on a wall, at least: 75 cm above the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fronts:
    """Rectangles of one view, all arrays in the same order."""

    boxes: Float[np.ndarray, "n 4"]
    """(x0, y0, x1, y1) in pixels of the view."""
    firmness: Float[np.ndarray, " n"]
    """Geometric mean of the strengths of the four edges, 0..1."""
    contrast: Float[np.ndarray, "n 4"]
    """How unlike the strips inside and outside are at left, right, top, bottom, 0..1; NaN where not seen."""
    unity: Float[np.ndarray, " n"]
    """How alike the four strips inside are, 0..1."""
    frame: Float[np.ndarray, " n"]
    """How unlike the strips inside and the rest of the inside are, 0..1."""


def find_fronts(view: View, wall: float, colours: Float[np.ndarray, "k 3"]) -> Fronts:
    """Rectangles with four edges, of the size and in the place of furniture, the firmest ones.

    Args:
        view: the picture, square on to a wall.
        wall: distance of the wall in camera heights.
        colours: of `models.segmentation.surfaces.own_colours`.
    """
    across, down = _edges(view)
    height, width = view.valid.shape
    columns = np.unique(np.concatenate([[0], _lines(across), [width - 1]]))
    rows = np.unique(np.concatenate([[0], _lines(down.T), [height - 1]]))
    upright = _sides(across, view.valid, columns, rows)
    level = _sides(down.T, view.valid.T, rows, columns)
    boxes, firmness = _rectangles(view, wall, (columns, rows), upright, level)
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) / view.zoom**2
    order = np.argsort(-firmness * sizes**0.15, kind="stable")[:BEST]
    return _with_colours(view, boxes[order], firmness[order], colours)


def standing_distance(bottom: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Distance in camera heights of a front that stands on the floor; its lower side is at so much up per ahead."""
    return np.where(bottom < -0.2, -1.0 / np.minimum(bottom, -0.2), np.inf)


def _edges(view: View) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """How much of an upright, and of a level edge every pixel is, 0..1, beside the usual one of its surroundings."""
    lab = cv2.GaussianBlur(cv2.cvtColor(view.image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), (0, 0), 0.8)
    inner = cv2.erode(view.valid.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=0).astype(np.float32)
    around = np.maximum(cv2.blur(inner, (61, 61)), 0.05)
    strengths = []
    for dx in (1, 0):
        steps = cv2.Sobel(lab, cv2.CV_32F, dx, 1 - dx, ksize=3) / 8 * inner[..., None]
        size = np.linalg.norm(cv2.blur(steps, (1, ALONG) if dx else (ALONG, 1)), axis=2)
        edge = size / (size + np.maximum(FAINT, cv2.blur(size, (61, 61)) / around))
        strengths.append(cv2.dilate(edge, np.ones((1, 5) if dx else (5, 1), np.uint8)) * inner)
    return strengths[0].astype(np.float64), strengths[1].astype(np.float64)


def _lines(edges: Float[np.ndarray, "h w"]) -> Integer[np.ndarray, " n"]:
    """Columns with the longest edges."""
    strong = (edges > 0.5).astype(np.uint8)
    profile = np.zeros(edges.shape[1])
    for run in (LEAST_RUN, 2 * LEAST_RUN, 4 * LEAST_RUN):  # long edges count more than many short ones
        profile += cv2.morphologyEx(strong, cv2.MORPH_OPEN, np.ones((run, 1), np.uint8)).sum(axis=0)
    profile = np.convolve(profile, np.full(3, 1 / 3), "same")
    found: list[int] = []
    while len(found) < LINES and profile.max() >= LEAST_RUN / 2:
        best = int(profile.argmax())
        found.append(best)
        profile[max(0, best - APART) : best + APART + 1] = 0.0
    return np.array(sorted(found), dtype=np.int64)


def _sides(
    edges: Float[np.ndarray, "h w"], valid: Mask, lines: Integer[np.ndarray, " n"], ends: Integer[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "n p"]]:
    """Strength, and length in view, of every line (a column) between every pair of ends (rows, `np.triu_indices`)."""
    first, last = np.triu_indices(len(ends), 1)
    sums, seen = (
        np.cumsum(np.pad(values[:, lines], ((1, 0), (0, 0))), axis=0)[ends].T for values in (edges, valid.astype(float))
    )
    length = seen[:, last] - seen[:, first]
    strength = np.where(length > 10, (sums[:, last] - sums[:, first]) / np.maximum(length, 1.0), UNSEEN)
    return strength, length


def _rectangles(
    view: View,
    wall: float,
    lines: tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " m"]],
    upright: tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "n p"]],
    level: tuple[Float[np.ndarray, "m q"], Float[np.ndarray, "m q"]],
) -> tuple[Float[np.ndarray, "r 4"], Float[np.ndarray, " r"]]:
    """Boxes and firmness of the rectangles between columns and rows that are firm and may be furniture."""
    columns, rows = lines
    left, right = np.triu_indices(len(columns), 1)
    wide = columns[right] - columns[left]
    span = wide / view.zoom
    boxes, firmness = [np.zeros((0, 4))], [np.zeros(0)]
    for pair, (top, bottom) in enumerate(zip(*np.triu_indices(len(rows), 1), strict=True)):
        high = rows[bottom] - rows[top]
        widest, narrowest = _widths(view, wall, int(rows[top]), int(rows[bottom]))
        if high < LEAST_RUN or widest == 0.0:
            continue
        sides = np.stack([upright[0][left, pair], upright[0][right, pair], level[0][top], level[0][bottom]])
        shown = upright[1][left, pair] + upright[1][right, pair] + level[1][top] + level[1][bottom]
        firm = np.prod(sides, axis=0) ** 0.25
        good = (sides.min(axis=0) > WEAKEST) & (firm > FIRM) & (shown > 2 * SHOWN * (wide + high))
        good &= (wide >= LEAST_RUN) & (span > narrowest) & (span < widest)
        picked = np.flatnonzero(good)
        corners = [columns[left[picked]], np.full(len(picked), rows[top]), columns[right[picked]]]
        boxes.append(np.stack([*corners, np.full(len(picked), rows[bottom])], axis=1).astype(np.float64))
        firmness.append(firm[picked])
    return np.concatenate(boxes), np.concatenate(firmness)


def _widths(view: View, wall: float, top: int, bottom: int) -> tuple[float, float]:
    """Greatest and least width (right per ahead) of furniture between two rows; zeros where there can be none.

    It stands on the floor before the wall, or hangs on the wall.
    """
    above, below = view.origin[1] - top / view.zoom, view.origin[1] - bottom / view.zoom
    standing = float(standing_distance(np.array([below]))[0])
    distances = []
    if NEAREST < standing < 1.15 * wall and LOWEST < (above - below) * standing < HIGHEST:
        distances.append(standing)
    if below * wall > HANGING and (above - below) * wall > LOWEST:
        distances.append(wall)
    if not distances:
        return 0.0, 0.0
    return WIDEST / min(distances), NARROWEST / max(distances)


def _with_colours(
    view: View, boxes: Float[np.ndarray, "n 4"], firmness: Float[np.ndarray, " n"], colours: Float[np.ndarray, "k 3"]
) -> Fronts:
    """Compare the colours along the sides of rectangles."""
    rows, columns = view.valid.shape[0] // SUM_CELL, view.valid.shape[1] // SUM_CELL
    small = cv2.resize(view.image, (columns, rows), interpolation=cv2.INTER_AREA)
    whole = cv2.resize(view.valid.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) > 0.99
    sums = np.pad(memberships(small, colours) * whole[..., None], ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    x0, y0, x1, y1 = boxes.T
    inside = [
        _shares(sums, edges)
        for edges in (
            (x0 + GAP, y0 + GAP, x0 + STRIP, y1 - GAP),
            (x1 - STRIP, y0 + GAP, x1 - GAP, y1 - GAP),
            (x0 + GAP, y0 + GAP, x1 - GAP, y0 + STRIP),
            (x0 + GAP, y1 - STRIP, x1 - GAP, y1 - GAP),
        )
    ]
    outside = [
        _shares(sums, edges)
        for edges in (
            (x0 - STRIP, y0 + GAP, x0 - GAP, y1 - GAP),
            (x1 + GAP, y0 + GAP, x1 + STRIP, y1 - GAP),
            (x0 + GAP, y0 - STRIP, x1 - GAP, y0 - GAP),
            (x0 + GAP, y1 + GAP, x1 - GAP, y1 + STRIP),
        )
    ]
    rim = np.nanmean(np.stack([np.zeros_like(inside[0]) + side for side in inside]), axis=0)
    rest = _shares(sums, (x0 + STRIP, y0 + STRIP, x1 - STRIP, y1 - STRIP))
    return Fronts(
        boxes=boxes,
        firmness=firmness,
        contrast=np.stack([_unlike(a, b) for a, b in zip(inside, outside, strict=True)], axis=1),
        unity=1.0 - np.nanmean(np.stack([_unlike(side, rim) for side in inside]), axis=0),
        frame=np.nan_to_num(_unlike(rim, rest), nan=UNCLEAR),
    )


def _shares(sums: Float[np.ndarray, "h w k"], edges: tuple[np.ndarray, ...]) -> Float[np.ndarray, "n k"]:
    """Share of every colour in boxes (x0, y0, x1, y1); NaN where the picture shows less than three cells."""
    limits = (sums.shape[1] - 1, sums.shape[0] - 1) * 2
    x0, y0, x1, y1 = (
        np.clip(np.rint(edge / SUM_CELL), 0, limit).astype(int) for edge, limit in zip(edges, limits, strict=True)
    )
    x1, y1 = np.maximum(x0, x1), np.maximum(y0, y1)
    mass = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    total = mass.sum(axis=1, keepdims=True)
    return np.where(total >= 3.0, mass / np.maximum(total, 1e-9), np.nan)


def _unlike(one: Float[np.ndarray, "n k"], other: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    """Half the sum of absolute differences of shares, 0..1."""
    return 0.5 * np.abs(one - other).sum(axis=1)
