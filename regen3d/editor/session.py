"""One sitting: what was saved, what is to be done with it, and how far that is. Safe to use from several threads."""

import queue
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["idle", "queued", "running", "done", "failed", "resumed"]


@dataclass(slots=True)
class Session:
    """What the page and the command tell each other: the server's threads write, the main thread works."""

    state: State = "idle"
    """`resumed`: a waiting run was told to go on, and this sitting is over."""
    message: str = ""
    """A sentence for the page."""
    events: list[dict[str, str]] = field(default_factory=list)
    """Stages of the rebuild so far, in order."""
    _jobs: "queue.Queue[bool]" = field(default_factory=queue.Queue)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask_for_rebuild(self) -> None:
        """Queue a rebuild; several questions before it begins are one."""
        with self._lock:
            self.events.clear()
            if self.state != "queued":
                self.state, self.message = "queued", "The scene will be rebuilt."
                self._jobs.put(True)

    def wait_for_job(self, seconds: float) -> bool:
        """Wait until there is something to do; False when the time is over."""
        try:
            return self._jobs.get(timeout=seconds)
        except queue.Empty:
            return False

    def tell(self, state: State, message: str) -> None:
        """Change the state."""
        with self._lock:
            self.state, self.message = state, message

    def add_event(self, title: str, event: str) -> None:
        """Add a stage that began or ended."""
        with self._lock:
            self.events.append({"title": title, "event": event})

    def document(self) -> dict[str, Any]:
        """What the page is told."""
        with self._lock:
            return {"state": self.state, "message": self.message, "events": list(self.events)}
