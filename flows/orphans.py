"""Flow runs whose process was killed: the server still calls them running until somebody says otherwise.

Every run carries the mark of the process that runs it, as a tag. Whoever starts a flow on the same machine looks for
runs of processes that are gone and marks them crashed; runs of other machines, and of other containers of this one, are
left to the automation on heartbeats.
"""

import os
import platform
from typing import Any

from prefect import Flow, State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

from regen3d.processes import is_gone, mark_of

HOST, PROCESS = "host:", "process:"
"""Beginnings of the tags."""

HELD = [StateType.RUNNING, StateType.PAUSED]
"""States in which a process runs, or waits for a person. One that was suspended gave up its process, and its tags."""


def watch_over(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A hook for flows that begin to run: tag this run, close those that were killed on this machine."""
    with get_client(sync_client=True) as client:
        # A run that goes on after a rest has the tags of an earlier process no more.
        mine = {f"{HOST}{platform.node()}", f"{PROCESS}{mark_of(os.getpid())}"}
        client.update_flow_run(flow_run.id, tags=_without_process(flow_run) | mine)
        close_orphans(client)


def let_go(client: SyncPrefectClient, flow_run: FlowRun) -> None:
    """Take the process off a run that shall rest without one."""
    client.update_flow_run(flow_run.id, tags=_without_process(flow_run))


def close_orphans(client: SyncPrefectClient) -> int:
    """Mark runs of dead processes of this machine, and their tasks, as crashed; how many there were."""
    held = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=HELD)),
        tags=FlowRunFilterTags(all_=[f"{HOST}{platform.node()}"]),
    )
    orphans = [run for run in client.read_flow_runs(flow_run_filter=held) if _is_orphan(run)]
    for run in orphans:
        message = "the process that ran it is gone; run the same again: finished stages are not computed anew"
        client.set_flow_run_state(run.id, Crashed(message=message), force=True)
        for task in client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))):
            if task.state is not None and not task.state.is_final():
                client.set_task_run_state(task.id, Crashed(message="the process that ran it is gone"), force=True)
    return len(orphans)


def _without_process(run: FlowRun) -> set[str]:
    return {tag for tag in run.tags if not tag.startswith((HOST, PROCESS))}


def _is_orphan(run: FlowRun) -> bool:
    return any(is_gone(tag.removeprefix(PROCESS)) for tag in run.tags if tag.startswith(PROCESS))
