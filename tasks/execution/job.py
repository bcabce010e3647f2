"""A job: one call of one stage, answered wherever it is run.

Only names cross between processes: what the call reads and what it makes go through the store.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from models import registry
from models.registry import Adapter
from regen3d import codec
from regen3d.fingerprint import key_of
from regen3d.manifest import HAND_MADE, Provenance, StageCall, StageEntry
from regen3d.store import Store
from regen3d.usage import metered, spend
from tasks.work import MODELS, Stage, StageWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call to answer."""

    stage: Stage
    """How."""
    call: StageCall
    """What, with all its inputs."""
    store: str
    """URI of the store that has the inputs and takes the value."""
    adapter: Adapter | None
    """The model, where one runs."""
    provenance: Provenance
    """Who makes it, with the key under which the finished call is kept."""

    @property
    def record(self) -> str:
        """Where the store keeps the finished call."""
        return f"stages/{self.call.stage}/{self.provenance.key}"


def job_of(stage: Stage, call: StageCall, store: str) -> Job:
    """The job that answers a call."""
    if call.adapter is None or call.adapter == HAND_MADE:
        licence = "MIT" if call.adapter is None else "user"
        adapter = None
        made = {"adapter": call.adapter or "regen3d", "model": call.stage, "revision": "1", "licence": licence}
    else:
        adapter = registry.find(call.stage, call.adapter)
        made = {name: getattr(adapter, name) for name in ("model", "revision", "licence")} | {"adapter": adapter.name}
    provenance = Provenance(**made, seed=call.seed, key=key_of(call, made["revision"]))
    return Job(stage=stage, call=call, store=store, adapter=adapter, provenance=provenance)


def run_job(job: Job, check: Callable[[], None] = lambda: None) -> StageEntry:
    """Compute the value of a job in this process and keep it with its record.

    Args:
        job: what to do.
        check: called between reading, computing and writing; what it raises ends the job.
    """
    store = Store(job.store)
    started = time.perf_counter()
    with metered() as usage:
        work = StageWork(call=job.call, store=store, adapter=job.adapter, models=MODELS, check=check)
        value = job.stage.compute(work)
        seconds = time.perf_counter() - started
        spend(cpu_seconds=seconds * (job.adapter.resources.cpus if job.adapter else 1.0))
    check()
    entry = StageEntry(
        call=job.call,
        value=codec.put_value(store, value),
        provenance=job.provenance,
        seconds=round(seconds, 3),
        reused=False,
        notes=tuple(getattr(value, "notes", ())),
        usage={kind: round(amount, 3 if kind.endswith("seconds") else 6) for kind, amount in usage.items()},
    )
    if job.stage.lasts(value):
        store.put_record(job.record, entry.model_dump(mode="json"))
    return entry
