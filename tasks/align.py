"""Align: where does this object stand?"""

from models.assets.sizes import category_of
from models.base import Segmentation
from regen3d.align.engine import AlignRequest
from regen3d.align.proportions import proportioned
from regen3d.align.settings import AlignSettings
from regen3d.align.size_prior import SizePrior
from regen3d.align.walls import without_walls
from regen3d.export.overlay import placed_overlay
from regen3d.room.box import bare_floor
from regen3d.types import Alignment, Asset, Geometry, Mask, ObjectView, Room, RoomLayout
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Alignment:
    """The pose that explains the picture best."""
    points = work.value("geometry", Geometry).image_points
    layout = work.value("room", Room).layout
    request = AlignRequest(
        view=work.value("view", ObjectView),
        asset=work.value("asset", Asset),
        support=work.call.params["support"],
        points=points if points.scale == "metric" else None,
        layout=_bounds(work, layout),
        seed=work.call.seed,
        settings=AlignSettings(**work.call.params.get("settings", {})),
        size_prior=_size_prior(work.value("view", ObjectView).instance.label),
        floor=_floor(work, layout),
    )
    return work.ask_library("regen3d.align.engine:align_object", request)


def _bounds(work: StageWork, layout: RoomLayout) -> RoomLayout | None:
    """The room that the object stands in; its walls keep it in only once furniture has corrected them."""
    if not layout.believable:
        return None
    return layout if work.call.params.get("within_walls", False) else without_walls(layout)


def _size_prior(label: str) -> SizePrior | None:
    """The usual size of what a label names."""
    category = category_of(label)
    return None if category is None else category.prior


def _floor(work: StageWork, layout: RoomLayout) -> Mask | None:
    """The visible floor, for the published presets, whose calls have the masks of all objects as an input."""
    if "segmentation" not in work.call.inputs:
        return None
    segmentation, camera = work.value("segmentation", Segmentation), work.value("geometry", Geometry).camera
    if segmentation.floor is not None:
        return segmentation.floor
    return bare_floor(camera, layout, (item.mask for item in segmentation.instances))


def _preview(value: Alignment, work: StageWork) -> tuple[Preview, ...]:
    row = {
        "mask IoU": f"{value.mask_iou:.2f}",
        "stands on": value.support,
        "contact gap": f"{100 * value.contact_gap_m:.1f} cm",
        "lead over the runner-up": f"{value.runner_up_margin:.2f}",
    }
    view = work.value("view", ObjectView)
    mesh = proportioned(work.value("asset", Asset).mesh, value.proportions)
    drawn = Preview(picture=placed_overlay(view, mesh, value.world_from_object), caption=f"{work.call.object}, placed")
    return drawn, Preview(table=(row,), caption="How well it explains the picture", part="numbers")


STAGE = Stage(name="align", produces=Alignment, compute=compute, preview=_preview)
align = stage_task(STAGE)
