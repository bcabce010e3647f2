"""Answers of image models: found and used where they are right, refused with a reason where they are not."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from regen3d.query.answer import Reading, read_answer
from regen3d.query.layout import Query, application_query, outline_query
from regen3d.query.panel import find_panel
from regen3d.query.prompts import empty_room_prompt, object_prompt
from regen3d.query.window import sample
from regen3d.types import Mask, ObjectView, Rgb
from tests.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def view(synthetic_room: SyntheticRoom) -> ObjectView:
    """The cabinet, its lower half hidden by something nearer."""
    view = synthetic_room.view("cabinet-1")
    _, y0, _, y1 = view.instance.box
    hidden = view.ignore.copy()
    hidden[y0 + 2 * (y1 - y0) // 3 :] = True
    return replace(view, instance=replace(view.instance, mask=view.instance.mask & ~hidden), ignore=hidden)


@pytest.fixture(scope="module")
def whole(synthetic_room: SyntheticRoom) -> Mask:
    return next(item.amodal for item in synthetic_room.objects if item.name == "cabinet-1")


@pytest.fixture(scope="module")
def query(view: ObjectView) -> Query:
    return application_query(view)


def painted(query: Query, view: ObjectView, whole: Mask) -> Rgb:
    """The answer of a perfect model, one mean colour where the object is hidden."""
    colours = np.where(view.instance.mask[..., None], view.image, view.image[view.instance.mask].mean(axis=0))
    alone = np.where(whole[..., None], colours, 255).astype(np.uint8)
    answer, panel = query.picture.copy(), query.panel
    answer[panel.y : panel.y + panel.height, panel.x : panel.x + panel.width] = sample(
        alone, query.window, (panel.height, panel.width), fill=255
    )
    return answer


def panel_of(answer: Rgb, query: Query) -> Rgb:
    panel = query.panel
    return answer[panel.y : panel.y + panel.height, panel.x : panel.x + panel.width]


def iou_in_picture(reading: Reading, whole: Mask) -> float:
    completion = reading.completion
    assert completion is not None, reading.verdict.sentence
    x, y = completion.origin_xy
    rows, columns = np.nonzero(completion.picture[..., 3] > 127)
    rows, columns = rows + y, columns + x
    inside = (rows >= 0) & (columns >= 0) & (rows < whole.shape[0]) & (columns < whole.shape[1])
    made = np.zeros_like(whole)
    made[rows[inside], columns[inside]] = True
    return float((made & whole).sum() / (made | whole).sum())


def test_a_perfect_answer_comes_back_where_it_belongs(view: ObjectView, whole: Mask, query: Query) -> None:
    reading = read_answer(painted(query, view, whole), query, view)
    assert reading.verdict.accepted
    assert iou_in_picture(reading, whole) > 0.97


@pytest.mark.parametrize("wh", [(1376, 1032), (640, 480), (1024, 1024), (1536, 1024)])
def test_other_sizes_and_aspect_ratios_survive(
    view: ObjectView, whole: Mask, query: Query, wh: tuple[int, int]
) -> None:
    answer = cv2.resize(painted(query, view, whole), wh, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", answer, [cv2.IMWRITE_JPEG_QUALITY, 85])
    reading = read_answer(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8), query, view)
    assert iou_in_picture(reading, whole) > 0.93


def test_a_card_that_moved_is_found(view: ObjectView, whole: Mask, query: Query) -> None:
    answer = np.roll(painted(query, view, whole), (-11, 17), axis=(0, 1))
    found = find_panel(answer, query)
    assert found is not None
    assert abs(found.x - query.panel.x - 17) <= 2
    assert abs(found.y - query.panel.y + 11) <= 2
    assert iou_in_picture(read_answer(answer, query, view), whole) > 0.95


@pytest.mark.parametrize("scale", [0.8, 1.15])
def test_an_object_drawn_smaller_or_larger_is_laid_over_the_picture(
    view: ObjectView, whole: Mask, query: Query, scale: float
) -> None:
    answer = painted(query, view, whole)
    side = query.panel.width
    about = cv2.getRotationMatrix2D((side / 2, side / 2), 0.0, scale)
    about[:, 2] += (12.0, -9.0)
    panel_of(answer, query)[:] = cv2.warpAffine(
        panel_of(answer, query), about, (side, side), borderValue=(255, 255, 255)
    )
    assert iou_in_picture(read_answer(answer, query, view), whole) > 0.93


def test_what_is_seen_is_kept(view: ObjectView, whole: Mask, query: Query) -> None:
    completion = read_answer(painted(query, view, whole), query, view).completion
    assert completion is not None
    x, y = completion.origin_xy
    rows, columns = np.nonzero(view.instance.mask)
    np.testing.assert_array_equal(completion.picture[rows - y, columns - x, :3], view.image[rows, columns])
    assert (completion.picture[rows - y, columns - x, 3] == 255).all()
    assert "painted by an image model" in completion.notes[0]


def test_a_free_answer_is_laid_over_the_picture(view: ObjectView, whole: Mask) -> None:
    query = outline_query(view)
    reading = read_answer(painted(query, view, whole), query, view)
    assert iou_in_picture(reading, whole) > 0.93


def shaded(panel: Rgb) -> None:
    panel[np.all(panel > 250, axis=2)] = (150, 150, 150)


def emptied(panel: Rgb) -> None:
    panel[:] = 255


def cut_off(panel: Rgb) -> None:
    panel[:] = cv2.resize(panel[panel.shape[0] // 3 : 2 * panel.shape[0] // 3], panel.shape[1::-1])


def halved(panel: Rgb) -> None:
    panel[:, : panel.shape[1] // 2] = 255


def recoloured(panel: Rgb) -> None:
    object_ = panel.min(axis=2) < 240
    panel[object_] = (255 - panel[object_]) // 2 * (0, 1, 0)


def scenic(panel: Rgb) -> None:
    panel[:] = np.random.default_rng(0).integers(0, 200, panel.shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (shaded, "not white"),
        (emptied, "empty"),
        (cut_off, "cut off"),
        (halved, "part missing"),
        (recoloured, "other colours"),
        (scenic, "whole scene"),
    ],
)
def test_wrong_answers_are_refused(view: ObjectView, whole: Mask, query: Query, spoil: object, reason: str) -> None:
    answer = painted(query, view, whole)
    spoil(panel_of(answer, query))
    reading = read_answer(answer, query, view)
    assert reading.completion is None
    assert reason in reading.verdict.reasons


def test_an_answer_without_a_card_is_refused(view: ObjectView, query: Query) -> None:
    reading = read_answer(np.full((768, 1024, 3), 250, np.uint8), query, view)
    assert reading.verdict.reasons == ("no panel",)


def test_the_words_name_the_object() -> None:
    assert '"coffee table"' in object_prompt("application", "coffee table")
    assert '"sofa"' in object_prompt("outline", "sofa")
    assert "(sofa, lamp)" in empty_room_prompt(("sofa", "lamp"))
    assert "(" not in empty_room_prompt()
