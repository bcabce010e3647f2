"""Depth errors that the floor shows."""

from dataclasses import replace

import numpy as np
import pytest

from regen3d.align.floor_depth import LEAST_SPREAD, SLIDE_SPREAD, floor_calibrated
from regen3d.frames import intrinsics_from_focal, pixel_centers, unproject, world_from_gravity
from regen3d.room.box import FACES, box_image
from regen3d.types import Camera, PointMap, RoomLayout

WH = (240, 180)
CAMERA = Camera(
    intrinsics=intrinsics_from_focal(200.0, WH),
    width=WH[0],
    height=WH[1],
    world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.3]), 1.5),
)
ROOM = RoomLayout(
    yaw_rad=0.2,
    bounds_min=np.array([-2.0, 0.0, -4.0]),
    bounds_max=np.array([2.0, 2.6, 0.5]),
    seen=frozenset(),
    confidence=1.0,
)
SIDES, DEPTH = box_image(CAMERA, ROOM)
FLOOR_SEEN = np.isin(SIDES, FACES.index("floor"))


def points_of(log_error, depth=DEPTH):
    points = unproject(CAMERA.intrinsics, pixel_centers(CAMERA.hw), depth * np.exp(log_error))
    valid = np.ones(CAMERA.hw, dtype=bool)
    return PointMap(points=points, valid=valid, confidence=valid.astype(float), scale="metric")


def slope():
    """An error that grows from left to right: -4 % to 4 %."""
    return np.broadcast_to(np.linspace(-0.04, 0.04, WH[0]), CAMERA.hw)


NOTHING = np.zeros(CAMERA.hw, dtype=bool)


def test_what_stands_on_the_floor_gets_the_error_of_the_floor_around_it():
    thing = np.zeros(CAMERA.hw, dtype=bool)
    thing[90:150, 40:70] = True
    assert FLOOR_SEEN[140:, 20:90].all()
    nearer = np.where(thing, DEPTH[150].mean(), DEPTH)
    found = floor_calibrated(points_of(slope(), nearer), CAMERA, NOTHING)
    left = np.log(found.points.points[thing][:, 2] / nearer[thing])
    assert np.abs(slope()[thing]).min() > 0.015
    assert np.abs(left).mean() < 0.006
    assert np.median(found.spread[thing]) < 0.5 * SLIDE_SPREAD


def test_far_from_the_floor_points_stay_as_uncertain_as_they_were():
    found = floor_calibrated(points_of(slope()), CAMERA, NOTHING)
    assert found.spread[FLOOR_SEEN].min() == pytest.approx(LEAST_SPREAD, rel=0.05)
    assert found.spread[170].max() < found.spread[0].min() <= found.spread[0].max() <= SLIDE_SPREAD


def test_a_step_up_is_not_taken_for_the_floor():
    """A table's top is level too, but far above."""
    top = np.zeros(CAMERA.hw, dtype=bool)
    top[120:, 80:160] = True
    found = floor_calibrated(points_of(slope(), np.where(top, 0.5 * DEPTH, DEPTH)), CAMERA, NOTHING)
    beside = FLOOR_SEEN & ~top
    assert np.abs(np.log(found.points.points[beside][:, 2] / DEPTH[beside])).mean() < 0.006


def test_no_floor_and_points_that_were_made_from_it_change_nothing():
    exact, wall = points_of(0.0), points_of(slope())
    wall = replace(wall, valid=~FLOOR_SEEN)
    for points in (exact, wall):
        found = floor_calibrated(points, CAMERA, NOTHING)
        np.testing.assert_array_equal(found.points.points, points.points)
        assert (found.spread == SLIDE_SPREAD).all()


def test_a_low_top_of_an_object_is_not_taken_for_the_floor():
    """A box of 18 cm: its top is level, and as far from the floor as depth may err."""
    top = np.zeros(CAMERA.hw, dtype=bool)
    top[120:, 60:200] = True
    points = points_of(slope(), np.where(top, (1.5 - 0.18) / 1.5 * DEPTH, DEPTH))
    found = floor_calibrated(points, CAMERA, top)
    beside = FLOOR_SEEN & ~top
    assert np.abs(np.log(found.points.points[beside][:, 2] / DEPTH[beside])).mean() < 0.006
    taken = floor_calibrated(points, CAMERA, NOTHING)
    assert np.abs(np.log(taken.points.points[beside][:, 2] / DEPTH[beside])).mean() > 0.01


@pytest.mark.parametrize("wh", [(1024, 768), (959, 721), (400, 900)])
def test_the_error_is_removed_where_it_is_whatever_the_size_of_the_picture(wh):
    camera = replace(CAMERA, intrinsics=intrinsics_from_focal(0.8 * max(wh), wh), width=wh[0], height=wh[1])
    sides, depth = box_image(camera, ROOM)
    floor = np.isin(sides, FACES.index("floor"))
    error = np.broadcast_to(np.linspace(-0.04, 0.04, wh[0]), camera.hw)
    points = unproject(camera.intrinsics, pixel_centers(camera.hw), depth * np.exp(error))
    valid = np.ones(camera.hw, dtype=bool)
    known = PointMap(points=points, valid=valid, confidence=valid.astype(float), scale="metric")
    found = floor_calibrated(known, camera, np.zeros(camera.hw, dtype=bool)).points.points[..., 2]
    inner = floor & (np.cumsum(floor[::-1], axis=0)[::-1] > 40)
    assert np.abs(np.log(found[inner] / depth[inner])).max() < 0.01
