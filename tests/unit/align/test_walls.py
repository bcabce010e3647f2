"""Walls that furniture and points correct."""

from dataclasses import replace

import numpy as np
import pytest

from regen3d.align.walls import SKIRTING_M, _depth_ratios, fit_walls, without_walls
from regen3d.frames import intrinsics_from_focal, world_from_gravity
from regen3d.room.depth import room_points
from regen3d.types import Camera, RoomLayout

CAMERA = Camera(
    intrinsics=intrinsics_from_focal(150.0, (200, 150)),
    width=200,
    height=150,
    world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.2]), 1.5),
)
ROOM = RoomLayout(
    yaw_rad=0.0,
    bounds_min=np.array([-2.0, 0.0, -4.0]),
    bounds_max=np.array([2.0, 2.6, 0.5]),
    seen=frozenset({"wall_back"}),
    confidence=1.0,
)


def body(back, x=0.0):
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    return corners * np.array([0.5, 0.8, 0.5]) + np.array([x, 0.0, back])


def wrong(shift):
    return replace(ROOM, bounds_min=ROOM.bounds_min - np.array([0.0, 0.0, shift]))


def corrected_layout(layout, bodies, camera, background):
    named = {f"block-{k}": (each, 1.0) for k, each in enumerate(bodies)}
    return fit_walls(layout, named, camera, background).layout


def test_a_wall_that_lines_show_stays_without_evidence():
    assert np.array_equal(corrected_layout(ROOM, [], CAMERA, None).bounds_min, ROOM.bounds_min)
    one = corrected_layout(ROOM, [body(-3.7)], CAMERA, None)
    assert np.array_equal(one.bounds_min, ROOM.bounds_min)


def test_backs_in_line_pull_a_wall():
    layout = corrected_layout(wrong(0.25), [body(-3.98 + 0.003 * k, x=k) for k in range(4)], CAMERA, None)
    assert layout.bounds_min[2] == pytest.approx(-3.98 - SKIRTING_M, abs=1e-6)
    assert layout.bounds_min[0] == ROOM.bounds_min[0]


def test_points_decide_with_the_backs():
    points = room_points(CAMERA, ROOM)
    bodies = [body(-3.98), body(-3.97, x=1.0)]
    alone = corrected_layout(wrong(0.25), bodies, CAMERA, None)
    assert alone.bounds_min[2] == pytest.approx(-4.25)
    both = corrected_layout(wrong(0.25), bodies, CAMERA, points)
    assert both.bounds_min[2] == pytest.approx(-3.98 - SKIRTING_M, abs=1e-6)
    relative = corrected_layout(wrong(0.25), bodies, CAMERA, replace(points, scale="relative"))
    assert relative.bounds_min[2] == alone.bounds_min[2]


def test_a_wall_is_measured_where_surfaces_face_as_it_does_and_not_beyond_the_true_corner():
    true = replace(ROOM, bounds_min=np.array([-1.6, 0.0, -4.0]), seen=frozenset({"wall_back", "wall_left", "floor"}))
    near, farther = (replace(true, bounds_min=np.array([x, 0.0, -4.0])) for x in (-1.2, -2.7))
    ratios = _depth_ratios(near, CAMERA, room_points(CAMERA, true))
    assert ratios["wall_left"] == pytest.approx(1.6 / 1.2, rel=0.01)
    assert "wall_left" not in _depth_ratios(near, CAMERA, room_points(CAMERA, farther))


def test_blocks_of_points_of_which_many_are_missing_measure_what_is_there():
    points = room_points(CAMERA, ROOM)
    holes = np.random.default_rng(0).random(CAMERA.hw) < 0.4
    nothing = np.where(holes[..., None], np.nan, points.points).astype(points.points.dtype)
    sparse = replace(points, points=nothing, valid=points.valid & ~holes)
    assert _depth_ratios(ROOM, CAMERA, sparse)["wall_back"] == pytest.approx(1.0, abs=0.01)


def test_what_reaches_behind_a_corrected_wall_is_named_and_how_far_walls_moved():
    named = {f"shelf-{k}": (body(-3.98 + 0.003 * k, x=k), 1.0) for k in range(4)} | {"sofa-1": (body(-4.2), 1.0)}
    fit = fit_walls(wrong(0.25), named, CAMERA, room_points(CAMERA, ROOM))
    assert fit.displaced == ("sofa-1",)
    assert fit.shifts_m == {"wall_back": pytest.approx(0.27 - SKIRTING_M + 0.015, abs=0.02)}
    assert fit.layout.bounds_min[2] == pytest.approx(-4.25 + fit.shifts_m["wall_back"])
    unseen = fit_walls(without_walls(ROOM), {"sofa-1": (body(-4.2), 1.0)}, CAMERA, None)
    assert (unseen.displaced, unseen.shifts_m) == ((), {})


def test_one_good_pose_through_a_wall_outweighs_its_lines_and_slight_noise_moves_no_wall():
    assert fit_walls(ROOM, {"wardrobe-1": (body(-4.3), 1.0)}, CAMERA, None).shifts_m["wall_back"] == pytest.approx(
        -0.315
    )
    assert fit_walls(ROOM, {"chair-1": (body(-4.05), 1.0)}, CAMERA, None).shifts_m == {}
    points = room_points(CAMERA, ROOM)
    for seen in (frozenset(), ROOM.seen, frozenset({"floor"})):
        assert fit_walls(replace(ROOM, seen=seen), {}, CAMERA, points).shifts_m == {}
    nothing = replace(points, valid=np.zeros(CAMERA.hw, dtype=bool))
    assert fit_walls(ROOM, {}, CAMERA, nothing).shifts_m == {}


def test_no_wall_comes_nearer_to_the_camera_than_half_way():
    near = replace(ROOM, bounds_min=np.array([-0.3, 0.0, -4.0]), seen=frozenset({"wall_left", "wall_back"}))
    bodies = {f"shelf-{k}": (body(-3.0 + 0.6 * k, x=-0.05), 1.0) for k in range(4)}
    assert fit_walls(near, bodies, CAMERA, None).shifts_m == {}


def test_a_pose_that_misses_its_mask_moves_no_wall_but_is_kept_before_it():
    fit = fit_walls(ROOM, {"plant-1": (body(-4.3), 0.7)}, CAMERA, None)
    assert fit.shifts_m == {}
    assert fit.displaced == ("plant-1",)
