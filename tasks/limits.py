"""Global concurrency limits of the farm: how many GPUs and paid services it uses at once, on whatever machines."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import httpx
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.settings import PREFECT_API_URL

from models.registry import Adapter
from regen3d.errors import ServerUnavailableError
from tasks.log import run_log

GPU_LIMIT = "regen3d-gpu"
"""Slots for calls of models that hold a GPU."""
API_LIMIT = "regen3d-api"
"""Slots for calls of services that charge."""

LEASE_S = 300.0
"""How long a slot stays taken by a process that died, or that could not give it back; Prefect's default."""
PATIENCE_S = 600.0
"""How long a call waits for a server that does not answer: restarts and upgrades of one take minutes."""
PAUSE_S = 2.0
"""Time between two such questions."""


def limits_of(adapter: Adapter | None) -> list[str]:
    """Names of the limits that a call of an adapter counts against."""
    if adapter is None:
        return []
    return [*([GPU_LIMIT] if adapter.resources.gpus > 0 else []), *([API_LIMIT] if adapter.paid else [])]


@contextlib.contextmanager
def farm_limits(adapter: Adapter | None) -> Iterator[None]:
    """Hold a slot of each limit that counts for an adapter, as soon as one is free; of a farm's server only.

    A server that has no such limit lets everything through, with a warning in the run's log. One that is away is
    waited for; one that goes away meanwhile gets its slots back when the lease ends.

    Raises:
        ServerUnavailableError: it was away for `PATIENCE_S`.
    """
    names = limits_of(adapter)
    if not names or PREFECT_API_URL.value() is None:
        yield
        return
    held = _taken(names)
    try:
        yield
    finally:
        _give_back(held)


def _taken(names: list[str]) -> AbstractContextManager[None]:
    """Slots that are held until the block is left."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        # A lease that cannot be renewed while the server is away must not end a call that is paid for.
        slots = concurrency(names, occupy=1, lease_duration=LEASE_S, raise_on_lease_renewal_failure=False)
        try:
            slots.__enter__()
        except ConcurrencySlotAcquisitionError as error:
            if not _is_away(error.__cause__):
                raise
            if time.monotonic() > deadline:
                raise ServerUnavailableError(
                    f"the Prefect server gave no slot of {', '.join(names)} for {PATIENCE_S:.0f} s: "
                    "run the scene again when it is back; what is done is kept"
                ) from error
            time.sleep(PAUSE_S)
        else:
            return slots


def _give_back(held: AbstractContextManager[None]) -> None:
    """End the hold; what was done with it is not lost to a server that does not hear of it."""
    try:
        held.__exit__(None, None, None)
    except httpx.HTTPError as error:
        run_log("regen3d.limits").warning(
            "slots were not given back (%s): they are free when their lease ends, in %.0f s at most", error, LEASE_S
        )


def _is_away(error: BaseException | None) -> bool:
    """Whether a call failed because nobody answered; a client that never reached its server does not try again."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, httpx.TransportError)
