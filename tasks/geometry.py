"""Geometry: where is the camera, and how far is every pixel?"""

from models.base import GeometryRequest, Plate, Segmentation
from models.geometry.metres import ScaleRequest, in_metres
from regen3d.inputs.length import parse_length
from regen3d.manifest import HAND_MADE
from regen3d.room.given import with_layout
from regen3d.types import Geometry, Mask
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Geometry:
    """The user's points where given, else camera and point maps of picture and plate."""
    instances = work.value("segmentation", Segmentation).instances
    known, length = work.known_camera(), work.call.params.get("scale")
    scale = ScaleRequest(
        image=work.image(),
        instances=instances,
        length=parse_length(length) if length else None,
        focus_m=work.call.params.get("focus_m"),
        height_known=known is not None and known.height_m is not None,
        seed=work.call.seed,
    )
    return in_metres(_estimated(work, tuple(instance.mask for instance in instances)), scale)


def _estimated(work: StageWork, objects: tuple[Mask, ...]) -> Geometry:
    """What was given, or what the estimator answers."""
    if work.call.adapter == HAND_MADE:
        return with_layout(work.value("hand_made", Geometry), work.image(), objects, work.call.seed)
    plate = work.value("plate", Plate)
    request = GeometryRequest(
        image=work.image(),
        plate=plate.image,
        objects=objects,
        known_camera=work.known_camera(),
        camera=plate.camera,
        layout=plate.layout,
        seed=work.call.seed,
    )
    return work.ask_model("estimate", request)


def _preview(value: Geometry, work: StageWork) -> Preview:
    camera = value.camera
    row = {
        "horizontal field of view": f"{camera.hfov_deg:.1f} degrees",
        "height": f"{camera.position[1]:.2f} m",
        "confidence": f"{value.confidence:.2f}",
        "points": value.image_points.scale,
    }
    return Preview(table=(row,), caption="The recovered camera")


STAGE = Stage(name="geometry", produces=Geometry, compute=compute, preview=_preview)
geometry = stage_task(STAGE)
