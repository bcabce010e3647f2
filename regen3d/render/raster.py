"""A hard z-buffer in numpy: which face does each pixel see, how far away, and where on the face.

Faces are scan-converted in homogeneous coordinates (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous
Coordinates", 1997): with the projected vertices as columns of M, `M^-1 (u, v, 1)` gives the perspective-correct
barycentric coordinates divided by depth. They are linear in the pixel, so the covered pixels of a row are one span,
and a face that passes behind the camera needs no clipping into new faces, only a bound on its depth.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, Integer

NEAR_M = 0.01
"""Surfaces nearer than this, along the optical axis, are not drawn."""

CHUNK_ELEMENTS = 1 << 20
"""Rows or pixels handled at once: about 100 MB of working memory; twice as many is no faster."""

SPAN_SLACK_PX = 1e-6
"""Spans are this much wider at each end, so that faces that share an edge leave no crack between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """What each pixel sees first."""

    face: Int32[np.ndarray, "h w"]
    """Index of the face; -1 where there is nothing."""
    depth: Float32[np.ndarray, "h w"]
    """z of the camera frame, in the units of the vertices; infinite where there is nothing."""
    barycentric: Float32[np.ndarray, "h w 3"]
    """Weights of the face's corners, perspective-correct, in 0..1; zeros where there is nothing."""


def rasterize(
    vertices_camera: Float[np.ndarray, "v 3"],
    faces: Integer[np.ndarray, "f 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    hw: tuple[int, int],
) -> Raster:
    """See a mesh through a pinhole, both sides of every face.

    Args:
        vertices_camera: camera frame (OpenCV), metres.
        faces: vertex indices; winding does not matter; flat faces are not drawn.
        intrinsics: K in pixels, pixel centres at +0.5.
        hw: size of the picture.
    """
    inverse_depth = np.zeros(hw[0] * hw[1])
    seen = np.full(hw[0] * hw[1], -1, dtype=np.int64)
    corners = (vertices_camera.astype(np.float64) @ intrinsics.T)[faces]
    index, first_row, last_row = _rows_of_faces(corners, hw)
    planes = _barycentric_planes(corners[index])
    solid = np.isfinite(planes).all(axis=(1, 2))
    index, first_row, last_row, planes = index[solid], first_row[solid], last_row[solid], planes[solid]
    for part in _chunks(last_row - first_row):
        rows, owner = _ranges(first_row[part], last_row[part])
        _draw_rows((inverse_depth, seen), planes[part][owner], rows, index[part][owner], hw)
    return _resolve(seen.reshape(hw), inverse_depth.reshape(hw), corners)


def _rows_of_faces(
    corners: Float[np.ndarray, "f 3 3"], hw: tuple[int, int]
) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " n"], Integer[np.ndarray, " n"]]:
    """Faces that may touch the picture, and the rows first..last (exclusive) that each of them may touch."""
    candidates = np.flatnonzero((corners[..., 2] > NEAR_M).any(axis=1))
    corners = corners[candidates]
    ahead, behind = corners, np.roll(corners, -1, axis=1)
    z_a, z_b = ahead[..., 2], behind[..., 2]
    crosses = (z_a > NEAR_M) != (z_b > NEAR_M)
    step = np.where(crosses, (NEAR_M - z_a) / np.where(crosses, z_b - z_a, 1.0), 0.0)
    cut = ahead + step[..., None] * (behind - ahead)
    outline = np.concatenate([corners, cut], axis=1)
    kept = np.concatenate([z_a > NEAR_M, crosses], axis=1)[..., None]
    pixels = outline[..., :2] / np.where(kept, outline[..., 2:], 1.0)
    low = np.where(kept, pixels, np.inf).min(axis=1)
    high = np.where(kept, pixels, -np.inf).max(axis=1)
    first = np.ceil(np.clip(low[:, 1] - 0.5 - SPAN_SLACK_PX, 0, hw[0])).astype(np.int64)
    last = np.floor(np.clip(high[:, 1] - 0.5 + SPAN_SLACK_PX, -1, hw[0] - 1)).astype(np.int64) + 1
    touches = (last > first) & (low[:, 0] < hw[1]) & (high[:, 0] > 0)
    return candidates[touches], first[touches], last[touches]


