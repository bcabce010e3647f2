import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from regen3d.errors import ConfigError, UnreadableImageError
from regen3d.inputs.image import Picture
from regen3d.inputs.masks import read_masks

WIDTH, HEIGHT = 320, 240


def block(x0: int, y0: int, x1: int, y1: int, value: int = 255, kind: type = np.uint8) -> np.ndarray:
    """A rectangle of the picture as given."""
    pixels = np.zeros((HEIGHT, WIDTH), kind)
    pixels[y0:y1, x0:x1] = value
    return pixels


def save(path: Path, pixels: np.ndarray, mode: str | None = None) -> None:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path)


def red_on_transparent() -> np.ndarray:
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[40:100, 20:60] = (10, 0, 0, 255)
    return pixels


SAME_MASK = {
    "white": block(20, 40, 60, 100),
    "one": block(20, 40, 60, 100, 1),
    "sixteen bits": block(20, 40, 60, 100, 65535, np.uint16),
    "colour": np.stack([block(20, 40, 60, 100, 90), block(0, 0, 0, 0), block(0, 0, 0, 0)], axis=-1),
    "opaque": red_on_transparent(),
    "opaque white on black": np.stack(
        [block(20, 40, 60, 100)] * 3 + [np.full((HEIGHT, WIDTH), 255, np.uint8)], axis=-1
    ),
    "soft edge": np.maximum(block(20, 40, 60, 100), block(19, 39, 61, 101, 100)),
    "reduced": block(20, 40, 60, 100)[::2, ::2],
}


@pytest.mark.parametrize("kind", SAME_MASK)
def test_every_kind_of_mask_gives_the_same_object(kind: str, picture: Picture, tmp_path: Path) -> None:
    save(tmp_path / "coffee-table-1.png", SAME_MASK[kind])
    masks = read_masks(tmp_path, picture)
    (instance,) = masks.instances
    assert (instance.name, instance.label, instance.score) == ("coffee-table-1", "coffee table", 1.0)
    assert instance.mask.shape == (120, 160)
    assert instance.box == (10, 20, 30, 50)
    assert instance.mask.sum() == 20 * 30
    assert masks.notes == ()


def test_bilevel_mask(picture: Picture, tmp_path: Path) -> None:
    save(tmp_path / "chair-1.png", block(20, 40, 60, 100), "1")
    assert read_masks(tmp_path, picture).instances[0].box == (10, 20, 30, 50)


@pytest.mark.parametrize(
    ("file", "name", "label"),
    [
        ("chair-1.png", "chair-1", "chair"),
        ("Dining_Chair_02.PNG", "dining-chair-2", "dining chair"),
        ("coffee table 3.png", "coffee-table-3", "coffee table"),
    ],
)
def test_names_of_files(file: str, name: str, label: str, picture: Picture, tmp_path: Path) -> None:
    save(tmp_path / file, block(20, 40, 60, 100))
    (tmp_path / ".DS_Store").write_bytes(b"left alone")
    (tmp_path / "notes.txt").write_text("left alone")
    (instance,) = read_masks(tmp_path, picture).instances
    assert (instance.name, instance.label) == (name, label)


def test_the_smaller_of_overlapping_masks_wins(picture: Picture, tmp_path: Path) -> None:
    save(tmp_path / "table-1.png", block(0, 0, 200, 200))
    save(tmp_path / "vase-1.png", block(180, 100, 220, 140))
    masks = read_masks(tmp_path, picture)
    table, vase = masks.instances
    assert not (table.mask & vase.mask).any()
    assert vase.mask.sum() == 20 * 20
    assert table.mask.sum() == 100 * 100 - 10 * 20
    assert masks.notes == ("The mask table-1 gave 200 pixels to smaller masks that overlap it.",)


def write_index(folder: Path, objects: list[dict[str, Any]], index: np.ndarray | Image.Image) -> None:
    (index if isinstance(index, Image.Image) else Image.fromarray(index)).save(folder / "instances.png")
    (folder / "instances.json").write_text(json.dumps({"objects": objects}))


TWO = block(0, 0, 100, 100, 1) + block(100, 100, 200, 200, 7)


@pytest.mark.parametrize("kind", ["L", "P", "I;16"])
def test_index_picture(kind: str, picture: Picture, tmp_path: Path) -> None:
    if kind == "P":
        index = Image.fromarray(TWO, mode="L").convert("P")
        index.putdata(TWO.ravel().tolist())
        index.putpalette([5, 5, 5, *range(3, 255)])
    else:
        index = Image.fromarray(TWO.astype(np.uint16) if kind == "I;16" else TWO)
    objects = [{"id": 7, "label": "Chair"}, {"id": 1, "label": "chair", "name": "Window_Chair"}]
    write_index(tmp_path, objects, index)
    masks = read_masks(tmp_path, picture)
    assert [(i.name, i.label, i.box) for i in masks.instances] == [
        ("chair-1", "chair", (50, 50, 100, 100)),
        ("window-chair", "chair", (0, 0, 50, 50)),
    ]


