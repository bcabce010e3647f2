"""Flow runs whose process was killed: the server still calls them running until somebody says otherwise.

Every run carries the machine and the process that runs it, as tags. Whoever starts a flow on the same machine looks for
runs of processes that are gone and marks them crashed; runs of other machines are left to the automation on heartbeats.
"""

import contextlib
import os
import platform
from pathlib import Path
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

HOST, PROCESS = "host:", "process:"
"""Beginnings of the tags."""


def watch_over(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A hook for flows that begin to run: tag this run, close those that were killed on this machine."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(
            flow_run.id, tags={*flow_run.tags, f"{HOST}{platform.node()}", f"{PROCESS}{_mark(os.getpid())}"}
        )
        close_orphans(client)


def close_orphans(client: SyncPrefectClient) -> int:
    """Mark runs of dead processes of this machine, and their tasks, as crashed; how many there were."""
    running = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
        tags=FlowRunFilterTags(all_=[f"{HOST}{platform.node()}"]),
    )
    orphans = [run for run in client.read_flow_runs(flow_run_filter=running) if _is_orphan(run)]
    for run in orphans:
        message = "the process that ran it is gone; run the same again: finished stages are not computed anew"
        client.set_flow_run_state(run.id, Crashed(message=message), force=True)
        for task in client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))):
            if task.state is not None and not task.state.is_final():
                client.set_task_run_state(task.id, Crashed(message="the process that ran it is gone"), force=True)
    return len(orphans)


def _is_orphan(run: FlowRun) -> bool:
    for tag in run.tags:
        if tag.startswith(PROCESS):
            mark = tag.removeprefix(PROCESS)
            number = mark.partition("-")[0]
            return number.isdigit() and _mark(int(number)) != mark
    return False


def _mark(process: int) -> str:
    """Number of a process with the moment at which it began, because numbers come again; empty for one that is gone."""
    with contextlib.suppress(OSError):
        # Field 22 of what follows the name in brackets, which may hold spaces: proc(5).
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        # A zombie has ended, only nobody has taken note.
        return "" if fields[0] == "Z" else f"{process}-{fields[19]}"
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return str(process)
