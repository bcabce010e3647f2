"""Housekeeping of a store: what no manifest refers to is removed once it is old.

Several runs may use the store meanwhile. Finished calls that none needs go first; what the others name is counted after
that, and only then do values go. A run that takes up an old call or an old value writes it anew, so it is young again.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from regen3d.store import Ref, Store, StoredFile

_REF = {"digest", "suffix", "size"}
_BLOB = re.compile(r"blobs/[0-9a-f]{2}/(?P<digest>[0-9a-f]{64})(\.[a-z0-9]+)+")
_CALL = re.compile(r"stages/[a-z]+/[0-9a-f]{64}\.json")
_UPLOAD = re.compile(r"inputs/[0-9a-f]{64}/.+")
_CLAIM = re.compile(r"claims/.+\.json")
_PARTIAL = re.compile(r"(.*/)?\.[^/]+\.[0-9a-f]{8}\.part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was removed, or would be."""

    files: int
    """How many files."""
    bytes: int
    """How large they were together."""
    kept: int
    """Files that something refers to, or that are too young to go."""


def sweep(store: Store, *, before: float, dry_run: bool = False) -> Swept:
    """Remove finished calls and values that no manifest refers to, uploads, and what crashed writers left.

    Only files of a store's own making are looked at; whatever else lies below its root stays.

    Args:
        store: the store.
        before: seconds since the epoch; nothing that was written later is removed.
        dry_run: count, remove nothing.
    """
    removed: list[StoredFile] = []
    alive = _alive(store, store.walk("runs"), store.walk("manifests"))
    for file in list(store.walk("stages")):
        if _CALL.fullmatch(file.path) and file.modified < before and not _named_by(store, file) & alive:
            removed += _remove(store, file, before, dry_run)
    gone = {file.path for file in removed}
    calls = [file for file in store.walk("stages") if file.path not in gone]
    alive = _alive(store, store.walk("runs"), store.walk("manifests"), calls)
    kept = 0
    for file in list(store.walk()):
        if file.path not in gone and file.modified < before and _is_waste(file.path, alive):
            removed += _remove(store, file, before, dry_run)
        else:
            kept += file.path not in gone
    return Swept(files=len(removed), bytes=sum(file.size for file in removed), kept=kept)


def _is_waste(path: str, alive: set[str]) -> bool:
    blob = _BLOB.fullmatch(path)
    if blob is not None:
        return blob["digest"] not in alive
    return any(pattern.fullmatch(path) for pattern in (_UPLOAD, _CLAIM, _PARTIAL))


def _remove(store: Store, file: StoredFile, before: float, dry_run: bool) -> list[StoredFile]:
    """Remove one file, unless it was written again since it was listed."""
    if not dry_run:
        again = store.stat(file.path)
        if again is None or again.modified >= before:
            return []
        store.remove_file(file.path)
    return [file]


def _alive(store: Store, *records: Iterable[StoredFile]) -> set[str]:
    """Digests of all values that records name, and that those values name in turn."""
    alive: set[str] = set()
    waiting = [ref for files in records for file in files for ref in _refs_of_file(store, file.path)]
    while waiting:
        ref = waiting.pop()
        if ref.digest not in alive:
            alive.add(ref.digest)
            if ref.suffix == ".json":
                waiting += _refs_of_file(store, ref.path)
    return alive


def _named_by(store: Store, record: StoredFile) -> set[str]:
    """Digest of the value that a finished call made."""
    document = _document(store, record.path)
    value = document.get("value") if isinstance(document, dict) else None
    return {ref.digest for ref in _refs_in(value)}


def _refs_of_file(store: Store, path: str) -> list[Ref]:
    return list(_refs_in(_document(store, path)))


def _document(store: Store, path: str) -> Any:
    content = store.read_file(path)
    try:
        return None if content is None else json.loads(content)
    except ValueError:
        return None


def _refs_in(document: Any) -> Iterator[Ref]:
    if isinstance(document, dict):
        if set(document) == _REF:
            yield Ref.model_validate(document)
        for item in document.values():
            yield from _refs_in(item)
    elif isinstance(document, list):
        for item in document:
            yield from _refs_in(item)
