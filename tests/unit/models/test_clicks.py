"""Clicks on the furnished test room: what is clicked is found, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest

from models.segmentation.clicks import GrabCutter, SamCutter, best_cutter
from models.weights import FOLDER_VARIABLE
from regen3d.editor.cutting import Marks
from regen3d.export.annotate import inmost_point
from regen3d.metrics.masks import mask_iou
from regen3d.types import Mask
from tests.synthetic.room import SyntheticRoom


def marks(room: SyntheticRoom, name: str, **changes: object) -> Marks:
    nothing = np.zeros(room.image.shape[:2], dtype=bool)
    others = np.any([item.mask for item in room.instances if item.name != name], axis=0)
    asked = {"on": (), "beside": (), "box": None, "mask": nothing, "others": others, **changes}
    return Marks(image=room.image, label=name.rsplit("-", 1)[0], **asked)  # type: ignore[arg-type]


def true_mask(room: SyntheticRoom, name: str) -> Mask:
    return next(item.mask for item in room.instances if item.name == name)


@pytest.mark.parametrize("name", ["cabinet-1", "vase-1"])
def test_one_click_finds_an_object(synthetic_room: SyntheticRoom, name: str) -> None:
    truth = true_mask(synthetic_room, name)
    found = GrabCutter().cut(marks(synthetic_room, name, on=(inmost_point(truth),)))
    assert mask_iou(found, truth) > 0.6


def test_a_box_finds_an_object(synthetic_room: SyntheticRoom) -> None:
    item = next(item for item in synthetic_room.instances if item.name == "cabinet-1")
    found = GrabCutter().cut(marks(synthetic_room, "cabinet-1", box=tuple(map(float, item.box))))
    assert mask_iou(found, item.mask) > 0.7


def test_a_click_adds_what_it_touches_and_leaves_the_rest(synthetic_room: SyntheticRoom) -> None:
    truth = true_mask(synthetic_room, "cabinet-1")
    columns = np.flatnonzero(truth.any(axis=0))
    left = truth.copy()
    left[:, int(columns.mean()) :] = False
    missing = truth & ~left
    found = GrabCutter().cut(marks(synthetic_room, "cabinet-1", mask=left, on=(inmost_point(missing),)))
    assert (found & left).sum() == left.sum()
    assert mask_iou(found, truth) > mask_iou(left, truth)


def test_a_click_beside_takes_away_and_no_other_object_is_touched(synthetic_room: SyntheticRoom) -> None:
    truth, floor = true_mask(synthetic_room, "chair-1"), synthetic_room.floor
    spilled = truth.copy()
    rows = np.flatnonzero(truth.any(axis=1))
    spilled[rows[-1] - 30 : rows[-1] + 10, :60] |= floor[rows[-1] - 30 : rows[-1] + 10, :60]
    excess = spilled & ~truth
    asked = marks(synthetic_room, "chair-1", mask=spilled, beside=(inmost_point(excess),))
    found = GrabCutter().cut(asked)
    assert (found & excess).sum() < 0.5 * excess.sum()
    assert (found & truth).sum() > 0.9 * truth.sum()
    assert not (found & asked.others).any()


def test_sam_is_taken_where_its_weights_are(
    synthetic_room: SyntheticRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert best_cutter().name == "GrabCut"
    from tests.synthetic.tiny_models import write_sam

    write_sam(tmp_path)
    cutter = best_cutter()
    assert isinstance(cutter, SamCutter)
    truth = true_mask(synthetic_room, "cabinet-1")
    point = inmost_point(truth)
    # Random weights: what is promised of any answer is promised of theirs.
    found = cutter.cut(marks(synthetic_room, "cabinet-1", mask=truth, beside=(point,)))
    assert not found[int(point[1]), int(point[0])]
    assert not (found & ~truth).any()
    found = cutter.cut(marks(synthetic_room, "cabinet-1", on=(point,)))
    assert found[int(point[1]), int(point[0])]
    assert cutter.cut(marks(synthetic_room, "cabinet-1", box=(10.0, 10.0, 60.0, 60.0))).shape == truth.shape
