"""The progress bar: which stage runs, how many objects are done."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from regen3d.config import OBJECT_STAGES, STAGES
from tasks import progress as events

_OBJECTS_LAST = OBJECT_STAGES[-1]


class ProgressBar:
    """Shows the events of one scene; on a terminal as a bar, elsewhere as one line a finished stage."""

    def __init__(self, console: Console, bar: Progress) -> None:
        """Begin with the stages that look at the whole picture."""
        self._console, self._bar = console, bar
        self._started = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._task = bar.add_task("", total=len(STAGES) - len(OBJECT_STAGES))

    def begin(self, description: str) -> None:
        """Say what is going on before the first stage."""
        self._bar.update(self._task, description=description)

    def show(self, event: events.Progress) -> None:
        """Take one event."""
        title = f"{event.stage}: {event.object}" if event.object else event.stage
        if event.event == "planned":
            self._counts["planned"] += event.stage == _OBJECTS_LAST
            self._bar.update(self._task, total=len(STAGES) - len(OBJECT_STAGES) + 3 * self._counts["planned"])
        elif event.event == "started":
            self._bar.update(self._task, description=f"{title}{self._objects()}")
        else:
            self._counts["done"] += event.stage == _OBJECTS_LAST
            self._bar.update(self._task, advance=1, description=f"{title}{self._objects()}")
            if not self._console.is_terminal:
                self._console.print(f"{time.monotonic() - self._started:6.1f} s  {title}  {event.event}")

    def _objects(self) -> str:
        return f"  ({self._counts['done']}/{self._counts['planned']} objects)" if self._counts["planned"] else ""


@contextlib.contextmanager
def progress_bar() -> Iterator[ProgressBar]:
    """A bar that listens to the stages of this process inside the block."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(bar_width=30), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = ProgressBar(console, bar)
        with events.listening(shown.show):
            yield shown
