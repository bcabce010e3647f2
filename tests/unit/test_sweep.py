"""Housekeeping: what something refers to stays, what nothing needs goes once it is old."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from regen3d import codec
from regen3d.cli.app import app
from regen3d.store import Ref, Store
from regen3d.sweep import Swept, sweep

LONG_AGO = time.time() - 30 * 86400


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def picture(store: Store, seed: int) -> Ref:
    """A value with a blob of its own."""
    return codec.put_value(store, np.random.default_rng(seed).integers(0, 255, (8, 8, 3)).astype(np.uint8))


def everything_old(store: Store) -> None:
    for file in Path(store.uri).rglob("*"):
        os.utime(file, (LONG_AGO, LONG_AGO))


def paths(store: Store) -> set[str]:
    return {file.path for file in store.walk()}


def swept(store: Store, *, dry_run: bool = False) -> Swept:
    return sweep(store, before=time.time() - 86400, dry_run=dry_run)


def finished_call(store: Store, name: str, value: Ref) -> str:
    key = f"stages/align/{name * 64}"
    store.put_record(key, {"value": value.model_dump(), "call": {"inputs": {}}})
    return f"{key}.json"


def test_only_what_nothing_refers_to_goes(store: Store) -> None:
    wanted, unwanted = picture(store, 1), picture(store, 2)
    store.put_record("manifests/one", {"stages": [{"value": wanted.model_dump()}]})
    kept = finished_call(store, "a", wanted)
    dropped = finished_call(store, "b", unwanted)
    everything_old(store)
    before = paths(store)
    done = swept(store)
    assert before - paths(store) == {dropped, unwanted.path, *inner(before, unwanted, wanted)}
    assert {wanted.path, kept, "manifests/one.json"} <= paths(store)
    assert codec.is_complete(store, wanted)
    assert (done.files, done.kept) == (3, 4)
    assert done.bytes > 0


def inner(before: set[str], gone: Ref, stays: Ref) -> set[str]:
    """The one blob below the value that goes."""
    blobs = {path for path in before if path.endswith(".png")}
    assert len(blobs) == 2
    return blobs - alive_blobs(blobs, stays)


def alive_blobs(blobs: set[str], stays: Ref) -> set[str]:
    expected = np.random.default_rng(1).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    import hashlib

    digest = hashlib.sha256(codec.png_bytes(expected)).hexdigest()
    return {path for path in blobs if digest in path}


def test_what_is_young_stays(store: Store) -> None:
    value = picture(store, 1)
    call = finished_call(store, "a", value)
    before = paths(store)
    assert swept(store).files == 0
    # A young call keeps the old values that it names.
    everything_old(store)
    os.utime(Path(store.uri) / call)
    assert swept(store).files == 0
    assert paths(store) == before


def test_a_dry_run_counts_alike_and_removes_nothing(store: Store) -> None:
    finished_call(store, "a", picture(store, 1))
    everything_old(store)
    before = paths(store)
    told = swept(store, dry_run=True)
    assert paths(store) == before
    assert told == swept(store)
    assert told.files == 3
    assert paths(store) == set()


def test_uploads_and_halves_of_files_go_and_what_is_not_ours_stays(store: Store) -> None:
    store.write_file(f"inputs/{'c' * 64}/kitchen.png", b"x")
    store.put_record("claims/stages/align/1f/0", {"until": 0})
    root = Path(store.uri)
    (root / "blobs").mkdir()
    (root / "blobs" / ".x.bin.0123abcd.part").write_bytes(b"half")
    for name in ("notes.txt", "blobs/readme.md", "inputs/mine.png"):
        (root / name).write_text("mine")
    everything_old(store)
    assert swept(store).files == 3
    assert paths(store) == {"notes.txt", "blobs/readme.md", "inputs/mine.png"}


def test_a_call_that_is_taken_up_again_is_young_again(store: Store) -> None:
    ref = store.put_bytes(b"chair", ".bin")
    everything_old(store)
    assert store.put_bytes(b"chair", ".bin") == ref
    assert swept(store).files == 0
    assert store.get_bytes(ref) == b"chair"


def test_the_command_counts_then_removes(store: Store) -> None:
    picture(store, 1)
    everything_old(store)
    told = CliRunner().invoke(app, ["gc", "--store", store.uri, "--dry-run"])
    assert told.exit_code == 0
    assert "2 files" in told.output
    assert "would be removed" in told.output
    assert len(paths(store)) == 2
    assert "2 files" in CliRunner().invoke(app, ["gc", "--store", store.uri, "--older-than", "36h"]).output
    assert paths(store) == set()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "say which store"),
        (["--store", "s", "--older-than", "soon"], "as in 12h"),
        (["--store", "s", "--older-than", "90m"], "too little"),
    ],
)
def test_what_could_harm_runs_is_refused(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REGEN3D_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["gc", *arguments])
    assert sentence in str(answer.exception)
