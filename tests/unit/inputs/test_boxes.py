import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regen3d.errors import ConfigError
from regen3d.inputs.boxes import LabelledBox, LabelledPoints, LabelledPolygon, read_boxes
from regen3d.inputs.drawn import marks_document, marks_of, polygon_mask, with_polygons
from regen3d.inputs.image import Picture
from regen3d.types import Instance

WriteJson = Callable[[str], Path]


def test_boxes_are_scaled_to_the_working_picture(picture: Picture, write_json: WriteJson) -> None:
    path = write_json(
        '{"boxes": [{"label": " Arm_Chair ", "box": [20, 40.5, 100, 200]}, {"label": "a", "box": [0, 0, 320, 240]}]}'
    )
    assert read_boxes(path, picture) == (
        LabelledBox(label="arm chair", box=(10.0, 20.25, 50.0, 100.0)),
        LabelledBox(label="a", box=(0.0, 0.0, 160.0, 120.0)),
    )


def test_a_bare_list_means_the_same(picture: Picture, write_json: WriteJson) -> None:
    entries = [{"label": "chair", "box": [20, 40, 100, 200], "score": 0.5}]
    with_key = read_boxes(write_json(json.dumps({"boxes": entries})), picture)
    assert read_boxes(write_json(json.dumps(entries)), picture) == with_key


def test_boxes_are_clipped_within_a_pixel(picture: Picture, write_json: WriteJson) -> None:
    boxes = read_boxes(write_json('[{"label": "chair", "box": [-1, -0.5, 321, 240.9]}]'), picture)
    assert boxes == (LabelledBox(label="chair", box=(0.0, 0.0, 160.0, 120.0)),)


def test_points_and_polygons_are_marks_too(picture: Picture, write_json: WriteJson) -> None:
    entries = [
        {"label": "lamp", "points": [[20, 40], [321, 240]], "outside": [[60, 40]]},
        {"label": "rug", "polygon": [[0, 0], [40, 0], [40, 20]]},
    ]
    lamp, rug = read_boxes(write_json(json.dumps(entries)), picture)
    assert lamp == LabelledPoints(label="lamp", points=((10.0, 20.0), (160.0, 120.0)), outside=((30.0, 20.0),))
    assert isinstance(rug, LabelledPolygon)
    np.testing.assert_array_equal(rug.corners, [[0, 0], [20, 0], [20, 10]])
    again = marks_of(json.loads(json.dumps(marks_document((lamp, rug)))))
    assert again[0] == lamp
    assert isinstance(again[1], LabelledPolygon)
    np.testing.assert_array_equal(again[1].corners, rug.corners)


def test_a_polygon_holds_the_pixels_whose_centres_it_encloses() -> None:
    square = LabelledPolygon(label="box", corners=np.array([[2.0, 3.0], [8.0, 3.0], [8.0, 7.0], [2.0, 7.0]]))
    true = np.zeros((10, 12), bool)
    true[3:7, 2:8] = True
    np.testing.assert_array_equal(polygon_mask(square, (10, 12)), true)
    star = LabelledPolygon(
        label="star", corners=np.array([[5.2, 0.3], [8.1, 9.4], [0.4, 3.7], [11.8, 3.6], [2.2, 9.6]])
    )
    centres = np.stack(np.meshgrid(np.arange(12) + 0.5, np.arange(10) + 0.5), axis=-1).reshape(-1, 2)
    crossed = np.zeros(len(centres), dtype=int)
    for (x0, y0), (x1, y1) in zip(star.corners, np.roll(star.corners, -1, axis=0), strict=True):
        spans = (y0 <= centres[:, 1]) != (y1 <= centres[:, 1])
        crossed += spans & (x0 + (centres[:, 1] - y0) / (y1 - y0) * (x1 - x0) <= centres[:, 0])
    np.testing.assert_array_equal(polygon_mask(star, (10, 12)), (crossed % 2 == 1).reshape(10, 12))


