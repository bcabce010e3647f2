import json
from collections.abc import Callable
from pathlib import Path

import pytest

from regen3d.errors import ConfigError
from regen3d.inputs.boxes import LabelledBox, read_boxes
from regen3d.inputs.image import Picture

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
    assert boxes[0].box == (0.0, 0.0, 160.0, 120.0)


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
