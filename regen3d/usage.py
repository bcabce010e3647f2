"""What a piece of work spends: seconds of processors, calls and money of services.

Whoever runs the work opens a meter, whoever spends says so, and neither knows the other. A meter belongs to the context
that opened it, and to threads that run in a copy of it: other work side by side is counted on its own.
"""

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar

KINDS = ("gpu_seconds", "cpu_seconds", "api_calls", "api_usd")
"""What can be spent: shares of a GPU and of a core times seconds, paid requests, US dollars."""

_counting = threading.Lock()
_meter: ContextVar[dict[str, float] | None] = ContextVar("meter", default=None)


@contextlib.contextmanager
def metered() -> Iterator[dict[str, float]]:
    """A dictionary that holds, after the block, what was spent inside it; what was not spent has no entry."""
    spent: dict[str, float] = {}
    token = _meter.set(spent)
    try:
        yield spent
    finally:
        _meter.reset(token)


def spend(**amounts: float) -> None:
    """Count what was spent; nothing happens where nobody meters.

    Raises:
        ValueError: an amount is of none of `KINDS`.
    """
    strangers = set(amounts) - set(KINDS)
    if strangers:
        raise ValueError(f"{', '.join(sorted(strangers))} cannot be spent: the kinds are {', '.join(KINDS)}")
    meter = _meter.get()
    if meter is not None:
        with _counting:
            for kind, amount in amounts.items():
                meter[kind] = round(meter.get(kind, 0.0) + amount, 6)
