"""Smooth errors of learned depth, read off the floor and carried over to what stands near it.

An estimator of depth errs by some per cent, nearly the same for neighbouring pixels. Where the picture shows the bare
floor the true distance is known, since camera and floor are; so there the error is measured, and between and around it
it is a Gaussian process (kriging: Matheron 1963; Rasmussen and Williams 2006, eq. 2.25-2.26). Its mean corrects the
points, and its spread says how far they can be trusted.
"""

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float

from regen3d.types import Camera, Mask, PointMap

SLIDE_SPREAD = 0.04
"""Standard deviation of the logarithm of learned depth indoors, about the truth, where no floor tells more."""

SMOOTH_SPREAD = 0.03
"""The part of it that changes over the picture; the rest all pixels share."""

REACH_SHARE = 0.2
"""Length of that change, as a share of the picture's width: between a tenth and a third the corrected depths of five
rooms err by 2.0 to 2.7 %, and by 3.3 % uncorrected."""

CELL_SPREAD = 0.01
"""Of the floor measured in one cell: noise, and what is not quite floor."""

LEAST_SPREAD = 0.01
"""Depth errs by this much within an object, however near the floor is."""

CELLS = 30
"""Along the picture's longer side; the median of each is one measurement of the floor."""

SAMPLES = 8
"""Pixels along each side of a cell that are looked at."""

LARGEST_ERROR = 0.15
"""Points farther from the floor than this share of its distance are not on it."""

FLAT_COSINE = np.cos(np.radians(20.0))
"""Between up and the normal of what may be floor."""

LEAST_ERROR = 1e-3
"""Mean error of floor points below which they were made from the floor, not measured: they tell of no other pixel."""


class FloorDepth(NamedTuple):
    """Points, and how far their distances can be trusted."""

    points: PointMap
    """With distances that the floor has corrected."""
    spread: Float[np.ndarray, "h w"]
    """Standard deviation of what is still wrong with the logarithm of each distance."""


def floor_calibrated(points: PointMap, camera: Camera, objects: Mask) -> FloorDepth:
    """Metric points with their smooth error removed as far as the floor shows it.

    Args:
        points: a point for each pixel, camera frame, metres.
        camera: in the world frame, whose floor is y = 0.
        objects: pixels that are known to show something else than the floor.
    """
    height, width = points.valid.shape
    step = max(1, round(max(height, width) / (CELLS * SAMPLES)))
    error = _cell_medians(_floor_error(points, camera, objects, step))
    grid, cell = error.shape, step * SAMPLES
    known = np.isfinite(error)
    if not known.any() or np.abs(error[known]).mean() < LEAST_ERROR:
        return FloorDepth(points, np.full((height, width), SLIDE_SPREAD))
    at = np.argwhere(np.ones(grid, dtype=bool)) * (cell / width)
    inner = _covariance(at[known.ravel()], at[known.ravel()]) + CELL_SPREAD**2 * np.eye(int(known.sum()))
    outer = _covariance(at, at[known.ravel()])
    weights = np.linalg.solve(inner, outer.T).T
    mean = (weights @ error[known]).reshape(grid)
    variance = (SLIDE_SPREAD**2 - (weights * outer).sum(axis=1)).reshape(grid)
    mean, spread = (
        _at_pixels(part, (height, width), cell) for part in (mean, np.sqrt(np.maximum(variance, LEAST_SPREAD**2)))
    )
    return FloorDepth(replace(points, points=points.points * np.exp(-mean)[..., None]), spread)


def _floor_error(points: PointMap, camera: Camera, objects: Mask, step: int) -> Float[np.ndarray, "rows columns"]:
    """Logarithm of measured over true distance at every few pixels of the floor; NaN elsewhere."""
    seen, valid = points.points[::step, ::step], (points.valid & ~objects)[::step, ::step]
    down = -camera.world_from_camera[1, :3]
    # A point of the floor is as far below the camera as the camera is above the floor.
    share = (seen @ down) / camera.position[1]
    floor = valid & (share > 1.0 - LARGEST_ERROR) & (share < 1.0 + LARGEST_ERROR) & _is_level(seen, down)
    return np.where(floor, np.log(np.where(floor, share, 1.0)), np.nan)


def _is_level(seen: Float[np.ndarray, "h w 3"], down: Float[np.ndarray, " 3"]) -> Bool[np.ndarray, "h w"]:
    """Where the surface through a pixel's neighbours is level."""
    across, along = np.gradient(seen, axis=1), np.gradient(seen, axis=0)
    normal = np.cross(across, along)
    return np.abs(normal @ down) > FLAT_COSINE * np.maximum(np.linalg.norm(normal, axis=-1), 1e-12)


def _cell_medians(error: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "rows columns"]:
    """Median of each cell of which at least half is known; NaN elsewhere. Cells at the ends may lie half outside."""
    error = np.pad(error, [(0, -length % SAMPLES) for length in error.shape], constant_values=np.nan)
    grid = error.shape[0] // SAMPLES, error.shape[1] // SAMPLES
    cells = error.reshape(grid[0], SAMPLES, grid[1], SAMPLES).transpose(0, 2, 1, 3).reshape(*grid, -1)
    enough = 2 * np.isfinite(cells).sum(axis=-1) >= cells.shape[-1]
    found = np.full(grid, np.nan)
    found[enough] = np.nanmedian(cells[enough], axis=-1)
    return found


def _at_pixels(cells: Float[np.ndarray, "rows columns"], hw: tuple[int, int], cell: int) -> Float[np.ndarray, "h w"]:
    """Values of the cells' middles, between them linear, at every pixel."""
    rows, columns = ((np.arange(length, dtype=np.float32) + 0.5) / cell - 0.5 for length in hw)
    across, down = np.meshgrid(columns, rows)
    at_pixels = cv2.remap(cells.astype(np.float32), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return at_pixels.astype(np.float64)


def _covariance(one: Float[np.ndarray, "n 2"], other: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "n m"]:
    """Of the error at places in widths of the picture: a shared part, and a Matern kernel of order 3/2."""
    distance = np.sqrt(3.0) / REACH_SHARE * np.linalg.norm(one[:, None] - other[None], axis=-1)
    smooth = SMOOTH_SPREAD**2 * (1.0 + distance) * np.exp(-distance)
    return SLIDE_SPREAD**2 - SMOOTH_SPREAD**2 + smooth
