"""Blobs and records below one root."""

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from regen3d.errors import ConfigError, StoreUnavailableError
from regen3d.store.cache import CachedFiles, blob_cache
from regen3d.store.files import Files, StoredFile
from regen3d.store.folder import FolderFiles
from regen3d.store.memory import MemoryFiles
from regen3d.store.refs import Ref
from regen3d.store.s3 import S3Files, s3_settings

PROTOCOLS = ("file", "memory", "s3")
"""What a store URI may begin with."""

FRESH_S = 86400.0
"""A blob younger than this is not written again; `regen3d.sweep` removes nothing that is younger than it either."""

_SAFE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


class Store:
    """Blobs and records below one root.

    Cheap to construct; safe to use from several threads and from several processes at once.
    """

    def __init__(self, uri: str) -> None:
        """Open a store.

        Args:
            uri: a folder, or `file://...`, `s3://bucket/prefix`, `memory://name`.

        Raises:
            ConfigError: the protocol is unknown, or the package that speaks it is not installed.
        """
        self.uri = uri
        self._files = _open(uri)

    def put_bytes(self, content: bytes, suffix: str) -> Ref:
        """Keep bytes and return where they are."""
        ref = Ref(digest=hashlib.sha256(content).hexdigest(), suffix=suffix, size=len(content))
        held = self.stat(ref.path)
        # An old blob is written again, so that housekeeping sees it in use.
        if held is None or held.size != ref.size or held.modified < time.time() - FRESH_S:
            self._write(ref.path, content)
        return ref

    def get_bytes(self, ref: Ref) -> bytes:
        """The bytes of a blob.

        Raises:
            StoreUnavailableError: the blob is gone, or damaged; a damaged one is removed so that it is made again.
        """
        content = self._read(ref.path)
        if content is None:
            raise StoreUnavailableError(f"{ref.path} is not in the store '{self.uri}': run the scene again")
        if hashlib.sha256(content).hexdigest() != ref.digest:
            self._remove(ref.path)
            raise StoreUnavailableError(f"{ref.path} in the store '{self.uri}' was damaged and is removed: run again")
        return content

    def has(self, ref: Ref) -> bool:
        """Whether the blob is there with its full size."""
        held = self.stat(ref.path)
        return held is not None and held.size == ref.size

    @property
    def has_links(self) -> bool:
        """Whether `link` gives addresses."""
        return self.uri.startswith("s3://")

    def link(self, ref: Ref, seconds: float) -> str | None:
        """A web address that shows the blob for that long; None for a store that has none."""
        return self._files.link(ref.path, seconds)

    def put_record(self, key: str, document: Mapping[str, Any]) -> None:
        """Write a JSON document under a key such as `stages/align/3f2a`, replacing what was there."""
        self._write(_record_path(key), json.dumps(document, sort_keys=True, allow_nan=False).encode())

    def get_record(self, key: str) -> dict[str, Any] | None:
        """The document under a key; None where there is none or it cannot be read as JSON."""
        content = self._read(_record_path(key))
        if content is None:
            return None
        try:
            document = json.loads(content)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    def walk(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below a prefix, in the order of the paths.

        It lists the store, which is slow on object stores: for housekeeping, never on the way of a scene.
        """
        with self._talking(prefix or "/"):
            yield from self._files.walk(prefix)

    def stat(self, path: str) -> StoredFile | None:
        """Size and age of one file below the root; None where there is none."""
        with self._talking(path):
            return self._files.stat(path)

    def read_file(self, path: str) -> bytes | None:
        """The bytes of any file below the root, as `walk` names it; None where there is none."""
        return self._read(path)

    def write_file(self, path: str, content: bytes) -> None:
        """Write a file that is neither a blob nor a record.

        Raises:
            ConfigError: the path would leave the store.
        """
        parts = path.split("/")
        if "\\" in path or not path.isprintable() or any(not part or part.startswith(".") for part in parts):
            raise ConfigError(
                f"'{path}' is no path in a store: use names that do not begin with '.', and single slashes"
            )
        self._write(path, content)

    def remove_file(self, path: str) -> None:
        """Remove a file that `walk` named; one that is gone already is no error."""
        self._remove(path)

    def create_record(self, key: str, document: Mapping[str, Any]) -> bool:
        """Write a document only where there is none, whoever else tries the same; whether it was this call."""
        path = _record_path(key)
        with self._talking(path):
            return self._files.create(path, json.dumps(document, sort_keys=True, allow_nan=False).encode())

    def remove_record(self, key: str) -> None:
        """Remove the document under a key; one that is gone already is no error."""
        self._remove(_record_path(key))

    def _read(self, path: str) -> bytes | None:
        with self._talking(path):
            return self._files.read(path)

    def _write(self, path: str, content: bytes) -> None:
        with self._talking(path):
            self._files.write(path, content)

    def _remove(self, path: str) -> None:
        with self._talking(path):
            self._files.remove(path)

    @contextlib.contextmanager
    def _talking(self, path: str) -> Iterator[None]:
        """Tell what a file system raises as one of our errors."""
        try:
            yield
        except OSError as error:
            raise StoreUnavailableError(f"the store '{self.uri}' did not take or give {path}: {error}") from error


def _open(uri: str) -> Files:
    if "://" not in uri:
        return FolderFiles(Path(uri).absolute())
    protocol, place = uri.split("://", 1)
    if protocol not in PROTOCOLS:
        raise ConfigError(f"a store cannot be at '{uri}': give a folder, or a URI that begins with file:// or s3://")
    if ".." in place.split("/"):
        raise ConfigError(f"a store cannot be at '{uri}': write the path without '..'")
    if protocol == "memory":
        return MemoryFiles(place.strip("/"))
    if protocol == "file":
        return FolderFiles(Path(place).absolute())
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#\s]*)?", place.rstrip("/")):
        raise ConfigError(f"the store URI '{uri}' names no bucket: write s3://BUCKET/PREFIX")
    files, cache = S3Files(place, s3_settings()), blob_cache()
    return files if cache is None else CachedFiles(files, cache)


def _record_path(key: str) -> str:
    if not _SAFE_KEY.fullmatch(key) or ".." in key:
        raise ConfigError(f"'{key}' is no record key: use letters, digits, '-', '_', '.' and single slashes")
    return f"{key}.json"
