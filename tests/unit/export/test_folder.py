import json
from pathlib import Path

import pytest

from regen3d.errors import ConfigError, StoreUnavailableError
from regen3d.export.folder import check_scene_folder, write_scene_folder
from regen3d.manifest import Manifest
from regen3d.store import Ref, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "scene"


def exporting(manifest: Manifest, store: Store, **files: bytes) -> Manifest:
    """The manifest with exports; `a__b` names the path `a/b.glb`."""
    exports = {f"{name.replace('__', '/')}.glb": store.put_bytes(content, ".glb") for name, content in files.items()}
    return manifest.model_copy(update={"exports": exports})


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_exports_lie_where_the_manifest_says(store: Store, out: Path, manifest: Manifest):
    scene = exporting(manifest, store, scene=b"whole", objects__chair=b"chair")
    written = write_scene_folder(store, scene, out)
    assert written == [out / "scene.glb", out / "objects/chair.glb", out / "manifest.json"]
    assert (out / "objects/chair.glb").read_bytes() == b"chair"
    assert Manifest.model_validate_json((out / "manifest.json").read_bytes()) == scene
    assert files_in(out) == {"scene.glb", "objects/chair.glb", "manifest.json"}


def test_a_second_time_nothing_is_written(store: Store, out: Path, manifest: Manifest):
    scene = exporting(manifest, store, scene=b"whole")
    write_scene_folder(store, scene, out)
    assert write_scene_folder(store, scene, out) == []


def test_a_changed_file_is_put_right(store: Store, out: Path, manifest: Manifest):
    scene = exporting(manifest, store, scene=b"whole", background=b"walls")
    write_scene_folder(store, scene, out)
    (out / "scene.glb").write_bytes(b"WHOLE")
    assert write_scene_folder(store, scene, out) == [out / "scene.glb"]
    assert (out / "scene.glb").read_bytes() == b"whole"
    assert (out / "scene.yours-1.glb").read_bytes() == b"WHOLE"


def test_what_an_artist_changed_is_never_lost(store: Store, out: Path, manifest: Manifest):
    for painted in (b"first", b"second"):
        write_scene_folder(store, exporting(manifest, store, scene=b"ours"), out)
        (out / "scene.glb").write_bytes(painted)
    write_scene_folder(store, exporting(manifest, store, scene=b"newer"), out)
    assert (out / "scene.glb").read_bytes() == b"newer"
    assert {(out / f"scene.yours-{k}.glb").read_bytes() for k in (1, 2)} == {b"first", b"second"}


def test_what_is_as_it_was_written_is_replaced(store: Store, out: Path, manifest: Manifest):
    write_scene_folder(store, exporting(manifest, store, scene=b"old"), out)
    write_scene_folder(store, exporting(manifest, store, scene=b"new"), out)
    assert files_in(out) == {"scene.glb", "manifest.json"}


def test_files_of_an_earlier_run_go_and_others_stay(store: Store, out: Path, manifest: Manifest):
    write_scene_folder(store, exporting(manifest, store, scene=b"1", objects__chair=b"c", objects__sofa=b"s"), out)
    (out / "notes.txt").write_text("mine")
    (out / "objects/sofa.glb").write_bytes(b"edited by hand")
    write_scene_folder(store, exporting(manifest, store, scene=b"2"), out)
    assert files_in(out) == {"scene.glb", "notes.txt", "objects/sofa.glb", "manifest.json"}
    assert (out / "scene.glb").read_bytes() == b"2"


def test_folders_that_become_empty_go(store: Store, out: Path, manifest: Manifest):
    write_scene_folder(store, exporting(manifest, store, scene=b"1", objects__old__chair=b"c"), out)
    write_scene_folder(store, exporting(manifest, store, scene=b"1"), out)
    assert not (out / "objects").exists()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../outside.glb", "objects/../../outside.glb", "C:/scene.glb", "a\\b.glb", "", "."]
)
def test_a_path_out_of_the_folder_is_refused(path: str, store: Store, out: Path, manifest: Manifest):
    scene = manifest.model_copy(update={"exports": {path: store.put_bytes(b"x", ".glb")}})
    with pytest.raises(ConfigError, match="outside the scene's folder"):
        write_scene_folder(store, scene, out)
    assert not out.exists()


def test_a_link_out_of_the_folder_is_refused(store: Store, out: Path, tmp_path: Path, manifest: Manifest):
    out.mkdir()
    (out / "objects").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="outside"):
        write_scene_folder(store, exporting(manifest, store, objects__chair=b"c"), out)


def test_an_earlier_manifest_cannot_remove_files_outside(store: Store, out: Path, tmp_path: Path, manifest: Manifest):
    ref = store.put_bytes(b"precious", ".glb")
    (tmp_path / "precious.glb").write_bytes(b"precious")
    out.mkdir()
    (out / "manifest.json").write_text(json.dumps({"exports": {"../precious.glb": ref.model_dump()}}))
    with pytest.raises(ConfigError, match="outside"):
        write_scene_folder(store, exporting(manifest, store, scene=b"1"), out)
    assert (tmp_path / "precious.glb").exists()


def test_the_manifest_is_no_export(store: Store, out: Path, manifest: Manifest):
    scene = manifest.model_copy(update={"exports": {"manifest.json": store.put_bytes(b"x", ".json")}})
    with pytest.raises(ConfigError, match=r"manifest\.json"):
        write_scene_folder(store, scene, out)


@pytest.mark.parametrize("content", ["{}", "no json", "[]", '{"exports": {"a": 1}}'])
def test_somebody_elses_manifest_is_kept(content: str, store: Store, out: Path, manifest: Manifest):
    out.mkdir()
    (out / "manifest.json").write_text(content)
    with pytest.raises(ConfigError, match="not written by regen3d"):
        check_scene_folder(out)
    with pytest.raises(ConfigError, match="not written by regen3d"):
        write_scene_folder(store, exporting(manifest, store, scene=b"1"), out)
    assert files_in(out) == {"manifest.json"}
    assert (out / "manifest.json").read_text() == content


def test_a_file_is_no_scene_folder(out: Path):
    out.write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        check_scene_folder(out)


def test_a_missing_export_leaves_no_manifest(store: Store, out: Path, manifest: Manifest):
    scene = manifest.model_copy(update={"exports": {"scene.glb": Ref(digest="c" * 64, suffix=".glb", size=3)}})
    with pytest.raises(StoreUnavailableError):
        write_scene_folder(store, scene, out)
    assert not (out / "manifest.json").exists()


def test_a_folder_that_takes_nothing_is_said(store: Store, out: Path, manifest: Manifest):
    scene = exporting(manifest, store, scene=b"1", objects__chair=b"c")
    out.mkdir()
    (out / "objects").write_text("a file in the way")
    with pytest.raises(StoreUnavailableError, match="did not take the scene"):
        write_scene_folder(store, scene, out)
