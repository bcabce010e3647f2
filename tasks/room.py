"""Room: floor, walls and ceiling as textured surfaces, in metres."""

from models.base import Plate
from regen3d.room.build import build_room
from regen3d.types import Geometry, Room
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Room:
    """The box room and its textured sides."""
    return build_room(work.value("plate", Plate).image, work.value("geometry", Geometry))


def _preview(value: Room, work: StageWork) -> Preview:
    width, height, depth = value.layout.bounds_max - value.layout.bounds_min
    row = {
        "size": f"{width:.2f} x {depth:.2f} x {height:.2f} m",
        "sides seen": ", ".join(sorted(value.layout.seen)),
        "confidence": f"{value.layout.confidence:.2f}",
        "scale": value.scale_source,
    }
    return Preview(table=(row,), caption="The room box")


STAGE = Stage(name="room", produces=Room, compute=compute, preview=_preview)
room = stage_task(STAGE)
