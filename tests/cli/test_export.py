"""`regen3d export` and `regen3d contact`: what they write, and what they refuse in one sentence."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d import codec
from regen3d.cli import main
from regen3d.export import obj
from regen3d.export.formats import BLENDER_PYTHON
from regen3d.light.base import SceneLight
from regen3d.manifest import LightEntry, Manifest, StageCall, StageEntry
from regen3d.store import Store
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["regen3d", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit_:
        main()
    return int(exit_.value.code or 0)


@pytest.fixture(scope="module")
def finished(synthetic_room: SyntheticRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished scene with one chair, made without running anything."""
    from tests.contracts.test_exporter_contract import example_light

    folder = tmp_path_factory.mktemp("scene")
    store = Store(str(folder / "store"))
    made = finished_scene(store, synthetic_room)
    codec.register(SceneLight)
    light = example_light()
    entry = LightEntry(
        value=codec.put_value(store, light), direction=light.direction.tolist(), error=0.1, estimated=("albedo",)
    )
    room = codec.put_value(store, synthetic_room.room)
    call = StageCall(stage="room")
    stages = tuple(
        StageEntry(**{**dict(stage), "call": call, "value": room}) if stage.call.stage == "room" else stage
        for stage in made.stages
    )
    exports = {"overlay.png": store.put_bytes(codec.png_bytes(synthetic_room.image), ".png")}
    changes = {"light": entry, "background": room, "stages": stages, "exports": exports, "store": "store"}
    (folder / "manifest.json").write_text(made.model_copy(update=changes).model_dump_json())
    return folder


