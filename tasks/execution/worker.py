"""One warm worker: a process with a model in memory that answers jobs until it is sent away."""

import logging
import os
import pickle  # noqa: TID251 - what carries errors between processes
import platform
import threading
import time
import traceback
from collections.abc import Callable

from regen3d.errors import ConfigError, JobCancelledError, Regen3dError
from regen3d.fingerprint import key_of
from tasks.credentials import use_block
from tasks.execution.job import Job, run_job
from tasks.execution.messages import Ears, Line, Order, Outcome
from tasks.execution.settings import PoolSpec
from tasks.work import MODELS

LOG = logging.getLogger("regen3d.worker")


class Worker:
    """Answers jobs; Ray runs its methods in several threads of one process."""

    def __init__(self, name: str, spec: PoolSpec, send: Callable[[Line], object]) -> None:
        """Make a worker of a pool; `send` takes log lines."""
        self._name, self._spec = f"{name} on {platform.node()}", spec
        self._cancelled: set[str] = set()
        self._ears = Ears(self._name, send)
        for package in ("regen3d", "models", "tasks"):
            logging.getLogger(package).setLevel(logging.INFO)

    def load(self) -> Exception | None:
        """Bring the model into memory; why that cannot be, if so."""
        try:
            use_block()
            if self._spec.adapter is not None:
                _hold_back(self._spec)
                MODELS.load(self._spec.adapter, self._spec.options)
        except Exception as error:  # noqa: BLE001 - carried to whoever waits for this worker
            return portable(error)
        return None

    def answer(self, order: Order) -> Outcome:
        """Do a job and say how it ended."""
        # Each time: libraries that a job brings along, Prefect among them, take the handlers of others away.
        logging.getLogger().addHandler(self._ears)
        with self._ears.following(order.id) as lines:
            started = time.perf_counter()
            LOG.info("%s: started", order.job.call.title)
            try:
                _check_code(order.job)
                entry = run_job(order.job, lambda: self._check(order.id))
            except Exception as error:  # noqa: BLE001 - carried to whoever asked
                if not isinstance(error, Regen3dError):
                    LOG.error("%s: %s", order.job.call.title, traceback.format_exc())  # noqa: TRY400 - lines are text
                return Outcome(error=portable(error), lines=tuple(lines))
            finally:
                self._cancelled.discard(order.id)
            LOG.info("%s: done in %.1f s", order.job.call.title, time.perf_counter() - started)
            return Outcome(entry=entry, lines=tuple(lines))

    def ping(self) -> int:
        """The process, as a sign of life."""
        return os.getpid()

    def cancel(self, order: str) -> None:
        """End a job before its next part: reading, computing, writing."""
        self._cancelled.add(order)

    def close(self) -> None:
        """Give the model's memory back."""
        MODELS.close()
        # What the model's libraries keep goes with the process; Ray ends it when this returns.
        threading.Timer(0.1, os._exit, (0,)).start()

    def _check(self, order: str) -> None:
        if order in self._cancelled:
            raise JobCancelledError("the job was cancelled")


def portable(error: Exception) -> Exception:
    """The error, or one that says the same, if it cannot leave its process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever a third-party error does when it is copied
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _check_code(job: Job) -> None:
    """Make sure that this machine runs the code that the key speaks of: else a wrong value would be kept as right."""
    if key_of(job.call, job.provenance.revision) != job.provenance.key:
        raise ConfigError(
            f"worker on {platform.node()} has another version of regen3d than the flow that asks: install the same one"
        )


def _hold_back(spec: PoolSpec) -> None:
    """Hold PyTorch to the model's share of the GPU, so that a neighbour on it is not starved."""
    if not 0 < spec.gpus < 1:
        return
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(min(1.0, spec.gpus))
