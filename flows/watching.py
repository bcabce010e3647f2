"""What the farm's server knows of runs: found by id or name, told as plain values, cancelled."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling
from prefect.utilities.urls import url_for

from flows.client import SceneClient, answering
from flows.names import TAG
from regen3d.errors import ConfigError
from tasks.shown_progress import PROGRESS_KEY

STARTED = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
"""States of runs that hold a place."""

HEARD_S = 15.0
"""How long a worker takes to end a run, unless it has not heard that it shall."""

TELLINGS = 4
"""How often it is told."""

LOOK_S = 1.0
"""Between two looks at runs that shall end."""

PAGE = 200
"""Most rows that the server gives at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as a person sees it."""

    id: str
    """Its id."""
    name: str
    """Its name."""
    deployment: str | None
    """Id of what was asked for; None for a run of the command line."""
    state: str
    """Name of its state: Scheduled, Running, Completed, Partial, Failed, Crashed, Cancelled, ..."""
    message: str
    """What the state says, on one line."""
    over: bool
    """Whether it will not change any more."""
    whole: bool
    """Whether it completed with nothing missing."""
    partial: bool
    """Whether it completed with something missing."""
    queue: str
    """Work queue."""
    age_s: float
    """Seconds since it was asked for."""
    seconds: float
    """How long it has been running, or ran."""
    percent: float | None
    """How far it is; None where it says nothing."""
    doing: str
    """What it did last."""
    url: str
    """Its page in the UI."""
    parameters: dict[str, Any]
    """What was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """One task run of a run."""

    title: str
    """`align: chair-1`."""
    state: str
    """Name of its state."""
    seconds: float
    """How long it has been running, or ran."""
    over: bool
    """Whether it will not change any more."""
    message: str
    """What the state says, on one line."""


def find_run(client: SceneClient, wanted: str) -> FlowRun:
    """The run of that id, the beginning of one, or a name; of several of one name the last.

    Raises:
        ConfigError: there is none.
    """
    with answering():
        try:
            return client.read_flow_run(UUID(wanted))
        except ValueError:
            pass
        except ObjectNotFound as error:
            raise ConfigError(f"there is no run '{wanted}': `regen3d status` lists those there are") from error
        newest = FlowRunSort.EXPECTED_START_TIME_DESC
        named = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[wanted])), sort=newest, limit=1
        )
        if named:
            return named[0]
        recent = client.read_flow_runs(sort=newest, limit=PAGE)
    begun = [run for run in recent if str(run.id).startswith(wanted.lower())]
    if len(begun) != 1:
        found = "there is no run" if not begun else f"{len(begun)} runs begin with"
        raise ConfigError(f"{found} '{wanted}': `regen3d status` lists those there are")
    return begun[0]


def recent_runs(client: SceneClient, limit: int) -> tuple[RunView, ...]:
    """The farm's runs, the newest first."""
    with answering():
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG])),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=limit,
        )
    return views(client, runs)


def views(client: SceneClient, runs: Sequence[FlowRun]) -> tuple[RunView, ...]:
    """Runs with how far they are, in the order given."""
    progress = _progress(client, [run.id for run in runs]) if runs else {}
    return tuple(_view(run, *progress.get(run.id, (None, ""))) for run in runs)


def _view(run: FlowRun, percent: float | None, doing: str) -> RunView:
    state = run.state
    now = datetime.now(UTC)
    asked = run.expected_start_time or run.created or now
    return RunView(
        id=str(run.id),
        name=run.name,
        deployment=None if run.deployment_id is None else str(run.deployment_id),
        state="Unknown" if state is None else str(state.name),
        message=" ".join(((state.message if state is not None else None) or "").split()),
        over=state is not None and state.is_final(),
        whole=state is not None and state.is_completed() and state.name != "Partial",
        partial=state is not None and state.is_completed() and state.name == "Partial",
        queue=run.work_queue_name or "",
        age_s=max(0.0, (now - asked).total_seconds()),
        seconds=run.estimated_run_time.total_seconds(),
        percent=percent,
        doing=doing,
        url=url_for("flow-run", obj_id=run.id) or "",
        parameters=run.parameters,
    )


