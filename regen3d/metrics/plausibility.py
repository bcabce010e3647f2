"""Whether objects could stand where they are: on something, and not inside each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy.ndimage import distance_transform_edt

from regen3d.frames import rotation_about_y
from regen3d.metrics.sampling import sample_surface
from regen3d.metrics.surfaces import Surface
from regen3d.metrics.voxels import VoxelGrid, solid_voxels
from regen3d.types import RoomLayout

SAMPLES = 20_000
"""Points on each object that look for what is below: one or two centimetres apart on a sofa."""

CELL_M = 0.02
"""Side of the ground cells in which an underside meets what is below it; slanted surfaces blur by as much."""

SINK_M = 0.05
"""How deep an object may stand in what carries it; what reaches higher is beside or above it."""

LEVEL_COSINE = 0.7
"""Height of a unit normal, up or down, from which a face can carry something: sloped by at most 45 degrees."""

FLOATING_M = 0.02
"""Gap from which an object floats: the drop test's limit."""

CELLS = 48
"""Voxels along each side of the box that two objects share: a common part is measured to 2 % of its box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Penetration:
    """How much of two objects is inside both."""

    volume_m3: float
    """Volume of the common part, cubic metres."""
    depth_m: float
    """Diameter of the greatest ball within the common part, metres: how far a slab or a corner has sunk in."""


def contact_gaps_m(objects: Sequence[Surface]) -> Float[np.ndarray, " n"]:
    """How far each object would fall onto what is below it: the floor (y = 0) or another object, metres.

    The place that touches first decides. Negative only where it stands below the floor: how deep objects stand in each
    other is what `penetration` measures. Both surfaces are sampled, and meet in cells of `CELL_M` on the ground.

    Raises:
        InvalidMeshError: an object has no face with an area.
    """
    samples = [sample_surface(item.vertices, item.faces, SAMPLES, seed=0) for item in objects]
    # Only level places carry: the side of a table leg beside a chair's foot does not.
    level = [sample.points[np.abs(sample.normals[:, 1]) > LEVEL_COSINE] for sample in samples]
    return np.array([_gap(item.points, level[:k] + level[k + 1 :]) for k, item in enumerate(samples)])


def wall_gap_m(surface: Surface, layout: RoomLayout) -> float:
    """Distance of an object to the nearest wall or to the ceiling of a room, metres; negative where it sticks out."""
    room = surface.vertices @ rotation_about_y(layout.yaw_rad)
    least = (room - layout.bounds_min)[:, [0, 2]].min()
    return float(min(least, (layout.bounds_max - room).min()))


def floating_share(objects: Sequence[Surface], layout: RoomLayout | None = None) -> float:
    """Share of objects that hang in the air, 0..1: above everything by more than `FLOATING_M`, and at no wall.

    Args:
        objects: of one scene.
        layout: the room, where it is known; without it, what hangs on a wall floats.

    Raises:
        InvalidMeshError: an object has no face with an area.
    """
    if not objects:
        return 0.0
    floating = contact_gaps_m(objects) > FLOATING_M
    if layout is not None:
        floating &= np.array([wall_gap_m(item, layout) > FLOATING_M for item in objects])
    return float(floating.mean())


def penetration(a: Surface, b: Surface) -> Penetration:
    """What two objects have in common, on a grid over the box that both boxes share.

    What is inside an object is decided by `solid_voxels`, which needs no closed surface and, unlike convex pieces, does
    not fill the space under a table.
    """
    low = np.maximum(a.bounds[0], b.bounds[0])
    size = np.minimum(a.bounds[1], b.bounds[1]) - low
    if (size <= 0.0).any():
        return Penetration(volume_m3=0.0, depth_m=0.0)
    grid = VoxelGrid(origin=low, pitch=size / CELLS, shape=(CELLS, CELLS, CELLS))
    common = solid_voxels(a, grid) & solid_voxels(b, grid)
    if not common.any():
        return Penetration(volume_m3=0.0, depth_m=0.0)
    inward = np.asarray(distance_transform_edt(np.pad(common, 1), sampling=grid.pitch))
    # The transform measures to the middle of the first free voxel, half a voxel beyond the border on either side.
    depth = 2.0 * float(inward.max()) - float(grid.pitch.min())
    return Penetration(volume_m3=float(common.sum() * grid.pitch.prod()), depth_m=depth)


def penetrations(objects: Sequence[Surface]) -> dict[tuple[int, int], Penetration]:
    """Every pair of objects that have something in common, by their indices."""
    pairs = ((i, j) for i in range(len(objects)) for j in range(i + 1, len(objects)))
    found = {pair: penetration(objects[pair[0]], objects[pair[1]]) for pair in pairs}
    return {pair: value for pair, value in found.items() if value.volume_m3 > 0.0}


def _gap(cloud: Float[np.ndarray, "n 3"], others: list[Float[np.ndarray, "_ 3"]]) -> float:
    """Least fall of a cloud onto the floor or other clouds."""
    low = cloud[:, [0, 2]].min(axis=0)
    width = int((cloud[:, 2].max() - low[1]) / CELL_M) + 1
    depth = int((cloud[:, 0].max() - low[0]) / CELL_M) + 1
    underside = np.full(depth * width, np.inf)
    np.minimum.at(underside, _flat(_cells(cloud, low), width), cloud[:, 1])
    least = float(underside.min())
    for other in others:
        cell = _cells(other, low)
        within = (cell >= 0).all(axis=1) & (cell < [depth, width]).all(axis=1)
        # A cell that the object does not cover has no underside: its fall is infinite.
        fall = underside[_flat(cell[within], width)] - other[within, 1]
        least = min(least, float(np.maximum(fall[fall >= -SINK_M], 0.0).min(initial=np.inf)))
    return least


def _cells(cloud: Float[np.ndarray, "n 3"], low: Float[np.ndarray, " 2"]) -> Integer[np.ndarray, "n 2"]:
    return np.floor((cloud[:, [0, 2]] - low) / CELL_M).astype(np.int64)


def _flat(cells: Integer[np.ndarray, "n 2"], width: int) -> Integer[np.ndarray, " n"]:
    return cells[:, 0] * width + cells[:, 1]
