"""The progress bar: which stage runs, how many objects are done."""

import contextlib
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from regen3d.config import OBJECT_STAGES, STAGES
from tasks import progress as events

SCENE_STAGES = len(STAGES) - len(OBJECT_STAGES)
"""Stages that run once a scene."""


class ProgressBar:
    """Shows the events of one scene; on a terminal as a bar, elsewhere as one line a finished stage."""

    def __init__(self, console: Console, bar: Progress, stages: int) -> None:
        """Begin with the stages that are known to come."""
        self._console, self._bar, self._stages = console, bar, stages
        self._started = time.monotonic()
        self._planned: set[tuple[str, str | None]] = set()
        self._done: set[tuple[str, str | None]] = set()
        self._lock = threading.Lock()
        self._task = bar.add_task("", total=stages)

    def begin(self, description: str) -> None:
        """Say what is going on before the first stage."""
        self._bar.update(self._task, description=description)

    def show(self, event: events.Progress) -> None:
        """Take one event."""
        title = f"{event.stage}: {event.object}" if event.object else event.stage
        with self._lock:
            if event.event == "planned":
                self._planned.add((event.stage, event.object))
            elif event.event == "waiting":
                self._console.print("Waiting for somebody to look at the masks: `regen3d edit` on the folder of --out.")
                return
            elif event.event != "started":
                self._done.add((event.stage, event.object))
            total = self._stages + len(self._planned)
            self._bar.update(
                self._task, total=total, completed=len(self._done), description=f"{title}{self._objects()}"
            )
            if not self._console.is_terminal and event.event not in ("planned", "started"):
                self._console.print(f"{time.monotonic() - self._started:6.1f} s  {title}  {event.event}")

    def _objects(self) -> str:
        planned = {name for _, name in self._planned}
        done = sum(1 for stage, _ in self._done if stage == OBJECT_STAGES[-1])
        return f"  ({done}/{len(planned)} objects)" if planned else ""


@contextlib.contextmanager
def progress_bar(stages: int) -> Iterator[ProgressBar]:
    """A bar that listens to the stages of this process inside the block.

    Args:
        stages: how many are known to come; those of objects are added when they are planned.
    """
    console = Console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(bar_width=30), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = ProgressBar(console, bar, stages)
        with events.listening(shown.show):
            yield shown
