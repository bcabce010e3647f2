"""What image models are shown: golden pictures, and the promise that an answer can be cut back exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d.errors import DegenerateGeometryError
from regen3d.query.layout import RATIOS, Query, application_query, canvas_wh, letterboxed, nearest_ratio, outline_query
from regen3d.query.window import sample
from regen3d.types import Rgb
from tests.synthetic.room import SyntheticRoom, furnished_room

GOLDEN = Path(__file__).parents[2] / "golden"
SHRINK = 4
"""Golden pictures are so many times smaller: layout and colours can be seen, antialiasing cannot."""
MAKERS = {"application": application_query, "outline": outline_query}


def shown(room: SyntheticRoom, style: str) -> Rgb:
    """The question for the chair, small."""
    picture = Image.fromarray(MAKERS[style](room.view("chair-1")).picture)
    return np.array(picture.resize((picture.width // SHRINK, picture.height // SHRINK), Image.Resampling.BOX))


def publish() -> None:
    """Write the golden pictures anew; look at them before you keep them."""
    room = furnished_room()
    for style in MAKERS:
        Image.fromarray(shown(room, style)).save(GOLDEN / f"query-{style}.png", optimize=True)


@pytest.mark.parametrize("style", list(MAKERS))
def test_questions_look_as_they_did(style: str, synthetic_room: SyntheticRoom) -> None:
    golden = np.array(Image.open(GOLDEN / f"query-{style}.png"))
    now = shown(synthetic_room, style)
    assert now.shape == golden.shape
    off = np.abs(now.astype(int) - golden).max(axis=2)
    assert off.mean() < 1.0
    assert (off > 16).mean() < 0.005


@pytest.mark.parametrize("name", ["cabinet-1", "chair-1", "table-1", "vase-1"])
@pytest.mark.parametrize("style", list(MAKERS))
def test_the_panel_shows_what_its_window_says(style: str, name: str, synthetic_room: SyntheticRoom) -> None:
    view = synthetic_room.view(name)
    query: Query = MAKERS[style](view)
    panel = query.panel
    assert query.picture.shape[1::-1] == canvas_wh(query.ratio)
    assert 0 <= panel.x < panel.x + panel.width <= query.picture.shape[1]
    assert 0 <= panel.y < panel.y + panel.height <= query.picture.shape[0]
    cut = query.picture[panel.y : panel.y + panel.height, panel.x : panel.x + panel.width]
    alone = np.where(view.instance.mask[..., None], view.image, 255).astype(np.uint8)
    expected = sample(alone if style == "application" else view.image, query.window, cut.shape[:2], fill=255)
    inside = sample(view.instance.mask.astype(np.uint8) * 255, query.window, cut.shape[:2]) == 255
    # Off the line that is drawn round the object.
    same = (cut == expected).all(axis=2)
    assert same.mean() > (0.999 if style == "application" else 0.9)
    assert same[inside].mean() > (0.999 if style == "application" else 0.5)


@pytest.mark.parametrize("name", list(RATIOS))
def test_canvases_have_exactly_a_ratio_that_models_answer_in(name: str) -> None:
    width, height = canvas_wh(name)
    assert width * RATIOS[name][1] == height * RATIOS[name][0]
    assert 0.9 < width * height / 1024**2 <= 1.0
    assert nearest_ratio(width, height) == name


@pytest.mark.parametrize("hw", [(360, 480), (700, 400), (100, 900)])
def test_a_letterboxed_picture_lies_whole_in_its_window(hw: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 200, (*hw, 3), dtype=np.uint8)
    picture, ratio, window = letterboxed(image)
    assert picture.shape[1::-1] == canvas_wh(ratio)
    assert window.x <= 1e-6
    assert window.y <= 1e-6
    assert window.x + window.step * picture.shape[1] >= hw[1] - 1e-6
    assert window.y + window.step * picture.shape[0] >= hw[0] - 1e-6


@pytest.mark.parametrize("style", list(MAKERS))
def test_an_empty_mask_asks_nothing(style: str, synthetic_room: SyntheticRoom) -> None:
    view = synthetic_room.view("chair-1")
    nothing = replace(view, instance=replace(view.instance, mask=np.zeros_like(view.instance.mask)))
    with pytest.raises(DegenerateGeometryError, match="is empty"):
        MAKERS[style](nothing)
