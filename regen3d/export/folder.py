"""The scene's folder: the exports of a manifest as ordinary files, and the manifest beside them.

Files appear whole or not at all, and the manifest last. Nothing that somebody changed by hand is ever lost: only files
that an earlier manifest lists and that are as it left them are removed or replaced; others are moved aside first.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from regen3d.errors import ConfigError, StoreUnavailableError
from regen3d.manifest import Manifest
from regen3d.store import Ref, Store, check_folder, write_atomically

MANIFEST_NAME = "manifest.json"
"""File name of the manifest in the scene's folder."""

RECORD_NAME = "export.json"
"""File name of the list of what `regen3d export` wrote into a folder."""


def write_scene_folder(store: Store, manifest: Manifest, out: Path) -> list[Path]:
    """Bring a folder to the state that a manifest describes.

    Args:
        store: holds the exports.
        manifest: its `exports` are paths in the folder, with forward slashes.
        out: the folder; made where it is missing.

    Returns:
        The files that were written, the manifest last; those that were right already are not among them.

    Raises:
        ConfigError: a path would lead out of the folder, or the folder belongs to something else.
        StoreUnavailableError: an export is not in the store, or the folder did not take it.
    """
    targets = {path: _target(out, path) for path in manifest.exports}
    earlier = _earlier_exports(out)
    written = []
    try:
        for path, ref in manifest.exports.items():
            if not _holds(targets[path], ref):
                _keep_aside(targets[path], earlier.get(path))
                write_atomically(targets[path], store.get_bytes(ref))
                written.append(targets[path])
        for path, ref in earlier.items():
            if path not in manifest.exports:
                _remove_unchanged(out, _target(out, path), ref)
        content = (manifest.model_dump_json(indent=2) + "\n").encode()
        if not (out / MANIFEST_NAME).is_file() or (out / MANIFEST_NAME).read_bytes() != content:
            write_atomically(out / MANIFEST_NAME, content)
            written.append(out / MANIFEST_NAME)
    except OSError as error:
        raise StoreUnavailableError(f"the folder '{out}' did not take the scene: {error}") from error
    return written


def write_export_folder(manifest: Manifest, files: Mapping[str, bytes], out: Path) -> list[Path]:
    """Write exported files into a folder of their own, and `export.json`, a list of them, beside them.

    Args:
        manifest: the scene.
        files: path in the folder, with forward slashes -> content.
        out: the folder; made where it is missing. Files that somebody changed since an earlier export are moved aside.

    Returns:
        The files, without the list.

    Raises:
        ConfigError: a path would lead out of the folder, or the folder belongs to something else.
        StoreUnavailableError: the folder did not take a file.
    """
    targets = {path: _target(out, path) for path in files}
    earlier = _earlier_exports(out, RECORD_NAME)
    refs = {path: _ref(path, content) for path, content in files.items()}
    record = {
        "product": manifest.scene,
        "made_by": f"regen3d {manifest.regen3d}",
        "scene_digest": manifest.digest,
        "colour_space": "sRGB",
        "exports": {path: ref.model_dump() for path, ref in sorted({**earlier, **refs}.items())},
    }
    try:
        for path, content in files.items():
            if not _holds(targets[path], refs[path]):
                _keep_aside(targets[path], earlier.get(path))
                write_atomically(targets[path], content)
        write_atomically(out / RECORD_NAME, (json.dumps(record, indent=2) + "\n").encode())
    except OSError as error:
        raise StoreUnavailableError(f"the folder '{out}' did not take the export: {error}") from error
    return list(targets.values())


def check_export_folder(out: Path) -> None:
    """Make sure that a folder takes exported files, before any work is done.

    Raises:
        ConfigError: it is a file, nothing may be written there, or it holds an `export.json` of something else.
    """
    check_folder(out.absolute(), "export")
    _earlier_exports(out, RECORD_NAME)


def check_scene_folder(out: Path) -> None:
    """Make sure that a folder may become a scene's folder, before any work is done.

    Raises:
        ConfigError: it is a file, or holds a `manifest.json` that regen3d did not write.
    """
    check_folder(out.absolute(), "scene")
    _earlier_exports(out)


def _target(out: Path, path: str) -> Path:
    """Where an export goes."""
    pure = PurePosixPath(path)
    unsafe = pure.is_absolute() or PureWindowsPath(path).drive or "\\" in path or ".." in pure.parts or not pure.parts
    target = out / pure
    if unsafe or not target.resolve().is_relative_to(out.resolve()):
        raise ConfigError(f"the export '{path}' would lie outside the scene's folder: use a relative path without '..'")
    if pure == PurePosixPath(MANIFEST_NAME):
        raise ConfigError(f"an export cannot be named '{MANIFEST_NAME}': the manifest itself has that name")
    return target


def _ref(path: str, content: bytes) -> Ref:
    suffix = PurePosixPath(path).suffix.lower()
    return Ref(digest=hashlib.sha256(content).hexdigest(), suffix=suffix, size=len(content))


def _earlier_exports(out: Path, name: str = MANIFEST_NAME) -> dict[str, Ref]:
    """What the manifest of an earlier run lists; nothing where there is none."""
    path = out / name
    if not path.is_file():
        return {}
    try:
        document: Any = json.loads(path.read_bytes())
        return {name: Ref.model_validate(ref) for name, ref in document["exports"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise ConfigError(
            f"'{path}' was not written by regen3d: name another folder, or move that file away"
        ) from error


def _holds(path: Path, ref: Ref) -> bool:
    """Whether a file has exactly the bytes of a blob."""
    if not path.is_file() or path.stat().st_size != ref.size:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == ref.digest


def _keep_aside(path: Path, earlier: Ref | None) -> None:
    """Rename a file that regen3d did not write as it is now: `mask.png` becomes `mask.yours-1.png`."""
    if not path.is_file() or (earlier is not None and _holds(path, earlier)):
        return
    names = (path.with_name(f"{path.stem}.yours-{number}{path.suffix}") for number in itertools.count(1))
    path.rename(next(name for name in names if not name.exists()))


def _remove_unchanged(out: Path, path: Path, ref: Ref) -> None:
    """Remove a file that regen3d wrote and nobody changed, and folders that this leaves empty."""
    if not _holds(path, ref):
        return
    path.unlink()
    for folder in path.parents:
        if folder == out or any(folder.iterdir()):
            return
        folder.rmdir()
