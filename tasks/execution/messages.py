"""What workers and flows tell each other beside the work: log lines, and how a job ended."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from regen3d.manifest import StageEntry
from tasks.execution.job import Job
from tasks.execution.settings import PoolSpec

MOST_LINES = 500
"""Log lines of one job that travel; a chatty library must not fill the queue."""

_PLAIN = logging.Formatter()

_job: ContextVar[str | None] = ContextVar("job", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job on its way to a worker."""

    id: str
    """Unique."""
    driver: str
    """The process that waits for it."""
    job: Job
    """What to do."""
    pool: PoolSpec
    """Who does it."""
    priority: int = 0
    """Greater comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One log line of a job."""

    order: str
    """Id of the order."""
    number: int
    """Counts from 0 within the order."""
    level: int
    """As in `logging`."""
    text: str
    """With the worker's name in front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended."""

    entry: StageEntry | None = None
    """The finished call."""
    error: Exception | None = None
    """Why there is none."""
    lines: tuple[Line, ...] = ()
    """Every log line of the try that ended it; some may have arrived before."""


class Ears(logging.Handler):
    """Hears what is logged while a job runs, in the threads that run it."""

    def __init__(self, worker: str, send: Callable[[Line], object]) -> None:
        """Listen for a worker of that name; `send` takes every line as it comes."""
        super().__init__(logging.INFO)
        self._worker, self._send = worker, send
        self._lines: dict[str, list[Line]] = {}
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def following(self, order: str) -> Iterator[list[Line]]:
        """The lines that are logged inside the block."""
        lines = self._lines[order] = []
        token = _job.set(order)
        try:
            yield lines
        finally:
            _job.reset(token)
            del self._lines[order]

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record of a job that is followed."""
        order = _job.get()
        lines = self._lines.get(order) if order else None
        if order is None or lines is None or len(lines) >= MOST_LINES:
            return
        with self._counting:
            # The message, and the traceback where there is one.
            text = f"[{self._worker}] {_PLAIN.format(record)}"
            line = Line(order=order, number=len(lines), level=record.levelno, text=text)
            lines.append(line)
        self._send(line)
