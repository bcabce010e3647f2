"""Report: the pictures that show how well the scene explains the photograph."""

import numpy as np

from models.base import Plate, Segmentation
from regen3d import codec
from regen3d.export.contact_sheet import contact_sheet, room_views
from regen3d.export.overlay import mask_sheet, overlay
from regen3d.export.report import ReportPictures
from regen3d.render.scene import PlacedMesh
from regen3d.types import Geometry, Room
from tasks.artifacts import Preview
from tasks.assemble import Assembly
from tasks.stage import stage_task
from tasks.work import Stage, StageWork

codec.register(ReportPictures)


def compute(work: StageWork) -> ReportPictures:
    """Render the scene and lay it over the photograph."""
    image, instances = work.image(), work.value("segment", Segmentation).instances
    objects = work.value("assemble", Assembly).objects
    standing = [item.placed for item in objects if item.placed is not None]
    placed = [PlacedMesh(mesh=item.mesh, world_from_mesh=item.alignment.world_from_object.matrix) for item in standing]
    views = room_views(placed, work.value("room", Room), work.value("geometry", Geometry).camera)
    return ReportPictures(
        photo=image,
        masks=mask_sheet(image, instances),
        overlay=overlay(image, views.camera, [item.name for item in standing], instances),
        rendering=views.camera.color,
        plate=work.value("plate", Plate).image,
        dollhouse=views.dollhouse,
        contact_sheet=contact_sheet([(item.name, item.mesh) for item in standing]),
    )


def picture_files(pictures: ReportPictures) -> dict[str, np.ndarray]:
    """Path in the scene's folder -> picture, for those that are delivered as files."""
    return {
        "overlay.png": pictures.overlay,
        "masks.png": pictures.masks,
        "render.png": pictures.rendering,
        "plate.png": pictures.plate,
        "dollhouse.png": pictures.dollhouse,
        "contact_sheet.png": pictures.contact_sheet,
    }


def _preview(value: ReportPictures, work: StageWork) -> Preview:
    return Preview(picture=value.overlay, caption="The scene laid over the photograph")


STAGE = Stage(name="report", produces=ReportPictures, compute=compute, preview=_preview)
report = stage_task(STAGE)
