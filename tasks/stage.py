"""What all stages share: look in the store first, compute, keep the result, publish a preview, retry what may heal.

A stage is a `compute` function from stored values to a value and a `preview` that shows it. `stage_task` makes the
Prefect task of it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from pydantic import Field, ValidationError

from models import base, registry
from regen3d import codec
from regen3d.errors import ConfigError, Regen3dError
from regen3d.fingerprint import derive_seed, key_of
from regen3d.manifest import HAND_MADE, Entry, Provenance, StageCall, StageEntry
from regen3d.store import Store
from regen3d.types import KnownCamera, Rgb
from tasks.artifacts import Preview, publish
from tasks.execution import Work, executor_for
from tasks.progress import Progress, tell

RETRY_DELAYS_S = (1.0, 5.0)
"""Pauses before the second and third try of a call that ran out of a resource."""

Value = TypeVar("Value")

codec.register(base.Segmentation, base.Plate)


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
    execution: str
    """Name of the executor."""

    def call(self, stage: str, name: str | None = None, **params: Any) -> StageCall:
        """A call of a stage with its adapter and derived seed, inputs still to come."""
        seed = derive_seed(self.seed, stage, name)
        if self.options.get(stage):
            params["options"] = self.options[stage]
        return StageCall(stage=stage, object=name, adapter=self.adapters.get(stage), params=params, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWork:
    """A call with the means to answer it."""

    call: StageCall
    """What is asked."""
    store: Store
    """Where values are."""
    execution: str
    """Name of the executor."""

    def value(self, name: str, kind: type[Value]) -> Value:
        """An input of the call.

        Raises:
            ConfigError: the call has no input of that name.
        """
        if name not in self.call.inputs:
            given = ", ".join(sorted(self.call.inputs)) or "none"
            raise ConfigError(f"'{self.call.title}' needs the input '{name}': it was given {given}")
        return codec.get_value(self.store, self.call.inputs[name], kind)

    def image(self) -> Rgb:
        """The working picture."""
        return self.value("image", np.ndarray)

    def known_camera(self) -> KnownCamera | None:
        """What the user knows of the camera."""
        return self.value("camera", KnownCamera) if "camera" in self.call.inputs else None

    def ask_model(self, method: str, request: Any) -> Any:
        """The answer of the call's adapter to one request."""
        adapter = registry.find(self.call.stage, str(self.call.adapter))
        options = tuple(sorted(self.call.params.get("options", {}).items()))
        return self._run(Work(target=adapter, method=method, requests=(request,), options=options))

    def ask_library(self, target: str, request: Any) -> Any:
        """The answer of a heavy library function, `module:function`, to one request."""
        return self._run(Work(target=target, requests=(request,)))

    def _run(self, work: Work) -> Any:
        return executor_for(self.execution).run(work)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: how its value is made and shown."""

    name: str
    """Name in `regen3d.config.STAGES`."""
    produces: type
    """Type of its value."""
    compute: Callable[[StageWork], Any]
    """From the call to the value."""
    preview: Callable[[Any, StageWork], Preview | None] = field(default=lambda value, work: None)
    """What the Prefect UI shows of the value."""


def run_stage(stage: Stage, context: SceneContext, call: StageCall, *, force: bool = False) -> StageEntry:
    """Answer a call from the store, or compute and keep it.

    Args:
        stage: what to run.
        context: the scene.
        call: the call with all its inputs.
        force: compute even when the store has the answer.
    """
    tell(Progress(stage=stage.name, object=call.object, event="started"))
    work = StageWork(call=call, store=Store(context.store), execution=context.execution)
    try:
        entry = None if force else find_entry(work.store, call)
        if entry is None:
            entry = _compute(stage, work)
        else:
            # Young again, so that housekeeping leaves what it names.
            work.store.put_record(_record_key(call), entry.model_dump(mode="json"))
    except Regen3dError as error:
        raise error.within(stage.name, call.object) from error.__cause__
    tell(Progress(stage=stage.name, object=call.object, event="reused" if entry.reused else "finished"))
    return entry


def find_entry(store: Store, call: StageCall) -> StageEntry | None:
    """The finished call in the store, if it and all that it made are still there."""
    document = store.get_record(_record_key(call))
    if document is None:
        return None
    try:
        entry = StageEntry.model_validate(document)
    except ValidationError:
        # Written by a version with another schema, or damaged: made anew.
        return None
    return entry.model_copy(update={"reused": True}) if codec.is_complete(store, entry.value) else None


def _compute(stage: Stage, work: StageWork) -> StageEntry:
    with executor_for(work.execution).slot():
        started = time.perf_counter()
        value = stage.compute(work)
    entry = StageEntry(
        call=work.call,
        value=codec.put_value(work.store, value),
        provenance=_provenance(work.call),
        seconds=round(time.perf_counter() - started, 3),
        reused=False,
        notes=tuple(getattr(value, "notes", ())),
    )
    work.store.put_record(_record_key(work.call), entry.model_dump(mode="json"))
    return entry


def _record_key(call: StageCall) -> str:
    return f"stages/{call.stage}/{_provenance(call).key}"


def _provenance(call: StageCall) -> Provenance:
    if call.adapter is None or call.adapter == HAND_MADE:
        licence = "MIT" if call.adapter is None else "user"
        made = {"adapter": call.adapter or "regen3d", "model": call.stage, "revision": "1", "licence": licence}
    else:
        found = registry.find(call.stage, call.adapter)
        made = {name: getattr(found, name) for name in ("model", "revision", "licence")} | {"adapter": found.name}
    return Provenance(**made, seed=call.seed, key=key_of(call, made["revision"]))


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
        _show(stage, StageWork(call=call, store=Store(context.store), execution=context.execution), entry)
        return entry

    return run


def _show(stage: Stage, work: StageWork, entry: StageEntry) -> None:
    try:
        publish(stage.preview(codec.get_value(work.store, entry.value, stage.produces), work), work.call)
    except Exception as error:  # noqa: BLE001 - a picture that cannot be drawn or sent must not undo finished work
        get_run_logger().warning("no preview of %s: %s: %s", work.call.title, type(error).__name__, error)
