"""How pools of workers are dimensioned: by what a studio says, else by what the adapters ask for."""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.registry import Adapter, Resources
from regen3d.errors import ConfigError
from regen3d.store import digest_of
from tasks.execution.job import Job
from tasks.work import options_of

VARIABLE = "REGEN3D_FARM"
"""Environment variable that names the JSON file with the settings."""

CORES = "cores"
"""The pool of all that needs neither a GPU nor weights: it has nothing to keep warm but its code."""

WAITS_BELOW_CPUS = 0.5
"""What asks for less of a core mostly waits for a service on the network: one worker holds several such jobs."""

WAITING_JOBS = 8
"""Jobs of that kind in one worker."""

_OF_THE_BOOK = {"elastic", "patience_s", "silence_s"}
"""Fields that the dispatcher reads; pools are as their first job asked for them, and a Ray started here is no farm."""


class PoolSettings(BaseModel):
    """One pool, by its name: `cores`, `STAGE:ADAPTER`, or the name of a stage that shall have a pool of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_size: int = Field(default=0, ge=0, description="Workers kept even when there is nothing to do.")
    max_size: int | None = Field(default=None, ge=1, description="Most workers; null: as many as the cluster takes.")
    cpus: float | None = Field(default=None, ge=0, description="Cores of one worker; null: what the adapter asks for.")
    gpus: float | None = Field(default=None, ge=0, description="Share of a GPU; null: what the adapter asks for.")
    in_flight: int | None = Field(default=None, ge=1, description="Jobs in one worker; null: 2 with a GPU, else 1.")
    recycle_after: int = Field(default=200, ge=1, description="Jobs after which a worker is replaced by a fresh one.")
    idle_s: float = Field(default=300.0, gt=0, description="Seconds without work after which a worker goes.")
    job_timeout_s: float = Field(
        default=1800.0, gt=0, description="Seconds after which a job, or a model that is loaded, counts as hung."
    )
    # Native code may hold the interpreter for a while.
    silence_s: float = Field(default=120.0, gt=0, description="Seconds after which a worker that is silent is hung.")
    max_restarts: int = Field(default=3, ge=0, description="Workers lost in a row, without a job done, to give up at.")


class FarmSettings(BaseModel):
    """The whole farm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pools: dict[str, PoolSettings] = Field(default_factory=dict, description="Pool -> settings.")
    gpu_memory_gb: float | None = Field(
        default=None, gt=0, description="Memory of each GPU: workers share GPUs by it; null: as the adapters say."
    )
    elastic: bool = Field(default=False, description="Whether machines come when workers ask for them (autoscaler).")
    local_cpus: int | None = Field(default=None, ge=1, description="Cores of a Ray started here; null: all.")
    local_gpus: int | None = Field(default=None, ge=0, description="GPUs of a Ray started here; null: all.")
    patience_s: float = Field(default=60.0, gt=0, description="Wait of a job before another pool's worker makes room.")
    silence_s: float = Field(default=120.0, gt=0, description="Silence of a flow after which its jobs are dropped.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """One pool as it is run."""

    name: str
    """Unique on the cluster."""
    adapter: Adapter | None
    """The model that its workers keep loaded; none in `cores`."""
    options: tuple[tuple[str, str], ...]
    """Of the adapter."""
    cpus: float
    """Cores of one worker."""
    gpus: float
    """Share of a GPU of one worker."""
    in_flight: int
    """Jobs in one worker: with two, one reads or writes while the other has the GPU."""
    settings: PoolSettings
    """The rest."""


def farm_settings() -> FarmSettings:
    """What the file that `REGEN3D_FARM` names says, or the defaults.

    Raises:
        ConfigError: the file cannot be read.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return FarmSettings()
    try:
        return FarmSettings.model_validate(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise ConfigError(f"{VARIABLE} names '{path}', which is no file of farm settings: {reason}") from error


def other_settings(asked: FarmSettings, held: FarmSettings, pools: Iterable[PoolSpec]) -> tuple[str, ...]:
    """What a running farm holds otherwise than a flow asks for, in words.

    Args:
        asked: by the flow.
        held: by the flow that started the farm.
        pools: as they are by now; those that the flow has no use for are left out.
    """
    wanted, there = (farm.model_dump(mode="json", include=_OF_THE_BOOK) for farm in (asked, held))
    told = _differences(wanted, there)
    for pool in pools:
        if _is_used(pool, asked):
            asking = _facts(_spec(pool.name, pool.adapter, pool.options, asked))
            told += [f"{pool.name}: {text}" for text in _differences(asking, _facts(pool))]
    return tuple(told)


def pool_of(job: Job, farm: FarmSettings) -> PoolSpec:
    """The pool that answers a job.

    Raises:
        ConfigError: the model does not fit on a GPU of the farm.
    """
    name = _name(job, farm)
    if name == CORES:
        return _spec(name, None, (), farm)
    return _spec(name, job.adapter, options_of(job.call), farm)


def _spec(name: str, adapter: Adapter | None, options: tuple[tuple[str, str], ...], farm: FarmSettings) -> PoolSpec:
    settings = farm.pools.get(_base(name), PoolSettings())
    resources = adapter.resources if adapter is not None else Resources()
    gpus = _share(name, resources, farm) if settings.gpus is None else settings.gpus
    cpus = resources.cpus if settings.cpus is None else settings.cpus
    return PoolSpec(
        name=name,
        adapter=adapter,
        options=options,
        cpus=cpus,
        gpus=gpus,
        in_flight=settings.in_flight or _in_flight(cpus, gpus),
        settings=settings,
    )


def _facts(pool: PoolSpec) -> dict[str, Any]:
    """Settings of a pool with what they come to."""
    return {**pool.settings.model_dump(), "cpus": pool.cpus, "gpus": pool.gpus, "in_flight": pool.in_flight}


def _differences(wanted: dict[str, Any], there: dict[str, Any]) -> list[str]:
    return [
        f"{name} is {json.dumps(there[name])}, not {json.dumps(wanted[name])}"
        for name in wanted
        if wanted[name] != there[name]
    ]


def _is_used(pool: PoolSpec, farm: FarmSettings) -> bool:
    """Whether jobs of a flow with these settings can come to a pool."""
    if pool.name == CORES or _base(pool.name) in farm.pools:
        return True
    return pool.adapter is not None and _base(pool.name) == _own(pool.adapter) and _is_apart(pool.adapter)


def _base(name: str) -> str:
    """Name of a pool without its options."""
    return name.partition("~")[0]


def _own(adapter: Adapter) -> str:
    return f"{adapter.stage}:{adapter.name}"


def _is_apart(adapter: Adapter) -> bool:
    """Whether a model has something to keep warm, or mostly waits, and so does not share `cores`."""
    needs = adapter.resources
    return bool(needs.gpus or adapter.weights or needs.cpus < WAITS_BELOW_CPUS)


def _name(job: Job, farm: FarmSettings) -> str:
    if job.adapter is None:
        return job.call.stage if job.call.stage in farm.pools else CORES
    own = _own(job.adapter)
    if own not in farm.pools and not _is_apart(job.adapter):
        return CORES
    options = options_of(job.call)
    return f"{own}~{digest_of(options)[:6]}" if options else own


def _share(name: str, resources: Resources, farm: FarmSettings) -> float:
    if not resources.gpus or farm.gpu_memory_gb is None or not resources.vram_gb:
        return resources.gpus
    if resources.vram_gb > farm.gpu_memory_gb:
        raise ConfigError(
            f"'{name}' needs {resources.vram_gb:g} GB on a GPU, the farm's GPUs have {farm.gpu_memory_gb:g} GB: "
            "choose a smaller model, or larger GPUs"
        )
    # Rounded up: shares that were rounded down would add up to more memory than there is.
    return math.ceil(100 * resources.vram_gb / farm.gpu_memory_gb) / 100


def _in_flight(cpus: float, gpus: float) -> int:
    if gpus:
        return 2
    return WAITING_JOBS if cpus < WAITS_BELOW_CPUS else 1
