"""Laws of every overlap and error: identity, symmetry, range, invariance."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from regen3d.frames import intrinsics_from_focal, rotation_about_y
from regen3d.metrics.boxes import UprightBox, bounds_iou, bounds_of, clip_polygon, polygon_area, upright_iou
from regen3d.metrics.camera import angle_deg, focal_error
from regen3d.metrics.masks import mask_iou, match_masks, pairwise_mask_iou
from regen3d.types import Camera

lengths = st.floats(0.01, 5.0)
places = st.floats(-3.0, 3.0)
angles = st.floats(-np.pi, np.pi)
vectors = st.tuples(places, places, places).map(np.array)


@st.composite
def upright_boxes(draw: st.DrawFn) -> UprightBox:
    size = np.array([draw(lengths), draw(lengths), draw(lengths)])
    return UprightBox(base=draw(vectors), size_m=size, yaw_rad=draw(angles))


@st.composite
def bounds(draw: st.DrawFn) -> np.ndarray:
    least = draw(vectors)
    return np.stack([least, least + np.array([draw(lengths), draw(lengths), draw(lengths)])])


masks = hnp.arrays(np.bool_, (6, 7))


@given(bounds(), bounds(), vectors)
def test_bounds_iou(a: np.ndarray, b: np.ndarray, shift: np.ndarray) -> None:
    assert bounds_iou(a, a) == pytest.approx(1.0)
    assert bounds_iou(a, b) == bounds_iou(b, a)
    assert 0.0 <= bounds_iou(a, b) <= 1.0
    assert bounds_iou(a + shift, b + shift) == pytest.approx(bounds_iou(a, b), abs=1e-9)
    assert bounds_iou(2 * a, 2 * b) == pytest.approx(bounds_iou(a, b), abs=1e-9)


@settings(deadline=None)
@given(upright_boxes(), upright_boxes(), angles, vectors)
def test_upright_iou(a: UprightBox, b: UprightBox, turn: float, shift: np.ndarray) -> None:
    assert upright_iou(a, a) == pytest.approx(1.0)
    assert upright_iou(a, b) == pytest.approx(upright_iou(b, a), abs=1e-9)
    assert 0.0 <= upright_iou(a, b) <= 1.0
    moved = [
        UprightBox(base=rotation_about_y(turn) @ box.base + shift, size_m=box.size_m, yaw_rad=float(box.yaw_rad + turn))
        for box in (a, b)
    ]
    assert upright_iou(*moved) == pytest.approx(upright_iou(a, b), abs=1e-7)


@given(upright_boxes())
def test_half_a_turn_changes_no_upright_box(box: UprightBox) -> None:
    turned = UprightBox(base=box.base, size_m=box.size_m, yaw_rad=float(box.yaw_rad + np.pi))
    assert upright_iou(box, turned) == pytest.approx(1.0, abs=1e-9)


@given(bounds(), bounds())
def test_upright_iou_without_yaw_is_bounds_iou(a: np.ndarray, b: np.ndarray) -> None:
    boxes = [
        UprightBox(base=(c[0] + c[1]) / 2 * [1, 0, 1] + c[0] * [0, 1, 0], size_m=c[1] - c[0], yaw_rad=0.0)
        for c in (a, b)
    ]
    assert upright_iou(*boxes) == pytest.approx(bounds_iou(a, b), abs=1e-9)


@given(upright_boxes(), upright_boxes())
def test_common_part_is_no_larger_than_either_footprint(a: UprightBox, b: UprightBox) -> None:
    common = polygon_area(clip_polygon(a.footprint, b.footprint))
    smaller = min(polygon_area(a.footprint), polygon_area(b.footprint))
    assert -1e-12 <= common <= smaller * (1 + 1e-9)


@given(hnp.arrays(np.float64, (5, 3), elements=places), vectors)
def test_bounds_hold_all_points_and_move_with_them(points: np.ndarray, shift: np.ndarray) -> None:
    box = bounds_of(points)
    assert (points >= box[0]).all()
    assert (points <= box[1]).all()
    np.testing.assert_allclose(bounds_of(points + shift), box + shift)


@given(masks, masks)
def test_mask_iou(a: np.ndarray, b: np.ndarray) -> None:
    assert mask_iou(a, a) == 1.0
    assert mask_iou(a, b) == mask_iou(b, a)
    assert 0.0 <= mask_iou(a, b) <= 1.0
    assert (mask_iou(a, b) == 1.0) == bool((a == b).all())
    assert mask_iou(a[:, ::-1], b[:, ::-1]) == mask_iou(a, b)


@given(st.lists(masks, max_size=4), st.lists(masks, max_size=4), st.floats(0, 0.9))
def test_matches_are_one_to_one_and_above_the_least(found: list, true: list, least: float) -> None:
    matches = match_masks(found, true, least_iou=least)
    assert len({match.found for match in matches}) == len({match.true for match in matches}) == len(matches)
    assert [match.true for match in matches] == sorted(match.true for match in matches)
    overlap = pairwise_mask_iou(found, true)
    assert overlap.shape == (len(found), len(true))
    for match in matches:
        assert match.iou == overlap[match.found, match.true] > least


@given(st.lists(masks, min_size=1, max_size=4, unique_by=lambda mask: mask.tobytes()), st.randoms())
def test_shuffled_masks_are_matched_to_themselves(true: list, random) -> None:
    order = random.sample(range(len(true)), len(true))
    matches = match_masks([true[k] for k in order], true)
    assert {match.true: order[match.found] for match in matches} == {k: k for k in range(len(true))}
    assert all(match.iou == 1.0 for match in matches)


@given(vectors, vectors, angles, st.floats(0.1, 10))
def test_angle_between_directions(a: np.ndarray, b: np.ndarray, turn: float, length: float) -> None:
    assume(np.linalg.norm(a) > 1e-3)
    assume(np.linalg.norm(b) > 1e-3)
    rotation = rotation_about_y(turn)
    assert angle_deg(a, a) == pytest.approx(0.0, abs=1e-6)
    assert angle_deg(a, -a) == pytest.approx(180.0)
    assert angle_deg(a, b) == pytest.approx(angle_deg(b, a))
    assert 0.0 <= angle_deg(a, b) <= 180.0
    assert angle_deg(rotation @ a, length * rotation @ b) == pytest.approx(angle_deg(a, b), abs=1e-5)


@given(st.floats(0.4, 4), st.floats(0.4, 4), st.integers(100, 4000))
def test_focal_error(found: float, true: float, width: int) -> None:
    def camera(focal_in_widths: float, wide: int) -> Camera:
        wh = (wide, wide)
        return Camera(
            intrinsics=intrinsics_from_focal(focal_in_widths * wide, wh),
            width=wide,
            height=wide,
            world_from_camera=np.eye(4),
        )

    assert focal_error(camera(true, width), camera(true, 640)) == pytest.approx(0.0, abs=1e-9)
    error = focal_error(camera(found, width), camera(true, 640))
    assert error == pytest.approx(found / true - 1)
    assert error > -1
