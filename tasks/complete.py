"""Complete: what does this object look like on its own and whole?"""

import numpy as np

from models.base import CompleteRequest
from regen3d.types import Completion, ObjectView, Rgb
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Completion:
    """The whole object as an RGBA picture."""
    request = CompleteRequest(view=work.value("view", ObjectView), seed=work.call.seed)
    return work.ask_model("complete", request)


def on_white(picture: np.ndarray) -> Rgb:
    """An RGBA picture laid on white."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    return (picture[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def _preview(value: Completion, work: StageWork) -> Preview:
    return Preview(picture=on_white(value.picture), caption=f"{work.call.object}, completed")


STAGE = Stage(name="complete", produces=Completion, compute=compute, preview=_preview)
complete = stage_task(STAGE)
