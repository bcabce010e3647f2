"""A hard z-buffer in numpy: which face does each pixel see, how far away, and where on the face."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, Integer

from regen3d.render.scan import barycentric_planes, chunks, ranges, rows_of_faces, spans_of_rows

RESOLVED = 1 << 15
"""Pixels whose weights are found at once: their planes stay in the processor's cache."""


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
    index, first_row, last_row = rows_of_faces(corners, hw)
    planes = barycentric_planes(corners[index])
    for part in chunks(last_row - first_row):
        rows, owner = ranges(first_row[part], last_row[part])
        _draw_rows((inverse_depth, seen), planes[part][owner], rows, index[part][owner], hw[1])
    return _resolve(seen.reshape(hw), inverse_depth.reshape(hw), corners)


def _draw_rows(
    target: tuple[Float[np.ndarray, " p"], Integer[np.ndarray, " p"]],
    planes: Float[np.ndarray, "r 3 3"],
    rows: Integer[np.ndarray, " r"],
    face: Integer[np.ndarray, " r"],
    width: int,
) -> None:
    """Draw one row of one face for each entry into the flat (inverse depth, face) picture."""
    inverse_depth, seen = target
    first, last = spans_of_rows(planes, rows, width)
    spans = np.flatnonzero(last > first)
    first, last, rows, face = first[spans], last[spans], rows[spans], face[spans]
    inverse_planes = planes[spans].sum(axis=1)
    at_zero = inverse_planes[:, 1] * (rows + 0.5) + inverse_planes[:, 2]
    for part in chunks(last - first):
        columns, owner = ranges(first[part], last[part])
        pixel = rows[part][owner] * width + columns
        inverse = at_zero[part][owner] + inverse_planes[part, 0][owner] * (columns + 0.5)
        np.maximum.at(inverse_depth, pixel, inverse)
        wins = inverse >= inverse_depth[pixel]
        seen[pixel[wins]] = face[part][owner][wins]


def _resolve(
    seen: Integer[np.ndarray, "h w"], inverse_depth: Float[np.ndarray, "h w"], corners: Float[np.ndarray, "f 3 3"]
) -> Raster:
    """Depth and barycentric coordinates of the pixels that see a face."""
    depth = np.full(seen.size, np.inf, dtype=np.float32)
    barycentric = np.zeros((seen.size, 3), dtype=np.float32)
    flat, inverse_depth = seen.ravel(), inverse_depth.ravel()
    covered = np.flatnonzero(flat >= 0)
    rank = np.zeros(len(corners), dtype=np.int64)
    rank[flat[covered]] = 1
    visible = np.flatnonzero(rank)
    rank[visible] = np.arange(len(visible))
    planes = barycentric_planes(corners[visible])
    for start in range(0, len(covered), RESOLVED):
        pixel = covered[start : start + RESOLVED]
        plane, (v, u) = planes[rank[flat[pixel]]], np.divmod(pixel, seen.shape[1])
        weights = plane[..., 0] * (u[:, None] + 0.5) + plane[..., 1] * (v[:, None] + 0.5) + plane[..., 2]
        weights = np.clip(weights, 0.0, None)
        depth[pixel] = 1.0 / inverse_depth[pixel]
        barycentric[pixel] = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-30)
    return Raster(
        face=seen.astype(np.int32), depth=depth.reshape(seen.shape), barycentric=barycentric.reshape(*seen.shape, 3)
    )
