"""What every segmenter promises; another one supplies one fixture and inherits the suite."""

import re
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from models.base import BoxPrompt, PointPrompt, Segmentation, Segmenter, SegmentRequest
from models.segmentation.embedded import EmbeddedSegmenter
from models.segmentation.grounded_sam import GroundedSam, GroundedSamOptions
from models.segmentation.sam3 import Sam3Options, Sam3Segmenter
from models.weights import FOLDER_VARIABLE
from regen3d.errors import ConfigError
from regen3d.types import Rgb
from tests.synthetic.tiny_models import write_grounding_dino, write_sam, write_sam3

PROMPTS = (
    BoxPrompt(label="Chest", box=(40.0, 110.0, 141.0, 191.0)),
    BoxPrompt(label="pouffe", box=(185.0, 115.0, 276.0, 186.0)),
    BoxPrompt(label="pouffe", box=(150.0, 195.0, 190.0, 225.0)),
    BoxPrompt(label="tea  cup", box=(75.0, 125.0, 101.0, 151.0)),
)
POINTS = (
    PointPrompt(label="Tea cup", points=((87.0, 137.0),)),
    PointPrompt(label="chest", points=((55.0, 170.0), (120.0, 180.0)), outside=((180.0, 130.0),)),
)
SAFE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-[1-9][0-9]*")


@pytest.fixture(scope="module")
def drawing() -> Rgb:
    """A wall, a floor, a chest with a cup before it, and two pouffes."""
    image = np.full((240, 320, 3), (205, 200, 190), dtype=np.uint8)
    image[150:] = (150, 110, 80)
    cv2.rectangle(image, (40, 110), (140, 190), (40, 60, 150), -1)
    cv2.ellipse(image, (230, 150), (45, 35), 0, 0, 360, (170, 30, 40), -1)
    cv2.ellipse(image, (170, 210), (20, 15), 0, 0, 360, (20, 120, 60), -1)
    cv2.rectangle(image, (75, 125), (100, 150), (230, 220, 40), -1)
    return image


class SegmenterContract:
    """Inherit, and give a class fixture `segmenter`: a new one, not loaded."""

    @pytest.fixture(scope="class")
    @classmethod
    def loaded(cls, segmenter: Segmenter) -> Segmenter:
        segmenter.load()
        return segmenter

    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, loaded: Segmenter, drawing: Rgb) -> list[Segmentation]:
        """With boxes of the user, and without."""
        return loaded.segment([SegmentRequest(image=drawing, boxes=PROMPTS), SegmentRequest(image=drawing)])

    def test_is_a_segmenter(self, segmenter: Segmenter) -> None:
        assert isinstance(segmenter, Segmenter)

    def test_answers_each_request(self, answers: list[Segmentation]) -> None:
        assert len(answers) == 2

    def test_no_request_no_answer(self, loaded: Segmenter) -> None:
        assert loaded.segment([]) == []

    def test_masks_are_boolean_and_of_the_pictures_size(self, answers: list[Segmentation], drawing: Rgb) -> None:
        for answer in answers:
            masks = [item.mask for item in answer.instances] + ([] if answer.floor is None else [answer.floor])
            assert {(mask.dtype, mask.shape) for mask in masks} <= {(np.dtype(bool), drawing.shape[:2])}

    def test_masks_do_not_overlap(self, answers: list[Segmentation]) -> None:
        for answer in answers:
            assert np.sum([item.mask for item in answer.instances], axis=0).max(initial=0) <= 1

    def test_names_are_unique_and_safe_as_file_names(self, answers: list[Segmentation]) -> None:
        for answer in answers:
            names = [item.name for item in answer.instances]
            assert len(set(names)) == len(names)
            assert all(SAFE_NAME.fullmatch(name) for name in names)

    def test_scores_are_confidences(self, answers: list[Segmentation]) -> None:
        assert all(0.0 <= item.score <= 1.0 for answer in answers for item in answer.instances)

    def test_same_seed_same_answer(self, loaded: Segmenter, answers: list[Segmentation], drawing: Rgb) -> None:
        again = loaded.segment([SegmentRequest(image=drawing, boxes=PROMPTS)])[0]
        for one, other in zip(answers[0].instances, again.instances, strict=True):
            assert (one.name, one.label, one.score) == (other.name, other.label, other.score)
            assert np.array_equal(one.mask, other.mask)

    def test_each_box_becomes_one_instance(self, answers: list[Segmentation]) -> None:
        names = [item.name for item in answers[0].instances]
        assert sorted(names) == ["chest-1", "pouffe-1", "pouffe-2", "tea-cup-1"]
        assert all(item.score == 1.0 for item in answers[0].instances)

    def test_labels_are_kept_in_lower_case(self, answers: list[Segmentation]) -> None:
        assert {item.label for item in answers[0].instances} == {"chest", "pouffe", "tea cup"}

    def test_names_count_from_left_to_right(self, answers: list[Segmentation]) -> None:
        boxes = {item.name: item.box for item in answers[0].instances}
        assert boxes["pouffe-1"][0] < boxes["pouffe-2"][0]

    def test_a_box_outside_the_picture_is_the_users_error(self, loaded: Segmenter, drawing: Rgb) -> None:
        prompt = BoxPrompt(label="chair", box=(400.0, 10.0, 500.0, 60.0))
        with pytest.raises(ConfigError, match="no pixel"):
            loaded.segment([SegmentRequest(image=drawing, boxes=(prompt,))])

    def test_points_become_one_instance_each_beside_boxes(self, loaded: Segmenter, drawing: Rgb) -> None:
        answer = loaded.segment([SegmentRequest(image=drawing, boxes=PROMPTS[1:2], points=POINTS)])[0]
        assert sorted(item.name for item in answer.instances) == ["chest-1", "pouffe-1", "tea-cup-1"]
        assert np.sum([item.mask for item in answer.instances], axis=0).max() <= 1

    def test_a_point_outside_the_picture_is_the_users_error(self, loaded: Segmenter, drawing: Rgb) -> None:
        prompt = PointPrompt(label="chair", points=((400.0, 10.0),))
        with pytest.raises(ConfigError, match="not all in the picture"):
            loaded.segment([SegmentRequest(image=drawing, points=(prompt,))])

    @pytest.mark.parametrize("hw", [(90, 120), (1, 1), (3, 300)])
    def test_a_picture_of_noise_is_no_error(
        self, loaded: Segmenter, rng: np.random.Generator, hw: tuple[int, int]
    ) -> None:
        noise = rng.integers(0, 256, (*hw, 3), dtype=np.uint8)
        for item in loaded.segment([SegmentRequest(image=noise)])[0].instances:
            assert item.mask.any()

    def test_an_unknown_label_is_said_or_found(self, loaded: Segmenter, drawing: Rgb) -> None:
        answer = loaded.segment([SegmentRequest(image=drawing, labels=("gramophone",))])[0]
        assert answer.instances or any("gramophone" in note for note in answer.notes)

    def test_may_be_loaded_again_after_close(self, segmenter: Segmenter, drawing: Rgb) -> None:
        segmenter.load()
        segmenter.close()
        segmenter.load()
        assert len(segmenter.segment([SegmentRequest(image=drawing, boxes=PROMPTS[:1])])) == 1