def test_a_finished_scene_is_exported_in_several_formats(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--format", "gltf", "--format", "obj", "--look", "relightable", "--out", tmp_path / "out")
    assert _run(monkeypatch, "export", finished, *arguments) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "scene.gltf" in said
    assert (tmp_path / "out/gltf/scene.gltf").is_file()
    assert (tmp_path / "out/obj/chair-1.obj").is_file()
    record = json.loads((tmp_path / "out/export.json").read_bytes())
    assert record["product"] == "room"
    assert {"gltf/scene.gltf", "obj/chair-1.mtl"} <= set(record["exports"])


def test_a_format_that_cannot_be_written_leaves_the_others_alone(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(BLENDER_PYTHON, "nowhere/python")
    assert _run(monkeypatch, "export", finished, "--format", "blend", "--format", "obj", "--out", tmp_path) == 1
    said = capsys.readouterr()
    assert "obj: " in said.out
    assert (tmp_path / "obj/chair-1.obj").is_file()
    assert said.err.startswith("regen3d: blend was not written: ")
    assert "nowhere/python" in said.err
    assert "Traceback" not in said.err


def test_where_a_writer_stumbled_can_be_seen(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(obj, "write", lambda scene, settings: {}["chair-1"])
    monkeypatch.setenv("REGEN3D_DEBUG", "1")
    assert _run(monkeypatch, "export", finished, "--format", "obj", "--out", tmp_path) == 1
    said = capsys.readouterr().err
    assert "KeyError: 'chair-1'" in said
    assert Path(__file__).name in said
    assert said.splitlines()[-1] == "regen3d: obj was not written: KeyError: 'chair-1'"


def test_what_somebody_changed_is_moved_aside(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert _run(monkeypatch, "export", finished, "--format", "obj", "--out", tmp_path) == 0
        (tmp_path / "obj/chair-1.mtl").write_text("mine")
    assert _run(monkeypatch, "export", finished, "--format", "obj", "--out", tmp_path) == 0
    assert (tmp_path / "obj/chair-1.yours-1.mtl").read_text() == "mine"
    assert (tmp_path / "obj/chair-1.mtl").read_text().startswith("newmtl chair-1")


def test_levels_of_detail_are_files_with_fewer_faces(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trimesh

    assert _run(monkeypatch, "export", finished, "--lods", "1", "--out", tmp_path) == 0
    full, coarse = (trimesh.load_mesh(tmp_path / f"objects/chair-1{level}.glb") for level in ("", ".lod1"))
    assert len(coarse.faces) < len(full.faces)
    np.testing.assert_allclose(coarse.bounds, full.bounds, atol=0.03)


def test_a_contact_sheet_shows_every_scene_in_four_pictures(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(monkeypatch, "contact", finished, finished / "manifest.json", "--out", tmp_path / "all.png") == 0
    sheet = np.array(Image.open(tmp_path / "all.png"))
    row = (sheet.shape[0] - 8) // 2
    np.testing.assert_array_equal(sheet[:row], sheet[row : 2 * row])
    cells = [sheet[40:row, 8 + k * 368 : 368 + k * 368] for k in range(4)]
    assert all(cell.std() > 10 for cell in cells), [cell.std() for cell in cells]
    np.testing.assert_array_equal(cells[0], cells[1])
    assert np.abs(cells[2].astype(int) - cells[3]).mean() > 5


def _other_schema(folder: Path) -> str:
    (folder / "old.json").write_text(json.dumps({"schema_version": 0, "scene": "old"}))
    return str(folder / "old.json")


def _store_gone(folder: Path, finished: Path) -> str:
    shutil.copy(finished / "manifest.json", folder / "manifest.json")
    return str(folder / "manifest.json")


def _file(folder: Path) -> str:
    (folder / "file.txt").write_text("mine")
    return str(folder / "file.txt")


CASES: list[tuple[str, Callable[[Path, Path], list[str]], str]] = [
    ("a missing manifest", lambda d, f: ["export", str(d / "no.json"), "--out", str(d / "out")], "no.json"),
    ("another schema", lambda d, f: ["export", _other_schema(d), "--out", str(d / "out")], "old.json"),
    ("a store that is gone", lambda d, f: ["export", _store_gone(d, f), "--out", str(d / "out")], "does not hold"),
    ("an unknown format", lambda d, f: ["export", str(f), "--format", "stl", "--out", str(d / "out")], "'stl'"),
    ("an out that is a file", lambda d, f: ["export", str(f), "--out", _file(d)], "is a file"),
    ("a foreign export.json", lambda d, f: ["export", str(f), "--out", _foreign(d)], "export.json"),
    ("a sheet of no manifest", lambda d, f: ["contact", str(d / "no.json"), "--out", str(d / "c.png")], "no.json"),
    ("a sheet of a scene that is gone", lambda d, f: ["contact", _store_gone(d, f), "--out", str(d / "c.png")], "hold"),
    ("a sheet that is no PNG", lambda d, f: ["contact", str(f), "--out", str(d / "c.gif")], "PNG"),
    ("a sheet below a file", lambda d, f: ["contact", str(f), "--out", f"{_file(d)}/c.png"], "is a file"),
]


def _foreign(folder: Path) -> str:
    (folder / "taken").mkdir()
    (folder / "taken/export.json").write_text('{"name": "a web application"}')
    return str(folder / "taken")


@pytest.mark.parametrize(("name", "arguments", "found"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_is_one_sentence_and_exit_code_2(
    name: str,
    arguments: Callable[[Path, Path], list[str]],
    found: str,
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = _run(monkeypatch, *arguments(tmp_path, finished))
    said = capsys.readouterr().err.strip()
    assert code == 2, said
    assert said.startswith("regen3d: ")
    assert found in said
    assert "\n" not in said
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "c.png").exists()


def test_packing_without_its_program_is_refused(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _run(monkeypatch, "export", finished, "--compress", "meshopt", "--out", tmp_path / "out") == 2
    assert "npm install" in capsys.readouterr().err


def test_manifests_tell_what_is_estimated(finished: Path) -> None:
    manifest = Manifest.model_validate_json((finished / "manifest.json").read_bytes())
    assert manifest.light is not None
    assert manifest.light.estimated == ("albedo",)
