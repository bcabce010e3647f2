"""The labeller against a server that speaks the protocol of Gemini."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from models.base import SegmentRequest
from models.segmentation.labeller import GEMINI_KEYS, LONGEST_LIST, Labeller, read_labels
from models.segmentation.prompts import DEFAULT_LABELS, Proposal
from regen3d.errors import ConfigError, ModelOutputError

MODEL = "gemini-2.5-flash"
KEY = "key-of-a-test"


class Service(ThreadingHTTPServer):
    """Answers every call with `reply` and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.reply: dict[str, Any] = {}
        self.asked: list[dict] = []
        self.paths: list[str] = []

    def say(self, text: str, reason: str = "STOP") -> None:
        self.reply = {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": reason}]}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service = self.server
        assert isinstance(service, Service)
        service.asked.append(json.loads(body))
        service.paths.append(self.path)
        data = json.dumps(service.reply).encode()
        self.send_response(service.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    for name in GEMINI_KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(GEMINI_KEYS[0], KEY)
    server = Service()
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def request_of_nothing(rng: np.random.Generator) -> SegmentRequest:
    return SegmentRequest(image=rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), seed=7)


@pytest.fixture
def labeller(service: Service) -> Iterator[Labeller]:
    made = Labeller(MODEL)
    made.load()
    yield made
    made.close()


def test_the_models_labels_are_taken_and_said(
    labeller: Labeller, service: Service, request_of_nothing: SegmentRequest
) -> None:
    service.say('{"labels": ["Armchair", "floor lamp", "wall", "armchair"]}')
    proposal = labeller.propose(request_of_nothing)
    assert proposal.labels == ("armchair", "floor lamp")
    assert proposal.notes == (f"{MODEL} proposed the labels: armchair, floor lamp.",)


def test_the_picture_and_a_schema_are_sent(
    labeller: Labeller, service: Service, request_of_nothing: SegmentRequest
) -> None:
    service.say('{"labels": ["chair"]}')
    labeller.propose(request_of_nothing)
    asked = service.asked[0]
    assert service.paths[0].endswith(f"{MODEL}:generateContent")
    assert asked["generationConfig"]["responseMimeType"] == "application/json"
    assert asked["generationConfig"]["responseSchema"]["required"] == ["labels"]
    assert asked["generationConfig"]["seed"] == 7
    picture = asked["contents"][0]["parts"][0]["inlineData"]
    assert base64.urlsafe_b64decode(picture["data"]).startswith(b"\xff\xd8")
    assert KEY not in json.dumps(asked)


def test_the_users_labels_come_first_and_cost_nothing(labeller: Labeller, service: Service) -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    proposal = labeller.propose(SegmentRequest(image=image, labels=("piano",)))
    assert proposal == Proposal(labels=("piano",), asked=True)
    assert service.asked == []


def test_without_a_model_the_default_vocabulary_is_said(request_of_nothing: SegmentRequest) -> None:
    labeller = Labeller()
    labeller.load()
    proposal = labeller.propose(request_of_nothing)
    assert proposal.labels == DEFAULT_LABELS
    assert proposal.notes == ("The labels are the default vocabulary.",)


@pytest.mark.parametrize(
    ("status", "reply", "said"),
    [
        (403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "bad key"}}, "403 PERMISSION_DENIED"),
        (400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": KEY}}, "400 INVALID_ARGUMENT"),
        (200, {"promptFeedback": {"blockReason": "SAFETY"}}, "SAFETY"),
        (200, {"candidates": [{"finishReason": "PROHIBITED_CONTENT"}]}, "PROHIBITED_CONTENT"),
        (200, {"candidates": [{"content": {"parts": [{"text": '{"labels": ["cha'}]}}]}, "half of one"),
        (200, {"candidates": [{"content": {"parts": [{"text": '{"labels": []}'}]}}]}, "no usable label"),
    ],
)
def test_a_refusal_falls_back_to_the_default_vocabulary_and_says_why(
    labeller: Labeller, service: Service, request_of_nothing: SegmentRequest, status: int, reply: dict, said: str
) -> None:
    service.status, service.reply = status, reply
    proposal = labeller.propose(request_of_nothing)
    assert proposal.labels == DEFAULT_LABELS
    assert said in proposal.notes[0]
    assert KEY not in proposal.notes[0]


def test_quota_is_tried_again_before_giving_up(
    labeller: Labeller, service: Service, request_of_nothing: SegmentRequest
) -> None:
    service.status, service.reply = 429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}}
    assert "429" in labeller.propose(request_of_nothing).notes[0]
    assert len(service.asked) == 3


def test_a_service_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, service: Service, request_of_nothing: SegmentRequest
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
    labeller = Labeller(MODEL)
    labeller.load()
    assert "could not be reached" in labeller.propose(request_of_nothing).notes[0]
    labeller.close()


def test_no_key_is_the_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GEMINI_KEYS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="GEMINI_API_KEY"):
        Labeller(MODEL).load()


def test_long_lists_and_descriptions_are_cut() -> None:
    words = [f"chair {n}" for n in range(60)] + ["a very long description of a thing that nobody would search for"]
    assert read_labels(json.dumps({"labels": list(reversed(words))}), MODEL)[0] == "chair 59"
    assert len(read_labels(json.dumps({"labels": words}), MODEL)) == LONGEST_LIST


@pytest.mark.parametrize("text", ["", "[]", "null", '{"labels": 3}', '{"labels": [1, {}]}', '{"label": ["chair"]}'])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ModelOutputError, match=MODEL):
        read_labels(text, MODEL)
