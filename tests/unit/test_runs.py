"""Finished runs are found again as long as everything they name is there."""

import uuid
from pathlib import Path

import pytest

from regen3d.manifest import Manifest
from regen3d.runs import deliver, find_run, is_corrected, keep_run, newest, undone
from regen3d.store import Store
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom

KEY = "ab" * 32


@pytest.fixture
def store() -> Store:
    return Store(f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def manifest(store: Store, synthetic_room: SyntheticRoom) -> Manifest:
    manifest = finished_scene(store, synthetic_room)
    keep_run(store, KEY, manifest)
    return manifest


def blobs_of(store: Store) -> list[str]:
    return [file.path for file in store.walk("blobs")]


def test_a_finished_run_is_found_and_says_so(store: Store, manifest: Manifest) -> None:
    found = find_run(store, KEY)
    assert found is not None
    assert found.digest == manifest.digest
    assert all(entry.reused for entry in found.stages)
    assert found.run.id == "store"
    assert found.exports == manifest.exports


def test_other_runs_are_not_found(store: Store, manifest: Manifest) -> None:
    assert find_run(store, "cd" * 32) is None
    assert find_run(Store(f"memory://{uuid.uuid4().hex}"), KEY) is None


def test_a_run_is_found_only_while_every_blob_is_there(store: Store, manifest: Manifest) -> None:
    blobs = blobs_of(store)
    assert len(blobs) > 10
    overlooked = []
    for path in blobs:
        content = store.read_file(path)
        store.remove_file(path)
        if find_run(store, KEY) is not None:
            overlooked.append(path)
        store.write_file(path, content)
    assert overlooked == []
    assert find_run(store, KEY) is not None


def test_a_cut_blob_counts_as_missing(store: Store, manifest: Manifest) -> None:
    path = manifest.exports["scene.glb"].path
    store.write_file(path, b"glTF")
    assert find_run(store, KEY) is None


def test_a_run_of_another_schema_is_not_found(store: Store, manifest: Manifest) -> None:
    store.put_record(f"runs/{KEY}", {**manifest.model_dump(mode="json"), "schema_version": 99})
    assert find_run(store, KEY) is None
    store.put_record(f"runs/{KEY}", {})
    assert find_run(store, KEY) is None


def answer(store: Store, manifest: Manifest, second: int, *redone: str) -> Manifest:
    started = f"2026-01-01T00:00:{second:02}+00:00"
    run = manifest.run.model_copy(update={"key": KEY, "started": started, "redone": redone})
    kept = manifest.model_copy(update={"run": run})
    keep_run(store, KEY, kept)
    return kept


def test_the_newest_state_of_a_scene_is_its_last_correction(store: Store, manifest: Manifest) -> None:
    first = answer(store, manifest, 1)
    assert not is_corrected(store, KEY)
    answer(store, manifest, 2, "chair-1")
    assert newest(store, first).run.redone == ("chair-1",)
    assert is_corrected(store, KEY)
    # What was made anew after it has its own state.
    later = first.model_copy(update={"run": first.run.model_copy(update={"started": "2026-01-01T00:00:03+00:00"})})
    assert newest(store, later) == later
    # A manifest of an older version knows no question.
    assert newest(store, manifest) == manifest


def test_what_a_folder_loses_is_what_the_answer_does_not_keep(tmp_path: Path, store: Store, manifest: Manifest) -> None:
    assert undone(tmp_path, None) == ()
    corrected = answer(store, manifest, 2, "chair-1", "table-1")
    deliver(store, corrected, tmp_path)
    assert undone(tmp_path, None) == ("chair-1", "table-1")
    assert undone(tmp_path, corrected) == ()
    # The same objects of another question are other objects.
    run = corrected.run.model_copy(update={"key": "cd" * 32})
    assert undone(tmp_path, corrected.model_copy(update={"run": run})) == ("chair-1", "table-1")


def test_delivery_names_a_store_beside_it_relatively(tmp_path: Path, synthetic_room: SyntheticRoom) -> None:
    out = tmp_path / "scenes" / "room"
    store = Store(str(out / "store"))
    manifest = finished_scene(store, synthetic_room)
    delivered = deliver(store, manifest, out)
    assert delivered.store == "store"
    assert Manifest.model_validate_json((out / "manifest.json").read_bytes()) == delivered
    assert (out / "scene.glb").read_bytes() == store.get_bytes(manifest.exports["scene.glb"])
    assert delivered.digest == manifest.digest


def test_delivery_names_a_store_elsewhere_in_full(
    tmp_path: Path, store: Store, manifest: Manifest, synthetic_room: SyntheticRoom
) -> None:
    assert deliver(store, manifest, tmp_path / "room").store == store.uri
    elsewhere = Store(str(tmp_path / "shared-store"))
    assert deliver(elsewhere, finished_scene(elsewhere, synthetic_room), tmp_path / "b").store == elsewhere.uri


def test_what_is_found_again_writes_the_same_folder(tmp_path: Path, store: Store, manifest: Manifest) -> None:
    found = find_run(store, KEY)
    assert found is not None
    deliver(store, manifest, tmp_path / "first")
    deliver(store, found, tmp_path / "second")
    names = {path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*")}
    assert names == {path.relative_to(tmp_path / "second") for path in (tmp_path / "second").rglob("*")}
