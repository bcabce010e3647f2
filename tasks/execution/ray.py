"""Run jobs on warm workers of a Ray cluster."""

import atexit
import contextlib
import logging
import os
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from regen3d.config import Execution
from regen3d.errors import ConfigError, JobCancelledError, WorkerLostError
from regen3d.fingerprint import source_digest
from regen3d.manifest import StageEntry
from tasks.execution.cluster import NAMESPACE, connect
from tasks.execution.job import Job
from tasks.execution.messages import Line, Order, Outcome
from tasks.execution.settings import VARIABLE, farm_settings, other_settings, pool_of
from tasks.log import run_log

PRIORITY = "REGEN3D_PRIORITY"
"""Environment variable: greater comes first in the queues of the cluster; 0 where it is not set."""

LOOK_UP_S = 1.0
"""How often waiting threads look whether this process is about to end."""

DISPATCHER_TRIES = 5
"""Times that an order is given anew after the dispatcher was lost."""

Listener = Callable[[int, str], object]
"""Takes level and text of a log line."""


@dataclass(slots=True)
class _Following:
    listener: Listener
    heard: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, lines: list[Line] | tuple[Line, ...]) -> None:
        with self.lock:
            for line in sorted(lines, key=lambda line: line.number):
                if line.number >= self.heard:
                    self.heard = line.number + 1
                    self.listener(line.level, line.text)


