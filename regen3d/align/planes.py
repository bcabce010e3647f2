"""Which plane an object touches, and which walls it stays before, as the room and its support say."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.align.pose import FLOOR, SupportPlane
from regen3d.frames import pixel_rays, rotation_about_y
from regen3d.types import Camera, Face, PointMap, RoomLayout

ASSUMED_WALL_M = 3.0
"""Distance of a wall of which nothing is known: the middle of a living room."""

UP = np.array([0.0, 1.0, 0.0])
SIDES: dict[Face, tuple[int, int]] = {
    "wall_left": (0, 1),
    "wall_right": (0, -1),
    "floor": (1, 1),
    "ceiling": (1, -1),
    "wall_back": (2, 1),
    "wall_front": (2, -1),
}
"""Axis of each side of the room, and the sign of its inward normal along it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """The walls that bound where an object may be, as half-spaces."""

    normals: Float[np.ndarray, "n 3"]
    """Unit vectors into the room, world frame."""
    offsets: Float[np.ndarray, " n"]
    """`normals @ point >= offsets` on the room's side of each, metres."""

    def beyond(self, points: Float[np.ndarray, "b v 3"]) -> Float[np.ndarray, " b"]:
        """How far each cloud of points reaches behind any wall, metres; 0 for one inside the room."""
        inside = np.einsum("bvi,ni->bvn", points, self.normals) - self.offsets
        return np.maximum(-inside.min(axis=(1, 2)), 0.0)


def seen_walls(layout: RoomLayout) -> Walls | None:
    """The walls of the room that the picture shows; assumed ones keep nothing in."""
    sides = [room_side(layout, face) for face in SIDES if face in layout.seen and face.startswith("wall")]
    if not sides:
        return None
    normals = np.stack([side.normal for side in sides])
    return Walls(normals=normals, offsets=np.array([side.origin @ side.normal for side in sides]))


def room_side(layout: RoomLayout, face: Face) -> SupportPlane:
    """One side of the room as a plane of the world frame, its normal inward."""
    axis, sign = SIDES[face]
    world_from_room = rotation_about_y(layout.yaw_rad)
    corner = layout.bounds_min if sign > 0 else layout.bounds_max
    normal = sign * world_from_room[:, axis]
    along = world_from_room[:, 2] if axis == 0 else world_from_room[:, 0]
    other = world_from_room[:, 2] if axis == 1 else UP
    name = face if axis == 1 else "wall"
    return SupportPlane(name=name, origin=world_from_room @ corner, axes=np.stack([along, other]), normal=normal)


def wall_behind(layout: RoomLayout, camera: Camera, pixel: Float[np.ndarray, " 2"]) -> Face:
    """The wall that the ray through a pixel meets where it leaves the room, floor and ceiling left out."""
    ray = camera.world_from_camera[:3, :3] @ pixel_rays(camera.intrinsics, pixel)
    room_from_world = rotation_about_y(layout.yaw_rad).T
    start, direction = room_from_world @ camera.position, room_from_world @ ray
    distances: dict[Face, float] = {}
    for face, (axis, sign) in SIDES.items():
        if axis == 1 or direction[axis] * sign > -1e-9:
            continue
        bound = layout.bounds_min[axis] if sign > 0 else layout.bounds_max[axis]
        distances[face] = float((bound - start[axis]) / direction[axis])
    return min(distances, key=lambda face: distances[face])


def support_plane(
    support: str, camera: Camera, pixel: Float[np.ndarray, " 2"], room: tuple[RoomLayout | None, PointMap | None]
) -> tuple[SupportPlane, tuple[str, ...]]:
    """The plane that an object touches, and what had to be assumed.

    Args:
        support: `floor`, `wall`, `ceiling`, `free`, or the name of the object below; what stands on an object is
            placed as if it stood on the floor, and lifted later.
        camera: the camera, world frame.
        pixel: middle of the object in the picture.
        room: the room box and the point map, as far as they are known.
    """
    layout, points = room
    if support == "ceiling" and layout is not None:
        return room_side(layout, "ceiling"), ()
    if support == "wall" and layout is not None:
        return room_side(layout, wall_behind(layout, camera, pixel)), ()
    if support not in ("wall", "ceiling", "free"):
        return FLOOR, ()
    return _facing_plane(camera, pixel, points)


def _facing_plane(
    camera: Camera, pixel: Float[np.ndarray, " 2"], points: PointMap | None
) -> tuple[SupportPlane, tuple[str, ...]]:
    """An upright plane that faces the camera, at the depth of the points or at an assumed one."""
    depth_m, note = ASSUMED_WALL_M, f"the wall is not known: {ASSUMED_WALL_M:g} m from the camera is assumed"
    row, column = int(pixel[1]), int(pixel[0])
    if points is not None and points.scale == "metric" and points.valid[row, column]:
        depth_m = float(points.points[row, column, 2])
        note = "the wall is not known: the distance is that of the point in the middle of the object"
    ray = pixel_rays(camera.intrinsics, pixel) * depth_m
    normal = -(camera.world_from_camera[:3, :3] @ ray) * np.array([1.0, 0.0, 1.0])
    normal /= max(float(np.linalg.norm(normal)), 1e-9)
    origin = camera.position + camera.world_from_camera[:3, :3] @ ray
    axes = np.stack([np.cross(UP, normal), UP])
    return SupportPlane(name="free", origin=origin, axes=axes, normal=normal), (note,)
