"""Walls: where does the furniture that stands along them show them to be?"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from regen3d import codec
from regen3d.align.proportions import proportioned
from regen3d.align.settings import AlignSettings
from regen3d.align.walls import fit_walls
from regen3d.frames import transform
from regen3d.manifest import StageEntry
from regen3d.store import Store
from regen3d.types import Alignment, Asset, Geometry, Room, WallFit
from tasks.artifacts import Preview
from tasks.stage import SceneContext, stage_task
from tasks.work import Stage, StageWork


def compute(work: StageWork) -> WallFit:
    """The room box with its walls corrected, and what has to be placed again: what is behind one, what hangs on one.

    A room that is none stays as it was, and so does that of the published presets, which know no walls.
    """
    layout, geometry = work.value("room", Room).layout, work.value("geometry", Geometry)
    settings = AlignSettings(**work.call.params.get("settings", {}))
    if not layout.believable or settings.preset != "default":
        return WallFit(layout=layout, shifts_m={}, displaced=())
    poses = {name: work.value(f"{name}.alignment", Alignment) for name in work.call.params["objects"]}
    floor = {name: pose for name, pose in poses.items() if pose.support == "floor"}
    bodies = {name: (_body(work, name, pose), pose.mask_iou) for name, pose in floor.items()}
    fit = fit_walls(layout, bodies, geometry.camera, geometry.plate_points)
    hanging = [name for name, pose in poses.items() if pose.support == "wall"] if fit.shifts_m else []
    return replace(fit, displaced=(*fit.displaced, *hanging))


def _body(work: StageWork, name: str, pose: Alignment) -> Float[np.ndarray, "_ 3"]:
    """Vertices of an object as it stands, world frame."""
    mesh = proportioned(work.value(f"{name}.asset", Asset).mesh, pose.proportions)
    return transform(pose.world_from_object.matrix, mesh.vertices)


def wall_fit(context: SceneContext, entry: StageEntry) -> WallFit:
    """What a finished call found."""
    return codec.get_value(Store(context.store), entry.value, WallFit)


def _preview(value: WallFit, _work: StageWork) -> Preview:
    if not value.shifts_m:
        return Preview(text="The walls stay where lines and points have them.")
    rows = tuple({"wall": face, "into the room by": f"{100 * shift:+.0f} cm"} for face, shift in value.shifts_m.items())
    return Preview(table=rows, caption="Walls that furniture corrects")


STAGE = Stage(name="walls", produces=WallFit, compute=compute, preview=_preview)
walls = stage_task(STAGE)