def _barycentric_planes(corners: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n 3 3"]:
    """Rows of M^-1: each corner's weight over depth is `row @ (u, v, 1)`; not finite for a flat face."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    adjugate = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    determinant = np.einsum("ij,ij->i", a, adjugate[:, 0])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return adjugate / determinant[:, None, None]


def _chunks(counts: Integer[np.ndarray, " n"]) -> Iterator[slice]:
    """Consecutive slices whose counts sum to about CHUNK_ELEMENTS."""
    total = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + CHUNK_ELEMENTS, side="right")))
        yield slice(start, stop)
        start = stop


def _ranges(
    first: Integer[np.ndarray, " n"], last: Integer[np.ndarray, " n"]
) -> tuple[Integer[np.ndarray, " m"], Integer[np.ndarray, " m"]]:
    """The integers of all ranges first..last (exclusive) one after another, and the range that each comes from."""
    counts = last - first
    owner = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(owner)) + np.repeat(first - before, counts), owner


def _draw_rows(
    target: tuple[Float[np.ndarray, " p"], Integer[np.ndarray, " p"]],
    planes: Float[np.ndarray, "r 3 3"],
    rows: Integer[np.ndarray, " r"],
    face: Integer[np.ndarray, " r"],
    hw: tuple[int, int],
) -> None:
    """Draw one row of one face for each entry into the flat (inverse depth, face) picture."""
    # Each constraint is slope * u + offset >= 0: three weights, and the depth not below NEAR_M.
    slope = np.concatenate([planes[..., 0], -planes[..., 0].sum(axis=1, keepdims=True)], axis=1)
    offset = planes[..., 1] * (rows + 0.5)[:, None] + planes[..., 2]
    inverse_at_zero = offset.sum(axis=1)
    offset = np.concatenate([offset, (1.0 / NEAR_M - inverse_at_zero)[:, None]], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = -offset / slope
    left = np.where(slope > 0, root, -np.inf).max(axis=1)
    right = np.where(slope < 0, root, np.inf).min(axis=1)
    right = np.where(((slope == 0) & (offset < 0)).any(axis=1), -np.inf, right)
    first = np.ceil(np.clip(left - 0.5 - SPAN_SLACK_PX, 0, hw[1])).astype(np.int64)
    last = np.floor(np.clip(right - 0.5 + SPAN_SLACK_PX, -1, hw[1] - 1)).astype(np.int64) + 1
    spans = np.flatnonzero(last > first)
    first, last = first[spans], last[spans]
    for part in _chunks(last - first):
        columns, owner = _ranges(first[part], last[part])
        row = spans[part][owner]
        inverse = inverse_at_zero[row] - slope[row, 3] * (columns + 0.5)
        _keep_nearest(target, rows[row] * hw[1] + columns, inverse, face[row])


def _keep_nearest(
    target: tuple[Float[np.ndarray, " p"], Integer[np.ndarray, " p"]],
    pixel: Integer[np.ndarray, " n"],
    inverse: Float[np.ndarray, " n"],
    face: Integer[np.ndarray, " n"],
) -> None:
    """Write the fragments that are nearer than what the picture holds; the later face wins a tie."""
    inverse_depth, seen = target
    np.maximum.at(inverse_depth, pixel, inverse)
    wins = inverse >= inverse_depth[pixel]
    seen[pixel[wins]] = face[wins]


def _resolve(
    seen: Integer[np.ndarray, "h w"], inverse_depth: Float[np.ndarray, "h w"], corners: Float[np.ndarray, "f 3 3"]
) -> Raster:
    """Depth and barycentric coordinates of the pixels that see a face."""
    v, u = np.nonzero(seen >= 0)
    pixels = np.stack([u + 0.5, v + 0.5, np.ones(len(u))], axis=-1)
    depth = np.full(seen.shape, np.inf, dtype=np.float32)
    barycentric = np.zeros((*seen.shape, 3), dtype=np.float32)
    visible, face = np.unique(seen[v, u], return_inverse=True)
    weights = np.einsum("nij,nj->ni", _barycentric_planes(corners[visible])[face], pixels)
    weights = np.clip(weights, 0.0, None)
    depth[v, u] = 1.0 / inverse_depth[v, u]
    barycentric[v, u] = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-30)
    return Raster(face=seen.astype(np.int32), depth=depth, barycentric=barycentric)
