"""The lens that metric points were measured with."""

from dataclasses import replace

import numpy as np
import pytest

from regen3d.align.lens import calibrated_camera
from regen3d.frames import intrinsics_from_focal, unproject
from regen3d.types import Camera, PointMap

WH = (120, 90)


def camera_of(focal_px):
    return Camera(
        intrinsics=intrinsics_from_focal(focal_px, WH), width=WH[0], height=WH[1], world_from_camera=np.eye(4)
    )


def points_of(focal_px, *, noise=0.0, scale="metric"):
    """Points at random depths through a lens; `noise` is that of X and Y, as a share of the depth."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices(WH[::-1])
    depth = rng.uniform(1.0, 6.0, rows.shape)
    pixels = np.stack([columns + 0.5, rows + 0.5], axis=-1)
    points = unproject(camera_of(focal_px).intrinsics, pixels, depth)
    points[..., :2] += noise * depth[..., None] * rng.standard_normal((*rows.shape, 2))
    valid = np.ones(rows.shape, dtype=bool)
    return PointMap(points=points, valid=valid, confidence=valid.astype(float), scale=scale)


@pytest.mark.parametrize("factor", [0.9, 1.05, 1.2])
def test_a_lens_that_is_off_is_set_right_by_the_points(factor):
    points = points_of(100.0)
    points.points[::7, ::5] *= [1.0, 1.0, 2.0]
    camera, note = calibrated_camera(camera_of(100.0 * factor), points)
    assert camera.intrinsics[0, 0] == pytest.approx(100.0, rel=2e-3)
    assert camera.intrinsics[1, 1] == pytest.approx(100.0, rel=2e-3)
    np.testing.assert_array_equal(camera.intrinsics[:2, 2], [60.0, 45.0])
    assert note is not None
    assert "100 px" in note


def test_lenses_that_agree_and_points_that_say_nothing_change_nothing():
    given = camera_of(105.0)
    for points in (
        None,
        points_of(105.4),
        points_of(100.0, scale="relative"),
        points_of(100.0, noise=0.1),
        points_of(60.0),
        replace(points_of(100.0), valid=np.zeros(WH[::-1], dtype=bool)),
    ):
        camera, note = calibrated_camera(given, points)
        assert camera is given
        assert note is None


def test_a_crop_moves_the_principal_point():
    points = points_of(100.0)
    points.points[..., 0] += 0.1 * points.points[..., 2]
    camera, _ = calibrated_camera(camera_of(105.0), points)
    assert camera.intrinsics[0, 2] == pytest.approx(50.0, abs=0.3)