def _progress(client: SceneClient, ids: Sequence[UUID]) -> dict[UUID, tuple[float, str]]:
    with answering():
        artifacts = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[PROGRESS_KEY])),
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(ids))),
            limit=PAGE,
        )
    told: dict[UUID, tuple[float, str]] = {}
    for artifact in artifacts:
        if artifact.flow_run_id is not None and isinstance(artifact.data, int | float):
            told[artifact.flow_run_id] = (float(artifact.data), artifact.description or "")
    return told


def stages(client: SceneClient, run_id: str) -> tuple[StageView, ...]:
    """Task runs of a run, in the order in which they started."""
    found: list[TaskRun] = []
    wanted = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[UUID(run_id)]))
    with answering():
        while len(found) % PAGE == 0:
            page = client.read_task_runs(
                task_run_filter=wanted, sort=TaskRunSort.EXPECTED_START_TIME_ASC, limit=PAGE, offset=len(found)
            )
            found += page
            if not page:
                break
    return tuple(
        _stage(run) for run in sorted(found, key=lambda run: run.start_time or datetime.max.replace(tzinfo=UTC))
    )


def _stage(run: TaskRun) -> StageView:
    state = run.state
    return StageView(
        title=run.name,
        state="Unknown" if state is None else str(state.name),
        seconds=run.estimated_run_time.total_seconds(),
        over=state is not None and state.is_final(),
        message=" ".join(((state.message if state is not None else None) or "").split()),
    )


def cancel(client: SceneClient, run: FlowRun) -> tuple[RunView, ...]:
    """Stop a run, and the runs that it has started; those that wait never start.

    Returns:
        The runs that were told to stop, ended where their workers did so by and by; none where all were over.

    Raises:
        ConfigError: it was started by a command, which no worker can stop.
    """
    if run.deployment_id is None:
        raise ConfigError(f"'{run.name}' was started by a command of its own: stop it there, with Ctrl-C")
    with answering():
        children = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(not_any_=_FINAL)),
            ),
            limit=PAGE,
        )
        # The parent first: it would start others for those that stop.
        stopped = [each for each in (run, *children) if each.state is None or not each.state.is_final()]
        for each in stopped:
            _stop(client, each)
        return views(client, _heard(client, stopped))


def _stop(client: SceneClient, run: FlowRun) -> None:
    # A run of a deployment that is paused was suspended: no process would hear of it.
    waits = run.state is None or run.state.is_scheduled() or run.state.is_paused()
    state = Cancelled(message="Cancelled before it started.") if waits else Cancelling()
    client.set_flow_run_state(run.id, state, force=waits)


def _heard(client: SceneClient, stopped: Sequence[FlowRun]) -> list[FlowRun]:
    """The runs, once their workers have ended them; what has not ended after a while is left to them.

    A worker that is about to start a run does not hear that it shall stop: it is told again and again. Where it starts
    the run all the same, the process finds that it shall not begin and ends, and the server keeps nothing of that.
    """
    told = datetime.now(UTC)
    for telling in range(TELLINGS):
        left = [run for run in stopped if not _is_over(client, run)]
        for run in left if telling else ():
            # Forced: the server passes on what it holds already to nobody.
            gone = _process_ended(client, run, told)
            state = Cancelled(message="Cancelled: its process is gone.") if gone else Cancelling()
            client.set_flow_run_state(run.id, state, force=True)
        deadline = time.monotonic() + HEARD_S
        while left and time.monotonic() < deadline:
            time.sleep(LOOK_S)
            left = [run for run in left if not _is_over(client, run)]
    return [client.read_flow_run(run.id) for run in stopped]


def _process_ended(client: SceneClient, run: FlowRun, since: datetime) -> bool:
    """Whether a worker has told since then that the process or container of a run is gone."""
    told = {
        "event": {"name": ["prefect.worker.executed-flow-run"]},
        "related": {"id": [f"prefect.flow-run.{run.id}"]},
        "occurred": {"since": since.isoformat()},
    }
    answer = client.request("POST", "/events/filter", json={"filter": told, "limit": 1})
    return bool(answer.json()["events"])


def _is_over(client: SceneClient, run: FlowRun) -> bool:
    state = client.read_flow_run(run.id).state
    return state is not None and state.is_final()


_FINAL = [StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED]
