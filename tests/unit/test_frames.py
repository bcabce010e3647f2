import numpy as np
import pytest

from regen3d.errors import DegenerateGeometryError
from regen3d.frames import (
    floor_point,
    intrinsics_from_focal,
    project,
    rotation_about_y,
    transform,
    unproject,
    upright,
    world_from_gravity,
    yaw_of,
)
from regen3d.types import Camera

LEVEL = np.array([0.0, 1.0, 0.0])


def camera(gravity: np.ndarray = LEVEL, height_m: float = 1.5) -> Camera:
    return Camera(
        intrinsics=intrinsics_from_focal(500.0, (640, 480)),
        width=640,
        height=480,
        world_from_camera=world_from_gravity(gravity, height_m),
    )


def test_level_camera_looks_towards_minus_z() -> None:
    matrix = world_from_gravity(LEVEL, 1.5)
    np.testing.assert_allclose(matrix[:3, :3], np.diag([1.0, -1.0, -1.0]))
    np.testing.assert_allclose(transform(matrix, np.array([0.0, 1.5, 4.0])), [0.0, 0.0, -4.0])


def test_looking_down_has_gravity_ahead() -> None:
    matrix = world_from_gravity(np.array([0.0, 1.0, 1.0]), 2.0)
    np.testing.assert_allclose(matrix[:3, 2], [0.0, -np.sqrt(0.5), -np.sqrt(0.5)])


@pytest.mark.parametrize("gravity", [[0, 0, 0], [0, 0, 1], [0, 0, -5]])
def test_gravity_without_a_horizon_is_refused(gravity: list[float]) -> None:
    with pytest.raises(DegenerateGeometryError, match=r"gravity|straight"):
        world_from_gravity(np.array(gravity, np.float64), 1.5)


def test_known_pixel() -> None:
    matrix = intrinsics_from_focal(500.0, (640, 480))
    np.testing.assert_allclose(project(matrix, np.array([1.0, -0.5, 2.0])), [320.0 + 250.0, 240.0 - 125.0])
    np.testing.assert_allclose(unproject(matrix, np.array([570.0, 115.0]), np.array(2.0)), [1.0, -0.5, 2.0])


def test_points_beside_the_camera_do_not_divide_by_zero() -> None:
    assert np.isfinite(project(intrinsics_from_focal(500.0, (640, 480)), np.array([[1.0, 1.0, 0.0]]))).all()


def test_positive_yaw_turns_the_front_towards_x() -> None:
    np.testing.assert_allclose(rotation_about_y(np.pi / 2) @ [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], atol=1e-12)
    assert yaw_of(rotation_about_y(0.3)) == pytest.approx(0.3)


def test_upright_is_scale_then_yaw_then_translation() -> None:
    pose = upright(yaw_rad=np.pi / 2, translation=np.array([1.0, 2.0, 3.0]), scale=2.0)
    np.testing.assert_allclose(transform(pose.matrix, np.array([0.0, 1.0, 1.0])), [3.0, 4.0, 3.0], atol=1e-12)


def test_floor_points_of_a_level_camera() -> None:
    pixels = np.array([[320.0, 490.0], [320.0, 240.0], [320.0, 100.0]])
    points = floor_point(camera(), pixels)
    np.testing.assert_allclose(points[0], [0.0, 0.0, -3.0], atol=1e-9)  # 250 px below the horizon: 1.5 * 500 / 250
    assert np.isnan(points[1:]).all()  # the horizon and the sky


def test_table_tops_are_nearer_than_the_floor() -> None:
    points = floor_point(camera(), np.array([[320.0, 490.0]]), height_m=0.75)
    np.testing.assert_allclose(points[0], [0.0, 0.75, -1.5], atol=1e-9)


def test_views_of_a_camera() -> None:
    seen = camera()
    assert seen.hw == (480, 640)
    assert seen.hfov_deg == pytest.approx(2 * np.degrees(np.arctan(320 / 500)))
    np.testing.assert_allclose(seen.position, [0.0, 1.5, 0.0])
    np.testing.assert_allclose(seen.camera_from_world @ seen.world_from_camera, np.eye(4), atol=1e-12)
