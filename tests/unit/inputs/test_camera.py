import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regen3d.errors import ConfigError
from regen3d.inputs.camera import read_camera
from regen3d.inputs.image import Picture

WriteJson = Callable[[str], Path]
GOOD: dict[str, Any] = {"K": [[300, 0, 160], [0, 300, 120], [0, 0, 1]], "width": 320, "height": 240}


def test_camera_is_scaled_to_the_working_picture(picture: Picture, write_json: WriteJson) -> None:
    camera = read_camera(write_json(json.dumps(GOOD)), picture)
    np.testing.assert_allclose(camera.intrinsics, [[150, 0, 80], [0, 150, 60], [0, 0, 1]])
    assert (camera.width, camera.height) == picture.wh
    assert camera.gravity is None
    assert camera.height_m is None


def test_camera_of_another_resolution_gives_the_same(picture: Picture, write_json: WriteJson) -> None:
    given = GOOD | {"K": [[1500, 0, 800], [0, 1500, 600], [0, 0, 1]], "width": 1600, "height": 1200}
    expected = read_camera(write_json(json.dumps(GOOD)), picture).intrinsics
    np.testing.assert_allclose(read_camera(write_json(json.dumps(given)), picture).intrinsics, expected)


def test_gravity_is_made_a_unit_vector_and_height_is_kept(picture: Picture, write_json: WriteJson) -> None:
    camera = read_camera(write_json(json.dumps(GOOD | {"gravity": [0, 3, 4], "height_m": 1.6})), picture)
    assert camera.gravity is not None
    np.testing.assert_allclose(camera.gravity, [0, 0.6, 0.8])
    assert camera.height_m == 1.6


def test_camera_of_a_data_set_is_read_as_it_is(picture: Picture, write_json: WriteJson) -> None:
    extra = {"R": [[1, 0, 0]] * 3, "hfov_deg": 56.1, "gravity_cam": [0, 1, 0], "camera_height_m": 1.5}
    camera = read_camera(write_json(json.dumps(GOOD | extra)), picture)
    assert camera.gravity is not None
    np.testing.assert_array_equal(camera.gravity, [0, 1, 0])
    assert camera.height_m == 1.5


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"K": [[300, 0, 160], [0, 300, 120]]}, "K"),
        ({"K": [[300, 0, 160], [0, 300, 120], [0, 0]]}, "K[2]"),
        ({"K": [[300, 0, 160], [0, 300, 120], [0, 0, 2]]}, "pinhole"),
        ({"K": [[300, 5, 160], [0, 300, 120], [0, 0, 1]]}, "skew"),
        ({"K": [[1.2, 0, 0.5], [0, 1.6, 0.5], [0, 0, 1]]}, "pixels"),
        ({"K": [[-300, 0, 160], [0, 300, 120], [0, 0, 1]]}, "positive"),
        ({"K": [[300, 0, 460], [0, 300, 120], [0, 0, 1]]}, "principal point"),
        ({"K": [["a", 0, 160], [0, 300, 120], [0, 0, 1]]}, "K[0][0]"),
        ({"K": None}, "K"),
        ({"width": 640}, "640 x 240"),
        ({"width": 0}, "width"),
        ({"height": 240.5}, "height"),
        ({"gravity": [0, 0, 0]}, "direction"),
        ({"gravity": [0, -1, 0.2]}, "points up"),
        ({"gravity": [0, 0.01, 1]}, "straight"),
        ({"gravity": [0, 1]}, "gravity"),
        ({"height_m": 160}, "height_m"),
        ({"height_m": -1}, "height_m"),
        ({"heigth_m": 1.6}, "did you mean 'height_m'"),
        ({"Gravity": [0, 1, 0]}, "did you mean 'gravity'"),
    ],
)
def test_bad_cameras_are_refused(
    change: dict[str, Any], word: str, picture: Picture, write_json: WriteJson, refused: Callable[..., str]
) -> None:
    refused(ConfigError, ("given.json", word), read_camera, write_json(json.dumps(GOOD | change)), picture)


@pytest.mark.parametrize("key", ["K", "width", "height"])
def test_a_missing_key_is_named(key: str, picture: Picture, write_json: WriteJson, refused: Callable[..., str]) -> None:
    text = json.dumps({name: value for name, value in GOOD.items() if name != key})
    refused(ConfigError, ("given.json", key, "required"), read_camera, write_json(text), picture)
