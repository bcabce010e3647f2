"""Blobs of a distant store, kept on this machine as they are read and written, up to a size."""

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from regen3d.errors import ConfigError
from regen3d.store.files import Files, StoredFile
from regen3d.store.folder import write_atomically

FOLDER, LIMIT_GB = "REGEN3D_CACHE_DIR", "REGEN3D_CACHE_GB"
"""Environment variables: where (default `~/.cache/regen3d/blobs`), and how much (default 10, 0 turns the cache off)."""

KEPT_SHARE = 0.8
"""Of the limit, after the longest unused were removed."""

LOG = logging.getLogger(__name__)


class BlobCache:
    """A folder of blobs; shared by processes and stores, because a blob's name says what it holds."""

    def __init__(self, folder: Path, limit: int) -> None:
        """Use a folder for up to `limit` bytes."""
        self.folder, self.limit = folder, limit
        self._unmeasured = limit
        self._lock = threading.Lock()

    def get(self, path: str) -> bytes | None:
        """A blob that is here, whole and sound."""
        place = self.folder / path
        try:
            content = place.read_bytes()
            if hashlib.sha256(content).hexdigest() != place.name.partition(".")[0]:
                place.unlink(missing_ok=True)
                return None
            os.utime(place)
        except OSError:
            return None
        return content

    def put(self, path: str, content: bytes) -> None:
        """Keep a blob, if that is possible: a full disk makes a run slower, not wrong."""
        if len(content) > self.limit:
            return
        try:
            write_atomically(self.folder / path, content)
        except OSError as error:
            LOG.warning("the cache in %s takes nothing (%s): blobs come from the store each time", self.folder, error)
            return
        with self._lock:
            self._unmeasured += len(content)
            # Other processes write here too: measured again after each tenth of the limit.
            if self._unmeasured * 10 >= self.limit:
                self._unmeasured = 0
                self._trim()

    def drop(self, path: str) -> None:
        """Forget a blob."""
        try:
            (self.folder / path).unlink(missing_ok=True)
        except OSError as error:
            LOG.warning("the cache in %s keeps %s: %s", self.folder, path, error)

    def _trim(self) -> None:
        """Remove the longest unused blobs where there are too many."""
        try:
            files = sorted((status.st_mtime, status.st_size, path) for path, status in _files(self.folder))
            over = sum(size for _, size, _ in files) - self.limit
            if over <= 0:
                return
            over += int((1 - KEPT_SHARE) * self.limit)
            for _, size, path in files:
                if over <= 0:
                    return
                path.unlink(missing_ok=True)
                over -= size
        except OSError as error:
            LOG.warning("the cache in %s was not tidied: %s", self.folder, error)


class CachedFiles:
    """`Files` whose blobs are looked for on this machine first; everything else goes straight to the store."""

    def __init__(self, files: Files, cache: BlobCache) -> None:
        """Put a cache before a store."""
        self._files, self._cache = files, cache

    def read(self, path: str) -> bytes | None:
        """See `Files.read`."""
        if not _is_blob(path):
            return self._files.read(path)
        content = self._cache.get(path)
        if content is None:
            content = self._files.read(path)
            if content is not None:
                self._cache.put(path, content)
        return content

    def write(self, path: str, content: bytes) -> None:
        """See `Files.write`."""
        self._files.write(path, content)
        if _is_blob(path):
            self._cache.put(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """See `Files.create`."""
        return self._files.create(path, content)

    def stat(self, path: str) -> StoredFile | None:
        """See `Files.stat`."""
        return self._files.stat(path)

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        self._cache.drop(path)
        self._files.remove(path)

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """See `Files.walk`."""
        return self._files.walk(prefix)

    def link(self, path: str, seconds: float) -> str | None:
        """See `Files.link`."""
        return self._files.link(path, seconds)


_caches: dict[tuple[Path, int], BlobCache] = {}


def blob_cache() -> BlobCache | None:
    """The cache that the environment asks for; one a process.

    Raises:
        ConfigError: its size is no number.
    """
    text = os.environ.get(LIMIT_GB, "10")
    try:
        limit = int(float(text) * 1024**3)
    except ValueError as error:
        raise ConfigError(f"the environment variable {LIMIT_GB} is '{text}': give a number of gigabytes") from error
    if limit <= 0:
        return None
    folder = Path(os.environ.get(FOLDER) or Path.home() / ".cache" / "regen3d" / "blobs")
    return _caches.setdefault((folder, limit), BlobCache(folder, limit))


def _is_blob(path: str) -> bool:
    return path.startswith("blobs/")


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        if path.is_file():
            yield path, status
