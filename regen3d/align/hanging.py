"""What hangs, and from which side of the room."""

import numpy as np
from jaxtyping import Float

from regen3d.align.contact import contact_shares, free_columns
from regen3d.align.measured import end_height
from regen3d.align.standing import CONTACT_SHARE, UNSURE_SHARE
from regen3d.align.support_evidence import SupportEvidence
from regen3d.align.support_words import HANGING, LIGHTS, OVERHEAD, is_flat, is_standing, words_of
from regen3d.frames import floor_point, pixel_rays, rotation_about_y
from regen3d.types import Camera, Instance, RoomLayout

HANGING_M = 0.6
"""Measured points of a free lower end this high above the floor show that it hangs; legs that a mask lacks are shorter
but for tables', which never hang."""

OUTSIDE_M = 0.3
"""What would stand on the floor this far outside the room hangs on its wall; errors of the room box are smaller."""

FARTHEST_M = 15.0
"""The same where no room box is known: no room is longer."""


def room_support(item: Instance, evidence: SupportEvidence, is_off_floor: bool) -> str:
    """Floor, wall or ceiling, for what no other object carries."""
    words = words_of(item)
    if words & OVERHEAD:
        return "ceiling"
    if is_flat(item.label) or not (is_off_floor or words & HANGING):
        return "floor"
    if not words & HANGING and _hangs_from_ceiling(item, evidence):
        return "ceiling"
    # Without points nobody knows whether the furniture under a picture carries it or hides its lower end.
    rests = evidence.measured is None and sum(contact_shares(item, evidence.instances).values()) >= CONTACT_SHARE
    return "floor" if rests else "wall"


def is_off_floor(item: Instance, evidence: SupportEvidence) -> bool:
    """Whether an object's lower end is too high for the floor: by its points, or because that would be outside."""
    x0, _, x1, y1 = item.box
    camera = evidence.camera
    if camera is None or y1 >= camera.height or is_standing(item):
        return False
    free = free_columns(item, evidence.instances)
    if evidence.measured is not None and free.sum() > UNSURE_SHARE * len(free):
        height = end_height(item.mask, evidence.measured)
        if height is not None:
            return height > HANGING_M
    point = floor_point(camera, np.array([0.5 * (x0 + x1), float(y1)]))
    if not np.isfinite(point).all():
        return True
    if evidence.layout is None or not evidence.layout.believable:
        return bool(np.linalg.norm(point - camera.position) > FARTHEST_M)
    room = point @ rotation_about_y(evidence.layout.yaw_rad)
    low, high = evidence.layout.bounds_min - OUTSIDE_M, evidence.layout.bounds_max + OUTSIDE_M
    return bool((room[[0, 2]] < low[[0, 2]]).any() or (room[[0, 2]] > high[[0, 2]]).any())


def _hangs_from_ceiling(item: Instance, evidence: SupportEvidence) -> bool:
    """Whether the side of the room behind an object's upper end is the ceiling; unless that is known, lights hang."""
    x0, y0, x1, _ = item.box
    if y0 == 0 or evidence.layout is None or not evidence.layout.believable or evidence.camera is None:
        return bool(words_of(item) & LIGHTS)
    return _leaves_through_ceiling(evidence.layout, evidence.camera, np.array([0.5 * (x0 + x1), float(y0)]))


def _leaves_through_ceiling(layout: RoomLayout, camera: Camera, pixel: Float[np.ndarray, " 2"]) -> bool:
    """Whether the ray through a pixel meets the ceiling before a wall."""
    to_room = rotation_about_y(layout.yaw_rad)
    ray = camera.world_from_camera[:3, :3] @ pixel_rays(camera.intrinsics, pixel) @ to_room
    start = camera.position @ to_room
    bound = np.where(ray > 0.0, layout.bounds_max, layout.bounds_min)
    distance = (bound - start) / np.where(np.abs(ray) < 1e-9, np.where(ray > 0.0, 1e-9, -1e-9), ray)
    return bool(ray[1] > 0.0 and distance[1] < min(distance[0], distance[2]))
