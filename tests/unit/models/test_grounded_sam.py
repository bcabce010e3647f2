"""GroundingDINO and SAM: prompts, masks, guards, and the adapter on tiny checkpoints with random weights."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import SamModel

from models.base import BoxPrompt, SegmentRequest
from models.registry import GROUNDING_DINO, SAM, construct, find
from models.segmentation.candidates import Candidate, make_disjoint, merge_parts, suppress, tidy_mask
from models.segmentation.checkpoints import in_chunks
from models.segmentation.grounded_sam import GroundedSam, GroundedSamOptions
from models.segmentation.guards import Guards, settle, settle_marked
from models.segmentation.prompts import Proposal, Query, chunk_labels, match_label, query_of, write_prompt
from models.segmentation.sam import Sam, most_trusted
from models.weights import FOLDER_VARIABLE
from regen3d.errors import ConfigError, ModelOutputError, OutOfMemoryError, WeightsMissingError
from regen3d.types import Mask, Rgb
from tests.synthetic.tiny_models import write_grounding_dino, write_sam

HW = (40, 60)
WORDS = st.text(st.characters(categories=("Ll",)), min_size=1, max_size=8)
LABELS = st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=12, unique=True)


def rectangle(x0: int, y0: int, x1: int, y1: int) -> Mask:
    mask = np.zeros(HW, dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def candidate(label: str, score: float, mask: Mask) -> Candidate:
    return Candidate(label=label, score=score, mask=mask, centre=(0.0, 0.0))


@st.composite
def crowds(draw: st.DrawFn) -> list[Candidate]:
    """Up to eight overlapping rectangles with three labels."""
    crowd = []
    for _ in range(draw(st.integers(0, 8))):
        x0, y0 = draw(st.integers(0, 50)), draw(st.integers(0, 30))
        width, height = draw(st.integers(1, 40)), draw(st.integers(1, 30))
        label = draw(st.sampled_from(["chair", "table", "vase"]))
        crowd.append(candidate(label, draw(st.floats(0, 1)), rectangle(x0, y0, x0 + width, y0 + height)))
    return crowd


def union(crowd: Sequence[Candidate]) -> Mask:
    return np.any([item.mask for item in crowd], axis=0) if crowd else np.zeros(HW, dtype=bool)


def query(*objects: str, asked: bool = False) -> Query:
    return query_of(Proposal(labels=objects, asked=asked))


class TestPrompts:
    def test_labels_are_lower_case_and_end_with_full_stops(self) -> None:
        assert write_prompt(("Coffee  Table", "chair")) == "coffee table. chair."

    @given(LABELS, st.integers(4, 60))
    def test_chunks_keep_all_labels_in_order_and_fit(self, labels: list[str], limit: int) -> None:
        chunks = chunk_labels(labels, len, limit)
        assert [label for chunk in chunks for label in chunk] == labels
        assert all(len(write_prompt(chunk)) <= limit or len(chunk) == 1 for chunk in chunks)

    @given(LABELS)
    def test_every_label_is_found_in_its_own_words(self, labels: list[str]) -> None:
        for label in labels:
            matched = match_label(label, labels)
            assert matched is not None
            assert set(matched.split()) <= set(label.split())

    @pytest.mark.parametrize(
        ("phrase", "label"),
        [
            ("coffee table", "coffee table"),
            ("table", "table"),
            ("coffee", "coffee table"),
            ("floor lamp", "floor lamp"),
            ("floor", "floor"),
            ("chair table", "chair"),
            ("", None),
            ("piano", None),
        ],
    )
    def test_phrases_mean_labels_by_whole_words(self, phrase: str, label: str | None) -> None:
        assert match_label(phrase, ("floor lamp", "floor", "chair", "coffee table", "table")) == label

    def test_sides_of_the_room_are_known_by_their_exact_word(self) -> None:
        asked = query("Floor", "floor lamp", "wall clock", "window", "chair", "chair")
        assert asked.objects == ("floor lamp", "wall clock", "window", "chair")
        assert set(asked.room) == {"floor", "wall", "ceiling", "door"}
        assert any("floor is a side" in note for note in asked.notes)

    def test_a_full_stop_ends_no_label(self) -> None:
        assert query("t.v. stand").objects == ("t v stand",)


class TestMasks:
    @given(crowds())
    def test_sharing_keeps_the_union_and_the_order_and_leaves_no_overlap(self, crowd: list[Candidate]) -> None:
        shared = make_disjoint(crowd)
        assert [item.label for item in shared] == [item.label for item in crowd]
        assert np.sum([item.mask for item in shared], axis=0).max(initial=0) <= 1
        assert np.array_equal(union(shared), union(crowd))

    def test_what_lies_on_another_keeps_its_pixels(self) -> None:
        table, vase = (
            candidate("table", 0.9, rectangle(5, 10, 50, 35)),
            candidate("vase", 0.3, rectangle(20, 12, 26, 20)),
        )
        shared = make_disjoint([table, vase])
        assert np.array_equal(shared[1].mask, vase.mask)
        assert not (shared[0].mask & vase.mask).any()

    def test_elsewhere_the_more_certain_wins(self) -> None:
        left, right = (
            candidate("chair", 0.4, rectangle(0, 0, 30, 30)),
            candidate("table", 0.8, rectangle(20, 0, 50, 30)),
        )
        assert make_disjoint([left, right])[0].area == 20 * 30

    @given(crowds(), st.randoms())
    def test_suppression_is_idempotent_and_blind_to_order(self, crowd: list[Candidate], random: Random) -> None:
        kept = suppress(crowd, 0.5, 0.8)
        assert [id(item) for item in suppress(kept, 0.5, 0.8)] == [id(item) for item in kept]
        shuffled = list(crowd)
        random.shuffle(shuffled)
        again = suppress(shuffled, 0.5, 0.8)
        assert [(i.label, i.score, i.area) for i in again] == [(i.label, i.score, i.area) for i in kept]

    @given(crowds())
    def test_no_two_of_one_label_show_one_thing(self, crowd: list[Candidate]) -> None:
        kept = suppress(crowd, 0.5, 0.8)
        for one in kept:
            for other in kept:
                iou = (one.mask & other.mask).sum() / (one.mask | other.mask).sum()
                assert one is other or iou <= (0.5 if one.label == other.label else 0.8)

    def test_one_thing_under_two_labels_is_kept_once_and_two_in_one_box_twice(self) -> None:
        box = rectangle(10, 10, 40, 30)
        same = [candidate("chair", 0.6, box), candidate("sofa", 0.7, box)]
        assert [item.label for item in suppress(same, 0.5, 0.8)] == ["sofa"]
        crossed = box & np.tri(*HW, k=0, dtype=bool)
        other = box & ~crossed
        assert len(suppress([candidate("chair", 0.6, crossed), candidate("lamp", 0.7, other)], 0.5, 0.8)) == 2

    def test_tiny_parts_go_to_their_object_and_crumbs_go(self) -> None:
        chair = candidate("chair", 0.5, rectangle(5, 5, 30, 30))
        knob, crumb = (
            candidate("book", 0.9, rectangle(10, 10, 12, 12)),
            candidate("cup", 0.9, rectangle(50, 30, 52, 32)),
        )
        kept = merge_parts([crumb, knob, chair], least=10.0)
        assert [(item.label, item.area) for item in kept] == [("chair", 25 * 25)]

    @given(crowds())
    def test_merging_never_adds_a_pixel_and_leaves_nothing_tiny(self, crowd: list[Candidate]) -> None:
        kept = merge_parts(crowd, least=30.0)
        assert not (union(kept) & ~union(crowd)).any()
        assert all(item.area >= 30 for item in kept)

    def test_specks_and_pinholes_go_and_windows_stay(self) -> None:
        mask = rectangle(5, 5, 45, 35)
        mask[38, 58] = True
        mask[10, 10] = False
        mask[15:25, 15:30] = False
        tidied = tidy_mask(mask)
        assert not tidied[38, 58]
        assert tidied[10, 10]
        assert not tidied[15:25, 15:30].any()


class TestGuards:
    def test_too_many_objects_leave_the_most_certain(self) -> None:
        found = [candidate("chair", 0.1 * (n + 1), rectangle(10 * n, 5, 10 * n + 8, 30)) for n in range(5)]
        answer = settle(found, query("chair"), HW, Guards(max_objects=2))
        assert sorted(item.score for item in answer.instances) == pytest.approx([0.4, 0.5])
        assert any("5 objects were found" in note for note in answer.notes)

    def test_floor_is_handed_on_without_objects_and_walls_are_no_objects(self) -> None:
        floor, chair = rectangle(0, 20, 60, 40), rectangle(20, 10, 40, 35)
        found = [candidate("floor", 0.5, floor), candidate("chair", 0.6, chair), candidate("wall", 0.9, ~floor)]
        answer = settle(found, query("chair"), HW, Guards())
        assert [item.name for item in answer.instances] == ["chair-1"]
        assert answer.floor is not None
        assert np.array_equal(answer.floor, floor & ~chair)

    def test_a_wall_seen_as_a_cabinet_stays_a_wall(self) -> None:
        wall = rectangle(0, 0, 40, 20)
        answer = settle([candidate("wall", 0.6, wall), candidate("cabinet", 0.5, wall)], query("cabinet"), HW, Guards())
        assert answer.instances == ()

    def test_windows_are_objects_where_asked_for(self) -> None:
        found = [candidate("window", 0.6, rectangle(5, 5, 20, 20))]
        assert settle(found, query("chair"), HW, Guards()).instances == ()
        assert [item.name for item in settle(found, query("window"), HW, Guards()).instances] == ["window-1"]

    def test_the_whole_picture_is_no_object(self) -> None:
        found = [candidate("bed", 0.9, np.ones(HW, dtype=bool))]
        assert settle(found, query("bed"), HW, Guards()).instances == ()

    def test_an_empty_scene_is_no_error(self) -> None:
        answer = settle([], query("chair", asked=True), HW, Guards())
        assert (answer.instances, answer.floor) == ((), None)
        assert answer.notes == ("Looked for and not found: chair.",)

    @settings(max_examples=50)
    @given(crowds(), st.integers(0, 4))
    def test_whatever_comes_obeys_the_guards(self, crowd: list[Candidate], most: int) -> None:
        answer = settle(crowd, query("chair", "vase"), HW, Guards(max_objects=most, min_area=0.01))
        assert len(answer.instances) <= most
        assert all(item.mask.sum() >= 24 and item.label != "table" for item in answer.instances)
        assert np.sum([item.mask for item in answer.instances], axis=0).max(initial=0) <= 1

    def test_masks_of_boxes_stay_near_them_and_an_empty_one_is_the_box(self) -> None:
        prompts = (
            BoxPrompt(label="chair", box=(10.0, 10.0, 30.0, 30.0)),
            BoxPrompt(label="cup", box=(40.0, 5.0, 50.0, 15.0)),
        )
        masks = [candidate("chair", 1.0, np.ones(HW, dtype=bool)), candidate("cup", 1.0, np.zeros(HW, dtype=bool))]
        answer = settle_marked(prompts, masks)
        assert [item.box for item in answer.instances] == [(9, 9, 31, 31), (40, 5, 50, 15)]
        assert any("the mark is its mask" in note for note in answer.notes)


class TestMemory:
    def test_chunks_halve_until_they_fit(self) -> None:
        sizes = []

        def work(items: Sequence[int]) -> list[int]:
            sizes.append(len(items))
            if len(items) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return [item * 2 for item in items]

        assert in_chunks(list(range(8)), 8, work) == [2 * n for n in range(8)]
        assert sizes == [8, 4, 2, 2, 2, 2]

    def test_one_that_does_not_fit_is_said(self) -> None:
        def work(items: Sequence[int]) -> list[int]:
            raise torch.OutOfMemoryError("CUDA out of memory")

        with pytest.raises(OutOfMemoryError, match="single prompt"):
            in_chunks([1, 2], 2, work)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("weights")
    write_grounding_dino(root)
    write_sam(root)
    return root


@pytest.fixture
def weights(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(checkpoints))
    return checkpoints


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Checkpoints of a test's own, to be broken."""
    write_grounding_dino(tmp_path)
    write_sam(tmp_path)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def image(rng: np.random.Generator) -> Rgb:
    return rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)


