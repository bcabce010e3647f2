"""Point maps of the user: read, brought to the picture's size, put under a camera."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regen3d.errors import ConfigError
from regen3d.frames import gravity_in_camera
from regen3d.inputs.image import Picture
from regen3d.inputs.points import geometry_of, read_points
from regen3d.types import KnownCamera
from tests.synthetic.room import SyntheticRoom


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def save(**arrays: np.ndarray) -> Path:
        np.savez(tmp_path / "points.npz", **arrays)
        return tmp_path / "points.npz"

    return save


def _flat(h: int, w: int) -> np.ndarray:
    return np.dstack([np.zeros((h, w)), np.zeros((h, w)), np.full((h, w), 2.0)]).astype(np.float16)


def test_maps_of_another_resolution_fill_the_picture(picture: Picture, write: Callable[..., Path]) -> None:
    points = _flat(60, 80)
    points[0, 0] = np.nan
    points[0, 1, 2] = -1.0
    confidence = np.full((60, 80), 7.0, dtype=np.float16)
    confidence[5, 5] = 3.5
    given = read_points(write(points=points, conf=confidence), picture)
    assert given.image.points.shape == (120, 160, 3)
    assert given.plate is None
    assert given.camera is None
    assert given.image.scale == "metric"
    assert np.count_nonzero(~given.image.valid) == 8
    assert given.image.confidence.max() == 1.0
    assert given.image.confidence[10, 10] == 0.5
    assert (given.image.points[~given.image.valid] == 0).all()


def test_a_camera_in_the_file_is_scaled_with_the_map(picture: Picture, write: Callable[..., Path]) -> None:
    intrinsics = np.array([[50.0, 0, 40], [0, 50, 30], [0, 0, 1]])
    given = read_points(write(points=_flat(60, 80), background_points=_flat(60, 80), K=intrinsics), picture)
    assert given.plate is not None
    assert given.camera is not None
    assert np.allclose(given.camera.intrinsics, [[100.0, 0, 80], [0, 100, 60], [0, 0, 1]])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"depth": np.ones((60, 80))}, ("'points'", "depth")),
        ({"points": np.ones((60, 80))}, ("(60, 80)",)),
        ({"points": np.ones((60, 80, 3), dtype=np.uint8)}, ("uint8",)),
        ({"points": np.ones((60, 90, 3))}, ("90 x 60",)),
        ({"points": -np.ones((60, 80, 3))}, ("0 points",)),
        ({"points": _flat(60, 80), "conf": np.ones((60, 80, 3))}, ("conf",)),
        ({"points": _flat(60, 80), "K": np.zeros((3, 3))}, ("K",)),
    ],
)
def test_what_is_no_point_map_is_refused(
    picture: Picture, write: Callable[..., Path], refused: Callable[..., str], arrays: dict, words: tuple[str, ...]
) -> None:
    refused(ConfigError, words, read_points, write(**arrays), picture)


def test_what_is_no_file_of_arrays_is_refused(picture: Picture, tmp_path: Path, refused: Callable[..., str]) -> None:
    refused(ConfigError, ("no.npz",), read_points, tmp_path / "no.npz", picture)
    (tmp_path / "text.npz").write_bytes(b"no archive")
    refused(ConfigError, ("text.npz",), read_points, tmp_path / "text.npz", picture)
    np.savez(tmp_path / "objects.npz", points=np.array([{}], dtype=object))
    refused(ConfigError, ("objects.npz",), read_points, tmp_path / "objects.npz", picture)


def test_the_floor_of_the_points_says_what_the_camera_does_not(
    synthetic_room: SyntheticRoom, write: Callable[..., Path]
) -> None:
    true = synthetic_room.camera
    picture = Picture(pixels=synthetic_room.image, given_wh=(true.width, true.height))
    geometry = synthetic_room.geometry
    path = write(points=geometry.image_points.points, background_points=geometry.plate_points.points)
    known = KnownCamera(intrinsics=true.intrinsics, width=true.width, height=true.height)
    found = geometry_of(read_points(path, picture), known, seed=0)
    assert found.camera.position[1] == pytest.approx(true.position[1], rel=0.02)
    assert gravity_in_camera(found.camera) @ gravity_in_camera(true) > np.cos(np.radians(1.0))
    assert found.layout is None
    whole = KnownCamera(
        intrinsics=true.intrinsics,
        width=true.width,
        height=true.height,
        gravity=gravity_in_camera(true),
        height_m=float(true.position[1]),
    )
    exact = geometry_of(read_points(path, picture), whole, seed=0)
    assert np.allclose(exact.camera.world_from_camera, true.world_from_camera)
    assert np.allclose(exact.image_points.points, geometry.image_points.points, atol=1e-5)


def test_points_without_a_camera_are_refused(
    picture: Picture, write: Callable[..., Path], refused: Callable[..., str]
) -> None:
    given = read_points(write(points=_flat(60, 80)), picture)
    refused(ConfigError, ("--camera",), geometry_of, given, None, 0)
    intrinsics = np.array([[100.0, 0, 80], [0, 100, 60], [0, 0, 1]])
    known = KnownCamera(intrinsics=intrinsics, width=160, height=120)
    refused(ConfigError, ("no floor",), geometry_of, given, known, 0)
