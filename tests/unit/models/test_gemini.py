"""Gemini through the real client against a loopback server: what it answers, and every way in which it fails."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from models.base import CompleteRequest, PlateRequest
from models.editing.gemini import GeminiEditor
from models.editing.gemini_service import USAGE, GeminiOptions, GeminiPainter
from regen3d.errors import ConfigError, ModelOutputError, ResourceError
from regen3d.types import Rgb
from tests.synthetic.gemini_server import GeminiServer, blocked, error, refused, serving
from tests.synthetic.room import SyntheticRoom

GREY = np.full((32, 48, 3), 128, dtype=np.uint8)


def same(picture: Rgb, prompt: str) -> Rgb:
    return picture


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setattr(USAGE, "questions", 0)
    with serving(same) as state:
        yield state


def options(server: GeminiServer, **changes: object) -> GeminiOptions:
    return replace(GeminiOptions(base_url=server.url, attempts=2, first_wait_s=0.01, timeout_s=5.0), **changes)


def paint(server: GeminiServer, **changes: object) -> Rgb:
    painter = GeminiPainter(options(server, **changes))
    try:
        return painter.paint(GREY, "nothing", "3:2", 7)
    finally:
        painter.close()


def test_a_picture_comes_back(server: GeminiServer) -> None:
    np.testing.assert_array_equal(paint(server), GREY)
    config = server.asked[0]["generationConfig"]
    assert (config["seed"], config["imageConfig"]["aspectRatio"]) == (7, "3:2")


def test_without_a_key_nothing_starts(server: GeminiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(ConfigError, match="neither GEMINI_API_KEY nor GOOGLE_API_KEY is set"):
        GeminiEditor().load()


def test_a_wrong_key_is_named_but_not_told(server: GeminiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "not-that-key")
    with pytest.raises(ConfigError, match="does not accept the key") as caught:
        paint(server)
    assert "not-that-key" not in str(caught.value)


def test_a_busy_service_is_asked_again(server: GeminiServer) -> None:
    server.script = [error(503, "UNAVAILABLE")]
    np.testing.assert_array_equal(paint(server), GREY)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("script", "kind", "sentence"),
    [
        ([error(429, "RESOURCE_EXHAUSTED")] * 2, ResourceError, "quota is spent .*after 2 attempts"),
        ([refused("IMAGE_SAFETY")], ModelOutputError, "finish reason IMAGE_SAFETY"),
        ([refused("NO_IMAGE")], ModelOutputError, "finish reason NO_IMAGE"),
        ([blocked("SAFETY")], ModelOutputError, "blocked the question: SAFETY"),
        ([(200, {})], ModelOutputError, "finish reason not given"),
        ([b"\x89PNG\r\n\x1a\n broken"], ModelOutputError, "broken picture"),
        ([error(404, "NOT_FOUND")], ConfigError, "knows no model"),
    ],
)
def test_each_failure_has_its_error(server: GeminiServer, script: list, kind: type, sentence: str) -> None:
    server.script = list(script)
    with pytest.raises(kind, match=sentence):
        paint(server)


def test_a_silent_service_is_given_up(server: GeminiServer) -> None:
    server.script = [0.6, 0.6]
    with pytest.raises(ResourceError, match="not reached within"):
        paint(server, timeout_s=0.2, attempts=1)


def test_a_spent_budget_stops_questions(server: GeminiServer) -> None:
    paint(server, budget=1)
    with pytest.raises(ModelOutputError, match="budget of 1 questions"):
        paint(server, budget=1)
    assert len(server.asked) == 1


def test_refused_objects_are_completed_without_it(server: GeminiServer, synthetic_room: SyntheticRoom) -> None:
    server.script = [refused("IMAGE_SAFETY")] * 2
    editor = GeminiEditor(options(server, tries=1))
    made = editor.complete([CompleteRequest(view=synthetic_room.view("vase-1"))])[0]
    editor.close()
    assert "completed without it" in made.notes[0]
    assert "IMAGE_SAFETY" in made.notes[1]


def test_the_card_is_used(server: GeminiServer, synthetic_room: SyntheticRoom) -> None:
    editor = GeminiEditor(options(server))
    made = editor.complete([CompleteRequest(view=synthetic_room.view("chair-1"))])[0]
    editor.close()
    assert made.notes[0] == "gemini-3.1-flash-image completed it from the application query, try 1"


def test_furniture_that_stays_is_refused(server: GeminiServer, synthetic_room: SyntheticRoom) -> None:
    editor = GeminiEditor(options(server, tries=1))
    masks = tuple(item.mask for item in synthetic_room.instances)
    plate = editor.empty_room([PlateRequest(image=synthetic_room.image, objects=masks)])[0]
    editor.close()
    assert "the room was emptied without it" in plate.notes[0]
    assert "objects are still there" in plate.notes[1]
