"""Rays along the room's axes: they run beside two pairs of sides for ever, and leave by a third."""

import numpy as np
import pytest

from regen3d.frames import intrinsics_from_focal
from regen3d.room.box import FACES, box_image, face_axis, leave_box
from regen3d.types import Camera, Face, RoomLayout

LAYOUT = RoomLayout(
    yaw_rad=0.0,
    bounds_min=np.array([-2.0, 0.0, -4.0]),
    bounds_max=np.array([2.5, 2.6, 0.5]),
    seen=frozenset(FACES),
    confidence=1.0,
)


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("face", FACES)
def test_a_ray_along_an_axis_leaves_by_the_side_ahead(face: Face, zero: float) -> None:
    axis, sign = face_axis(face)
    ray, start = np.full(3, zero), np.array([0.5, 1.5, -1.0])
    ray[axis] = 2.0 * sign
    side, reach = leave_box(LAYOUT, start, ray[None])
    assert FACES[side[0]] == face
    wall = (LAYOUT.bounds_max if sign > 0 else LAYOUT.bounds_min)[axis]
    assert reach[0] == pytest.approx(abs(wall - start[axis]) / 2.0)


def test_the_middle_of_an_odd_picture_shows_the_wall_ahead() -> None:
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[1, 3] = 1.5
    camera = Camera(intrinsics=intrinsics_from_focal(40.0, (49, 37)), width=49, height=37, world_from_camera=pose)
    side, depth = box_image(camera, LAYOUT)
    assert (depth > 0).all()
    assert FACES[side[18, 24]] == "wall_back"
    assert depth[18, 24] == pytest.approx(4.0)
