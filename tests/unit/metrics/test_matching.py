"""Objects are matched one to one; what is missing is missing, what is extra is extra."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from regen3d.frames import rotation_about_y
from regen3d.metrics.boxes import UprightBox, bounds_iou, bounds_of, upright_iou
from regen3d.metrics.matching import match, pairwise, upright_box_around

overlaps = st.tuples(st.integers(0, 4), st.integers(0, 4)).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=st.floats(0, 1))
)
lengths = st.floats(0.05, 3.0)
angles = st.floats(-np.pi, np.pi)


def corners(box: UprightBox) -> np.ndarray:
    unit = np.array(list(itertools.product((-0.5, 0.5), (0.0, 1.0), (-0.5, 0.5))))
    return unit * box.size_m @ rotation_about_y(box.yaw_rad).T + box.base


@st.composite
def boxes(draw: st.DrawFn) -> UprightBox:
    size, place = (np.array([draw(lengths) for _ in range(3)]) for _ in range(2))
    return UprightBox(base=place, size_m=size, yaw_rad=draw(angles))


@given(overlaps, st.floats(0, 0.5))
def test_every_object_is_matched_missing_or_extra(overlap: np.ndarray, least: float) -> None:
    found = match(overlap, least)
    assert sorted([i for i, _ in found.pairs] + list(found.extra)) == list(range(overlap.shape[0]))
    assert sorted([j for _, j in found.pairs] + list(found.missing)) == list(range(overlap.shape[1]))
    assert all(overlap[pair] > least for pair in found.pairs)
    assert [j for _, j in found.pairs] == sorted(j for _, j in found.pairs)


@given(overlaps)
def test_no_other_matching_overlaps_more(overlap: np.ndarray) -> None:
    rows, columns = overlap.shape
    short, long = sorted((rows, columns))
    square = overlap if rows <= columns else overlap.T
    best = max(sum(square[k, order[k]] for k in range(short)) for order in itertools.permutations(range(long), short))
    assert sum(overlap[pair] for pair in match(overlap).pairs) == pytest.approx(best)


def test_a_pair_below_the_least_takes_no_place() -> None:
    """0.2 + 0.2 beats 0.3, but neither 0.2 is a match where 0.25 is asked for."""
    overlap = np.array([[0.3, 0.2], [0.2, 0.0]])
    assert match(overlap).pairs == ((1, 0), (0, 1))
    strict = match(overlap, least=0.25)
    assert (strict.pairs, strict.missing, strict.extra) == (((0, 0),), (1,), (1,))
    assert strict.predicted_of == {0: 0}


def test_boxes_are_matched_by_what_they_share() -> None:
    true = [np.array([[k, 0, 0], [k + 1, 1, 1]], dtype=float) for k in (0, 2, 4)]
    predicted = [true[2] + 0.1, true[0] - 0.1, true[0] + 10.0]
    overlap = pairwise(bounds_iou, predicted, true)
    assert overlap.shape == (3, 3)
    found = match(overlap)
    assert (found.pairs, found.missing, found.extra) == (((1, 0), (0, 2)), (1,), (2,))


def test_nothing_predicted_means_all_is_missing() -> None:
    found = match(pairwise(bounds_iou, [], [np.zeros((2, 3)), np.ones((2, 3))]))
    assert (found.pairs, found.missing, found.extra) == ((), (0, 1), ())


@given(boxes())
def test_the_box_round_a_box_is_that_box(box: UprightBox) -> None:
    assert upright_iou(upright_box_around(corners(box)), box) > 1 / 1.021


@given(hnp.arrays(np.float64, (9, 3), elements=st.floats(-2, 2)), angles)
def test_the_box_holds_all_points_and_is_no_larger_than_the_axis_aligned_one(points: np.ndarray, turn: float) -> None:
    box = upright_box_around(points)
    own = (points - box.base) @ rotation_about_y(box.yaw_rad)
    reach = box.size_m * np.array([0.5, 1.0, 0.5]) + 1e-9
    assert (np.abs(own) <= reach).all()
    assert own[:, 1].min() >= -1e-9
    sides = np.maximum(np.diff(bounds_of(points), axis=0)[0], 1e-4)
    assert box.size_m.prod() <= sides.prod() * (1 + 1e-9)
    assume(np.linalg.svd(points[:, [0, 2]] - points[:, [0, 2]].mean(axis=0))[1][1] > 0.01)  # no sheet on its edge
    turned = upright_box_around(points @ rotation_about_y(turn).T)
    assert turned.size_m.prod() == pytest.approx(box.size_m.prod(), rel=0.021, abs=1e-9)


def test_boxes_of_round_objects_overlap_whatever_their_yaw() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 50)
    ring = np.stack([np.cos(angle), np.zeros(50), np.sin(angle)], axis=1)
    ring = np.concatenate([ring, ring + np.array([0.0, 1.0, 0.0])])
    for turn in np.linspace(0.0, 1.5, 7):
        assert upright_iou(upright_box_around(ring), upright_box_around(ring @ rotation_about_y(turn).T)) > 0.96


@pytest.mark.parametrize("extent", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, 0.0, 1.0)])
def test_flat_objects_have_thin_boxes_that_overlap_themselves(extent: tuple[float, float, float]) -> None:
    points = np.random.default_rng(0).random((20, 3)) * extent
    box = upright_box_around(points)
    assert (box.size_m >= 1e-4).all()
    assert upright_iou(box, box) == pytest.approx(1.0)
