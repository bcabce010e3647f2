"""Invented parts of straightened surfaces."""

import cv2
import numpy as np
import pytest

from regen3d.room.boards import level_boards
from regen3d.room.fill import fill_surface
from regen3d.room.light import spread
from regen3d.room.offsets import pick_shifts, shift_error, shifted


def chequered(height: int, width: int, tile: int) -> np.ndarray:
    rows, columns = np.indices((height, width)) // tile
    return np.where(((rows + columns) % 2)[..., None] == 0, 200.0, 60.0) * np.ones(3)


def test_tiles_go_on_through_a_hole() -> None:
    truth = chequered(240, 240, 24)
    known = np.ones((240, 240), bool)
    known[80:150, 70:160] = False
    filled, kept = fill_surface(np.where(known[..., None], truth, 0.0), known, ~known, False)
    assert np.array_equal(filled[kept], truth[kept])
    assert np.abs(filled - truth)[~known].mean() < 15, "a grey mean of the tiles would be off by 70"


def test_a_skirting_board_goes_on_along_a_wall() -> None:
    truth = np.full((120, 240, 3), 150.0)
    truth[110:] = 230.0
    known = np.ones((120, 240), bool)
    known[60:, 90:150] = False
    filled, _ = fill_surface(truth, known, ~known, True)
    assert filled[111:, 90:150].min() > 195, "the board"
    assert filled[60:105, 90:150].max() < 165, "the wall above it"


def test_a_shadow_next_to_an_object_goes_with_it() -> None:
    truth = np.full((200, 200, 3), 180.0)
    hole = np.zeros((200, 200), bool)
    hole[80:120, 80:120] = True
    shadow = np.zeros_like(hole)
    shadow[76:126, 76:126] = True
    texture = np.where((shadow & ~hole)[..., None], 90.0, truth)
    filled, kept = fill_surface(texture, ~hole, hole, False)
    assert not kept[123, 100]
    assert np.abs(filled[76:126, 76:126] - 180.0).max() < 12


def test_shade_all_round_an_object_goes_with_it() -> None:
    """What is hidden is as bright as the floor that no object shades, and what is seen in shade is lit."""
    truth = np.full((200, 240, 3), 180.0)
    hole = np.zeros((200, 240), bool)
    hole[60:140, 60:180] = True
    reach = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    texture = truth * (1.0 - 0.3 * np.exp(-reach / 15.0))[..., None]
    filled, kept = fill_surface(texture, ~hole, hole, False)
    assert np.abs(filled[hole] - 180.0).mean() < 9
    seen = ~kept & ~hole
    assert np.abs(filled - 180.0)[seen].mean() < 0.6 * np.abs(texture - 180.0)[seen].mean()
    assert not kept[50:60, 60:180].any()
    np.testing.assert_array_equal(filled[kept], texture[kept])


def test_glare_goes_on_behind_an_object() -> None:
    columns = np.arange(240.0)
    truth = np.ones((200, 1, 1)) * (110.0 + 90.0 * np.exp(-((columns / 120.0) ** 2)))[:, None] * np.ones(3)
    hole = np.zeros((200, 240), bool)
    hole[40:160, 60:150] = True
    filled, _ = fill_surface(truth, ~hole, hole, False)
    assert np.abs(filled - truth)[hole].mean() < 8


def test_a_board_goes_on_that_is_seen_in_a_corner_only() -> None:
    """White on dark blue, along the lower edge of the picture, and in shade where it meets the object."""
    truth = np.full((160, 240, 3), (40.0, 60.0, 110.0))
    truth[154:] = 225.0
    hole = np.zeros((160, 240), bool)
    hole[40:, 50:] = True
    shade = np.where(np.arange(240) > 35, 0.75, 1.0)[:, None]
    filled, _ = fill_surface(truth * shade, ~hole, hole, True)
    assert np.abs(filled - truth)[156:, 60:].mean() < 35, "the wall without its board is off by 160"
    assert np.abs(filled - truth)[60:150, 60:].mean() < 15


