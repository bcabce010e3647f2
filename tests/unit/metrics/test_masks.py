import numpy as np
import pytest

from regen3d.metrics.masks import amodal_mask, boundary_f, hidden_iou, mask_iou, match_masks
from regen3d.types import Completion


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


def test_boundaries_agree_within_the_tolerance() -> None:
    square, shifted = np.zeros((60, 80), dtype=bool), np.zeros((60, 80), dtype=bool)
    square[20:40, 20:40] = True
    shifted[20:40, 23:43] = True
    assert boundary_f(square, square) == 1.0
    assert boundary_f(shifted, square, 3.0) == 1.0
    # At no tolerance only the 17 columns of the upper and lower side that both share agree, of 76 boundary pixels.
    assert boundary_f(shifted, square, 0.0) == pytest.approx(34 / 76)


def test_a_mask_without_boundary_agrees_with_its_like() -> None:
    nothing, everything = stripe(0, 0), stripe(0, 10)
    assert boundary_f(nothing, nothing) == boundary_f(nothing, everything) == 1.0
    assert boundary_f(stripe(2, 5), nothing) == 0.0


def test_hidden_parts_are_judged_alone() -> None:
    visible = stripe(0, 8)
    assert hidden_iou(stripe(0, 9), stripe(0, 10), visible) == pytest.approx(0.5)
    assert hidden_iou(visible, visible, visible) == 1.0


def test_a_completion_is_laid_where_its_crop_came_from() -> None:
    crop = np.zeros((3, 4, 4), dtype=np.uint8)
    crop[:, 1:, 3] = 255

    def laid(origin: tuple[int, int]) -> np.ndarray:
        return amodal_mask(Completion(picture=crop, origin_xy=origin, box=None), (4, 10))

    assert laid((2, 1))[1:, 3:6].all()
    assert laid((2, 1)).sum() == 9
    assert laid((-2, -1)).sum() == 4
    assert not laid((20, 0)).any()