def everything(max_objects: int = 24) -> GroundedSam:
    """Thresholds at which random weights find something."""
    options = GroundedSamOptions(device="cpu", box_threshold=0.0, text_threshold=0.0, max_objects=max_objects)
    return GroundedSam(options)


class TestAdapter:
    def test_the_registry_makes_it_with_options(self, weights: Path) -> None:
        made = construct(find("segment", "grounded-sam"), {"max_objects": "3", "detector": "tiny"})
        assert isinstance(made, GroundedSam)
        assert made._options == GroundedSamOptions(max_objects=3, detector="tiny")

    def test_boxes_become_masks_become_instances_within_the_guards(self, weights: Path, image: Rgb) -> None:
        model = everything(max_objects=2)
        model.load()
        answer = model.segment([SegmentRequest(image=image, labels=("chair", "floor lamp"))])[0]
        assert 1 <= len(answer.instances) <= 2
        assert {item.label for item in answer.instances} <= {"chair", "floor lamp"}
        assert all(item.mask.sum() >= 2e-4 * image[..., 0].size for item in answer.instances)

    def test_nothing_above_the_threshold_is_no_error(self, weights: Path, image: Rgb) -> None:
        model = GroundedSam(GroundedSamOptions(device="cpu", box_threshold=1.0))
        model.load()
        answer = model.segment([SegmentRequest(image=image)])[0]
        assert answer.instances == ()
        assert any("No object was found" in note for note in answer.notes)

    def test_more_labels_than_the_text_holds_are_all_asked(self, weights: Path, image: Rgb) -> None:
        model = everything()
        model.load()
        labels = tuple(f"{word} lamp chair desk" for word in ("bed", "sofa", "cup", "sink", "vase", "book")) * 3
        detector, _ = model._loaded()
        found = {item.label for item in detector.find(image, [f"{n} {x}" for n, x in enumerate(labels)], 0.0, 0.0)}
        assert len(found) >= 2

    def test_of_three_masks_the_most_trusted_is_taken(self, weights: Path, image: Rgb) -> None:
        """Against SAM run by hand, one box at a time."""
        folder = weights / SAM["huge"].folder_name
        boxes = [(10.0, 10.0, 60.0, 50.0), (30.0, 20.0, 110.0, 80.0)]
        masks = Sam(folder, torch.device("cpu")).cut(image, boxes, chunk=2)
        sam, reference = Sam(folder, torch.device("cpu")), SamModel.from_pretrained(folder).eval()
        for box, mask in zip(boxes, masks, strict=True):
            inputs = sam._processor(
                images=image, input_boxes=[[list(box)]], input_data_format="channels_last", return_tensors="pt"
            )
            sizes = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
            with torch.inference_mode():
                outputs = reference(pixel_values=inputs["pixel_values"], input_boxes=inputs["input_boxes"].float())
            three = sam._processor.post_process_masks([outputs.pred_masks[0]], *sizes)[0][0].numpy()
            assert np.array_equal(mask, three[int(outputs.iou_scores[0, 0].argmax())])

    def test_trust_decides(self) -> None:
        assert most_trusted(np.array([[0.1, 0.9, 0.3], [0.5, 0.2, 0.5]])).tolist() == [1, 0]

    def test_chunks_change_no_mask(self, weights: Path, image: Rgb) -> None:
        sam = Sam(weights / SAM["huge"].folder_name, torch.device("cpu"))
        boxes = [(5.0 * n, 4.0 * n, 5.0 * n + 30.0, 4.0 * n + 30.0) for n in range(5)]
        assert np.array_equal(sam.cut(image, boxes, chunk=5), sam.cut(image, boxes, chunk=2))

    def test_an_unknown_size_is_the_users_error(self) -> None:
        with pytest.raises(ConfigError, match="detector"):
            construct(find("segment", "grounded-sam"), {"detector": "giant"})


