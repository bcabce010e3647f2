"""How far a scene is, as a progress artifact that the Prefect UI shows while it runs."""

import contextlib
import contextvars
import threading
from collections.abc import Iterator
from typing import cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from regen3d.config import OBJECT_STAGES, STAGES
from tasks.progress import Progress, listening

PROGRESS_KEY = "progress"
"""Artifact of a run: how far it is."""

PAUSE_S = 1.0
"""Least time between two updates: a scene of many objects ends dozens of stages a second when all is in the store."""

USUAL_OBJECTS = 5
"""Objects that are counted on before they are known."""


class _Counted:
    """Stages done and to come of one scene."""

    def __init__(self) -> None:
        self._planned: set[tuple[str, str | None]] = set()
        self._done: set[tuple[str, str | None]] = set()
        self._last = "starting"
        self._lock = threading.Lock()
        self.news = threading.Event()

    def take(self, event: Progress) -> None:
        """Count one event; called from any thread."""
        with self._lock:
            if event.event == "planned":
                self._planned.add((event.stage, event.object))
            elif event.event != "started":
                self._done.add((event.stage, event.object))
                self._last = f"{event.stage}: {event.object}" if event.object else event.stage
        self.news.set()

    def told(self) -> tuple[float, str]:
        """Done of all, 0..100; and the last stage that ended, with how many objects are done."""
        with self._lock:
            of_objects = len(self._planned) or USUAL_OBJECTS * len(OBJECT_STAGES)
            total = len(STAGES) - len(OBJECT_STAGES) + of_objects
            percent = round(min(100.0, 100.0 * len(self._done) / total), 1)
            objects = {name for _, name in self._planned}
            placed = sum(1 for stage, _ in self._done if stage == OBJECT_STAGES[-1])
            return percent, f"{self._last} ({placed}/{len(objects)} objects)" if objects else self._last


@contextlib.contextmanager
def progress_shown() -> Iterator[None]:
    """Keep a progress artifact of the running flow up to date for the block; a silent server costs no scene."""
    counted, over = _Counted(), threading.Event()
    try:
        # Called from synchronous code, it answers with the id itself.
        artifact = cast("UUID", create_progress_artifact(progress=0.0, key=PROGRESS_KEY, description="starting"))
    except Exception as error:  # noqa: BLE001 - what the UI shows must not stop a scene
        get_run_logger().warning("no progress in the UI: %s: %s", type(error).__name__, error)
        yield
        return
    # A thread of its own, so that no stage waits for the server; in this context, so that it finds the same server.
    arguments = (_keep_up, artifact, counted, over)
    thread = threading.Thread(target=contextvars.copy_context().run, args=arguments, daemon=True)
    thread.start()
    try:
        with listening(counted.take):
            yield
        _post(artifact, 100.0, "done")
    finally:
        over.set()
        counted.news.set()
        thread.join(timeout=30.0)


def _keep_up(artifact: UUID, counted: _Counted, over: threading.Event) -> None:
    while not over.is_set():
        counted.news.wait()
        counted.news.clear()
        if over.is_set():
            return
        _post(artifact, *counted.told())
        over.wait(PAUSE_S)


def _post(artifact: UUID, percent: float, text: str) -> None:
    # The next update tells the same; a server that is away for a moment is not waited for.
    with contextlib.suppress(Exception):
        update_progress_artifact(artifact, percent, description=text)
