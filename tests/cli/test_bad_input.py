"""Whatever a user gives that cannot be used: one sentence, exit code 2, nothing written, no traceback."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d.cli import main

Case = tuple[str, Callable[[Path], list[str]], str]


def _picture(folder: Path, wh: tuple[int, int] = (160, 120)) -> str:
    path = folder / "room.png"
    pixels = np.random.default_rng(0).integers(0, 255, (wh[1], wh[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return str(path)


def _file(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def _json(folder: Path, name: str, content: object) -> str:
    return _file(folder, name, json.dumps(content).encode())


def _truncated(folder: Path) -> list[str]:
    content = Path(_picture(folder)).read_bytes()
    return [_file(folder, "half.png", content[: len(content) // 2])]


def _mask_of_wrong_size(folder: Path) -> list[str]:
    (folder / "masks").mkdir()
    Image.fromarray(np.full((30, 40), 255, dtype=np.uint8)).save(folder / "masks/chair-1.png")
    return [_picture(folder), "--masks", str(folder / "masks")]


def _plate_of_wrong_size(folder: Path) -> list[str]:
    Image.new("RGB", (100, 100)).save(folder / "plate.png")
    return [_picture(folder), "--plate", str(folder / "plate.png")]


_CAMERA = {"K": [[120, 0, 80], [0, 120, 60], [0, 0, 1]], "width": 160, "height": 120, "height_m": 1.6}

CASES: list[Case] = [
    ("missing picture", lambda d: [str(d / "no.png")], "no.png"),
    ("a folder", lambda d: [str(d)], "folder"),
    ("an empty file", lambda d: [_file(d, "empty.png", b"")], "empty"),
    ("no picture", lambda d: [_file(d, "text.png", b"this is no picture at all")], "text.png"),
    ("a truncated picture", _truncated, "half.png"),
    ("under 64 pixels", lambda d: [_picture(d, (60, 120))], "60"),
    ("an extreme shape", lambda d: [_picture(d, (1200, 80))], "1200"),
    ("an unknown profile", lambda d: [_picture(d), "--profile", "magic"], "embedded"),
    ("an unknown adapter", lambda d: [_picture(d), "--set", "segment=magic"], "magic"),
    ("an unknown stage", lambda d: [_picture(d), "--set", "fly=embedded"], "fly"),
    ("a malformed --set", lambda d: [_picture(d), "--set", "segment"], "STAGE=NAME"),
    ("a stage set twice", lambda d: [_picture(d), "--set", "plate=embedded", "--set", "plate=embedded"], "twice"),
    ("a malformed option", lambda d: [_picture(d), "--option", "steps=30"], "STAGE.OPTION=VALUE"),
    ("an option given twice", lambda d: [_picture(d), *2 * ["--option", "plate.a=1"]], "twice"),
    ("an unknown option", lambda d: [_picture(d), "--option", "generate.steps=30"], "no option 'steps'"),
    ("an option of no stage", lambda d: [_picture(d), "--option", "fly.high=1"], "fly"),
    ("an unknown store", lambda d: [_picture(d), "--store", "gopher://x"], "gopher://x"),
    ("a store without bucket", lambda d: [_picture(d), "--store", "s3://"], "bucket"),
    ("boxes that are no JSON", lambda d: [_picture(d), "--boxes", _file(d, "boxes.json", b"{")], "boxes.json"),
    (
        "a box outside",
        lambda d: [_picture(d), "--boxes", _json(d, "b.json", [{"label": "chair", "box": [900, 900, 950, 950]}])],
        "b.json",
    ),
    ("no masks", lambda d: [_picture(d), "--masks", str(d / "nowhere")], "nowhere"),
    ("a mask of the wrong size", _mask_of_wrong_size, "chair-1"),
    ("a plate of the wrong size", _plate_of_wrong_size, "plate.png"),
    ("a camera without K", lambda d: [_picture(d), "--camera", _json(d, "c.json", {"width": 160})], "c.json"),
    ("a malformed --mesh", lambda d: [_picture(d), "--mesh", "chair-1"], "NAME=FILE"),
    (
        "a mesh that is none",
        lambda d: [_picture(d), "--mesh", f"chair-1={_file(d, 'm.glb', b'glTF rubbish')}"],
        "m.glb",
    ),
    ("a malformed --scale", lambda d: [_picture(d), "--scale", "table-1=0.74"], "NAME:DIMENSION=METRES"),
    ("a scale in centimetres", lambda d: [_picture(d), "--scale", "table-1:height=74"], "0.05 to 10"),
    (
        "a scale beside a height",
        lambda d: [_picture(d), "--scale", "table-1:height=0.74", "--camera", _json(d, "c.json", _CAMERA)],
        "height_m",
    ),
    (
        "a mark of two kinds",
        lambda d: [_picture(d), "--boxes", _json(d, "b.json", [{"label": "chair", "box": [0, 0, 9, 9], "points": []}])],
        "b.json",
    ),
    ("labels beside boxes", lambda d: [_picture(d), "--labels", "chair", "--boxes", "b.json"], "--labels"),
    ("a store below a file", lambda d: [_picture(d), "--store", f"{_file(d, 'f', b'x')}/store"], "is a file"),
    ("empty labels", lambda d: [_picture(d), "--labels", " , "], "label"),
]


def _run(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> int:
    monkeypatch.setattr(sys, "argv", ["regen3d", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    return int(exit_.value.code or 0)


@pytest.mark.parametrize(("name", "arguments", "found"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_is_one_sentence_and_exit_code_2(
    name: str,
    arguments: Callable[[Path], list[str]],
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "given").mkdir()
    out = tmp_path / "out"
    code = _run(monkeypatch, ["run", *arguments(tmp_path / "given"), "--out", str(out)])
    said = capsys.readouterr().err.strip()
    assert code == 2, said
    assert said.startswith("regen3d: ")
    assert found in said
    assert "\n" not in said
    assert "Traceback" not in said
    assert not out.exists()


def test_out_that_is_a_file_is_refused_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = _file(tmp_path, "precious.txt", b"mine")
    assert _run(monkeypatch, ["run", _picture(tmp_path), "--out", mine]) == 2
    assert "precious.txt" in capsys.readouterr().err
    assert Path(mine).read_bytes() == b"mine"


def test_a_foreign_manifest_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    mine = _file(tmp_path / "out", "manifest.json", b'{"name": "a web application"}')
    assert _run(monkeypatch, ["run", _picture(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "manifest.json" in capsys.readouterr().err
    assert Path(mine).read_bytes() == b'{"name": "a web application"}'


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["align", "--manifest", "nowhere.json"], "nowhere.json"),
        (["fly", "--manifest", "M"], "manifest"),
    ],
)
def test_stage_refuses_what_is_no_manifest(
    arguments: list[str],
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rubbish = _file(tmp_path, "manifest.json", b'{"schema_version": 7}')
    code = _run(monkeypatch, ["stage", *(rubbish if part == "M" else part for part in arguments)])
    said = capsys.readouterr().err.strip()
    assert code == 2
    assert found in said
    assert "\n" not in said


def test_a_farm_offers_no_task_runner_that_its_workers_would_not_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["submit", _picture(tmp_path), "--out", str(tmp_path / "o"), "--execution", "ray-tasks"]
    assert _run(monkeypatch, given) == 2
    assert "--execution takes local or ray, found 'ray-tasks'" in capsys.readouterr().err


def test_an_unknown_option_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert _run(monkeypatch, ["run", _picture(tmp_path), "--out", str(tmp_path / "o"), "--colour", "red"]) == 2