class TestBrokenCheckpoints:
    def test_missing_weights_name_the_command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(WeightsMissingError, match="regen3d models fetch grounded-sam"):
            GroundedSam().load()
        with pytest.raises(WeightsMissingError, match="hf download IDEA-Research/grounding-dino-tiny"):
            GroundedSam(GroundedSamOptions(detector="tiny")).load()

    @pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
    def test_a_missing_file_is_said(self, damaged: Path, file: str) -> None:
        (damaged / GROUNDING_DINO["base"].folder_name / file).unlink()
        with pytest.raises(WeightsMissingError, match="grounding-dino-base"):
            everything().load()

    def test_a_truncated_file_is_said(self, damaged: Path) -> None:
        file = damaged / SAM["huge"].folder_name / "model.safetensors"
        file.write_bytes(file.read_bytes()[:1000])
        with pytest.raises(WeightsMissingError, match="sam-vit-huge"):
            everything().load()

    def test_missing_weights_within_a_file_are_not_made_up(self, damaged: Path) -> None:
        file = damaged / SAM["huge"].folder_name / "model.safetensors"
        tensors = load_file(file)
        tensors.pop("mask_decoder.iou_token.weight")
        save_file(tensors, file, metadata={"format": "pt"})
        with pytest.raises(WeightsMissingError, match="1 weights are missing"):
            everything().load()

    def test_another_models_config_is_said(self, damaged: Path) -> None:
        file = damaged / SAM["huge"].folder_name / "config.json"
        config = json.loads(file.read_text())
        config["mask_decoder_config"]["iou_head_hidden_dim"] = 8
        file.write_text(json.dumps(config))
        with pytest.raises(WeightsMissingError, match="sam-vit-huge"):
            everything().load()

    @pytest.mark.parametrize("folder", [GROUNDING_DINO["base"].folder_name, SAM["huge"].folder_name])
    def test_values_that_are_not_finite_are_refused(self, damaged: Path, image: Rgb, folder: str) -> None:
        file = damaged / folder / "model.safetensors"
        save_file({name: t * torch.nan for name, t in load_file(file).items()}, file, metadata={"format": "pt"})
        model = everything()
        model.load()
        with pytest.raises(ModelOutputError, match="not finite"):
            model.segment([SegmentRequest(image=image, labels=("chair",))])
