import numpy as np
import pytest

from regen3d.metrics.detection import (
    Detections,
    average_precision,
    average_precision_by_label,
    count_masks,
    mean_average_precision,
)


def picture(overlap: list[list[float]], scores: list[float], true: int, labels: str = "") -> Detections:
    return Detections(
        overlap=np.array(overlap, dtype=float).reshape(len(scores), true),
        scores=np.array(scores, dtype=float),
        found_labels=tuple(labels or "a" * len(scores)),
        true_labels=("a",) * true,
    )


def test_one_right_one_surplus_one_missed() -> None:
    counts = count_masks([picture([[0.8, 0.0], [0.1, 0.2]], [0.9, 0.5], 2)])
    assert (counts.right, counts.surplus, counts.missed) == (1, 1, 1)
    assert (counts.precision, counts.recall) == (0.5, 0.5)


def test_a_second_mask_of_the_same_object_is_surplus() -> None:
    counts = count_masks([picture([[0.7], [0.9]], [0.9, 0.5], 1)])
    assert (counts.right, counts.surplus, counts.missed) == (1, 1, 0)


def test_all_right_is_one_and_nothing_found_is_none() -> None:
    whole = [picture([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.4], 2)]
    assert average_precision(whole, 0.5) == mean_average_precision(whole) == 1.0
    assert average_precision([picture([], [], 2)], 0.5) == 0.0
    assert average_precision([picture([], [], 0)], 0.5) is None


def test_precision_is_read_at_101_recalls() -> None:
    # Recalls 0..0.5 are reached at precision 1 (51 of 101), the rest at 2/3.
    half = [picture([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], [0.9, 0.8, 0.7], 2)]
    assert average_precision(half, 0.5) == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_mask_counts_up_to_its_overlap() -> None:
    # 0.72 is reached by five of the ten thresholds.
    assert mean_average_precision([picture([[0.72]], [1.0], 1)]) == pytest.approx(0.5)


def test_labels_are_judged_apart() -> None:
    mixed = [picture([[0.9], [0.9]], [0.9, 0.5], 1, labels="ba")]
    assert average_precision_by_label(mixed, [0.5]) == {"a": 1.0}
    assert average_precision_by_label([picture([[0.9]], [0.9], 1, labels="b")], [0.5]) == {"a": 0.0}


def test_the_order_of_pictures_plays_no_part() -> None:
    both = [picture([[0.9], [0.0]], [0.9, 0.8], 1), picture([[0.0], [0.6]], [0.7, 0.3], 1)]
    assert average_precision(both, 0.5) == average_precision(both[::-1], 0.5)
