"""Generate: which mesh is this object?"""

from models.base import AssetRequest
from regen3d.export.contact_sheet import contact_sheet
from regen3d.manifest import HAND_MADE
from regen3d.meshes.tidying import tidied
from regen3d.types import Asset, Completion, ObjectView
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Asset:
    """The user's mesh where given, else the generator's; clean in any case."""
    if work.call.adapter == HAND_MADE:
        return tidied(work.value("hand_made", Asset), by_hand=True, seed=work.call.seed)
    request = AssetRequest(
        view=work.value("view", ObjectView), completion=work.value("completion", Completion), seed=work.call.seed
    )
    return tidied(work.ask_model("generate", request), seed=work.call.seed)


def _preview(value: Asset, work: StageWork) -> Preview:
    picture = contact_sheet([(str(work.call.object), value.mesh)])
    return Preview(picture=picture, caption=f"{value.kind}, {len(value.mesh.faces)} faces")


STAGE = Stage(name="generate", produces=Asset, compute=compute, preview=_preview)
generate = stage_task(STAGE)
