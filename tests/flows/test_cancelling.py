"""A run that is told to stop stops, though its worker may not have heard the first time."""

import itertools
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Completed, Pending, Running, Scheduled

from flows import watching
from flows.watching import cancel


class Server:
    """Has one run, whose worker answers what the server says with states of its own."""

    def __init__(self, first: State, *answers: State | None, gone: bool = False) -> None:
        self.run = FlowRun(id=uuid4(), flow_id=uuid4(), deployment_id=uuid4(), state=first)
        self.answers, self.told, self.gone = list(answers), list[str](), gone

    def read_flow_run(self, _: UUID) -> FlowRun:
        if self.told and self.answers and (answer := self.answers.pop(0)) is not None:
            self.run.state = answer
        return self.run.model_copy()

    def read_flow_runs(self, **_: object) -> list[FlowRun]:
        return []

    def read_artifacts(self, **_: object) -> list:
        return []

    def request(self, method: str, path: str, json: dict) -> SimpleNamespace:
        assert (method, path) == ("POST", "/events/filter")
        assert json["filter"]["related"] == {"id": [f"prefect.flow-run.{self.run.id}"]}
        return SimpleNamespace(json=lambda: {"events": [{}] if self.gone else []})

    def set_flow_run_state(self, _: UUID, state: State, force: bool) -> None:
        self.told.append(str(state.name))
        self.run.state = state


@pytest.mark.parametrize(
    ("first", "answers", "told", "state"),
    [
        (Scheduled(), [], ["Cancelled"], "Cancelled"),
        (Running(), [None, Cancelled()], ["Cancelling"], "Cancelled"),
        # The worker was about to start it, and did.
        (Running(), [Running(), *[None] * 9, Cancelled()], ["Cancelling", "Cancelling"], "Cancelled"),
        (Running(), [*[None] * 10, Cancelled()], ["Cancelling", "Cancelling"], "Cancelled"),
        (Running(), [Completed()], ["Cancelling"], "Completed"),
        # A worker that is gone answers nothing.
        (Running(), [], ["Cancelling"] * 3, "Cancelling"),
    ],
)
def test_it_is_told_until_it_has_heard(
    monkeypatch: pytest.MonkeyPatch, first: State, answers: list[State | None], told: list[str], state: str
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))
    monkeypatch.setattr(watching, "HEARD_S", 6)
    monkeypatch.setattr(watching, "TELLINGS", 3)
    server = Server(first, *answers)
    (view,) = cancel(server, server.run)  # type: ignore[arg-type]
    assert server.told == told
    assert view.state == state


def test_a_run_whose_process_ended_before_it_began_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes nothing but Cancelled from a run that shall be cancelled, not even that it crashed."""
    clock = itertools.count()
    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))
    monkeypatch.setattr(watching, "HEARD_S", 6)
    server = Server(Pending(), gone=True)
    (view,) = cancel(server, server.run)  # type: ignore[arg-type]
    assert (server.told, view.state) == (["Cancelling", "Cancelled"], "Cancelled")
