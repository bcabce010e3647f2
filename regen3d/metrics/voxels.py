"""Surfaces and solids on a common grid, and how much of them is common."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Integer

from regen3d.meshes.quality import open_edges, welded
from regen3d.metrics.boxes import Bounds, bounds_of
from regen3d.metrics.sampling import sample_surface
from regen3d.metrics.surfaces import Surface
from regen3d.render.triangles import triangle_areas

RESOLUTION = 64
"""Voxels along the longest side, as PartCrafter has it."""

SAMPLES_PER_VOXEL = 16
"""Points on a piece of surface that crosses a voxel straight; a third of it then goes unseen once in 200 voxels."""

OFFSET = np.array([3.1e-5, 7.3e-5])
"""Where a column passes through its voxels' middles, off in voxels: so that it meets no edge of an aligned mesh."""

Voxels = Bool[np.ndarray, "x y z"]
"""True where the voxel is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoxelGrid:
    """Equal boxes in rows along the axes."""

    origin: Float[np.ndarray, " 3"]
    """Least corner of the first voxel."""
    pitch: Float[np.ndarray, " 3"]
    """Sides of a voxel, positive."""
    shape: tuple[int, int, int]
    """Number of voxels along each axis."""

    def cells(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Points in voxels, whose middles are at whole numbers."""
        return (points - self.origin) / self.pitch - 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class VoxelOverlap:
    """Intersection over union of two objects on a grid."""

    iou: float
    """0..1."""
    kind: Literal["solid", "surface"]
    """What was compared: what both enclose, or, where one is not closed or thinner than a voxel, the voxels that the
    surfaces pass through. Values of different kinds do not compare: those of surfaces are lower."""


def cubic_grid(bounds: Bounds, resolution: int = RESOLUTION) -> VoxelGrid:
    """Cubes over a box that is not a point, so many along its longest side."""
    pitch = float(np.ptp(bounds, axis=0).max()) / resolution
    # Rounding may put the last point just beyond a whole number of voxels.
    x, y, z = (max(int(np.ceil(side / pitch - 1e-9)), 1) for side in bounds[1] - bounds[0])
    return VoxelGrid(origin=bounds[0], pitch=np.full(3, pitch), shape=(x, y, z))


def voxel_overlap(a: Surface, b: Surface, resolution: int = RESOLUTION, seed: int = 0) -> VoxelOverlap:
    """Intersection over union of two objects on the cubic grid over both.

    Raises:
        InvalidMeshError: a surface has no face with an area.
    """
    grid = cubic_grid(bounds_of(np.concatenate([a.bounds, b.bounds])), resolution)
    if is_watertight(a) and is_watertight(b):
        solids = solid_voxels(a, grid), solid_voxels(b, grid)
        if solids[0].any() and solids[1].any():
            return VoxelOverlap(iou=voxel_iou(*solids), kind="solid")
    iou = voxel_iou(surface_voxels(a, grid, seed), surface_voxels(b, grid, seed))
    return VoxelOverlap(iou=iou, kind="surface")


def voxel_iou(a: Voxels, b: Voxels) -> float:
    """Intersection over union of voxels of one grid, 0..1; 0 where none is taken."""
    return float(np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1))


def is_watertight(surface: Surface) -> bool:
    """Whether the surface has no border and its faces agree about what is inside, once vertices are welded."""
    return len(open_edges(surface.faces, welded(surface.vertices))) == 0


def surface_voxels(surface: Surface, grid: VoxelGrid, seed: int = 0) -> Voxels:
    """Voxels that a surface passes through, found by sampling: corners that it only grazes may be missed.

    Raises:
        InvalidMeshError: no face has an area.
    """
    area = float(triangle_areas((surface.vertices / grid.pitch)[surface.faces]).sum())
    count = int(np.ceil(SAMPLES_PER_VOXEL * max(area, 1.0)))
    points = sample_surface(surface.vertices, surface.faces, count, seed).points
    index = np.rint(grid.cells(points)).astype(np.int64)
    # What lies in the grid's last face belongs to the last voxel.
    slack = 1e-6
    inside = (grid.cells(points) > -0.5 - slack) & (grid.cells(points) < np.array(grid.shape) - 0.5 + slack)
    index = np.clip(index, 0, np.array(grid.shape) - 1)[inside.all(axis=1)]
    taken = np.zeros(grid.shape, dtype=bool)
    taken[tuple(index.T)] = True
    return taken


def solid_voxels(surface: Surface, grid: VoxelGrid) -> Voxels:
    """Voxels whose middle lies inside a surface.

    Columns of voxels along each of the three axes count how often they enter and leave; a voxel is inside where two of
    its three columns are. Closed parts may pass through each other. Of an open surface, a column that leaves as often
    as it enters still tells; the others say outside.

    Source: Nooruddin and Turk 2003, "Simplification and repair of polygonal models using volumetric techniques",
    sections 3.1 and 3.2, with the winding number in place of parity.
    """
    corners = grid.cells(surface.vertices)[surface.faces.astype(np.int64)]
    votes = np.zeros(grid.shape, dtype=np.int8)
    for axis in range(3):
        order = [(axis + 1) % 3, (axis + 2) % 3, axis]
        inside = _inside_columns(corners[..., order], (grid.shape[order[0]], grid.shape[order[1]], grid.shape[axis]))
        votes += inside.transpose(np.argsort(order))
    return votes >= 2


def _inside_columns(corners: Float[np.ndarray, "f 3 3"], shape: tuple[int, int, int]) -> Voxels:
    """Voxels that columns along the last axis find inside; coordinates in voxels, an even permutation of the axes."""
    owner, columns = _crossed_columns(corners, shape)
    a, b, c = (corners[owner, corner, :2] - columns - OFFSET for corner in range(3))
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)])
    twice = weights.sum(axis=0)
    hit = (weights * np.sign(twice) > 0).all(axis=0)
    height = (weights[:, hit] * corners[owner[hit], :, 2].T).sum(axis=0) / twice[hit]
    # Below a face that looks up the column is inside once more, below one that looks down once less.
    step = np.clip(np.ceil(height), 0, shape[2]).astype(np.int64)
    column = columns[hit].astype(np.int64)
    key = (column[:, 0] * shape[1] + column[:, 1]) * (shape[2] + 1) + step
    size = shape[0] * shape[1] * (shape[2] + 1)
    steps = np.bincount(key, weights=np.sign(twice[hit]), minlength=size).reshape(-1, shape[2] + 1)
    winding = np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
    balanced = winding[:, :1] == 0
    return ((winding[:, 1:] != 0) & balanced).reshape(shape)


def _crossed_columns(
    corners: Float[np.ndarray, "f 3 3"], shape: tuple[int, int, int]
) -> tuple[Integer[np.ndarray, " n"], Float[np.ndarray, "n 2"]]:
    """Every face with every column within its box: indices of faces, and the columns' places."""
    limit = np.array(shape[:2])
    first = np.clip(np.ceil(corners[..., :2].min(axis=1) - 1e-3), 0, limit).astype(np.int64)
    last = np.clip(np.floor(corners[..., :2].max(axis=1)) + 1, first, limit).astype(np.int64)
    extent = last - first
    count = extent.prod(axis=1)
    owner = np.repeat(np.arange(len(corners)), count)
    rank = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    width = extent[owner, 1]
    return owner, first[owner] + np.stack([rank // width, rank % width], axis=1).astype(np.float64)


def _cross(a: Float[np.ndarray, "n _"], b: Float[np.ndarray, "n _"]) -> Float[np.ndarray, " n"]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
