import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regen3d.frames import (
    floor_point,
    gravity_in_camera,
    intrinsics_from_focal,
    pixel_centers,
    pixel_rays,
    project,
    rotation_about_y,
    transform,
    unproject,
    upright,
    world_from_gravity,
    yaw_of,
)
from regen3d.types import Camera, Similarity

BATCHES = st.sampled_from([(), (5,), (2, 3)])
ANGLES = st.floats(-np.pi, np.pi)
HEIGHTS = st.floats(0.1, 10.0)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def intrinsics(draw: st.DrawFn) -> np.ndarray:
    """Any pinhole K, without square pixels or a central principal point."""
    fx, fy = draw(st.floats(100.0, 5000.0)), draw(st.floats(100.0, 5000.0))
    return np.array([[fx, 0.0, draw(st.floats(0, 4000))], [0.0, fy, draw(st.floats(0, 4000))], [0.0, 0.0, 1.0]])


@st.composite
def gravities(draw: st.DrawFn) -> np.ndarray:
    """Down in the frame of a camera that is pitched by at most 80 degrees and rolled anyhow."""
    pitch, roll, length = draw(st.floats(-1.4, 1.4)), draw(ANGLES), draw(st.floats(0.01, 100.0))
    return length * np.array([np.cos(pitch) * np.sin(roll), np.cos(pitch) * np.cos(roll), np.sin(pitch)])


@st.composite
def similarities(draw: st.DrawFn) -> Similarity:
    """Any rotation, by the QR factors of a random matrix."""
    rng = np.random.default_rng(draw(SEEDS))
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    return Similarity(
        rotation=rotation, translation=rng.uniform(-10.0, 10.0, 3), scale=float(10.0 ** rng.uniform(-2.0, 2.0))
    )


def camera_of(gravity: np.ndarray, height_m: float, focal_px: float) -> Camera:
    return Camera(
        intrinsics=intrinsics_from_focal(focal_px, (640, 480)),
        width=640,
        height=480,
        world_from_camera=world_from_gravity(gravity, height_m),
    )


