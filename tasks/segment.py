"""Segment: which objects does the picture show?"""

from models.base import BoxPrompt, Segmentation, SegmentRequest
from regen3d.export.overlay import mask_sheet
from regen3d.manifest import HAND_MADE
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Segmentation:
    """The user's masks where given, else the segmenter's."""
    if work.call.adapter == HAND_MADE:
        return work.value("hand_made", Segmentation)
    boxes = tuple(BoxPrompt(label=entry["label"], box=tuple(entry["box"])) for entry in work.call.params["boxes"])
    request = SegmentRequest(
        image=work.image(), labels=tuple(work.call.params["labels"]), boxes=boxes, seed=work.call.seed
    )
    return work.ask_model("segment", request)


def _preview(value: Segmentation, work: StageWork) -> Preview:
    return Preview(picture=mask_sheet(work.image(), value.instances), caption=f"{len(value.instances)} objects")


STAGE = Stage(name="segment", produces=Segmentation, compute=compute, preview=_preview)
segment = stage_task(STAGE)
