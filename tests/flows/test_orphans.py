"""Runs of killed processes are closed, whatever they were at; those of living ones, and of other places, are not."""

import os
import platform
import subprocess
import sys
from uuid import UUID

import pytest

from flows.names import AT_REST
from regen3d import processes
from regen3d.processes import is_gone, mark_of


@pytest.fixture
def ended() -> str:
    """Mark of a process that is over."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = mark_of(process.pid)
    assert not is_gone(mark)
    process.communicate(b"\n")
    return mark


def test_a_process_is_gone_only_for_those_who_can_know(ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_gone(ended)
    assert not is_gone(mark_of(os.getpid()))
    # The same number again is another process.
    assert is_gone(mark_of(os.getpid()) + "0")
    # A container of this machine has another namespace, where the same number is another process, or none.
    monkeypatch.setattr(processes, "place", lambda: "unknown.b007.4026532000")
    assert not is_gone(ended)
    assert not is_gone("")


def test_no_process_outlives_a_restart_of_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "place", lambda: "deadbeef.b007.4026531836")
    assert is_gone("deadbeef.b006.4026531836.4711.77")
    # Another machine may be up for longer; in a container nobody knows the machine.
    assert not is_gone("cafe.b006.4026531836.4711.77")
    assert not is_gone("unknown.b006.4026532000.4711.77")
    # So it was written before machines were part of the mark.
    assert not is_gone("b006.4026531836.4711.77")
    monkeypatch.setattr(processes, "place", lambda: "unknown.b007.4026532000")
    assert not is_gone("unknown.b006.4026532000.4711.77")


def test_only_in_no_container_is_the_machine_known() -> None:
    assert processes._machine(4026532000) == processes.UNKNOWN
    assert "." not in processes._machine(0xEFFFFFFC)


def test_no_heartbeat_is_expected_of_a_run_that_gave_up_its_process() -> None:
    from prefect.events.schemas.automations import EventTrigger

    from flows.setup import crashed_runs

    trigger = crashed_runs(30).trigger
    assert isinstance(trigger, EventTrigger)
    assert {"prefect.flow-run.Suspended", AT_REST} <= trigger.expect


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("state", ["Running", "Paused"])
def test_runs_of_killed_processes_are_closed_and_others_are_left(ended: str, state: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import State, StateType

    from flows.orphans import close_orphans, let_go
    from flows.scene import reconstruct_scene

    foreign = "b007.4026532000.1.77"
    marks = {"dead": ended, "alive": mark_of(os.getpid()), "foreign": foreign, "suspended": ended}
    with get_client(sync_client=True) as client:
        runs: dict[str, UUID] = {}
        for name, mark in marks.items():
            tags = [f"host:{platform.node()}", f"process:{mark}", "mine"]
            run = client.create_flow_run(
                reconstruct_scene, name=name, tags=tags, state=State(type=StateType(state.upper()), name=state)
            )
            runs[name] = run.id
        let_go(client, client.read_flow_run(runs["suspended"]))
        assert close_orphans(client) == 1
        states = {name: client.read_flow_run(id_).state for name, id_ in runs.items()}
        assert client.read_flow_run(runs["suspended"]).tags == ["mine"]
        for id_ in runs.values():
            client.delete_flow_run(id_)
    told = {name: state.name for name, state in states.items() if state is not None}
    assert told == {"dead": "Crashed", "alive": state, "foreign": state, "suspended": state}
