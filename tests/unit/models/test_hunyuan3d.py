"""Hunyuan3D: its own library with tiny random weights, the ladder of memory, and what is refused.

Painting needs a GPU and a rasteriser that is built from source: it is not run here.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

from models import registry
from models.assets import hunyuan3d
from models.assets import hunyuan3d_21_worker as worker
from models.assets.generated import finished, projected
from models.assets.hunyuan3d import HunyuanAssets, HunyuanOptions, Rung, ladder
from models.assets.hunyuan3d_21 import Hunyuan21Assets, Hunyuan21Options
from models.base import AssetGenerator, AssetRequest, CompleteRequest
from models.editing.complete_visible import VisiblePart
from models.weights import FOLDER_VARIABLE
from regen3d.errors import (
    ConfigError,
    InvalidMeshError,
    ModelOutputError,
    NotInstalledError,
    OutOfMemoryError,
    WeightsMissingError,
)
from regen3d.types import Mesh
from tests.synthetic.hunyuan import require_hy3dgen, write_checkpoint
from tests.synthetic.room import SyntheticRoom

QUICK = HunyuanOptions(device="cpu", steps=2, octree=16, chunks=2000, texture="projected")


@pytest.fixture(scope="module")
def request_of_chair(synthetic_room: SyntheticRoom) -> AssetRequest:
    view = synthetic_room.view("chair-1")
    return AssetRequest(view=view, completion=VisiblePart().complete([CompleteRequest(view=view)])[0], seed=3)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_hy3dgen()
    folder = tmp_path_factory.mktemp("weights")
    write_checkpoint(folder / "tencent--Hunyuan3D-2" / "hunyuan3d-dit-v2-0")
    write_checkpoint(folder / "tencent--Hunyuan3D-2mini" / "hunyuan3d-dit-v2-mini")
    return folder


@pytest.fixture
def weights(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(checkpoints))
    return checkpoints


@pytest.fixture
def quick(weights: Path) -> Iterator[HunyuanAssets]:
    model = HunyuanAssets(QUICK)
    model.load()
    yield model
    model.close()


def test_the_library_makes_a_shape_of_its_own_for_each_seed(
    quick: HunyuanAssets, request_of_chair: AssetRequest
) -> None:
    first, other = quick.generate([request_of_chair, replace(request_of_chair, seed=4)])
    again = quick.generate([request_of_chair])[0]
    np.testing.assert_array_equal(first.mesh.vertices, again.mesh.vertices)
    assert first.mesh.vertices.shape != other.mesh.vertices.shape or not np.array_equal(
        first.mesh.vertices, other.mesh.vertices
    )
    assert first.kind == "hunyuan3d"
    assert first.scale == "relative"
    assert any("mirrors the front" in note for note in first.notes)
    assert not any("memory" in note for note in first.notes)


@pytest.mark.parametrize("change", [{"cpu_offload": True}, {"size": "mini"}, {"flashvdm": True, "octree": 64}])
def test_ways_with_little_memory_work(weights: Path, request_of_chair: AssetRequest, change: dict[str, object]) -> None:
    model = HunyuanAssets(replace(QUICK, **change))
    model.load()
    asset = model.generate([request_of_chair])[0]
    model.close()
    assert len(asset.mesh.faces) > 50
    assert not any("memory" in note for note in asset.notes)


def test_parts_that_wait_give_the_same_shape(
    quick: HunyuanAssets, weights: Path, request_of_chair: AssetRequest
) -> None:
    waiting = HunyuanAssets(replace(QUICK, cpu_offload=True))
    waiting.load()
    found, expected = waiting.generate([request_of_chair])[0], quick.generate([request_of_chair])[0]
    np.testing.assert_allclose(found.mesh.vertices, expected.mesh.vertices, atol=1e-5)


def test_too_many_faces_are_simplified_and_said(weights: Path, request_of_chair: AssetRequest) -> None:
    model = HunyuanAssets(replace(QUICK, faces=800))
    model.load()
    asset = model.generate([request_of_chair])[0]
    assert len(asset.mesh.faces) <= 800
    assert any("reduced to" in note for note in asset.notes)


def test_a_field_without_surface_is_no_mesh(
    checkpoints: Path, request_of_chair: AssetRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path / "tencent--Hunyuan3D-2" / "hunyuan3d-dit-v2-0", bias=100.0)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    model = HunyuanAssets(QUICK)
    model.load()
    with pytest.raises(InvalidMeshError, match="Hunyuan3D found no surface"):
        model.generate([request_of_chair])


def test_a_field_without_numbers_is_no_mesh(
    checkpoints: Path, request_of_chair: AssetRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path / "tencent--Hunyuan3D-2" / "hunyuan3d-dit-v2-0", bias=float("nan"))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    model = HunyuanAssets(QUICK)
    model.load()
    with pytest.raises(InvalidMeshError):
        model.generate([request_of_chair])


def test_when_memory_runs_out_the_next_rung_is_tried(quick: HunyuanAssets, request_of_chair: AssetRequest) -> None:
    larger = HunyuanAssets(replace(QUICK, chunks=8000))
    larger.load()
    held = larger._held
    assert held is not None
    held[1].vae.geo_decoder.register_forward_pre_hook(_run_out)
    asset, second = larger.generate([request_of_chair, request_of_chair])
    assert asset.notes[0] == "GPU memory ran out: the shape was made by the full model at octree 16."
    assert second.notes[0] == asset.notes[0]
    np.testing.assert_allclose(asset.mesh.vertices, quick.generate([request_of_chair])[0].mesh.vertices, atol=1e-5)


def test_weights_that_memory_does_not_hold_go_down_the_ladder_too(
    weights: Path, request_of_chair: AssetRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, tried = hunyuan3d._shape_pipeline, []

    def fits_the_second_time(rung: Rung, *rest: Any) -> object:
        tried.append(rung)
        return _run_out() if len(tried) == 1 else read(rung, *rest)

    monkeypatch.setattr(hunyuan3d, "_shape_pipeline", fits_the_second_time)
    model = HunyuanAssets(replace(QUICK, chunks=8000))
    asset = model.generate([request_of_chair])[0]
    assert [rung.chunks for rung in tried] == [8000, 4000]
    assert asset.notes[0] == "GPU memory ran out: the shape was made by the full model at octree 16."


def test_below_the_last_rung_there_is_an_error(quick: HunyuanAssets, request_of_chair: AssetRequest) -> None:
    from hy3dgen.shapegen.models.autoencoders.attention_blocks import CrossAttentionDecoder

    def decoder_runs_out(module: torch.nn.Module, _: object) -> None:
        if isinstance(module, CrossAttentionDecoder):
            _run_out()

    hook = torch.nn.modules.module.register_module_forward_pre_hook(decoder_runs_out)
    try:
        with pytest.raises(OutOfMemoryError, match=r"by the mini model at octree 16\. It ran out even so"):
            quick.generate([request_of_chair])
    finally:
        hook.remove()


def _run_out(*_: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_the_ladder_goes_from_what_was_asked_to_what_needs_least() -> None:
    asked = HunyuanOptions()
    full = Rung(size="full", offload=False, octree=384, chunks=8000)
    assert ladder(asked, on_gpu=True, has_mini=True) == (
        full,
        replace(full, offload=True),
        replace(full, offload=True, octree=192, chunks=4000),
        replace(full, offload=True, octree=192, chunks=4000, size="mini"),
    )
    least = HunyuanOptions(size="mini", cpu_offload=True, octree=128, chunks=2000)
    assert len(ladder(least, on_gpu=True, has_mini=True)) == 1


def test_painting_needs_a_gpu(weights: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("a GPU is here")
    with pytest.raises((ConfigError, NotInstalledError), match="texture=projected"):
        HunyuanAssets(HunyuanOptions(device="cpu")).load()


def test_missing_weights_are_named_with_the_command(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissingError, match="regen3d models fetch hunyuan3d"):
        HunyuanAssets(QUICK).load()


def test_without_the_package_the_message_says_how_to_install_it() -> None:
    adapter = registry.find("generate", "hunyuan3d")
    assert isinstance(HunyuanAssets(), AssetGenerator)
    if not adapter.missing:
        pytest.skip("hy3dgen is installed here")
    with pytest.raises(NotInstalledError, match=r"hy3dgen.*pip install --no-deps hy3dgen==2.0.2"):
        registry.construct(adapter)


def cube() -> tuple[np.ndarray, np.ndarray]:
    """A cube of side 2 somewhere."""
    corners = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([[q[a], q[b], q[c]] for q in quads for a, b, c in ((0, 1, 2), (0, 2, 3))])
    return corners + np.array([3.0, -2.0, 1.0]), faces


def picture_of_halves() -> np.ndarray:
    """Red on the left, blue on the right, grass behind."""
    picture = np.zeros((80, 60, 4), dtype=np.uint8)
    picture[..., 1] = 255
    picture[20:60, 10:50, 3] = 255
    picture[20:60, 10:30, :3] = (255, 0, 0)
    picture[20:60, 30:50, :3] = (0, 0, 255)
    return picture


def test_colours_come_from_the_front_and_the_object_stands() -> None:
    vertices, faces = cube()
    mesh = projected(vertices, faces, picture_of_halves())
    assert mesh.texture.shape == (40, 40, 3)
    left = mesh.uv[vertices[:, 0] < 3.0]
    assert (left[:, 0] == 0).all()
    assert mesh.texture[20, 0].tolist() == [255, 0, 0]
    asset = finished(mesh, kind="cube", budget=100, seed=0)
    np.testing.assert_allclose(asset.mesh.vertices.min(axis=0), [-1.0, 0.0, -1.0])
    np.testing.assert_allclose(asset.mesh.vertices.max(axis=0), [1.0, 2.0, 1.0])
    assert asset.notes == ()


def test_materials_are_kept() -> None:
    mesh = replace(projected(*cube(), picture_of_halves()), roughness=0.31, metallic=0.87)
    asset = finished(mesh, kind="cube", budget=8, seed=0)
    assert (asset.mesh.roughness, asset.mesh.metallic) == (0.31, 0.87)


def test_a_mesh_of_a_million_faces_comes_down_to_its_budget() -> None:
    ball = trimesh.creation.icosphere(subdivisions=8)
    assert len(ball.faces) > 1_000_000
    asset = finished(projected(ball.vertices, ball.faces, picture_of_halves()), kind="ball", budget=5000, seed=0)
    assert 1000 < len(asset.mesh.faces) <= 5000
    np.testing.assert_allclose(np.ptp(asset.mesh.vertices, axis=0), 2.0, atol=0.02)
    assert any("reduced to" in note for note in asset.notes)


@pytest.mark.parametrize(
    ("vertices", "sentence"),
    [
        (np.full((3, 3), np.nan), "not finite"),
        (np.zeros((3, 3)), "a line or a point"),
        (np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]) * [1, 0, 0], "a line or a point"),
        (np.zeros((0, 3)), "no surface"),
    ],
)
def test_meshes_that_cannot_be_used_are_refused(vertices: np.ndarray, sentence: str) -> None:
    faces = np.array([[0, 1, 2]])[: len(vertices)]
    with pytest.raises(InvalidMeshError, match=sentence):
        projected(vertices, faces, picture_of_halves())
    empty = Mesh(vertices=vertices, faces=faces, uv=vertices[:, :2], texture=np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(InvalidMeshError, match=sentence):
        finished(empty, kind="x", budget=10, seed=0)


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidMeshError, match="shows nothing"):
        projected(*cube(), np.zeros((8, 8, 4), dtype=np.uint8))


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hunyuan21Options:
    """A folder that looks like a clone of Hunyuan3D-2.1 without its packages, and this Python."""
    (tmp_path / "weights" / "tencent--Hunyuan3D-2.1").mkdir(parents=True)
    (tmp_path / "clone" / "hy3dshape").mkdir(parents=True)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "weights"))
    return Hunyuan21Options(source=str(tmp_path / "clone"), python=sys.executable)


def test_without_its_environment_2_1_is_refused_with_the_way_to_it() -> None:
    model = Hunyuan21Assets()
    assert isinstance(model, AssetGenerator)
    assert model.generate([]) == []
    with pytest.raises(NotInstalledError, match=r"environment of its own.*requirements.txt.*generate.source=FOLDER"):
        model.load()


def test_what_the_process_of_2_1_lacks_is_said(clone: Hunyuan21Options, request_of_chair: AssetRequest) -> None:
    model = Hunyuan21Assets(clone)
    model.load()
    with pytest.raises(NotInstalledError, match=r"not complete .*hy3dshape"):
        model.generate([request_of_chair])


@pytest.mark.parametrize(
    ("script", "kind", "sentence"),
    [
        (f"import sys; sys.stderr.write('CUDA out'); sys.exit({worker.OUT_OF_MEMORY})", OutOfMemoryError, "CUDA out"),
        (f"import sys; sys.stderr.write('no file'); sys.exit({worker.NO_WEIGHTS})", WeightsMissingError, "no file"),
        ("raise RuntimeError('boom')", ModelOutputError, "broke off with code 1: RuntimeError: boom"),
        ("import time; time.sleep(9)", ModelOutputError, "took longer than 2 s"),
    ],
)
def test_ends_of_the_process_have_their_errors(
    clone: Hunyuan21Options, request_of_chair: AssetRequest, script: str, kind: type, sentence: str
) -> None:
    """The clone's package is a file that ends the process as the real one might."""
    Path(clone.source, "hy3dshape", "hy3dshape").mkdir()
    Path(clone.source, "hy3dshape", "hy3dshape", "__init__.py").write_text(script, encoding="utf-8")
    model = Hunyuan21Assets(replace(clone, timeout_s=2.0 if "sleep" in script else 60.0))
    model.load()
    with pytest.raises(kind, match=sentence):
        model.generate([request_of_chair])


def test_the_job_holds_all_that_the_process_needs(clone: Hunyuan21Options, request_of_chair: AssetRequest) -> None:
    record = "import sys, json, shutil; shutil.copy(sys.argv[1], 'job.json'); sys.exit(1)"
    Path(clone.source, "hy3dshape", "hy3dshape").mkdir()
    Path(clone.source, "hy3dshape", "hy3dshape", "__init__.py").write_text(record, encoding="utf-8")
    model = Hunyuan21Assets(replace(clone, steps=7))
    model.load()
    with pytest.raises(ModelOutputError):
        model.generate([request_of_chair])
    job = json.loads(Path(clone.source, "job.json").read_text(encoding="utf-8"))
    assert job["seeds"] == [3]
    assert job["options"]["steps"] == 7
    assert Path(job["weights"]).name == "tencent--Hunyuan3D-2.1"