class TestEmbedded(SegmenterContract):
    @pytest.fixture(scope="class")
    @classmethod
    def segmenter(cls) -> Segmenter:
        return EmbeddedSegmenter()

    def test_a_clear_shape_is_cut_out(self, answers: list[Segmentation], drawing: Rgb) -> None:
        """Uniform shapes on uniform ground leave no excuse: IoU above 0.95, the cup not part of the chest."""
        masks = {item.name: item.mask for item in answers[0].instances}
        for name, colour in (("chest-1", (40, 60, 150)), ("pouffe-2", (170, 30, 40)), ("tea-cup-1", (230, 220, 40))):
            truth = (drawing == colour).all(axis=-1)
            assert (masks[name] & truth).sum() > 0.95 * (masks[name] | truth).sum(), name

    def test_what_is_pointed_at_is_cut_out(self, loaded: Segmenter, drawing: Rgb) -> None:
        """With one point, or two and one beside: IoU above 0.9, and the cup is no part of the chest."""
        answer = loaded.segment([SegmentRequest(image=drawing, points=POINTS)])[0]
        masks = {item.name: item.mask for item in answer.instances}
        for name, colour in (("chest-1", (40, 60, 150)), ("tea-cup-1", (230, 220, 40))):
            truth = (drawing == colour).all(axis=-1)
            assert (masks[name] & truth).sum() > 0.9 * (masks[name] | truth).sum(), name


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Checkpoints of tiny models that know nothing: they promise the same, but no shape is cut out."""
    root = tmp_path_factory.mktemp("weights")
    write_grounding_dino(root)
    write_sam(root)
    write_sam3(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(root))
        yield


@pytest.mark.usefixtures("random_weights")
class TestGroundedSam(SegmenterContract):
    @pytest.fixture(scope="class")
    @classmethod
    def segmenter(cls) -> Segmenter:
        return GroundedSam(GroundedSamOptions(device="cpu", box_threshold=0.0, text_threshold=0.0))


@pytest.mark.usefixtures("random_weights")
class TestSam3(SegmenterContract):
    @pytest.fixture(scope="class")
    @classmethod
    def segmenter(cls) -> Segmenter:
        return Sam3Segmenter(Sam3Options(device="cpu", threshold=0.0))
