"""Plate: what does the room look like without its objects?"""

from models.base import Plate, PlateRequest, Segmentation
from regen3d.manifest import HAND_MADE
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Plate:
    """The user's plate where given, else the editor's."""
    if work.call.adapter == HAND_MADE:
        return work.value("hand_made", Plate)
    objects = tuple(instance.mask for instance in work.value("segmentation", Segmentation).instances)
    request = PlateRequest(image=work.image(), objects=objects, known_camera=work.known_camera(), seed=work.call.seed)
    return work.ask_model("empty_room", request)


def _preview(value: Plate, work: StageWork) -> Preview:
    return Preview(picture=value.image, caption=f"{100 * value.filled.mean():.0f} % of the picture filled")


STAGE = Stage(name="plate", produces=Plate, compute=compute, preview=_preview)
plate = stage_task(STAGE)
