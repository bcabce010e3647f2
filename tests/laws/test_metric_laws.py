"""Laws of every overlap and error: identity, symmetry, range, invariance."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from regen3d.frames import intrinsics_from_focal, rotation_about_y, transform
from regen3d.metrics.boxes import (
    UprightBox,
    bounds_iou,
    bounds_of,
    clip_polygon,
    least_upright_box,
    polygon_area,
    scene_bounds_iou,
    upright_iou,
)
from regen3d.metrics.camera import angle_deg, focal_error
from regen3d.metrics.detection import Detections, average_precision, count_masks
from regen3d.metrics.masks import boundary_f, mask_iou, match_masks, pairwise_mask_iou
from regen3d.metrics.pose import rotation_error_deg
from regen3d.types import Camera
from tests.synthetic.room import SyntheticRoom

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


@given(angles, vectors)
@settings(max_examples=25)
def test_a_true_scene_keeps_its_boxes_through_frames(
    synthetic_room: SyntheticRoom, turn: float, shift: np.ndarray
) -> None:
    """Truth in a world of its own, handed over through the camera that both worlds share."""
    camera = synthetic_room.camera
    true_from_ours = np.eye(4)
    true_from_ours[:3, :3] = rotation_about_y(turn)
    true_from_ours[:3, 3] = shift
    ours = [transform(item.world_from_object.matrix, item.mesh.vertices) for item in synthetic_room.objects]
    true = [transform(true_from_ours, points) for points in ours]
    camera_from_true = np.linalg.inv(true_from_ours @ camera.world_from_camera)
    back = [transform(camera.world_from_camera @ camera_from_true, points) for points in true]
    assert scene_bounds_iou([bounds_of(p) for p in back], [bounds_of(p) for p in ours]) == pytest.approx(1.0)
    for came, went, elsewhere in zip(back, ours, true, strict=True):
        assert bounds_iou(bounds_of(came), bounds_of(went)) == pytest.approx(1.0)
        assert least_upright_box(came).size_m.prod() == pytest.approx(least_upright_box(elsewhere).size_m.prod())


@given(hnp.arrays(np.float64, (12, 3), elements=places), angles)
def test_the_least_box_holds_its_points_and_is_no_larger_than_the_level_one(points: np.ndarray, turn: float) -> None:
    assume(np.ptp(points, axis=0).min() > 1e-3)
    box = least_upright_box(points)
    own = (points - box.base) @ rotation_about_y(box.yaw_rad)
    assert (np.abs(own[:, [0, 2]]) <= box.size_m[[0, 2]] / 2 + 1e-9).all()
    assert box.size_m.prod() <= np.ptp(points, axis=0).prod() + 1e-9
    turned = least_upright_box(points @ rotation_about_y(turn).T)
    assert turned.size_m.prod() == pytest.approx(box.size_m.prod(), abs=1e-6)


@given(masks, masks, st.floats(0, 3))
def test_boundary_f(a: np.ndarray, b: np.ndarray, tolerance: float) -> None:
    assert boundary_f(a, a, tolerance) == 1.0
    assert boundary_f(a, b, tolerance) == pytest.approx(boundary_f(b, a, tolerance))
    assert 0.0 <= boundary_f(a, b, tolerance) <= boundary_f(a, b, tolerance + 1.0) + 1e-9


@given(st.lists(masks, max_size=4), st.lists(masks, min_size=1, max_size=4), st.randoms())
def test_average_precision_is_a_share_that_falls_with_the_threshold(found: list, true: list, random) -> None:
    picture = Detections(
        overlap=pairwise_mask_iou(found, true),
        scores=np.array([random.random() for _ in found]),
        found_labels=("",) * len(found),
        true_labels=("",) * len(true),
    )
    values = [average_precision([picture], threshold) for threshold in (0.1, 0.5, 0.9)]
    assert all(0.0 <= value <= 1.0 for value in values)
    counts = count_masks([picture], 0.5)
    assert counts.right + counts.surplus == len(found)
    assert counts.right + counts.missed == len(true)
    # A single picture whose masks are all right is found at every recall.
    if counts.right == len(true) == len(found):
        assert values[1] == 1.0


@given(angles, angles, st.integers(1, 6))
def test_rotation_error(a: float, b: float, symmetry: int) -> None:
    found, true = rotation_about_y(a), rotation_about_y(b)
    error = rotation_error_deg(found, true, symmetry)
    assert error == pytest.approx(rotation_error_deg(true, found, symmetry), abs=1e-5)
    assert 0.0 <= error <= 180.0 / symmetry + 1e-5
    assert rotation_error_deg(true @ rotation_about_y(2 * np.pi / symmetry), true, symmetry) == pytest.approx(
        0, abs=1e-5
    )
    assert rotation_error_deg(found, true, None) == pytest.approx(0.0, abs=1e-5)
