import numpy as np
import pytest

from regen3d.metrics.masks import mask_iou, match_masks


def stripe(first: int, last: int) -> np.ndarray:
    mask = np.zeros((4, 10), dtype=bool)
    mask[:, first:last] = True
    return mask


def test_iou_of_stripes() -> None:
    assert mask_iou(stripe(0, 6), stripe(3, 9)) == pytest.approx(3 / 9)
    assert mask_iou(stripe(0, 3), stripe(3, 9)) == 0.0
    assert mask_iou(stripe(0, 0), stripe(0, 0)) == 1.0


def test_the_best_sum_wins_over_the_best_pair() -> None:
    # The greedy choice, found 0 with true 0 (IoU 1/2), would leave found 1 without a partner.
    found = [stripe(0, 6), stripe(0, 2)]
    true = [stripe(0, 3), stripe(4, 6)]
    matches = match_masks(found, true)
    assert [(match.found, match.true) for match in matches] == [(1, 0), (0, 1)]


def test_surplus_masks_stay_unmatched() -> None:
    matches = match_masks([stripe(0, 2), stripe(2, 4), stripe(9, 10)], [stripe(2, 4)])
    assert [(match.found, match.true, match.iou) for match in matches] == [(1, 0, 1.0)]
    assert match_masks([], [stripe(0, 2)]) == ()
    assert match_masks([stripe(0, 2)], []) == ()
    assert match_masks([stripe(0, 2)], [stripe(5, 7)]) == ()
