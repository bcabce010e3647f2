"""A store in a folder of this machine, or of a file server."""

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from regen3d.errors import ConfigError
from regen3d.store.files import StoredFile

_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
"""What file systems without hard links say: exFAT on a disk that travels, some file servers."""


class FolderFiles:
    """`Files` in a folder."""

    def __init__(self, root: Path) -> None:
        """Use a folder, which need not be there yet.

        Raises:
            ConfigError: it cannot be one, or takes no files.
        """
        check_folder(root, "store")
        self._root = root

    def read(self, path: str) -> bytes | None:
        """See `Files.read`."""
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """See `Files.write`."""
        write_atomically(self._root / path, content)

    def create(self, path: str, content: bytes) -> bool:
        """See `Files.create`."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = _partial(target)
        try:
            partial.write_bytes(content)
            # A link is made whole or not at all, also on file servers, and never replaces anything.
            os.link(partial, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return _created(target, content)
        finally:
            partial.unlink(missing_ok=True)
        return True

    def stat(self, path: str) -> StoredFile | None:
        """See `Files.stat`."""
        try:
            return _stored(path, (self._root / path).stat())
        except FileNotFoundError:
            return None

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        (self._root / path).unlink(missing_ok=True)

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """See `Files.walk`."""
        for path in sorted((self._root / prefix).rglob("*")):
            # Another process may remove it first.
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    yield _stored(path.relative_to(self._root).as_posix(), path.stat())

    def link(self, path: str, seconds: float) -> str | None:
        """There is none: see `Files.link`."""
        return None


def check_folder(folder: Path, what: str) -> None:
    """Make sure that a folder is there, or can be made, and takes files.

    Raises:
        ConfigError: it is a file, lies below a file, or may not be written to.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not place.is_dir():
        raise ConfigError(f"the {what} cannot be at '{folder}': '{place}' is a file, name a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(f"the {what} cannot be at '{folder}': nothing may be written to '{place}'")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a local file so that a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _created(path: Path, content: bytes) -> bool:
    """Write a file where there is none; a reader may see it empty for a moment, as if nothing were known."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")


def _stored(path: str, status: os.stat_result) -> StoredFile:
    stamp = f"{status.st_size} {status.st_mtime}"
    return StoredFile(path=path, size=status.st_size, modified=status.st_mtime, stamp=stamp)
