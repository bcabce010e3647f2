"""Scan conversion in homogeneous coordinates: which pixels of a row does a face cover?

Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates", 1997: with the projected vertices as
columns of M, `M^-1 (u, v, 1)` gives the perspective-correct barycentric coordinates divided by depth. They are linear
in the pixel, so the covered pixels of a row are one span, and a face that passes behind the camera needs no clipping
into new faces, only a bound on its depth.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Integer

NEAR_M = 0.01
"""Surfaces nearer than this, along the optical axis, are not drawn."""

CHUNK_ELEMENTS = 1 << 20
"""Rows or pixels handled at once: about 100 MB of working memory; twice as many is no faster."""

SPAN_SLACK_PX = 1e-6
"""Spans are this much wider at each end, so that faces that share an edge leave no crack between them."""


def rows_of_faces(
    corners: Float[np.ndarray, "f 3 3"], hw: tuple[int, int]
) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " n"], Integer[np.ndarray, " n"]]:
    """Faces that may touch the picture, and the rows first..last (exclusive) that each of them may touch."""
    # Corners first, faces last: numpy reduces three long rows ten times as fast as many short ones.
    ahead = np.ascontiguousarray(corners.transpose(1, 2, 0))
    in_front = ahead[:, 2] > NEAR_M
    kept, outline = in_front, ahead
    if not in_front.all():
        behind = np.roll(ahead, -1, axis=0)
        crosses = in_front != np.roll(in_front, -1, axis=0)
        step = np.where(crosses, (NEAR_M - ahead[:, 2]) / np.where(crosses, behind[:, 2] - ahead[:, 2], 1.0), 0.0)
        outline = np.concatenate([ahead, ahead + step[:, None] * (behind - ahead)])
        kept = np.concatenate([in_front, crosses])
    depth = np.where(kept, outline[:, 2], 1.0)
    low, high = np.full((2, corners.shape[0]), np.inf), np.full((2, corners.shape[0]), -np.inf)
    for corner in range(len(outline)):
        pixel = outline[corner, :2] / depth[corner]
        low = np.minimum(low, np.where(kept[corner], pixel, np.inf))
        high = np.maximum(high, np.where(kept[corner], pixel, -np.inf))
    first = np.ceil(np.clip(low[1] - 0.5 - SPAN_SLACK_PX, 0, hw[0])).astype(np.int64)
    last = np.floor(np.clip(high[1] - 0.5 + SPAN_SLACK_PX, -1, hw[0] - 1)).astype(np.int64) + 1
    touches = np.flatnonzero((last > first) & (low[0] < hw[1]) & (high[0] > 0))
    return touches, first[touches], last[touches]


def barycentric_planes(corners: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n 3 3"]:
    """Rows of M^-1: a corner's weight over depth is `row @ (u, v, 1)`; NaN for a face seen edge-on."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    adjugate = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    determinant = np.einsum("ij,ij->i", a, adjugate[:, 0])
    size = np.abs(corners).max(axis=(1, 2)) ** 3
    usable = np.abs(determinant) > 1e-15 * size
    return adjugate / np.where(usable, determinant, np.nan)[:, None, None]


def spans_of_rows(
    planes: Float[np.ndarray, "r 3 3"], rows: Integer[np.ndarray, " r"], width: int
) -> tuple[Integer[np.ndarray, " r"], Integer[np.ndarray, " r"]]:
    """The columns first..last (exclusive) that a face covers in a row, one face and row for each entry.

    Args:
        planes: of each entry's face, from `barycentric_planes`.
        rows: each entry's row.
        width: of the picture; spans are clipped to it and may be empty (last <= first).
    """
    # Each constraint is slope * u + offset >= 0: three weights, and a depth not below NEAR_M.
    left, right = np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    misses = np.isnan(planes[:, 0, 0])
    total_slope, total_offset = np.zeros(len(rows)), np.full(len(rows), -1.0 / NEAR_M)
    for corner in range(4):
        if corner < 3:
            slope = planes[:, corner, 0]
            offset = planes[:, corner, 1] * (rows + 0.5) + planes[:, corner, 2]
            total_slope, total_offset = total_slope + slope, total_offset + offset
        else:
            slope, offset = -total_slope, -total_offset
        with np.errstate(divide="ignore", invalid="ignore"):
            root = -offset / slope
        left = np.where(slope > 0, np.maximum(left, root), left)
        right = np.where(slope < 0, np.minimum(right, root), right)
        misses |= (slope == 0) & (offset < 0)
    right = np.where(misses, -np.inf, right)
    first = np.ceil(np.clip(left - 0.5 - SPAN_SLACK_PX, 0, width)).astype(np.int64)
    last = np.floor(np.clip(right - 0.5 + SPAN_SLACK_PX, -1, width - 1)).astype(np.int64) + 1
    return first, last


def chunks(counts: Integer[np.ndarray, " n"]) -> Iterator[slice]:
    """Consecutive slices whose counts sum to about CHUNK_ELEMENTS."""
    total = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + CHUNK_ELEMENTS, side="right")))
        yield slice(start, stop)
        start = stop


def ranges(
    first: Integer[np.ndarray, " n"], last: Integer[np.ndarray, " n"]
) -> tuple[Integer[np.ndarray, " m"], Integer[np.ndarray, " m"]]:
    """The integers of all ranges first..last (exclusive) one after another, and the range that each comes from."""
    counts = last - first
    owner = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(owner)) + np.repeat(first - before, counts), owner
