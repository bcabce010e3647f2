"""The room box seen from inside: which side does each pixel show, and how far away is it?

The camera stands inside the box, so every ray meets exactly one side. Room axes: those of the world, turned by the
layout's yaw.
"""

from collections.abc import Iterable
from typing import get_args

import numpy as np
from jaxtyping import Float, Integer

from regen3d.frames import pixel_centers, pixel_rays, rotation_about_y
from regen3d.types import Camera, Face, Mask, RoomLayout

FACES: tuple[Face, ...] = get_args(Face)
"""Sides in the order in which arrays of this package number them."""

_AXIS_SIGN: dict[Face, tuple[int, int]] = {
    "floor": (1, -1),
    "ceiling": (1, 1),
    "wall_back": (2, -1),
    "wall_front": (2, 1),
    "wall_left": (0, -1),
    "wall_right": (0, 1),
}
FACE_AXES = np.array([_AXIS_SIGN[face] for face in FACES])
"""What `face_axis` says of each of `FACES`."""
_FACE_OF = np.lexsort(FACE_AXES.T[::-1]).reshape(3, 2)
"""Index into `FACES` by axis, then by sign."""


def face_axis(face: Face) -> tuple[int, int]:
    """Room axis (0 x, 1 y, 2 z) that a side is square to, and the side's sign along it."""
    return _AXIS_SIGN[face]


def room_rays(camera: Camera, layout: RoomLayout, pixels: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 3"]:
    """Directions through pixels in the room's axes; depth along the optical axis grows by 1 per unit."""
    room_from_camera = rotation_about_y(layout.yaw_rad).T @ camera.world_from_camera[:3, :3]
    return pixel_rays(camera.intrinsics, pixels) @ room_from_camera.T


def room_position(camera: Camera, layout: RoomLayout) -> Float[np.ndarray, " 3"]:
    """Optical centre in the room's axes, metres."""
    return rotation_about_y(layout.yaw_rad).T @ camera.position


def leave_box(
    layout: RoomLayout, start: Float[np.ndarray, " 3"], rays: Float[np.ndarray, "*n 3"]
) -> tuple[Integer[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Side (index into `FACES`) by which rays from inside the box leave it, and how many of their lengths away it is.

    Start and rays are in the room's axes, metres.
    """
    wall = np.where(rays > 0, layout.bounds_max, layout.bounds_min)
    level = np.abs(rays) < 1e-12
    reach = np.where(level, np.inf, (wall - start) / np.where(level, 1.0, rays))
    axis = reach.argmin(axis=-1)[..., None]
    positive = np.take_along_axis(rays, axis, axis=-1)[..., 0] > 0
    return _FACE_OF[axis[..., 0], positive.astype(int)], np.take_along_axis(reach, axis, axis=-1)[..., 0]


def cast_box(
    camera: Camera, layout: RoomLayout, pixels: Float[np.ndarray, "*n 2"]
) -> tuple[Integer[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Side (index into `FACES`) and depth in metres along the optical axis where rays through pixels leave the box."""
    return leave_box(layout, room_position(camera, layout), room_rays(camera, layout, pixels))


def box_image(camera: Camera, layout: RoomLayout) -> tuple[Integer[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """Side and depth of the empty room for every pixel of the camera's picture; see `cast_box`."""
    return cast_box(camera, layout, pixel_centers(camera.hw))


def bare_floor(camera: Camera, layout: RoomLayout, objects: Iterable[Mask]) -> Mask:
    """Where the box shows its floor and no object covers it."""
    covered = np.zeros(camera.hw, dtype=bool)
    for mask in objects:
        covered |= mask
    return (box_image(camera, layout)[0] == FACES.index("floor")) & ~covered


def contains_camera(camera: Camera, layout: RoomLayout) -> bool:
    """Whether the optical centre lies inside the box."""
    position = room_position(camera, layout)
    return bool(np.all(position > layout.bounds_min) and np.all(position < layout.bounds_max))