def test_what_is_drawn_wins_and_the_smaller_of_two_drawn_ones() -> None:
    def square(label: str, low: float, high: float) -> LabelledPolygon:
        return LabelledPolygon(
            label=label, corners=np.array([[low, low], [high, low], [high, high], [low, high]], np.float64)
        )

    found = [Instance(name=f"chair-{k}", label="chair", score=0.5, mask=np.zeros((20, 20), bool)) for k in (1, 2)]
    found[0].mask[:, :15] = True
    found[1].mask[3:5, 3:5] = True
    instances, notes = with_polygons(found, [square("table", 2, 12), square("cup", 4, 8)], (20, 20))
    masks = {item.name: item.mask for item in instances}
    assert sorted(masks) == ["chair-1", "cup-1", "table-1"]
    assert np.sum(list(masks.values()), axis=0).max() == 1
    assert masks["cup-1"][4:8, 4:8].all()
    assert masks["cup-1"].sum() == 16
    assert masks["table-1"][2:4, 2:12].all()
    assert len(notes) == 1


def test_a_byte_order_mark_is_accepted(picture: Picture, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_bytes(b'\xef\xbb\xbf[{"label": "chair", "box": [0, 0, 9, 9]}]')
    assert len(read_boxes(tmp_path / "given.json", picture)) == 1


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[{"label": "chair", "box": [-2, 0, 10, 10]}]', "outside"),
        ('[{"label": "chair", "box": [0, 0, 10, 242]}]', "320 x 240"),
        ('[{"label": "chair", "box": [10, 0, 10, 10]}]', "no area"),
        ('[{"label": "chair", "box": [10, 20, 30, 10]}]', "no area"),
        ('[{"label": "chair", "box": [319.5, 0, 320.5, 10]}]', "one pixel"),
        ('[{"label": "chair", "box": [0, 0, 10]}]', "boxes[0].box"),
        ('[{"label": "chair", "box": [0, 0, 10, "far"]}]', "boxes[0].box[3]"),
        ('[{"label": "chair", "box": [0, 0, 10, NaN]}]', "NaN"),
        ('[{"label": "chair", "box": [0, 0, 10, 1e999]}]', "finite"),
        ('[{"label": "", "box": [0, 0, 10, 10]}]', "empty"),
        ('[{"label": "a/b", "box": [0, 0, 10, 10]}]', "boxes[0]"),
        ('[{"box": [0, 0, 10, 10]}]', "boxes[0].label"),
        ('[{"label": "chair"}]', "one of 'box', 'points' and 'polygon'"),
        ('[{"label": "chair", "box": [0, 0, 9, 9], "points": [[1, 1]]}]', "one of"),
        ('[{"label": "chair", "box": [0, 0, 9, 9], "outside": [[1, 1]]}]', "goes with 'points'"),
        ('[{"label": "chair", "points": []}]', "boxes[0].points"),
        ('[{"label": "chair", "points": [[1, 2, 3]]}]', "boxes[0].points[0]"),
        ('[{"label": "chair", "points": [[1, 400]]}]', "outside the picture"),
        ('[{"label": "chair", "points": [[1, 2]], "outside": [[1, 2]]}]', "leave it in one"),
        ('[{"label": "chair", "polygon": [[0, 0], [9, 9]]}]', "boxes[0].polygon"),
        ('[{"label": "chair", "polygon": [[0, 0], [9, 9], [18, 18]]}]', "no area"),
        ('[{"label": 7, "box": [0, 0, 10, 10]}]', "found 7"),
        ("[]", "boxes"),
        ("{}", "boxes"),
        ('"chair"', "the document"),
        ('[{"label": "chair"', "line 1"),
        ("[" * 100_000, "not valid JSON"),
        ("", "empty"),
        (json.dumps([{"label": "chair", "box": [0, 0, 10, 10]}] * 201), "200"),
    ],
)
def test_bad_boxes_are_refused(
    text: str, word: str, picture: Picture, write_json: WriteJson, refused: Callable[..., str]
) -> None:
    refused(ConfigError, ("given.json", word), read_boxes, write_json(text), picture)


def test_what_is_no_json_file_is_refused(picture: Picture, tmp_path: Path, refused: Callable[..., str]) -> None:
    refused(ConfigError, ("missing.json", "no such file"), read_boxes, tmp_path / "missing.json", picture)
    refused(ConfigError, (tmp_path.name, "folder"), read_boxes, tmp_path, picture)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x81")
    refused(ConfigError, ("binary.json", "not valid JSON"), read_boxes, tmp_path / "binary.json", picture)
    with (tmp_path / "long.json").open("wb") as file:
        file.truncate(10_000_001)
    refused(ConfigError, ("long.json", "10 MB"), read_boxes, tmp_path / "long.json", picture)
