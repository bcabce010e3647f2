"""The room box for point maps that a user gives."""

from collections.abc import Sequence
from dataclasses import replace

from regen3d.errors import DegenerateGeometryError
from regen3d.frames import gravity_in_camera
from regen3d.room.from_points import fit_layout
from regen3d.room.solve import solve_room
from regen3d.types import Geometry, KnownCamera, Mask, Rgb, RoomLayout


def with_layout(geometry: Geometry, image: Rgb, objects: Sequence[Mask], seed: int) -> Geometry:
    """The same geometry with a room box: fitted to its points, or, where they are too rough, to the picture's lines.

    Args:
        geometry: camera and points.
        image: the picture.
        objects: the visible mask of each object.
        seed: for every random choice.
    """
    fitted = _fitted(geometry)
    if fitted is not None and fitted.believable:
        return replace(geometry, layout=fitted)
    camera = geometry.camera
    known = KnownCamera(
        intrinsics=camera.intrinsics,
        width=camera.width,
        height=camera.height,
        gravity=gravity_in_camera(camera),
        height_m=float(camera.position[1]),
    )
    solved = solve_room(image, objects, known, seed).layout
    if fitted is not None and fitted.confidence >= solved.confidence:
        return replace(geometry, layout=fitted)
    note = "The points are too rough for walls: the room box comes from the lines of the picture."
    return replace(geometry, layout=solved, notes=(*geometry.notes, note))


def _fitted(geometry: Geometry) -> RoomLayout | None:
    try:
        return fit_layout(geometry.plate_points, geometry.camera)
    except DegenerateGeometryError:
        return None
