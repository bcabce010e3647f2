"""Room: floor, walls and ceiling as textured surfaces, in metres."""

from dataclasses import replace

from models.base import Plate
from regen3d.room.build import build_room
from regen3d.types import Geometry, Room, WallFit
from tasks.artifacts import Preview
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> Room:
    """The box room and its textured sides; its walls where furniture corrected them, once it stands."""
    picture, geometry = work.value("plate", Plate).image, work.value("geometry", Geometry)
    if "walls" not in work.call.inputs:
        return build_room(picture, geometry)
    fit = work.value("walls", WallFit)
    room = build_room(picture, replace(geometry, layout=fit.layout))
    return replace(room, notes=(*work.value("before", Room).notes, *_told(fit)))


def _told(fit: WallFit) -> tuple[str, ...]:
    """A sentence for each wall that was moved."""
    return tuple(
        f"The {face.replace('_', ' ')} was moved {'in' if shift > 0.0 else 'out'} by {100.0 * abs(shift):.0f} cm, "
        "to where furniture and points have it."
        for face, shift in fit.shifts_m.items()
    )


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
