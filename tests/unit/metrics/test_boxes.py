import numpy as np
import pytest

from regen3d.metrics.boxes import UprightBox, bounds_iou, clip_polygon, polygon_area, upright_iou

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
