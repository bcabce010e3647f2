"""Completion of hidden parts: what is seen stays, what is hidden is drawn in, what is empty stays empty."""

from dataclasses import replace

import numpy as np
import pytest

from models.base import CompleteRequest
from models.editing.complete_embedded import EmbeddedCompletion
from regen3d.types import Completion, Mask, ObjectView
from tests.synthetic.room import SyntheticRoom


def complete(view: ObjectView) -> Completion:
    return EmbeddedCompletion().complete([CompleteRequest(view=view)])[0]


def amodal_in_picture(completion: Completion, hw: tuple[int, int]) -> Mask:
    """The amodal mask, cut to the picture."""
    x, y = completion.origin_xy
    whole = np.zeros((hw[0] + 2000, hw[1] + 2000), dtype=bool)
    height, width = completion.picture.shape[:2]
    whole[y + 1000 : y + 1000 + height, x + 1000 : x + 1000 + width] = completion.picture[..., 3] > 127
    return whole[1000 : 1000 + hw[0], 1000 : 1000 + hw[1]]


def half_hidden(view: ObjectView) -> ObjectView:
    """The view with the lower half of the object behind something nearer."""
    _, y0, _, y1 = view.instance.box
    ignore = view.ignore.copy()
    ignore[(y0 + y1) // 2 : y1 + 5] = True
    return replace(view, instance=replace(view.instance, mask=view.instance.mask & ~ignore), ignore=ignore)


def test_what_is_whole_stays_as_it_is(synthetic_room: SyntheticRoom) -> None:
    view = synthetic_room.view("chair-1")
    view = replace(view, ignore=np.zeros_like(view.ignore))
    completion = complete(view)
    assert np.array_equal(amodal_in_picture(completion, view.instance.mask.shape), view.instance.mask)


def test_what_is_seen_keeps_its_colours(synthetic_room: SyntheticRoom) -> None:
    view = half_hidden(synthetic_room.view("cabinet-1"))
    completion = complete(view)
    x, y = completion.origin_xy
    rows, columns = np.nonzero(view.instance.mask)
    assert np.array_equal(completion.picture[rows - y, columns - x, :3], view.image[rows, columns])
    assert (completion.picture[rows - y, columns - x, 3] == 255).all()


def test_the_hidden_half_is_drawn_in(synthetic_room: SyntheticRoom) -> None:
    whole = synthetic_room.view("cabinet-1")
    view = half_hidden(whole)
    completion = complete(view)
    amodal = amodal_in_picture(completion, view.instance.mask.shape)
    truth = next(item for item in synthetic_room.objects if item.name == "cabinet-1").amodal
    before = (view.instance.mask & truth).sum() / (view.instance.mask | truth).sum()
    after = (amodal & truth).sum() / (amodal | truth).sum()
    assert after > before + 0.05
    assert not (amodal & ~view.ignore & ~view.instance.mask).any()
    hidden = completion.picture[(completion.picture[..., 3] > 127)][:, :3].astype(float)
    seen = view.image[view.instance.mask].astype(float)
    assert np.abs(hidden.mean(axis=0) - seen.mean(axis=0)).max() < 25


def test_a_guess_is_said_to_be_one(synthetic_room: SyntheticRoom) -> None:
    view = synthetic_room.view("cabinet-1")
    _, y0, _, y1 = view.instance.box
    ignore = np.zeros_like(view.ignore)
    ignore[y0 + (y1 - y0) // 4 :] = True
    hidden = replace(view, instance=replace(view.instance, mask=view.instance.mask & ~ignore), ignore=ignore)
    notes = complete(hidden).notes
    assert len(notes) <= 1
    share = (complete(hidden).picture[..., 3] > 127).sum() / hidden.instance.mask.sum()
    assert bool(notes) == (share > 1 / 0.6)


def test_a_cut_object_is_continued_over_the_border(synthetic_room: SyntheticRoom) -> None:
    view = synthetic_room.view("table-1")
    _, _, x1, _ = view.instance.box
    width = (view.instance.box[0] + x1) // 2
    camera = replace(view.camera, width=width)
    cut = ObjectView(
        instance=replace(view.instance, mask=view.instance.mask[:, :width]),
        image=view.image[:, :width],
        ignore=np.zeros_like(view.ignore[:, :width]),
        camera=camera,
    )
    completion = complete(cut)
    columns = np.flatnonzero((completion.picture[..., 3] > 127).any(axis=0)) + completion.origin_xy[0]
    assert columns.max() >= width
    assert completion.box is not None
    assert completion.box.iou == pytest.approx(1.0, abs=0.5)
