"""How pools of workers are dimensioned: by what a studio says, else by what the adapters ask for."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

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

_OF_A_RAY_HERE = {"local_cpus", "local_gpus"}


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


def other_settings(asked: FarmSettings, held: FarmSettings) -> tuple[str, ...]:
    """What a running farm holds otherwise than a flow asks for, in words; a Ray started here is no part of it."""
    wanted, there = (farm.model_dump(mode="json", exclude=_OF_A_RAY_HERE) for farm in (asked, held))
    return tuple(
        f"{name} is {json.dumps(there[name])}, not {json.dumps(wanted[name])}"
        for name in wanted
        if wanted[name] != there[name]
    )


def pool_of(job: Job, farm: FarmSettings) -> PoolSpec:
    """The pool that answers a job.

    Raises:
        ConfigError: the model does not fit on a GPU of the farm.
    """
    name, adapter = _name(job, farm), job.adapter
    settings = farm.pools.get(name.partition("~")[0], PoolSettings())
    resources = adapter.resources if adapter is not None and name != CORES else Resources()
    gpus = _share(name, resources, farm) if settings.gpus is None else settings.gpus
    cpus = resources.cpus if settings.cpus is None else settings.cpus
    return PoolSpec(
        name=name,
        adapter=None if name == CORES else adapter,
        options=() if name == CORES else options_of(job.call),
        cpus=cpus,
        gpus=gpus,
        in_flight=settings.in_flight or _in_flight(cpus, gpus),
        settings=settings,
    )


def _name(job: Job, farm: FarmSettings) -> str:
    if job.adapter is None:
        return job.call.stage if job.call.stage in farm.pools else CORES
    own, needs = f"{job.adapter.stage}:{job.adapter.name}", job.adapter.resources
    if own not in farm.pools and not (needs.gpus or job.adapter.weights or needs.cpus < WAITS_BELOW_CPUS):
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
