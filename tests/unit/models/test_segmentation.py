"""The embedded segmenter's parts: vocabulary, boxes, fusion, contested pixels, masks, weights."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import SegmentRequest
from models.segmentation import detection
from models.segmentation.contest import settle, storeys
from models.segmentation.detection import NanoDet, OpenImagesSsd, open_session
from models.segmentation.embedded import EmbeddedSegmenter
from models.segmentation.fusion import Detection, Sightings, drop_repeats, fuse, iou, plan_looks
from models.segmentation.grabcut import Target, cut_out, keep_large_components, rounded_box
from models.segmentation.vocabulary import COCO, EVERYTHING, FLAT, LABELS, OPEN_IMAGES, look_up, resolve
from regen3d.errors import WeightsMissingError

numbers = st.floats(0.0, 500.0)
boxes = st.tuples(numbers, numbers, st.floats(1.0, 300.0), st.floats(1.0, 300.0)).map(
    lambda box: np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
)


def found(label: str, score: float, *box: float) -> Detection:
    return Detection(label=label, score=score, box=np.array(box, dtype=np.float64))


class TestVocabulary:
    def test_every_class_with_a_label_belongs_to_a_detector(self) -> None:
        assert set(LABELS) <= {*COCO, *OPEN_IMAGES}
        assert (len(COCO), len(OPEN_IMAGES)) == (80, 24)

    def test_no_people_and_no_animals(self) -> None:
        assert not {"person", "cat", "dog", "bird", "cattle", "horse"} & set(LABELS)

    @pytest.mark.parametrize(
        ("word", "label"),
        [("Couch", "sofa"), ("armchair", "chair"), ("Coffee_Table", "table"), ("chairs", "chair"), ("unicorn", None)],
    )
    def test_words_of_users_are_understood(self, word: str, label: str | None) -> None:
        assert look_up(word) == label

    def test_nothing_wanted_means_everything(self) -> None:
        assert set(resolve(()).names) == set(EVERYTHING) - FLAT

    def test_the_users_word_is_kept(self) -> None:
        wanted = resolve(("Armchair", "gramophone", "stool"))
        assert wanted.names == {"chair": "armchair"}
        assert ["'gramophone'" in note for note in wanted.notes] == [True, False]
        assert "stool" in wanted.notes[1]


class TestFusion:
    @given(boxes, boxes)
    def test_iou_is_symmetric_and_bounded(self, one: np.ndarray, other: np.ndarray) -> None:
        value = iou(one, other[None])[0]
        assert value == pytest.approx(iou(other, one[None])[0])
        assert -1e-9 <= value <= 1.0 + 1e-9
        assert iou(one, one[None])[0] == pytest.approx(1.0)

    @given(st.integers(1, 2000), st.integers(1, 2000))
    def test_tiles_cover_the_picture_and_stay_inside(self, width: int, height: int) -> None:
        looks = plan_looks((width, height), 1)
        tiles = np.array(
            [look.window for look in looks if look.window != (0, 0, width, height)] or [(0, 0, width, height)]
        )
        assert len(looks) <= 40
        assert (tiles[:, :2] >= 0).all()
        assert (tiles[:, 2:] <= [width, height]).all()
        assert tiles[:, :2].min() == 0
        assert tiles[:, 2:].max(axis=0).tolist() == [width, height]

    def test_looks_that_agree_count_more(self) -> None:
        looks = plan_looks((400, 300), 1)
        box = np.array([20.0, 20.0, 380.0, 280.0])  # too large for a tile: only the four looks at the whole count
        everywhere = Sightings(boxes=np.tile(box, (4, 1)), scores=np.full(4, 0.6), looks=np.arange(4))
        once = Sightings(boxes=box[None], scores=np.array([0.6]), looks=np.array([2]))
        assert fuse("chair", everywhere, looks, (400, 300))[0].score == pytest.approx(0.6)
        assert fuse("chair", once, looks, (400, 300))[0].score == pytest.approx(0.15)

    def test_detectors_are_independent_witnesses(self) -> None:
        looks = plan_looks((400, 300), 2)
        box = np.array([20.0, 20.0, 380.0, 280.0])
        half = len(looks) // 2
        numbers = np.array([*range(4), *range(half, half + 4)])
        sightings = Sightings(boxes=np.tile(box, (8, 1)), scores=np.full(8, 0.5), looks=numbers)
        assert fuse("chair", sightings, looks, (400, 300))[0].score == pytest.approx(0.75)

    def test_one_thing_is_kept_once(self) -> None:
        kept = drop_repeats([found("chair", 0.6, 0, 0, 100, 100), found("sofa", 0.8, 2, 2, 98, 101)])
        assert [item.label for item in kept] == ["sofa"]

    def test_a_pot_is_a_part_of_its_plant_but_not_of_a_table(self) -> None:
        pot = found("vase", 0.9, 40, 60, 60, 100)
        assert drop_repeats([pot, found("plant", 0.5, 0, 0, 100, 100)])[0].label == "plant"
        assert len(drop_repeats([pot, found("table", 0.5, 0, 0, 100, 100)])) == 2


class TestContest:
    def test_small_things_stand_on_furniture_but_furniture_does_not(self) -> None:
        inner, outer = np.array([40.0, 10.0, 60.0, 40.0]), np.array([0.0, 0.0, 100.0, 100.0])
        assert storeys(["cup", "table"], [inner, outer]) == [1, 0]
        assert storeys(["chair", "table"], [inner, outer]) == [0, 0]

    def test_what_stands_on_a_thing_gets_the_contested_pixels(self, rng: np.random.Generator) -> None:
        image = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
        large, small = np.zeros((2, 50, 50), dtype=bool)
        large[5:45, 5:45] = small[20:30, 20:30] = True
        masks = settle(image, [large, small], [np.array([5.0, 5, 45, 45]), np.array([20.0, 20, 30, 30])], [0, 1])
        assert np.array_equal(masks[1], small)
        assert np.array_equal(masks[0], large & ~small)

    def test_colours_decide_between_neighbours(self) -> None:
        image = np.zeros((60, 100, 3), dtype=np.uint8)
        image[:, :50], image[:, 50:] = (200, 30, 30), (30, 30, 200)
        left, right = np.zeros((2, 60, 100), dtype=bool)
        left[10:50, 10:65] = right[10:50, 35:90] = True  # both claim the columns 35 to 64
        spans = [np.array([10.0, 10, 65, 50]), np.array([35.0, 10, 90, 50])]
        masks = settle(image, [left, right], spans, [0, 0])
        assert masks[0][12:48, 35:47].all()
        assert masks[1][12:48, 53:65].all()
        assert np.array_equal(masks[0] | masks[1], left | right)

    def test_what_hangs_on_a_nearer_thing_by_a_thin_neck_is_of_the_one_behind_that_claims_it(self) -> None:
        """Two chairs of one colour: the box of the nearer one holds the seat of the other."""
        image = np.full((120, 120, 3), (40, 40, 60), dtype=np.uint8)
        near, seat, neck, back = np.zeros((4, 120, 120), dtype=bool)
        near[55:115, 10:70] = seat[20:45, 45:70] = neck[45:55, 56:59] = back[2:20, 45:70] = True
        boxes = [np.array([10.0, 20, 70, 115]), np.array([45.0, 2, 70, 60])]
        claims = [near | neck | seat, back | seat | neck]
        first, second = settle(image, claims, boxes, [0, 0])
        assert (second & seat).sum() > 0.95 * seat.sum()
        assert (first & near).sum() == near.sum()
        alone, _ = settle(image, [near | neck | seat, back], boxes, [0, 0])
        assert alone[seat].all()

    def test_nobody_claims_nothing(self) -> None:
        assert settle(np.zeros((4, 4, 3), dtype=np.uint8), [], [], []) == []


class TestGrabCut:
    def test_specks_are_dropped(self) -> None:
        mask = np.zeros((40, 40), dtype=bool)
        mask[5:25, 5:25] = mask[30:32, 30:32] = True
        assert keep_large_components(mask).sum() == 400

    @given(boxes)
    def test_a_rounded_box_lies_in_its_box(self, box: np.ndarray) -> None:
        rows, columns = np.nonzero(rounded_box(box, (600, 800)))
        assert (columns + 0.5 >= box[0]).all()
        assert (columns + 0.5 <= box[2]).all()
        assert (rows + 0.5 >= box[1]).all()
        assert (rows + 0.5 <= box[3]).all()

    def test_a_uniform_picture_gives_a_mask_within_the_box(self) -> None:
        image = np.full((100, 100, 3), 128, dtype=np.uint8)
        cutout = cut_out(image, [Target(label="lamp", box=np.array([20.0, 30.0, 70.0, 80.0]))], 0)[0]
        assert cutout.mask.any()
        assert not cutout.mask[:25].any()

    def test_the_wall_between_leaves_is_no_plant(self, rng: np.random.Generator) -> None:
        image = np.full((160, 160, 3), (170, 120, 90), np.uint8)
        leaves = np.zeros((160, 160), np.uint8)
        for angle in np.radians([-150, -125, -100, -75, -50, -25]):
            tip = (round(80 + 55 * np.cos(angle)), round(100 + 60 * np.sin(angle)))
            cv2.line(leaves, (80, 100), tip, 1, 9)
        cv2.rectangle(leaves, (68, 100), (92, 135), 1, -1)
        image[leaves > 0] = (50, 85, 45)
        image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
        box = np.array([25.0, 40.0, 135.0, 136.0])
        (cutout,) = cut_out(image, [Target(label="plant", box=box)], 0, leaves.astype(np.float64))
        common, union = (cutout.mask & (leaves > 0)).sum(), (cutout.mask | (leaves > 0)).sum()
        assert common > 0.9 * union

    def test_the_floor_between_the_legs_of_a_table_is_no_table(self) -> None:
        image = np.full((200, 300, 3), (190, 180, 160), dtype=np.uint8)
        image[90:] = (90, 130, 90)
        cv2.rectangle(image, (60, 60), (240, 84), (120, 50, 20), -1)
        for x in (60, 228):
            cv2.rectangle(image, (x, 84), (x + 12, 160), (120, 50, 20), -1)
        truth = (image == (120, 50, 20)).all(axis=-1)
        mask = cut_out(image, [Target(label="table", box=np.array([60.0, 60.0, 241.0, 161.0]))], 0)[0].mask
        assert (mask & truth).sum() > 0.9 * (mask | truth).sum()


class TestWeights:
    def test_notice_names_the_digest_of_each_file(self) -> None:
        folder = resources.files("models.segmentation.weights")
        notice = (folder / "NOTICE.md").read_text()
        lines = (folder / "SHA256SUMS").read_text().splitlines()
        assert len(lines) == 2
        assert all(word in notice for line in lines for word in line.split())

    def test_altered_weights_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = Path(str(resources.files("models.segmentation.weights")))
        shutil.copy(source / "SHA256SUMS", tmp_path)
        monkeypatch.setattr(detection.resources, "files", lambda _: tmp_path)
        with pytest.raises(WeightsMissingError, match="is missing"):
            open_session("nanodet.onnx")
        content = bytearray((source / "nanodet.onnx").read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / "nanodet.onnx").write_bytes(content)
        with pytest.raises(WeightsMissingError, match="sha256"):
            open_session("nanodet.onnx")

    @pytest.mark.parametrize("detector", [NanoDet(), OpenImagesSsd()], ids=["nanodet", "ssd"])
    def test_proposals_fit_the_picture_and_the_classes(self, detector: NanoDet | OpenImagesSsd) -> None:
        with pytest.raises(WeightsMissingError, match="load"):
            detector.propose(np.zeros((30, 40, 3), dtype=np.uint8), letterbox=False)
        detector.load()
        proposals = detector.propose(np.full((30, 40, 3), 127, dtype=np.uint8), letterbox=True)
        assert proposals.scores.shape == (len(proposals.boxes), len(detector.classes))
        assert (proposals.boxes >= 0).all()
        assert (proposals.boxes <= [40, 30, 40, 30]).all()
        assert ((proposals.scores >= 0) & (proposals.scores <= 1)).all()


def test_threads_share_one_segmenter(rng: np.random.Generator) -> None:
    segmenter = EmbeddedSegmenter()
    segmenter.load()
    image = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    image[20:50, 20:60] = (200, 40, 40)
    request = SegmentRequest(image=image, labels=("book", "box"))
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(segmenter.segment, [[request], [request]])
    assert [item.name for item in first[0].instances] == [item.name for item in second[0].instances]


@pytest.mark.parametrize(
    ("scene", "expected"),
    [("living_room", {"sofa", "table", "chair", "plant"}), ("office", {"desk", "chair", "screen"})],
)
def test_furniture_of_a_scene_is_found(data_root: Path, scene: str, expected: set[str]) -> None:
    image = cv2.cvtColor(cv2.imread(str(data_root / "scenes" / scene / "image.png")), cv2.COLOR_BGR2RGB)
    truth = cv2.imread(str(data_root / "scenes" / scene / "instances.png"), cv2.IMREAD_GRAYSCALE)
    segmenter = EmbeddedSegmenter()
    segmenter.load()
    instances = segmenter.segment([SegmentRequest(image=image)])[0].instances
    assert expected <= {item.label for item in instances}
    best = [
        max((item.mask & (truth == k)).sum() / (item.mask | (truth == k)).sum() for k in np.unique(truth)[1:])
        for item in instances
    ]
    assert np.median(best) > 0.8
