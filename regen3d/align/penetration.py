"""How deep one mesh is inside another: meshes as solids carved from six sides.

Generated meshes are seldom watertight, so inside cannot be read off their faces. A point counts as inside where it is
hidden behind the mesh from all six directions of the mesh's own axes (space carving, Kutulakos and Seitz 2000, with six
orthographic views). What is open to any of them is free: the room under a table, between the boards of a bookcase, in a
bowl.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.align.heights import HeightMap, height_map, look_up
from regen3d.align.placed import PlacedObject, bounds_along
from regen3d.align.proxy import sample_surface, upright_axis
from regen3d.frames import rotation_about_y, transform
from regen3d.types import Mesh

TOUCH_M = 0.002
"""What is less deep than this only touches: surfaces in contact are that rough."""

_SIDES = tuple((axis, sign) for axis in range(3) for sign in (-1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class CarvedSolid:
    """A mesh as what six views of it leave, in the object frame."""

    maps: tuple[HeightMap, ...]
    """The surface seen from -x, +x, -y, +y, -z, +z of the mesh's axes; heights grow towards the viewer."""
    object_from_axes: Float[np.ndarray, "3 3"]
    """Rotation from the axes to which the mesh's upright faces are square; a generator may leave them askew."""
    samples: Float[np.ndarray, "n 3"]
    """Points spread over the surface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How far one object reaches into another."""

    depth_m: float
    """Of the deepest point under the nearest surface."""
    ways: Float[np.ndarray, "4 3"]
    """Horizontal ways on which the first object leaves the second, world frame, metres, shortest first."""


def carve(mesh: Mesh) -> CarvedSolid:
    """Look at a mesh from six sides.

    Raises:
        InvalidMeshError: no face has an area.
    """
    vertices, faces = mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64)
    turn = rotation_about_y(upright_axis(vertices, faces)[0])
    maps = tuple(height_map(_towards(vertices @ turn, axis, sign), faces) for axis, sign in _SIDES)
    samples = sample_surface(vertices, faces, np.random.default_rng(0))
    return CarvedSolid(maps=maps, object_from_axes=turn, samples=samples)


def exits(solid: CarvedSolid, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 6"]:
    """How far points are behind the surface seen from each side, object units; not positive outside."""
    points = points @ solid.object_from_axes
    found = []
    for (axis, sign), view in zip(_SIDES, solid.maps, strict=True):
        turned = _towards(points, axis, sign)
        found.append(np.nan_to_num(look_up(view, turned[:, [0, 2]]) - turned[:, 1], nan=-1.0))
    return np.stack(found, axis=1)


def overlap(first: PlacedObject, second: PlacedObject, solids: tuple[CarvedSolid, CarvedSolid]) -> Overlap | None:
    """How far two objects reach into each other; None where they do not.

    Args:
        first: the object that would leave.
        second: the object that would be left.
        solids: both, carved, in that order.
    """
    if _apart(first, second):
        return None
    one, two = _reach(first, second, solids), _reach(second, first, (solids[1], solids[0]))
    if one is None and two is None:
        return None
    found = [one] if one is not None else []
    if two is not None:
        found.append(Overlap(depth_m=two.depth_m, ways=-two.ways))
    return max(found, key=lambda item: item.depth_m)


def _reach(first: PlacedObject, second: PlacedObject, solids: tuple[CarvedSolid, CarvedSolid]) -> Overlap | None:
    """The overlap as samples of the first object in the second have it."""
    pose = second.alignment.world_from_object
    world = transform(first.alignment.world_from_object.matrix, solids[0].samples)
    out = pose.scale * exits(solids[1], transform(np.linalg.inv(pose.matrix), world))
    inside = out[(out > TOUCH_M).all(axis=1)]
    if len(inside) == 0:
        return None
    sides = [(k, axis, sign) for k, (axis, sign) in enumerate(_SIDES) if axis != 1]
    lengths = np.array([inside[:, k].max() for k, _, _ in sides])
    axes = pose.rotation @ solids[1].object_from_axes
    ways = np.stack([sign * axes[:, axis] for _, axis, sign in sides]) * lengths[:, None]
    return Overlap(depth_m=float(inside.min(axis=1).max()), ways=ways[np.argsort(lengths, kind="stable")])


def _apart(first: PlacedObject, second: PlacedObject) -> bool:
    """Whether the objects' boxes do not even meet."""
    low, high = bounds_along(first, np.eye(3))
    other_low, other_high = bounds_along(second, np.eye(3))
    return bool((low > other_high - TOUCH_M).any() or (other_low > high - TOUCH_M).any())


def _towards(points: Float[np.ndarray, "n 3"], axis: int, sign: float) -> Float[np.ndarray, "n 3"]:
    """Points with the side's direction as height, the other two axes as ground."""
    others = [k for k in range(3) if k != axis]
    return np.stack([points[:, others[0]], sign * points[:, axis], points[:, others[1]]], axis=1)
