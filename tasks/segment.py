"""Segment: which objects does the picture show?"""

from dataclasses import replace

import numpy as np

from models.base import BoxPrompt, PointPrompt, Segmentation, SegmentRequest
from regen3d.align.rim import regrown
from regen3d.export.overlay import mask_sheet
from regen3d.inputs.boxes import LabelledBox, LabelledPoints, LabelledPolygon
from regen3d.inputs.drawn import marks_of, with_polygons
from regen3d.manifest import HAND_MADE
from regen3d.types import Rgb
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Segmentation:
    """The user's masks where given, else the segmenter's."""
    if work.call.adapter == HAND_MADE:
        return work.value("hand_made", Segmentation)
    image, marks = work.image(), marks_of(work.call.params["boxes"])
    request = SegmentRequest(
        image=image,
        labels=tuple(work.call.params["labels"]),
        boxes=tuple(BoxPrompt(label=mark.label, box=mark.box) for mark in marks if isinstance(mark, LabelledBox)),
        points=tuple(
            PointPrompt(label=mark.label, points=mark.points, outside=mark.outside)
            for mark in marks
            if isinstance(mark, LabelledPoints)
        ),
        seed=work.call.seed,
    )
    found = with_exact_rims(work.ask_model("segment", request), image)
    polygons = [mark for mark in marks if isinstance(mark, LabelledPolygon)]
    if not polygons:
        return found
    instances, notes = with_polygons(found.instances, polygons, (image.shape[0], image.shape[1]))
    return replace(found, instances=instances, notes=(*found.notes, *notes))


def with_exact_rims(found: Segmentation, image: Rgb) -> Segmentation:
    """What a segmenter found, with masks that end where the picture's edges are; a note says when they were moved."""
    instances, bias = regrown(image, found.instances)
    if bias == 0.0:
        return found
    floor = None if found.floor is None else found.floor & ~np.any([item.mask for item in instances], axis=0)
    note = f"All outlines were moved {'out' if bias > 0 else 'in'} by {abs(bias):.1f} pixels, to the picture's edges."
    return replace(found, instances=instances, floor=floor, notes=(*found.notes, note))


def _preview(value: Segmentation, work: StageWork) -> Preview:
    return Preview(picture=mask_sheet(work.image(), value.instances), caption=f"{len(value.instances)} objects")


STAGE = Stage(name="segment", produces=Segmentation, compute=compute, preview=_preview)
segment = stage_task(STAGE)
