"""What a place must offer to be a store: files that appear whole or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file below the root of a store."""

    path: str
    """Relative to the root, with forward slashes."""
    size: int
    """Bytes."""
    modified: float
    """When it was written, seconds since the epoch."""
    stamp: str
    """Changes whenever the content does: the ETag of an object store, else size and time."""


@runtime_checkable
class Files(Protocol):
    """Files below one root; paths are relative to it, with forward slashes.

    What goes wrong is raised as `OSError` or as one of regen3d's own errors; a missing file is none.
    """

    def read(self, path: str) -> bytes | None:
        """The bytes; None where there is no such file."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write a file, or replace it."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Write a file only where there is none, whoever else tries the same; whether it was this call."""
        ...

    def stat(self, path: str) -> StoredFile | None:
        """Size and age; None where there is no such file."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is no error."""
        ...

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """Every file below a folder, in the order of the paths."""
        ...

    def link(self, path: str, seconds: float) -> str | None:
        """A web address that shows the file for that long without further rights; None where there is none."""
        ...
