"""The one question that stages ask: run this job somewhere, and say what came out."""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Protocol

from regen3d.config import Execution
from regen3d.manifest import StageEntry
from tasks.execution.job import Job
from tasks.execution.local import LocalExecutor


class Executor(Protocol):
    """Runs jobs somewhere and waits for them."""

    def run(self, job: Job) -> StageEntry:
        """The finished call; its value, and its record where it lasts, are in the store.

        Raises:
            ResourceError: the place gave way; the same job may succeed later.
            Regen3dError: whatever the stage raised.
        """
        ...

    def cancel(self) -> None:
        """End the jobs that this process waits for, where that is possible."""
        ...

    def close(self) -> None:
        """Close every model and give memory back."""
        ...


_executors: dict[Execution, Executor] = {}
_choosing = threading.Lock()


def executor_for(place: Execution) -> Executor:
    """The executor of a place; one a process, so that models stay loaded between scenes.

    Raises:
        ConfigError: the place cannot be used.
    """
    with _choosing:
        if place not in _executors:
            _executors[place] = _start(place)
        return _executors[place]


@contextlib.contextmanager
def cancelling(place: Execution) -> Iterator[None]:
    """Call off, elsewhere too, what this process waits for when the block is interrupted: by Ctrl-C, or by Prefect."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        # Where nothing has begun there is nothing to call off, and no cluster to start for it.
        if place in _executors:
            _executors[place].cancel()
        raise


def _start(place: Execution) -> Executor:
    # With `ray-tasks` this process is Ray's already.
    if place.name != "ray":
        return LocalExecutor(slots=os.cpu_count() or 1)
    # Ray is an optional package.
    from tasks.execution.ray import RayExecutor

    return RayExecutor(place)