def test_index_of_a_data_set_is_read_as_it_is(picture: Picture, tmp_path: Path) -> None:
    objects = [
        {"id": 1, "name": "sofa", "category": "sofa", "on_floor": True, "visible_pixels": 10_000},
        {"id": 7, "name": "nightstand_l", "category": "nightstand", "yaw_deg": 0},
        {"id": 8, "name": "clock", "category": "alarm_clock", "visible_pixels": 0},
    ]
    write_index(tmp_path, objects, TWO)
    masks = read_masks(tmp_path, picture)
    assert [(i.name, i.label) for i in masks.instances] == [("sofa", "sofa"), ("nightstand-l", "nightstand")]
    assert masks.notes == ("clock has no visible pixel in instances.png and was left out.",)


@pytest.mark.parametrize(
    ("objects", "index", "words"),
    [
        ([{"id": 1, "label": "chair"}], TWO, ("instances.png", "number 7")),
        ([{"id": 1, "label": "a"}, {"id": 1, "label": "b"}], TWO, ("instances.json", "id 1")),
        ([{"id": 1, "label": "a", "name": "../x"}, {"id": 7, "label": "b"}], TWO, ("instances.json", "../x")),
        ([{"id": 1, "label": "a", "name": "x"}, {"id": 7, "label": "b", "name": "X"}], TWO, ("name x",)),
        ([{"id": 1, "label": "a/b"}, {"id": 7, "label": "b"}], TWO, ("instances.json", "objects[0]")),
        ([{"id": 0, "label": "a"}], TWO, ("instances.json", "objects[0].id")),
        ([{"id": 1}], TWO, ("instances.json", "objects[0].label")),
        ([], TWO, ("instances.json", "objects")),
        ([{"id": 1, "label": "a"}], np.stack([TWO] * 3, axis=-1), ("instances.png", "mode RGB")),
        ([{"id": 1, "label": "a"}], TWO[:200], ("instances.png", "320 x 200")),
    ],
)
def test_bad_index_is_refused(
    objects: list[dict[str, Any]],
    index: np.ndarray,
    words: tuple[str, ...],
    picture: Picture,
    tmp_path: Path,
    refused: Callable[..., str],
) -> None:
    write_index(tmp_path, objects, index)
    refused(ConfigError, words, read_masks, tmp_path, picture)


@pytest.mark.parametrize("name", ["instances.png", "instances.json"])
def test_half_an_index_is_refused(name: str, picture: Picture, tmp_path: Path, refused: Callable[..., str]) -> None:
    write_index(tmp_path, [{"id": 1, "label": "a"}], TWO)
    (tmp_path / name).unlink()
    refused(ConfigError, (tmp_path.name, f"{name} is missing"), read_masks, tmp_path, picture)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ("no masks",)),
        ({"chair.png": block(0, 0, 9, 9)}, ("chair.png", "rename")),
        ({"-1.png": block(0, 0, 9, 9)}, ("-1.png", "rename")),
        ({"chair-1.jpg": block(0, 0, 9, 9)}, ("chair-1.jpg", "PNG")),
        ({"a;b-1.png": block(0, 0, 9, 9)}, ("a;b-1.png", "characters")),
        ({"chair-1.png": block(0, 0, 9, 9)[:100]}, ("chair-1.png", "320 x 100", "320 x 240")),
        ({"chair-1.png": block(0, 0, 0, 0)}, ("chair-1", "empty")),
        ({"chair-1.png": block(0, 0, 1, 0)}, ("chair-1", "empty")),
        ({"chair-1.png": block(0, 0, WIDTH, HEIGHT)}, ("chair-1", "whole picture")),
        ({"chair-1.png": block(0, 0, 9, 9), "chair_01.png": block(20, 0, 29, 9)}, ("name chair-1", "differently")),
        ({"rug-1.png": block(0, 0, 9, 9), "rug-2.png": block(0, 0, 9, 9)}, ("rug-1", "wholly")),
        ({f"chair-{n}.png": block(0, 0, 9, 9) for n in range(201)}, ("201", "200")),
    ],
)
def test_bad_masks_are_refused(
    files: dict[str, np.ndarray],
    words: tuple[str, ...],
    picture: Picture,
    tmp_path: Path,
    refused: Callable[..., str],
) -> None:
    for name, pixels in files.items():
        save(tmp_path / name, pixels)
    refused(ConfigError, words, read_masks, tmp_path, picture)


def test_damaged_mask_is_refused(picture: Picture, tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "chair-1.png").write_bytes(b"no picture")
    refused(UnreadableImageError, ("chair-1.png", "not a picture"), read_masks, tmp_path, picture)


def test_what_is_no_folder_is_refused(picture: Picture, tmp_path: Path, refused: Callable[..., str]) -> None:
    refused(ConfigError, ("missing",), read_masks, tmp_path / "nowhere", picture)
    (tmp_path / "file").write_bytes(b"x")
    refused(ConfigError, ("file",), read_masks, tmp_path / "file", picture)
    refused(ConfigError, ("long",), read_masks, tmp_path / ("long" * 100), picture)
