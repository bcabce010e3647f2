from dataclasses import replace

import numpy as np
import pytest

from regen3d.frames import gravity_in_camera
from regen3d.metrics.camera import angle_deg, floor_depth_error, focal_error, gravity_error_deg, height_error_m
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


def test_height_and_tilt_are_told(synthetic_room: SyntheticRoom) -> None:
    camera = synthetic_room.camera
    matrix = camera.world_from_camera.copy()
    matrix[1, 3] += 0.2
    tilt = np.eye(3)
    tilt[1:, 1:] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    matrix[:3, :3] = matrix[:3, :3] @ tilt
    found = replace(camera, world_from_camera=matrix)
    assert height_error_m(found, camera) == pytest.approx(0.2)
    assert gravity_error_deg(found, camera) == pytest.approx(np.degrees(0.1))


def test_floor_is_as_much_farther_as_the_camera_is_higher(synthetic_room: SyntheticRoom) -> None:
    camera = synthetic_room.camera
    matrix = camera.world_from_camera.copy()
    matrix[1, 3] *= 1.1
    higher = replace(camera, world_from_camera=matrix)
    depth, floor = synthetic_room.depth, synthetic_room.floor
    assert floor_depth_error(camera, depth, floor) == pytest.approx(0.0, abs=1e-6)
    assert floor_depth_error(higher, depth, floor) == pytest.approx(0.1)
    assert floor_depth_error(camera, depth, np.zeros_like(floor)) is None
    upwards = camera.world_from_camera.copy()
    upwards[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    assert floor_depth_error(replace(camera, world_from_camera=upwards), depth, floor) == 1.0