class RayExecutor:
    """Hands jobs to the cluster's dispatcher and waits; log lines of the workers come while it does."""

    def __init__(self, place: Execution) -> None:
        """Connect to the cluster, or start one.

        Raises:
            ConfigError: it cannot be used.
        """
        self._farm = farm_settings()
        connect(place.address, self._farm)
        self._driver = uuid.uuid4().hex
        self._own_cluster = place.address is None
        self._followed: dict[str, _Following] = {}
        self._closed = threading.Event()
        self._dispatcher = self._find_dispatcher()
        self._compare_settings()
        self._listening = threading.Thread(target=self._listen, name="regen3d-ray-log", daemon=True)
        self._listening.start()
        atexit.register(self.close)

    def run(self, job: Job) -> StageEntry:
        """See `Executor.run`."""
        order = Order(
            id=uuid.uuid4().hex,
            driver=self._driver,
            job=_for_elsewhere(job),
            pool=pool_of(job, self._farm),
            priority=priority_here(),
        )
        following = self._followed[order.id] = _Following(_listener())
        try:
            outcome = self._ask(order)
            following.hear(outcome.lines)
        finally:
            del self._followed[order.id]
        if outcome.error is not None:
            raise outcome.error
        if outcome.entry is None:
            raise WorkerLostError("a worker answered with nothing")
        return outcome.entry

    def look(self) -> dict[str, Any]:
        """Queues, workers and failures of the cluster."""
        import ray

        return ray.get(self._dispatcher.look.remote(), timeout=30)

    def pids(self, pool: str) -> list[int]:
        """Processes of a pool's workers."""
        import ray

        return ray.get(self._dispatcher.pids.remote(pool), timeout=60)

    def cancel(self) -> None:
        """Cancel everything that this process waits for."""
        import ray
        from ray.exceptions import RayError

        # A dispatcher that does not answer ends by itself what nobody asks for any more.
        with contextlib.suppress(RayError):
            ray.get(self._dispatcher.cancel.remote(list(self._followed)), timeout=10)

    def close(self) -> None:
        """See `Executor.close`: what this process asked for is cancelled; a cluster of its own ends."""
        import ray

        if self._closed.is_set() or not ray.is_initialized():
            return
        self._closed.set()
        if self._followed:
            self.cancel()
        # Ray ends the process with an error where a thread still asks it for something.
        self._listening.join(timeout=5 * LOOK_UP_S)
        ray.shutdown()

    def _ask(self, order: Order) -> Outcome:
        from ray.exceptions import RayError, RayTaskError

        attempt = 0
        while True:
            try:
                return self._wait(order)
            except RayTaskError:
                raise
            except RayError as error:
                if attempt == DISPATCHER_TRIES or self._closed.wait(2.0**attempt):
                    raise WorkerLostError(
                        "the Ray cluster, or its dispatcher, is gone: see that it runs, then run again"
                    ) from error
            attempt += 1
            self._dispatcher = self._find_dispatcher()

    def _wait(self, order: Order) -> Outcome:
        import ray
        from ray.exceptions import GetTimeoutError

        answer = self._dispatcher.run.remote(order)
        try:
            while not self._closed.is_set():
                try:
                    return ray.get(answer, timeout=LOOK_UP_S)
                except GetTimeoutError:
                    continue
        except BaseException:
            # Ctrl-C, or a cancelled flow: the worker must not go on for nobody.
            self._dispatcher.cancel.remote([order.id])
            raise
        raise JobCancelledError("this process is about to end")

    def _find_dispatcher(self) -> Any:
        import ray

        from tasks.execution.dispatcher import Dispatcher

        # Flows of another version get another one: their results differ.
        name = f"dispatcher-{source_digest(('regen3d', 'models', 'tasks'))[:8]}"
        return (
            ray.remote(Dispatcher)
            .options(
                name=name,
                namespace=NAMESPACE,
                get_if_exists=True,
                lifetime=None if self._own_cluster else "detached",
                num_cpus=0,
                max_concurrency=10_000,
                max_restarts=-1,
            )
            .remote(self._farm, name.removeprefix("dispatcher-"))
        )

    def _compare_settings(self) -> None:
        """Say which settings of this flow are of no effect, because another one started the dispatcher."""
        import ray
        from ray.exceptions import RayError

        # A dispatcher that is lost meanwhile is found again by whoever gives it a job.
        others: tuple[str, ...] = ()
        with contextlib.suppress(RayError):
            others = other_settings(self._farm, *ray.get(self._dispatcher.settings.remote()))
        if others:
            text = (
                f"the farm runs with settings other than {VARIABLE} asks for: {'; '.join(others)}. They hold until all "
                "its workers have gone"
            )
            _listener()(logging.WARNING, text)
            # The command line shows no log of Prefect's.
            warnings.warn(text, stacklevel=2)

    def _listen(self) -> None:
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        coming: Any = None
        while not self._closed.is_set():
            try:
                if coming is None:
                    coming = self._dispatcher.hear.remote(self._driver)
                lines: list[Line] = ray.get(coming, timeout=LOOK_UP_S)
            except GetTimeoutError:
                continue
            except (RayError, ConnectionError, RuntimeError):
                # The dispatcher comes back; lines that are lost meanwhile arrive with the outcome.
                coming = None
                time.sleep(LOOK_UP_S)
                continue
            coming = None
            for line in lines:
                following = self._followed.get(line.order)
                if following is not None:
                    following.hear([line])


def priority_here() -> int:
    """What the environment says of this process's place in the queues.

    Raises:
        ConfigError: it is no whole number.
    """
    text = os.environ.get(PRIORITY, "0")
    try:
        return int(text)
    except ValueError as error:
        raise ConfigError(f"the environment variable {PRIORITY} is '{text}': give a whole number") from error


def _for_elsewhere(job: Job) -> Job:
    """The job with an address of its store that holds in other processes.

    Raises:
        ConfigError: there is none.
    """
    if job.store.startswith("memory:"):
        raise ConfigError(
            f"the store '{job.store}' is in the memory of one process, where Ray's workers cannot reach it: "
            "give a folder, or s3://BUCKET/PREFIX"
        )
    return job if "://" in job.store else replace(job, store=str(Path(job.store).absolute()))


def _listener() -> Listener:
    """To the log of the task run that asks, where one does."""
    return run_log("regen3d.ray").log
