"""Gemini through the real client against a loopback server: what it answers, and every way in which it fails."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from models.base import CompleteRequest, PlateRequest
from models.editing.gemini import GeminiEditor
from models.editing.gemini_painter import GeminiPainter
from models.editing.gemini_service import USAGE, GeminiOptions
from regen3d.errors import ConfigError, ModelOutputError, ResourceError
from regen3d.query.layout import letterboxed
from regen3d.types import Rgb
from regen3d.usage import metered
from tests.synthetic.gemini_server import GeminiServer, blocked, error, painter_of, refused, serving
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
        ([None, None], ResourceError, "answer was cut off"),
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


def test_half_a_picture_is_broken(server: GeminiServer) -> None:
    _, whole = cv2.imencode(".png", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    server.script = [whole.tobytes()[:4000]]
    with pytest.raises(ModelOutputError, match="broken picture of 4000 bytes"):
        paint(server)


def test_an_answer_of_another_aspect_ratio_is_stretched_where_it_shows_the_same(
    server: GeminiServer, synthetic_room: SyntheticRoom
) -> None:
    masks = tuple(item.mask for item in synthetic_room.instances)
    request = PlateRequest(image=synthetic_room.image, objects=masks)
    empty = letterboxed(synthetic_room.plate)[0]
    for answer, sentence in (
        (cv2.resize(empty, (1024, 1024), interpolation=cv2.INTER_AREA), "emptied the room, try 1"),
        (np.ascontiguousarray(empty[:, : empty.shape[1] // 2]), "its lines are not those of the picture"),
    ):
        server.paint = lambda picture, prompt, answer=answer: answer
        editor = GeminiEditor(options(server, tries=1))
        plate = editor.empty_room([request])[0]
        editor.close()
        assert sentence in " ".join(plate.notes)


def test_questions_and_their_price_are_counted_where_the_caller_counts(
    server: GeminiServer, synthetic_room: SyntheticRoom
) -> None:
    requests = [CompleteRequest(view=synthetic_room.view(name)) for name in ("chair-1", "vase-1")]
    editor = GeminiEditor(options(server))
    with metered() as spent:
        editor.complete(requests)
    editor.close()
    # 180 tokens at 0.5 dollars and 1120 at 60, a million.
    assert spent == pytest.approx({"api_calls": 2.0, "api_usd": 2 * 0.06729})


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({"model": "gemini-2.5-flash-image"}, 180e-6 * 0.3 + 1120e-6 * 30.0),
        ({"model": "another", "price_in": 1.0, "price_out": 2.0}, 180e-6 + 2240e-6),
        ({"model": "another"}, 0.0),
    ],
)
def test_prices_follow_the_model(server: GeminiServer, changes: dict, usd: float) -> None:
    with metered() as spent:
        paint(server, **changes)
    assert spent["api_usd"] == pytest.approx(usd, abs=1e-6)


QUICK = {"batch": True, "batch_gather_s": 0.3, "batch_poll_s": 0.05}


def test_questions_of_many_objects_are_one_batch_job_at_half_the_price(
    server: GeminiServer, synthetic_room: SyntheticRoom
) -> None:
    server.paint = painter_of(synthetic_room.plate)
    requests = [CompleteRequest(view=synthetic_room.view(name)) for name in ("chair-1", "vase-1", "table-1")]
    editor = GeminiEditor(options(server, **QUICK))
    with metered() as spent:
        made = editor.complete(requests)
    editor.close()
    assert [len(job["inputConfig"]["requests"]["requests"]) for job in server.jobs] == [3]
    assert all("completed it from the application query" in item.notes[0] for item in made)
    assert spent == pytest.approx({"api_calls": 3.0, "api_usd": 3 * 0.06729 / 2}, abs=1e-5)


def test_a_refused_question_of_a_job_does_not_harm_the_others(server: GeminiServer) -> None:
    server.script = [error(400, "INVALID_ARGUMENT")]
    painter = GeminiPainter(options(server, **QUICK))
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(painter.paint, GREY, "nothing", "3:2", k) for k in range(2)]
    painter.close()
    assert len(server.jobs) == 1
    assert sorted(type(answer.exception()).__name__ for answer in answers) == ["ModelOutputError", "NoneType"]


@pytest.mark.parametrize("ends", ["BATCH_STATE_FAILED", "BATCH_STATE_EXPIRED", "BATCH_STATE_CANCELLED"])
def test_a_job_that_fails_may_be_tried_again(server: GeminiServer, ends: str) -> None:
    server.ends = ends
    with pytest.raises(ResourceError, match=r"the batch job batches/0 ended as JOB_STATE_.* with 0 of 1 answers"):
        paint(server, **QUICK)


def test_a_job_that_never_ends_is_given_up(server: GeminiServer) -> None:
    server.looks["batches/0"] = -10_000
    with pytest.raises(ResourceError, match=r"took longer than 0\.1 s"):
        paint(server, **QUICK, batch_limit_s=0.1)


def test_a_wrong_key_is_named_for_jobs_as_well(server: GeminiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "not-that-key")
    with pytest.raises(ConfigError, match="does not accept the key"):
        paint(server, **QUICK)
