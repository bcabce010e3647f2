"""Global concurrency limits of the farm: how many GPUs and paid services it uses at once, on whatever machines."""

import contextlib
from collections.abc import Iterator

from prefect.concurrency.sync import concurrency
from prefect.settings import PREFECT_API_URL

from models.registry import Adapter

GPU_LIMIT = "regen3d-gpu"
"""Slots for calls of models that hold a GPU."""
API_LIMIT = "regen3d-api"
"""Slots for calls of services that charge."""


def limits_of(adapter: Adapter | None) -> list[str]:
    """Names of the limits that a call of an adapter counts against."""
    if adapter is None:
        return []
    return [*([GPU_LIMIT] if adapter.resources.gpus > 0 else []), *([API_LIMIT] if adapter.paid else [])]


@contextlib.contextmanager
def farm_limits(adapter: Adapter | None) -> Iterator[None]:
    """Hold a slot of each limit that counts for an adapter, as soon as one is free; of a farm's server only.

    A server that has no such limit lets everything through, with a warning in the run's log.
    """
    names = limits_of(adapter)
    if not names or PREFECT_API_URL.value() is None:
        yield
        return
    # A lease that cannot be renewed while the server is away must not end a call that is paid for.
    with concurrency(names, occupy=1, raise_on_lease_renewal_failure=False):
        yield