def test_the_edge_of_shade_above_an_object_is_no_board() -> None:
    truth = np.full((160, 240, 3), (200.0, 190.0, 160.0))
    hole = np.zeros((160, 240), bool)
    hole[80:, 20:220] = True
    texture = truth.copy()
    texture[74:80, 20:220] *= 0.7
    assert level_boards(texture, ~hole)[0].max() == 0.0


def test_a_surface_seen_whole_stays_as_it_is() -> None:
    texture = chequered(40, 40, 8)
    known = np.ones((40, 40), bool)
    filled, kept = fill_surface(texture, known, ~known, False)
    assert kept.all()
    np.testing.assert_array_equal(filled, texture)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_little_knowledge_still_gives_a_full_surface(share: float) -> None:
    known = np.zeros((64, 96), bool)
    known[: int(64 * share) + 1] = True
    filled, _ = fill_surface(np.full((64, 96, 3), 100.0), known, np.zeros_like(known), True)
    assert np.abs(filled - 100.0).max() < 10


def test_shift_error_is_least_at_the_period() -> None:
    pattern = chequered(96, 96, 12) / 130.0
    known = np.ones((96, 96), bool)
    error, overlap = shift_error(pattern, known)
    assert overlap[95, 95] == pytest.approx(1.0, abs=1e-4)
    assert error[95, 95 + 24] < 0.2 * error[95, 95 + 12]
    shifts, _ = pick_shifts(pattern, known, known, 6)
    assert ((shifts.sum(axis=1) % 12) == 0).all()


def test_shifted_takes_from_where_it_says() -> None:
    values = np.arange(20.0).reshape(4, 5)
    assert shifted(values, (1, 2))[0, 0] == values[1, 2]
    assert shifted(values, (-1, 0))[0].tolist() == [0.0] * 5
    assert not shifted(values, (4, 0)).any()


def test_spread_of_a_constant_is_that_constant(rng: np.random.Generator) -> None:
    weight = (rng.random((50, 70)) > 0.7).astype(float)
    values = np.where(weight > 0, 7.0, 1e6)
    np.testing.assert_allclose(spread(values, weight, 0.02), 7.0, rtol=1e-4)


RUG, WOOD = np.array([20.0, 110.0, 120.0]), np.array([200.0, 170.0, 120.0])


def floor_with_rug() -> np.ndarray:
    floor = WOOD * np.ones((200, 240, 1))
    floor[60:140, 60:180] = RUG
    return floor


def test_a_rug_ends_where_its_rectangle_does() -> None:
    truth = floor_with_rug()
    hole = np.zeros((200, 240), bool)
    hole[40:110, 130:200] = True
    filled, _ = fill_surface(truth, ~hole, hole, False)
    assert np.abs(filled - truth)[66:104, 136:174].max() < 25, "the rug's hidden corner"
    assert np.abs(filled - truth)[42:52, 132:198].max() < 25, "bare floor beyond the rug"


def test_floor_out_of_view_is_of_the_floor_and_not_of_the_rug() -> None:
    truth = floor_with_rug()
    known = np.zeros((200, 240), bool)
    known[:145] = True
    filled, _ = fill_surface(np.where(known[..., None], truth, 0.0), known, np.zeros_like(known), False)
    assert np.abs(filled[150:] - WOOD).max() < 15


def test_a_picture_is_not_copied_into_the_wall(rng: np.random.Generator) -> None:
    wall = np.full((160, 240, 3), 170.0)
    wall[15:65, 60:150] = np.kron(rng.uniform(0, 255, (5, 9, 3)), np.ones((10, 10, 1)))
    hole = np.zeros((160, 240), bool)
    hole[100:, 40:200] = True
    filled, kept = fill_surface(wall, ~hole, hole, True)
    assert np.abs(filled[hole] - 170.0).max() < 15
    assert kept[15:65, 60:150].all()
