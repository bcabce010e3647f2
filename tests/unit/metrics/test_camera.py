from dataclasses import replace

import numpy as np
import pytest

from regen3d.frames import gravity_in_camera
from regen3d.metrics.camera import angle_deg, focal_error
from tests.synthetic.room import SyntheticRoom


def test_right_angle_and_tiny_angle() -> None:
    assert angle_deg(np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 3.0])) == pytest.approx(90.0)
    tiny = np.array([1.0, 1e-7, 0.0])
    assert np.radians(angle_deg(np.array([1.0, 0.0, 0.0]), tiny)) == pytest.approx(1e-7)


def test_errors_of_the_true_camera_are_none(synthetic_room: SyntheticRoom) -> None:
    camera = synthetic_room.camera
    assert focal_error(camera, camera) == 0.0
    assert angle_deg(gravity_in_camera(camera), gravity_in_camera(camera)) == 0.0


def test_resolution_plays_no_part(synthetic_room: SyntheticRoom) -> None:
    camera = synthetic_room.camera
    half = replace(camera, intrinsics=np.diag([0.5, 0.5, 1.0]) @ camera.intrinsics, width=240, height=180)
    assert focal_error(half, camera) == pytest.approx(0.0)
    longer = replace(camera, intrinsics=np.diag([1.1, 1.1, 1.0]) @ camera.intrinsics)
    assert focal_error(longer, camera) == pytest.approx(0.1)
