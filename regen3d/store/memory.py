"""A store in the memory of this process, for tests and trials."""

import threading
import time
from collections.abc import Iterator

from regen3d.store.files import StoredFile

_PLACES: dict[str, dict[str, tuple[bytes, float]]] = {}
_LOCK = threading.Lock()


class MemoryFiles:
    """`Files` in memory; one of each name a process."""

    def __init__(self, name: str) -> None:
        """Use the place of that name."""
        with _LOCK:
            self._files = _PLACES.setdefault(name, {})

    def read(self, path: str) -> bytes | None:
        """See `Files.read`."""
        found = self._files.get(path)
        return None if found is None else found[0]

    def write(self, path: str, content: bytes) -> None:
        """See `Files.write`."""
        self._files[path] = (content, time.time())

    def create(self, path: str, content: bytes) -> bool:
        """See `Files.create`."""
        mine = (content, time.time())
        return self._files.setdefault(path, mine) is mine

    def stat(self, path: str) -> StoredFile | None:
        """See `Files.stat`."""
        found = self._files.get(path)
        if found is None:
            return None
        content, written = found
        return StoredFile(path=path, size=len(content), modified=written, stamp=f"{len(content)} {written}")

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        self._files.pop(path, None)

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """See `Files.walk`."""
        below = f"{prefix.rstrip('/')}/" if prefix else ""
        for path in sorted(self._files):
            found = self.stat(path) if path.startswith(below) else None
            if found is not None:
                yield found

    def link(self, path: str, seconds: float) -> str | None:
        """There is none: see `Files.link`."""
        return None
