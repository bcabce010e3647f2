import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d.inputs import image, labels, masks, meshes
from regen3d.inputs.boxes import MAX_CORNERS, MAX_POINTS, LabelledBox, LabelledPoints, LabelledPolygon, read_boxes
from regen3d.inputs.camera import read_camera
from regen3d.inputs.image import Picture
from regen3d.inputs.labels import parse_labels
from regen3d.inputs.masks import read_masks
from regen3d.inputs.meshes import parse_mesh_option

TEXT = (Path(__file__).parents[3] / "docs" / "inputs.md").read_text(encoding="utf-8")
PICTURE = Picture(pixels=np.zeros((1200, 1600, 3), np.uint8), given_wh=(1600, 1200))


def example(name: str) -> str:
    match = re.search(rf"<!-- example: {name} -->\n```json\n(.*?)```", TEXT, re.DOTALL)
    assert match, f"docs/inputs.md has no example {name!r}"
    return match[1]


def test_example_of_boxes_is_read(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_text(example("boxes"))
    boxes = read_boxes(tmp_path / "boxes.json", PICTURE)
    assert [box.label for box in boxes] == ["chair", "dining table", "floor lamp", "cabinet"]
    assert boxes[1] == LabelledBox(label="dining table", box=(240.5, 350.0, 610.0, 600.0))
    assert isinstance(boxes[2], LabelledPoints)
    assert isinstance(boxes[3], LabelledPolygon)


def test_example_of_a_camera_is_read(tmp_path: Path) -> None:
    (tmp_path / "camera.json").write_text(example("camera"))
    camera = read_camera(tmp_path / "camera.json", PICTURE)
    assert camera.intrinsics[0, 0] == 1100.0
    assert camera.gravity is not None
    assert camera.gravity[2] > 0.0
    assert camera.height_m == 1.6


def test_example_of_an_index_is_read(tmp_path: Path) -> None:
    (tmp_path / "instances.json").write_text(example("instances"))
    index = np.zeros((1200, 1600), np.uint8)
    for i, entry in enumerate(json.loads(example("instances"))["objects"]):
        index[100 * i : 100 * i + 50] = entry["id"]
    Image.fromarray(index).save(tmp_path / "instances.png")
    names = [instance.name for instance in read_masks(tmp_path, PICTURE).instances]
    assert names == ["chair-1", "table-by-the-window"]


def test_example_of_options_is_read() -> None:
    (given,) = re.findall(r'run room.jpg --out scene --labels "([^"]+)"', TEXT)
    assert parse_labels(given) == ("chair", "dining table")
    (option,) = re.findall(r"--mesh (\S+\.glb)\n", TEXT)
    assert parse_mesh_option(option) == ("chair-1", Path("chair.glb"))


@pytest.mark.parametrize(
    "stated",
    [
        f"more than {image.WORKING_SIDE_PX} pixels",
        f"at least {image.MIN_SIDE_PX} pixels",
        f"at most {image.MAX_PIXELS // 10**6} megapixels and {image.MAX_FILE_BYTES // 10**6} MB",
        f"at most {image.MAX_ASPECT:g}:1",
        f"at most {labels.MAX_LABELS} labels",
        f"most {MAX_POINTS} points",
        f"most {MAX_CORNERS} corners",
        f"most {masks.MAX_MASKS} entries",
        f"most {meshes.MAX_TRIANGLES:,} triangles",
    ],
)
def test_limits_in_the_text_are_those_of_the_code(stated: str) -> None:
    assert stated in " ".join(TEXT.split())
