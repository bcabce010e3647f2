"""What all stages share: look in the store first, compute, keep the result, publish a preview, retry what may heal.

`stage_task` makes the Prefect task of a `tasks.work.Stage`.
"""

from typing import Any

from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from pydantic import Field, ValidationError

from regen3d import codec
from regen3d.config import Execution
from regen3d.errors import Regen3dError
from regen3d.fingerprint import derive_seed
from regen3d.manifest import Entry, StageCall, StageEntry
from regen3d.store import Store
from regen3d.store.claims import once
from tasks.artifacts import publish
from tasks.execution.executor import executor_for
from tasks.execution.job import Job, job_of
from tasks.limits import farm_limits
from tasks.progress import Progress, tell
from tasks.work import Stage, StageWork

RETRY_DELAYS_S = (1.0, 5.0)
"""Pauses before the second and third try of a call that ran out of a resource."""


class SceneContext(Entry):
    """What every task of a scene needs to know."""

    store: str
    """URI of the store."""
    adapters: dict[str, str]
    """Stage -> adapter."""
    options: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Stage -> option of its adapter -> value as text."""
    seed: int
    """Seed of the scene."""
    execution: Execution = Execution()
    """Where heavy calls run."""

    def call(self, stage: str, name: str | None = None, **params: Any) -> StageCall:
        """A call of a stage with its adapter and derived seed, inputs still to come."""
        seed = derive_seed(self.seed, stage, name)
        if self.options.get(stage):
            params["options"] = self.options[stage]
        return StageCall(stage=stage, object=name, adapter=self.adapters.get(stage), params=params, seed=seed)


def run_stage(stage: Stage, context: SceneContext, call: StageCall, *, force: bool = False) -> StageEntry:
    """Answer a call from the store, or compute and keep it.

    Args:
        stage: what to run.
        context: the scene.
        call: the call with all its inputs.
        force: compute even when the store has the answer.
    """
    tell(Progress(stage=stage.name, object=call.object, event="started"))
    try:
        job, store = job_of(stage, call, context.store), Store(context.store)
        entry = None if force else find_entry(store, job)
        if entry is None:
            entry = _made(context, job, store, force=force)
        else:
            # Young again, so that housekeeping leaves what it names.
            store.put_record(job.record, entry.model_dump(mode="json"))
    except Regen3dError as error:
        raise error.within(stage.name, call.object) from error.__cause__
    tell(Progress(stage=stage.name, object=call.object, event="reused" if entry.reused else "finished"))
    return entry


def _made(context: SceneContext, job: Job, store: Store, *, force: bool) -> StageEntry:
    def make() -> StageEntry:
        with farm_limits(job.adapter):
            return executor_for(context.execution).run(job)

    if force:
        return make()
    # Another run that is at the same call makes it for both.
    return once(store, job.record, lambda: find_entry(store, job), make)


def find_entry(store: Store, job: Job) -> StageEntry | None:
    """The finished call in the store, if it and all that it made are still there."""
    document = store.get_record(job.record)
    if document is None:
        return None
    try:
        entry = StageEntry.model_validate(document)
    except ValidationError:
        # Written by a version with another schema, or damaged: made anew.
        return None
    return entry.model_copy(update={"reused": True}) if codec.is_complete(store, entry.value) else None


def _may_heal(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, Regen3dError) and error.retryable


def stage_task(stage: Stage) -> Task[..., StageEntry]:
    """The Prefect task of a stage: `(context, call, upstream) -> StageEntry`.

    `upstream` maps names of inputs to entries, or to the futures of entries, of earlier stages; `force` computes even
    what the store has.
    """

    @task(
        name=stage.name,
        task_run_name="{call.title}",
        cache_policy=NO_CACHE,
        retries=len(RETRY_DELAYS_S),
        retry_delay_seconds=list(RETRY_DELAYS_S),
        retry_condition_fn=_may_heal,
    )
    def run(
        context: SceneContext, call: StageCall, upstream: dict[str, StageEntry] | None = None, force: bool = False
    ) -> StageEntry:
        inputs = {**call.inputs, **{name: entry.value for name, entry in (upstream or {}).items()}}
        call = call.model_copy(update={"inputs": inputs})
        entry = run_stage(stage, context, call, force=force)
        _show(stage, StageWork(call=call, store=Store(context.store)), entry)
        return entry

    return run


def _show(stage: Stage, work: StageWork, entry: StageEntry) -> None:
    try:
        shown = stage.preview(codec.get_value(work.store, entry.value, stage.produces), work)
        publish(() if shown is None else shown if isinstance(shown, tuple) else (shown,), work.call, work.store)
    except Exception as error:  # noqa: BLE001 - a picture that cannot be drawn or sent must not undo finished work
        get_run_logger().warning("no preview of %s: %s: %s", work.call.title, type(error).__name__, error)
