"""Open image models: the real pipelines of diffusers with tiny random weights, and every way in which they fail."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.base import CompleteRequest, CompletionEditor, PlateEditor
from models.editing import diffusion
from models.editing.diffusion import DiffusionEditor, DiffusionOptions, DiffusionPainter, asked_wh
from models.registry import FLUX2_KLEIN
from models.weights import FOLDER_VARIABLE
from regen3d.errors import ModelOutputError, OutOfMemoryError, WeightsMissingError
from regen3d.types import Rgb
from tests.synthetic.beside import require_beside
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.tiny_editors import write_klein

QUICK = DiffusionOptions(device="cpu", steps=1, megapixels=0.01, tries=1)
WIDTH, HEIGHT = 1184, 888


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("weights")
    write_klein(root)
    return root


@pytest.fixture
def weights(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(FOLDER_VARIABLE, str(checkpoint))
    return checkpoint


@pytest.fixture
def query() -> Rgb:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def test_answers_have_the_size_of_the_question_and_depend_on_the_seed(weights: Path, query: Rgb) -> None:
    painter = DiffusionPainter(replace(QUICK, steps=2))
    first, again, other = (painter.paint(query, "a chair", "4:3", seed) for seed in (1, 1, 2))
    assert first.shape == query.shape
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_it_is_asked_with_sides_that_it_can_take() -> None:
    assert asked_wh((1184, 888), 1.0) == (1184, 896)
    assert asked_wh((480, 360), 1.0) == (480, 352)
    width, height = asked_wh((1184, 888), 0.25)
    assert width * height == pytest.approx(0.25 * 1024 * 1024, rel=0.05)
    assert asked_wh((4000, 30), 0.001) == (384, 32)


def test_qwen_answers_through_the_same_door(tmp_path: Path) -> None:
    require_beside("torchvision")
    command = [sys.executable, "-m", "tests.synthetic.paint_with_qwen", str(tmp_path)]
    root = Path(__file__).parents[3]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, again = np.load(tmp_path / "answers.npy")
    assert first.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(first, again)


def test_numbers_that_are_none_are_refused_and_the_object_completed_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synthetic_room: SyntheticRoom
) -> None:
    write_klein(tmp_path, spoil="numbers")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ModelOutputError, match=r"FLUX\.2 klein painted values that are not finite"):
        DiffusionPainter(QUICK).paint(np.zeros((64, 64, 3), np.uint8), "a chair", "1:1", 0)
    editor = DiffusionEditor(QUICK)
    made = editor.complete([CompleteRequest(view=synthetic_room.view("vase-1"))])[0]
    editor.close()
    assert "completed without it" in made.notes[0]
    assert "not finite" in made.notes[1]


def test_missing_weights_are_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissingError, match=r"klein-4B at e7b7dc.*regen3d models fetch diffusion"):
        DiffusionEditor().load()
    with pytest.raises(WeightsMissingError, match="hf download Qwen/Qwen-Image-Edit-2511 --revision 6f3ccc"):
        DiffusionEditor(DiffusionOptions(model="qwen-image-edit")).load()


def test_a_file_that_was_cut_short_is_a_damaged_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_klein(tmp_path, spoil="files")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsMissingError, match=f"cannot be read from {FLUX2_KLEIN.folder_name}.*fetch it again"):
        DiffusionEditor(QUICK).load()


def test_when_memory_runs_out_more_waits_on_the_cpu(weights: Path, query: Rgb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of the ladder; that parts really move between devices can be seen on a GPU only."""
    painter = DiffusionPainter(QUICK)
    read: list[str] = []

    def runs_out(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def again() -> object:
        read.append(painter._offload)
        return made

    made = painter._pipeline
    hook = made.transformer.register_forward_pre_hook(runs_out)
    monkeypatch.setattr(painter, "_device", torch.device("cuda"))
    monkeypatch.setattr(painter, "_read", again)
    with pytest.raises(OutOfMemoryError, match="even with offload=layers"):
        painter.paint(query, "a chair", "4:3", 0)
    assert read == ["parts", "layers"]
    hook.remove()
    assert painter.paint(query, "a chair", "4:3", 0).shape == query.shape


def test_weights_that_memory_does_not_hold_wait_on_the_cpu_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def too_large(painter: DiffusionPainter) -> object:
        read.append(painter._offload)
        if painter._offload != "parts":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return "pipeline"

    monkeypatch.setattr(diffusion, "device_of", lambda _: torch.device("cuda"))
    monkeypatch.setattr(DiffusionPainter, "_read", too_large)
    assert DiffusionPainter(QUICK)._pipeline == "pipeline"
    assert read == ["none", "parts"]


def test_on_a_cpu_there_is_nowhere_to_wait(weights: Path, query: Rgb) -> None:
    painter = DiffusionPainter(QUICK)

    def runs_out(*_: object) -> None:
        raise torch.OutOfMemoryError("not enough")

    painter._pipeline.vae.register_forward_pre_hook(runs_out)
    painter._pipeline.transformer.register_forward_pre_hook(runs_out)
    with pytest.raises(OutOfMemoryError, match="even with offload=none"):
        painter.paint(query, "a chair", "4:3", 0)


def test_it_is_an_editor_of_both_kinds() -> None:
    editor = DiffusionEditor()
    assert isinstance(editor, CompletionEditor)
    assert isinstance(editor, PlateEditor)
    assert editor.complete([]) == editor.empty_room([]) == []
    assert set(diffusion.FAMILIES) == {"flux2-klein", "qwen-image-edit"}
