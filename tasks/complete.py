"""Complete: what does this object look like on its own and whole?"""

import numpy as np

from models import registry
from models.base import CompleteRequest
from regen3d.manifest import HAND_MADE
from regen3d.query.layout import application_query
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


def _preview(value: Completion, work: StageWork) -> tuple[Preview, ...]:
    made = Preview(picture=on_white(value.picture), caption=f"{work.call.object}, completed")
    if work.call.adapter == HAND_MADE or not registry.find("complete", str(work.call.adapter)).queried:
        return (made,)
    query = application_query(work.value("view", ObjectView))
    return made, Preview(picture=query.picture, caption="What the model was asked with first", part="query")


STAGE = Stage(name="complete", produces=Completion, compute=compute, preview=_preview)
complete = stage_task(STAGE)
