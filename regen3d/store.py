"""The one door to the object store: content-addressed blobs, and records found by key.

A blob's name is the SHA-256 of its bytes, so it never changes and writing it twice is harmless. A record is a small
JSON document under a key of the caller's choice. Both appear whole or not at all. `file://` and plain folders work out
of the box, other protocols through the fsspec package that speaks them (`s3://`: the extra `s3`).
"""

import contextlib
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
from pydantic import BaseModel, ConfigDict, Field

from regen3d.errors import ConfigError, StoreUnavailableError

PROTOCOLS = ("file", "memory", "s3")
"""What a store URI may begin with."""

FRESH_S = 86400.0
"""A blob younger than this is not written again; `regen3d.sweep` removes nothing that is younger than it either."""

_SAFE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


class Ref(BaseModel):
    """A blob in the store, named by its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes, hexadecimal.")
    suffix: str = Field(pattern=r"^(\.[a-z0-9]+)+$", description="What the bytes are, as a file ending.")
    size: int = Field(ge=0, description="Number of bytes.")

    @property
    def path(self) -> str:
        """Where the blob lies below the root of its store."""
        return f"blobs/{self.digest[:2]}/{self.digest}{self.suffix}"


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


def digest_of(document: Any) -> str:
    """SHA-256 of a JSON document, independent of the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_jsonable)
    return hashlib.sha256(text.encode()).hexdigest()


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no digest")


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
        protocol = uri.split("://", 1)[0] if "://" in uri else "file"
        if protocol not in PROTOCOLS:
            raise ConfigError(
                f"a store cannot be at '{uri}': give a folder, or a URI that begins with file:// or s3://"
            )
        if protocol == "s3" and not uri.removeprefix("s3://").strip("/"):
            raise ConfigError(f"the store URI '{uri}' names no bucket: write s3://BUCKET/PREFIX")
        try:
            self._files, self._root = fsspec.core.url_to_fs(uri if "://" in uri else str(Path(uri).absolute()))
        except ImportError as error:
            raise ConfigError(
                f"'{uri}' needs a package: install it with `pip install '.[s3]'` in regen3d's folder"
            ) from error
        self._is_local = protocol == "file"
        if self._is_local:
            check_folder(Path(self._root), "store")

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
        try:
            with self._talking(ref.path):
                return self._files.info(self._path(ref.path))["size"] == ref.size
        except FileNotFoundError:
            return False

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
        place = self._path(prefix).rstrip("/")
        with self._talking(prefix or "/"):
            self._files.invalidate_cache()
            found = self._files.find(place, detail=True) if self._files.isdir(place) else {}
        root = self._root.rstrip("/") + "/"
        for path, info in sorted(found.items()):
            yield _stored_file(path.removeprefix(root), info)

    def stat(self, path: str) -> StoredFile | None:
        """Size and age of one file below the root; None where there is none."""
        try:
            with self._talking(path):
                self._files.invalidate_cache()
                return _stored_file(path, self._files.info(self._path(path)))
        except FileNotFoundError:
            return None

    def read_file(self, path: str) -> bytes | None:
        """The bytes of any file below the root, as `walk` names it; None where there is none."""
        return self._read(path)

    def write_file(self, path: str, content: bytes) -> None:
        """Write a file that is neither a blob nor a record.

        Raises:
            ConfigError: the path would leave the store.
        """
        if not _SAFE_KEY.fullmatch(path) or ".." in path:
            raise ConfigError(f"'{path}' is no path in a store: use letters, digits, '-', '_', '.' and single slashes")
        self._write(path, content)

    def remove_file(self, path: str) -> None:
        """Remove a file that `walk` named; one that is gone already is no error."""
        self._remove(path)

    def _path(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"

    def _read(self, path: str) -> bytes | None:
        try:
            with self._talking(path):
                return self._files.cat_file(self._path(path))
        except FileNotFoundError:
            return None

    def _write(self, path: str, content: bytes) -> None:
        with self._talking(path):
            if self._is_local:
                write_atomically(Path(self._path(path)), content)
            else:
                # One PUT: object stores show an object whole or not at all.
                self._files.pipe_file(self._path(path), content)

    def _remove(self, path: str) -> None:
        # Another reader may have been first.
        with contextlib.suppress(FileNotFoundError), self._talking(path):
            self._files.rm_file(self._path(path))

    @contextlib.contextmanager
    def _talking(self, path: str) -> Iterator[None]:
        """Tell whatever the file system raises, but for a missing file, as one of our errors."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:
            # Object stores raise errors of their clients, which are no OSErrors.
            if self._is_local and not isinstance(error, OSError):
                raise
            raise StoreUnavailableError(f"the store '{self.uri}' did not take or give {path}: {error}") from error


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
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _stored_file(path: str, info: Mapping[str, Any]) -> StoredFile:
    # File systems tell the time of writing as seconds, or as a moment with its zone.
    moment = info.get("mtime") or info.get("LastModified") or info.get("created") or 0.0
    modified = moment.timestamp() if isinstance(moment, datetime) else float(moment)
    stamp = str(info.get("ETag") or f"{info['size']} {modified}")
    return StoredFile(path=path, size=info["size"], modified=modified, stamp=stamp)


def _record_path(key: str) -> str:
    if not _SAFE_KEY.fullmatch(key) or ".." in key:
        raise ConfigError(f"'{key}' is no record key: use letters, digits, '-', '_', '.' and single slashes")
    return f"{key}.json"
