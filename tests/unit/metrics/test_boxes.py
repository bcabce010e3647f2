import numpy as np
import pytest

from regen3d.frames import rotation_about_y
from regen3d.metrics.boxes import (
    UprightBox,
    bounds_iou,
    clip_polygon,
    least_upright_box,
    polygon_area,
    scene_bounds_iou,
    upright_box,
    upright_iou,
)

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def box(base: tuple[float, float, float] = (0, 0, 0), yaw_deg: float = 0.0, size: float = 1.0) -> UprightBox:
    return UprightBox(base=np.array(base, float), size_m=np.full(3, size), yaw_rad=float(np.radians(yaw_deg)))


def test_half_shifted_cubes_share_a_third() -> None:
    a = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert bounds_iou(a, a + np.array([0.5, 0.0, 0.0])) == pytest.approx(1 / 3)
    assert upright_iou(box(), box((0.5, 0, 0))) == pytest.approx(1 / 3)
    assert upright_iou(box(), box((0, 0.5, 0))) == pytest.approx(1 / 3)


def test_square_turned_by_an_eighth_leaves_an_octagon() -> None:
    octagon = 2 * np.sqrt(2) - 2
    assert upright_iou(box(), box(yaw_deg=45)) == pytest.approx(octagon / (2 - octagon))
    assert upright_iou(box(), box(yaw_deg=90)) == pytest.approx(1.0)


def test_boxes_that_touch_or_lie_apart_share_nothing() -> None:
    assert upright_iou(box(), box((1, 0, 0))) == pytest.approx(0.0)
    assert upright_iou(box(), box((0, 1, 0))) == 0.0
    assert upright_iou(box(), box((5, 0, 3))) == 0.0


def test_a_flat_box_shares_nothing() -> None:
    flat = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    assert bounds_iou(flat, flat) == 0.0
    assert upright_iou(box(size=0.0), box(size=0.0)) == 0.0


def test_yaw_turns_z_towards_x() -> None:
    long = UprightBox(base=np.zeros(3), size_m=np.array([0.2, 1.0, 2.0]), yaw_rad=float(np.pi / 2))
    np.testing.assert_allclose(np.abs(long.footprint).max(axis=0), [1.0, 0.1])
    assert polygon_area(long.footprint) == pytest.approx(0.4)


def test_polygon_inside_the_window_stays_whole() -> None:
    np.testing.assert_allclose(polygon_area(clip_polygon(0.5 * SQUARE + 0.2, SQUARE)), 0.25)
    assert len(clip_polygon(SQUARE + 3.0, SQUARE)) == 0


def test_the_least_box_finds_a_turned_one(rng: np.random.Generator) -> None:
    true = UprightBox(base=np.array([1.0, 0.2, -3.0]), size_m=np.array([2.0, 0.7, 0.9]), yaw_rad=0.4)
    inside = (rng.random((4000, 3)) - [0.5, 0.0, 0.5]) * true.size_m
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)]) * true.size_m
    points = np.concatenate([inside, corners]) @ rotation_about_y(0.4).T + true.base
    assert upright_iou(least_upright_box(points), true) == pytest.approx(1.0)
    given_yaw = upright_box(points, 0.4)
    np.testing.assert_allclose(given_yaw.base, true.base, atol=1e-9)
    np.testing.assert_allclose(given_yaw.size_m, true.size_m, atol=1e-9)


def test_what_has_no_ground_area_has_a_box_without_yaw() -> None:
    pole = least_upright_box(np.array([[1.0, 0.0, 2.0], [1.0, 2.0, 2.0], [1.0, 1.0, 2.0]]))
    assert (pole.yaw_rad, pole.size_m.tolist()) == (0.0, [0.0, 2.0, 0.0])


def test_what_stands_over_a_line_has_a_box_along_it() -> None:
    door = least_upright_box(np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 1.0], [0.5, 1.0, 0.5]]))
    assert sorted(door.size_m.round(9)) == pytest.approx([0.0, np.sqrt(2.0), 2.0])


def test_boxes_of_scenes_hold_all_their_objects() -> None:
    unit = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert scene_bounds_iou([unit, unit + 1.0], [np.array([[0.0, 0.0, 0.0], [2.0, 2.0, 2.0]])]) == 1.0
    assert scene_bounds_iou([unit], [unit, unit + 1.0]) == pytest.approx(1 / 8)
    assert scene_bounds_iou([], [unit]) == 0.0