@given(intrinsics(), BATCHES, SEEDS)
def test_project_inverts_unproject(matrix: np.ndarray, batch: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels, depth = rng.uniform(-1000.0, 5000.0, (*batch, 2)), rng.uniform(0.1, 100.0, batch)
    points = unproject(matrix, pixels, np.asarray(depth))
    assert points.shape == (*batch, 3)
    np.testing.assert_allclose(points[..., 2], depth, rtol=1e-9)
    np.testing.assert_allclose(project(matrix, points), pixels, rtol=1e-9, atol=1e-6)


@given(intrinsics(), BATCHES, SEEDS)
def test_unproject_inverts_project(matrix: np.ndarray, batch: tuple[int, ...], seed: int) -> None:
    points = np.random.default_rng(seed).uniform([-5.0, -5.0, 0.1], [5.0, 5.0, 50.0], (*batch, 3))
    again = unproject(matrix, project(matrix, points), np.asarray(points[..., 2]))
    np.testing.assert_allclose(again, points, rtol=1e-9, atol=1e-9)


@given(intrinsics(), st.integers(1, 9), st.integers(1, 9))
def test_rays_go_through_the_centres_of_pixels(matrix: np.ndarray, height: int, width: int) -> None:
    centers = pixel_centers((height, width))
    assert centers.shape == (height, width, 2)
    np.testing.assert_array_equal(centers[0, 0], [0.5, 0.5])
    np.testing.assert_array_equal(centers[-1, -1], [width - 0.5, height - 0.5])
    rays = pixel_rays(matrix, centers)
    np.testing.assert_allclose(rays[..., 2], 1.0)
    np.testing.assert_allclose(project(matrix, rays), centers, rtol=1e-9, atol=1e-6)


@given(similarities(), similarities(), SEEDS)
def test_similarities_are_closed(a: Similarity, b: Similarity, seed: int) -> None:
    product = a.matrix @ b.matrix
    linear, scale = product[:3, :3], a.scale * b.scale
    np.testing.assert_allclose(linear.T @ linear, scale**2 * np.eye(3), atol=1e-9 * scale**2)
    assert np.linalg.det(linear) == pytest.approx(scale**3)
    np.testing.assert_array_equal(product[3], [0, 0, 0, 1])
    points = np.random.default_rng(seed).normal(size=(4, 3))
    np.testing.assert_allclose(
        transform(product, points), transform(a.matrix, transform(b.matrix, points)), rtol=1e-9, atol=1e-9 * scale
    )


@given(similarities(), SEEDS)
def test_similarities_have_inverses(a: Similarity, seed: int) -> None:
    back = Similarity(rotation=a.rotation.T, translation=-a.rotation.T @ a.translation / a.scale, scale=1.0 / a.scale)
    np.testing.assert_allclose(back.matrix @ a.matrix, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(a.matrix @ back.matrix, np.eye(4), atol=1e-9 * max(1.0, a.scale))


@given(similarities(), similarities(), similarities())
def test_similarities_are_associative(a: Similarity, b: Similarity, c: Similarity) -> None:
    left, right = (a.matrix @ b.matrix) @ c.matrix, a.matrix @ (b.matrix @ c.matrix)
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9 * np.abs(left).max())


@given(similarities(), SEEDS)
def test_similarities_keep_shape(a: Similarity, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(2, 6, 3))
    moved = transform(a.matrix, points)
    before, after = (np.linalg.norm(p[:, :, None] - p[:, None], axis=-1) for p in (points, moved))
    np.testing.assert_allclose(after, a.scale * before, rtol=1e-7, atol=1e-9 * a.scale)


@given(gravities(), HEIGHTS)
def test_gravity_points_down_in_the_world(gravity: np.ndarray, height_m: float) -> None:
    matrix = world_from_gravity(gravity, height_m)
    np.testing.assert_allclose(matrix[:3, :3] @ gravity / np.linalg.norm(gravity), [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)


@given(gravities(), HEIGHTS)
def test_world_lies_below_the_camera_and_is_not_turned(gravity: np.ndarray, height_m: float) -> None:
    matrix = world_from_gravity(gravity, height_m)
    np.testing.assert_array_equal(matrix[:3, 3], [0.0, height_m, 0.0])
    view = matrix[:3, 2]
    assert view[0] == pytest.approx(0.0, abs=1e-9)
    assert view[2] < 0.0


@given(gravities(), HEIGHTS, st.floats(200.0, 2000.0))
def test_camera_gives_its_gravity_back(gravity: np.ndarray, height_m: float, focal_px: float) -> None:
    found = gravity_in_camera(camera_of(gravity, height_m, focal_px))
    np.testing.assert_allclose(found, gravity / np.linalg.norm(gravity), atol=1e-9)


@given(st.floats(-10.0, 10.0))
def test_yaw_inverts_rotation_about_y(yaw_rad: float) -> None:
    found = yaw_of(rotation_about_y(yaw_rad))
    assert np.cos(found - yaw_rad) == pytest.approx(1.0)
    assert np.sin(found - yaw_rad) == pytest.approx(0.0, abs=1e-9)


@given(ANGLES, ANGLES)
def test_rotations_about_y_add_up(a: float, b: float) -> None:
    np.testing.assert_allclose(rotation_about_y(a) @ rotation_about_y(b), rotation_about_y(a + b), atol=1e-12)


@given(ANGLES, st.floats(0.01, 100.0), SEEDS)
def test_upright_keeps_heights_up_to_scale(yaw_rad: float, scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, translation = rng.normal(size=(7, 3)), rng.normal(size=3)
    pose = upright(yaw_rad=yaw_rad, translation=translation, scale=scale)
    np.testing.assert_allclose(
        transform(pose.matrix, points)[:, 1], scale * points[:, 1] + translation[1], rtol=1e-9, atol=1e-9
    )


@given(gravities(), HEIGHTS, st.floats(200.0, 2000.0), st.floats(-1.0, 0.9), BATCHES, SEEDS)
def test_floor_points_lie_on_the_plane_and_project_back(
    gravity: np.ndarray, height_m: float, focal_px: float, share: float, batch: tuple[int, ...], seed: int
) -> None:
    camera, plane = camera_of(gravity, height_m, focal_px), share * height_m
    pixels = np.random.default_rng(seed).uniform([0.0, 0.0], [640.0, 480.0], (*batch, 2))
    points = floor_point(camera, pixels, plane)
    assert points.shape == (*batch, 3)
    rays = pixel_rays(camera.intrinsics, pixels) @ camera.world_from_camera[:3, :3].T
    meets = rays[..., 1] < -1e-4  # nearer to the horizon the distance is beyond 1000 heights
    assert np.isnan(points[rays[..., 1] > 0.0]).all()
    np.testing.assert_allclose(points[meets][:, 1], plane, atol=1e-6 * height_m)
    back = project(camera.intrinsics, transform(camera.camera_from_world, points[meets]))
    np.testing.assert_allclose(back, pixels[meets], atol=1e-4)
