"""Pictures and other inputs that lie in a bucket: listed, fetched for a run, uploaded by a submitter.

A run computes on local files. Where its request names an `s3://` address, the file, or everything below that prefix, is
fetched into a folder that goes when the run ends. A submitter whose store is a bucket uploads what it names as local
files, under the digest of their content, so that workers anywhere can read it.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from regen3d.config import SceneRequest
from regen3d.errors import ConfigError, UnreadableImageError
from regen3d.fingerprint import content_digest
from regen3d.store import Store

FILES = ("image", "boxes", "masks", "camera", "plate", "points")
"""Fields of a request that name a file or a folder."""

SUFFIXES = frozenset({".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings of pictures, for listings of folders that hold other things as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFile:
    """One picture of a folder or bucket."""

    uri: str
    """Path, or `s3://` address."""
    name: str
    """Relative to the folder, with forward slashes."""
    stamp: str
    """Changes whenever the content does; cheaper to ask for than the content."""


def is_remote(location: str) -> bool:
    """Whether a location is an address in a bucket rather than a local path.

    Raises:
        ConfigError: it is an address of another kind.
    """
    if "://" not in location:
        return False
    if not location.startswith(("s3://", "memory://")):
        raise ConfigError(f"'{location[:80]}' cannot be read: give a local path, or an address that begins with s3://")
    return True


def list_pictures(location: str) -> tuple[PictureFile, ...]:
    """The pictures in a folder or below a prefix, in the order of their names; hidden ones are left out.

    Raises:
        ConfigError: it is not there, or cannot be read.
    """
    if is_remote(location):
        bucket, prefix = _split(location)
        base = f"{prefix}/" if prefix else ""
        found = [
            PictureFile(uri=f"{bucket}/{file.path}", name=file.path.removeprefix(base), stamp=file.stamp)
            for file in Store(bucket).walk(prefix)
            if _is_picture(PurePosixPath(file.path.removeprefix(base)))
        ]
    else:
        folder = Path(location).expanduser().absolute()
        if not folder.is_dir():
            raise ConfigError(
                f"'{location}' is no folder: give the folder, or the s3:// prefix, that holds the pictures"
            )
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_picture(path.relative_to(folder))]
        found = [_local(path, folder) for path in files]
    if not found:
        raise ConfigError(f"'{location}' holds no pictures: {', '.join(sorted(SUFFIXES))} are looked for")
    return tuple(found)


def _local(path: Path, folder: Path) -> PictureFile:
    facts = path.stat()
    name = path.relative_to(folder).as_posix()
    return PictureFile(uri=str(path), name=name, stamp=f"{facts.st_size} {facts.st_mtime_ns}")


def _is_picture(path: PurePosixPath | Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.parts)


@contextlib.contextmanager
def local_inputs(request: SceneRequest) -> Iterator[SceneRequest]:
    """The same request with every remote input fetched; the copies are gone after the block.

    Raises:
        UnreadableImageError: an address leads nowhere.
        StoreUnavailableError: the object store did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="regen3d-inputs-") as folder:
        yield _replaced(request, lambda location: _fetched(location, Path(folder)))


@contextlib.contextmanager
def local_file(location: str) -> Iterator[Path]:
    """One input as a local file, fetched where it is remote.

    Raises:
        UnreadableImageError: an address leads nowhere.
        StoreUnavailableError: the object store did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="regen3d-inputs-") as folder:
        yield Path(_fetched(location, Path(folder)))


def uploaded_file(location: str, store: Store) -> str:
    """Address of an input in the store, where it is put unless it is remote already."""
    return location if is_remote(location) else _uploaded(location, store)


def uploaded_inputs(request: SceneRequest, store: Store) -> SceneRequest:
    """The same request with every local input in the store, under the digest of its content.

    Raises:
        UnreadableImageError: a file is missing.
    """
    return _replaced(request, lambda location: uploaded_file(location, store))


def _replaced(request: SceneRequest, replace: Callable[[str], str]) -> SceneRequest:
    named = {name: getattr(request, name) for name in FILES}
    changes: dict[str, object] = {name: replace(value) for name, value in named.items() if value is not None}
    changes["meshes"] = {name: replace(value) for name, value in request.meshes.items()}
    return request.model_copy(update=changes)


def _fetched(location: str, folder: Path) -> str:
    if not is_remote(location):
        return location
    bucket, key = _split(location)
    pure = PurePosixPath(key)
    if not key or ".." in pure.parts or "\\" in key:
        raise UnreadableImageError(f"'{location}' names no file in a bucket: write s3://BUCKET/FOLDER/NAME")
    store = Store(bucket)
    place = folder / str(len(list(folder.iterdir()))) / pure.name
    content = store.read_file(key)
    if content is not None:
        _write(place, content)
        return str(place)
    files = list(store.walk(key))
    if not files:
        raise UnreadableImageError(f"there is nothing at '{location}': check the address, and who may read it")
    for file in files:
        relative = PurePosixPath(file.path).relative_to(key)
        if ".." not in relative.parts:
            _write(place / relative, store.read_file(file.path) or b"")
    return str(place)


def _split(location: str) -> tuple[str, str]:
    """`s3://bucket/a/b` as `s3://bucket` and `a/b`."""
    protocol, _, place = location.partition("://")
    bucket, _, key = place.strip("/").partition("/")
    return f"{protocol}://{bucket}", key


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _uploaded(location: str, store: Store) -> str:
    path = Path(location)
    place = f"inputs/{content_digest(location)}"
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            name = f"{path.name}/{file.relative_to(path).as_posix()}" if path.is_dir() else path.name
            store.write_file(f"{place}/{name}", file.read_bytes())
    return f"{store.uri.rstrip('/')}/{place}/{path.name}"
