"""Run jobs in this process."""

import contextlib
import threading

from regen3d.manifest import StageEntry
from tasks.execution.job import Job, run_job
from tasks.execution.settings import WAITS_BELOW_CPUS
from tasks.work import MODELS


class LocalExecutor:
    """Runs jobs in the calling threads, with the models of this process."""

    def __init__(self, slots: int) -> None:
        """Make an executor in which at most `slots` jobs hold their inputs and work at once."""
        self._slots = threading.BoundedSemaphore(slots)

    def run(self, job: Job) -> StageEntry:
        """See `Executor.run`."""
        # A service's answer is waited for, perhaps for hours: that takes no core.
        waits = job.adapter is not None and job.adapter.resources.cpus < WAITS_BELOW_CPUS
        with contextlib.nullcontext() if waits else self._slots:
            return run_job(job)

    def cancel(self) -> None:
        """See `Executor.cancel`: what runs in a thread of this process ends by itself."""

    def close(self) -> None:
        """See `Executor.close`."""
        MODELS.close()
