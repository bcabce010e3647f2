"""Point maps from the room box: of the empty room exactly, of the objects as upright planes where they stand."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from regen3d.frames import floor_point, gravity_in_camera, pixel_centers, pixel_rays
from regen3d.room.box import FACES, box_image
from regen3d.room.evidence import lowest_pixel
from regen3d.types import Camera, Mask, PointMap, RoomLayout

ASSUMED_SIDE = 0.3
"""Confidence of a side that the picture does not show, relative to the box."""
OBJECT = 0.3
"""Confidence of an object's upright plane, relative to the box: right where it touches the floor, rough elsewhere."""
NEAREST_M = 0.1
"""No object is nearer to the lens than this."""


def room_points(camera: Camera, layout: RoomLayout) -> PointMap:
    """The point of the empty room behind every pixel, camera frame, metres."""
    sides, depth = box_image(camera, layout)
    trust = np.array([1.0 if face in layout.seen else ASSUMED_SIDE for face in FACES])
    return _point_map(camera, depth, layout.confidence * trust[sides])


def scene_points(camera: Camera, layout: RoomLayout, objects: Sequence[Mask]) -> PointMap:
    """The point behind every pixel with the objects in place, camera frame, metres.

    Each object is an upright plane that faces the camera, through the point where it touches the floor or the object
    it stands on; an object that hangs on a wall lies in the wall. No point is behind the room.
    """
    room = room_points(camera, layout)
    sides, _ = box_image(camera, layout)
    depth, confidence = room.points[..., 2].copy(), room.confidence.copy()
    taken = np.zeros(camera.hw, bool)
    # From the lowest foot upwards, so that what an object stands on is placed before it.
    for mask in sorted((m for m in objects if m.any()), key=lambda m: -int(np.flatnonzero(m.any(axis=1))[-1])):
        foot = _foot(mask)
        row, column = min(int(foot[1]) + 1, camera.height - 1), int(foot[0])
        if taken[row, column] or FACES[sides[row, column]] == "floor":
            contact = pixel_rays(camera.intrinsics, foot) * depth[row, column]
            if not taken[row, column]:
                contact = _floor_contact(camera, foot, contact)
            plane = _upright_depth(camera, contact, mask)
            depth[mask] = np.clip(plane, NEAREST_M, room.points[..., 2][mask])
        confidence[mask] = OBJECT * layout.confidence
        taken |= mask
    return _point_map(camera, depth, confidence)


def _foot(mask: Mask) -> Float[np.ndarray, " 2"]:
    """Lowest pixel of a mask (u, v); on the border of the picture where the object is cut off."""
    foot = lowest_pixel(mask)
    if foot is None:
        columns = np.flatnonzero(mask[np.flatnonzero(mask.any(axis=1))[-1]])
        foot = np.array([float(np.median(columns)) + 0.5, float(mask.shape[0])])
    return foot


def _floor_contact(
    camera: Camera, foot: Float[np.ndarray, " 2"], otherwise: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " 3"]:
    """Floor point below a pixel, camera frame, unless the ray never meets the floor or does so behind `otherwise`."""
    world = floor_point(camera, foot)
    point = camera.camera_from_world[:3, :3] @ world + camera.camera_from_world[:3, 3]
    return point if np.isfinite(point).all() and 0 < point[2] < otherwise[2] else otherwise


def _upright_depth(camera: Camera, contact: Float[np.ndarray, " 3"], mask: Mask) -> Float[np.ndarray, " n"]:
    """Depth of the masked pixels on the vertical plane through a point, square to the line of sight."""
    down = gravity_in_camera(camera)
    normal = contact - down * (down @ contact)
    rays = pixel_rays(camera.intrinsics, pixel_centers(camera.hw)[mask])
    facing = rays @ normal
    return np.where(facing > 1e-6, (contact @ normal) / np.maximum(facing, 1e-6), np.inf)


def _point_map(camera: Camera, depth: Float[np.ndarray, "h w"], confidence: Float[np.ndarray, "h w"]) -> PointMap:
    points = pixel_rays(camera.intrinsics, pixel_centers(camera.hw)) * depth[..., None]
    return PointMap(points=points, valid=np.isfinite(depth), confidence=confidence, scale="metric")
