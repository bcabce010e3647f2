"""SAM 3 on a tiny checkpoint with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from models.base import BoxPrompt, SegmentRequest
from models.registry import SAM3
from models.segmentation.concepts import Sam3, prepare
from models.segmentation.sam3 import Sam3Options, Sam3Segmenter, box_iou
from models.weights import FOLDER_VARIABLE
from regen3d.errors import ModelOutputError, WeightsMissingError
from regen3d.types import Rgb
from tests.synthetic.tiny_models import write_sam3

BOXES = st.tuples(*[st.floats(0, 100)] * 4).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return write_sam3(tmp_path)


@pytest.fixture
def image(rng: np.random.Generator) -> Rgb:
    return rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)


def test_one_answer_a_phrase_with_masks_of_the_pictures_size(folder: Path, image: Rgb) -> None:
    answers = Sam3(folder, torch.device("cpu")).find(image, ("chair", "floor lamp", "a phrase longer " * 9), 0.0)
    assert [len(answer) for answer in answers] == [10, 10, 10]
    for seen in answers[0]:
        assert seen.mask.shape == image.shape[:2]
        assert 0.0 <= seen.score <= 1.0


def test_a_higher_threshold_finds_a_part_of_the_same(folder: Path, image: Rgb) -> None:
    model = Sam3(folder, torch.device("cpu"))
    every = model.find(image, ("chair",), 0.0)[0]
    middle = float(np.median([seen.score for seen in every]))
    kept = model.find(image, ("chair",), middle)[0]
    assert [seen.score for seen in kept] == [seen.score for seen in every if seen.score > middle]


def test_the_picture_is_prepared_as_it_was_in_training(image: Rgb) -> None:
    flat = np.broadcast_to(np.array([255, 0, 128], dtype=np.uint8), image.shape)
    prepared = prepare(np.ascontiguousarray(flat), 28)
    assert prepared.shape == (1, 3, 28, 28)
    assert prepared[0, :, 5, 5] == pytest.approx([1.0, -1.0, 128 / 127.5 - 1.0], abs=1e-6)


def test_guards_hold(folder: Path, image: Rgb) -> None:
    model = Sam3Segmenter(Sam3Options(device="cpu", threshold=0.0, max_objects=2))
    model.load()
    answer = model.segment([SegmentRequest(image=image, labels=("chair", "table", "vase"))])[0]
    assert 1 <= len(answer.instances) <= 2


def test_a_box_without_a_match_is_its_own_mask(folder: Path, image: Rgb) -> None:
    model = Sam3Segmenter(Sam3Options(device="cpu"))
    model.load()
    answer = model.segment([SegmentRequest(image=image, boxes=(BoxPrompt(label="cup", box=(3.0, 3.0, 6.0, 6.0)),))])[0]
    assert answer.instances[0].box == (3, 3, 6, 6)
    assert any("the mark is its mask" in note for note in answer.notes)


def test_nothing_above_the_threshold_is_no_error(folder: Path, image: Rgb) -> None:
    model = Sam3Segmenter(Sam3Options(device="cpu", threshold=1.0))
    model.load()
    assert model.segment([SegmentRequest(image=image)])[0].instances == ()


def test_missing_weights_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsMissingError, match="regen3d models fetch sam3"):
        Sam3Segmenter().load()


def test_a_missing_tokenizer_is_said(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsMissingError, match="tokenizer"):
        Sam3Segmenter(Sam3Options(device="cpu")).load()


def test_values_that_are_not_finite_are_refused(folder: Path, image: Rgb) -> None:
    file = folder / "model.safetensors"
    save_file({name: t * torch.nan for name, t in load_file(file).items()}, file, metadata={"format": "pt"})
    model = Sam3Segmenter(Sam3Options(device="cpu"))
    model.load()
    with pytest.raises(ModelOutputError, match="SAM 3 answered"):
        model.segment([SegmentRequest(image=image)])
    assert SAM3.folder_name == folder.name


@given(BOXES, BOXES)
def test_box_iou_is_symmetric_and_a_share(one: tuple, other: tuple) -> None:
    assert box_iou(one, other) == pytest.approx(box_iou(other, one))
    assert 0.0 <= box_iou(one, other) <= 1.0 + 1e-9


def test_box_iou_of_halves() -> None:
    assert box_iou((0.0, 0.0, 10.0, 10.0), (5.0, 0.0, 10.0, 10.0)) == pytest.approx(0.5)
