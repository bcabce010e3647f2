"""The upper surface of a mesh as a height map, and where on it something comes to stand."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy.spatial import KDTree

from regen3d.render.raster import rasterize

CELL_M = 0.01
"""Side of a cell of the map: finer than any pose is known."""

LARGEST_MAP = 1024
"""Cells along one side; larger objects get larger cells."""

FAR_M = 1000.0
"""Height of the eye that draws the map: from there the view is parallel to a tenth of a millimetre in a metre."""

LARGEST_MISS_M = 0.06
"""What passes this near beside a surface may still stand on it: half the width of a vase's mouth, and its error."""

BIN_M = 0.02
"""Heights this close count as one."""

LEVEL_STEP_M = 0.004
"""Between heights that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightMap:
    """Seen from above: how high is the surface?"""

    height: Float[np.ndarray, "rows columns"]
    """Metres above the world's floor; NaN where there is nothing. Rows run along +Z, columns along +X."""
    corner: Float[np.ndarray, " 2"]
    """World (x, z) of the outer corner of the first cell."""
    cell_m: float
    """Side of a cell."""


def height_map(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> HeightMap:
    """Look at a mesh from above; vertices in the world frame, metres."""
    low, high = vertices[:, [0, 2]].min(axis=0), vertices[:, [0, 2]].max(axis=0)
    cell_m = max(CELL_M, float((high - low).max()) / LARGEST_MAP)
    columns, rows = (np.ceil((high - low) / cell_m).astype(int) + 1).tolist()
    # Camera frame of the eye above: x along +X, y along +Z, z down.
    seen = np.stack([vertices[:, 0] - low[0], vertices[:, 2] - low[1], FAR_M - vertices[:, 1]], axis=1)
    focal = FAR_M / cell_m
    raster = rasterize(seen, faces, np.array([[focal, 0.0, 0.0], [0.0, focal, 0.0], [0.0, 0.0, 1.0]]), (rows, columns))
    height = np.where(raster.face >= 0, FAR_M - raster.depth.astype(np.float64), np.nan)
    return HeightMap(height=height, corner=low, cell_m=cell_m)


def contact_height(
    surface: HeightMap, footprint: Float[np.ndarray, "n 3"], eye: Float[np.ndarray, " 3"], highest: float
) -> tuple[float | None, float]:
    """The level at which something, scaled about the eye from the floor up, meets a surface.

    What is wider than its support, as flowers on a vase, stands where its middle comes nearest to the surface. Where
    it is beside the surface at every level, as poses that are a little off have it, the level is the surface's most
    common height.

    Args:
        surface: what it comes to stand on.
        footprint: its points projected onto the floor, as it was aligned there.
        eye: the camera's centre.
        highest: share of the eye's height above which no level is tried.

    Returns:
        The level in metres, None where the surface lies higher; and the gap left there, positive above the surface,
        NaN beside it.
    """
    if not np.isfinite(surface.height).any():
        return None, 0.0
    top = min(float(np.nanmax(surface.height)) + LARGEST_MISS_M, highest * float(eye[1]))
    levels = np.arange(LEVEL_STEP_M, top + LEVEL_STEP_M, LEVEL_STEP_M)
    center = 0.5 * (footprint.min(axis=0) + footprint.max(axis=0))
    reach = 0.25 * np.ptp(footprint, axis=0)
    pattern = np.array([[x, 0.0, z] for x in (-1.0, 0.0, 1.0) for z in (-1.0, 0.0, 1.0)]) * reach
    factor = 1.0 - levels / eye[1]
    spots = eye + factor[:, None, None] * (center + pattern - eye)
    below = look_up(surface, spots[..., [0, 2]])
    supported = np.isfinite(below).sum(axis=1) >= len(pattern) // 2
    if not supported.any():
        level, gap, miss = _nearest(surface, spots[:, len(pattern) // 2], levels)
        if miss <= LARGEST_MISS_M:
            return level, gap
        level = _common_height(surface)
        return (level, float("nan")) if level <= highest * float(eye[1]) else (None, 0.0)
    levels, below = levels[supported], below[supported]
    gaps = levels - np.nanmedian(below, axis=1)
    # Things stand on level places: an edge or a slope that is met exactly is worth less than a flat top.
    best = int(np.argmin(np.abs(gaps) + np.nanmax(below, axis=1) - np.nanmin(below, axis=1)))
    return float(levels[best]), float(gaps[best])


def _nearest(
    surface: HeightMap, spots: Float[np.ndarray, "n 3"], levels: Float[np.ndarray, " n"]
) -> tuple[float, float, float]:
    """The level at which a path comes nearest to a surface, the gap above it there, and how far it is beside it."""
    rows, columns = np.nonzero(np.isfinite(surface.height))
    flat = surface.corner + surface.cell_m * (np.stack([columns, rows], axis=1) + 0.5)
    points = np.stack([flat[:, 0], surface.height[rows, columns], flat[:, 1]], axis=1)
    distance, nearest = KDTree(points).query(spots)
    best = int(np.argmin(distance))
    off = spots[best] - points[np.asarray(nearest)[best]]
    return float(levels[best]), float(off[1]), float(np.hypot(off[0], off[2]))


def _common_height(surface: HeightMap) -> float:
    """The height at which most of the surface lies."""
    heights = surface.height[np.isfinite(surface.height)]
    counts, edges = np.histogram(heights, bins=np.arange(heights.min(), heights.max() + 2 * BIN_M, BIN_M))
    fullest = int(np.argmax(counts))
    return float(np.median(heights[(heights >= edges[fullest]) & (heights <= edges[fullest + 1])]))


def look_up(surface: HeightMap, spots: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n"]:
    """Heights at world (x, z); NaN beside the map."""
    cell = np.floor((spots - surface.corner) / surface.cell_m).astype(np.int64)
    rows, columns = surface.height.shape
    inside = (cell >= 0).all(axis=-1) & (cell[..., 0] < columns) & (cell[..., 1] < rows)
    row, column = np.clip(cell[..., 1], 0, rows - 1), np.clip(cell[..., 0], 0, columns - 1)
    return np.where(inside, surface.height[row, column], np.nan)
