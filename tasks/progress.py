"""Who wants to know how far a scene is: callbacks in this process, told as each stage starts and ends."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Something happened to one stage."""

    stage: str
    """Which stage."""
    object: str | None
    """Which object, for stages that run once an object."""
    event: Literal["planned", "started", "finished", "reused", "failed", "waiting"]
    """`planned` comes once a stage of each object, as soon as the objects are known; `failed` when no try is left;
    `waiting` when a person is asked."""


_listeners: list[Callable[[Progress], None]] = []
_lock = threading.Lock()


@contextlib.contextmanager
def listening(listener: Callable[[Progress], None]) -> Iterator[None]:
    """Call `listener` with every event inside the block, from the thread in which it happens."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)


def tell(progress: Progress) -> None:
    """Tell everybody who listens."""
    with _lock:
        listeners = tuple(_listeners)
    for listener in listeners:
        listener(progress)
