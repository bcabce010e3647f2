"""Camera and room box from points: the same room in any unit, nothing that hangs in the air."""

from dataclasses import replace

import numpy as np
import pytest

from regen3d.frames import gravity_in_camera
from regen3d.room.cleaning import depth_edges
from regen3d.room.from_points import camera_from_points, fit_layout, height_along
from regen3d.types import PointMap
from tests.synthetic.room import SyntheticRoom


def in_units(points: PointMap, unit: float) -> PointMap:
    """The map in units of so many metres."""
    return replace(points, points=points.points / unit, scale="relative")


@pytest.mark.parametrize("unit", [0.05, 1.0, 20.0])
def test_a_room_is_the_same_in_any_unit(synthetic_room: SyntheticRoom, unit: float) -> None:
    points = in_units(synthetic_room.geometry.plate_points, unit)
    camera = camera_from_points(points, synthetic_room.camera.intrinsics, 0)
    assert camera.position[1] * unit == pytest.approx(synthetic_room.camera.position[1], rel=0.01)
    layout = fit_layout(points, camera)
    whole = fit_layout(synthetic_room.geometry.plate_points, synthetic_room.camera)
    np.testing.assert_allclose(layout.bounds_max * unit, whole.bounds_max, rtol=0.03, atol=0.05)
    np.testing.assert_allclose(layout.bounds_min * unit, whole.bounds_min, rtol=0.03, atol=0.05)


def test_height_along_known_gravity(synthetic_room: SyntheticRoom) -> None:
    gravity = gravity_in_camera(synthetic_room.camera)
    for points in (synthetic_room.geometry.plate_points, synthetic_room.geometry.image_points):
        assert height_along(in_units(points, 0.4), gravity) * 0.4 == pytest.approx(1.5, rel=0.02)


def test_points_that_are_not_trusted_move_no_side(synthetic_room: SyntheticRoom) -> None:
    """A mirror shows a second room twice as far away: the estimator sees it, and says that it does not believe it."""
    room, clean = synthetic_room, synthetic_room.geometry.plate_points
    mirror = np.zeros(room.camera.hw, bool)
    mirror[: room.camera.height // 2, : room.camera.width // 3] = True
    points = np.where(mirror[..., None], 2.0 * clean.points, clean.points)
    confidence = np.where(mirror, 0.1, 0.8)
    whole = fit_layout(clean, room.camera)
    doubted = fit_layout(replace(clean, points=points, confidence=confidence), room.camera)
    np.testing.assert_allclose(doubted.bounds_min, whole.bounds_min, atol=0.1)
    believed = fit_layout(replace(clean, points=points, confidence=np.full_like(confidence, 0.8)), room.camera)
    assert np.abs(believed.bounds_min - whole.bounds_min).max() > 0.5, "the mirror matters where it is believed"


def test_height_counts_trusted_points_only(synthetic_room: SyntheticRoom) -> None:
    clean = synthetic_room.geometry.plate_points
    gravity = gravity_in_camera(synthetic_room.camera)
    deep = np.zeros(synthetic_room.camera.hw, bool)
    deep[-synthetic_room.camera.height // 6 :] = True
    points = replace(
        clean,
        points=np.where(deep[..., None], 1.5 * clean.points, clean.points),
        confidence=np.where(deep, 0.05, 0.6),
    )
    assert height_along(points, gravity) == pytest.approx(1.5, rel=0.02)


def test_edges_are_where_depth_jumps() -> None:
    depth = np.tile(np.linspace(2.0, 2.5, 40), (30, 1))
    depth[10:20, 10:20] = 1.5
    valid = np.ones(depth.shape, dtype=bool)
    valid[:, 30:] = False
    edges = depth_edges(depth, valid)
    assert edges[9, 10:20].all()
    assert edges[10, 10:20].all()
    assert not edges[12:18, 12:18].any()
    assert not edges[22:, :].any()
    assert not edges[:, 30:].any()
