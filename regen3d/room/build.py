"""The room stage: box, surfaces and where the metres come from."""

import numpy as np

from regen3d.room.from_points import fit_layout
from regen3d.room.solve import CAMERA_HEIGHT_M
from regen3d.room.surfaces import room_meshes
from regen3d.types import Geometry, Rgb, Room


def build_room(plate_image: Rgb, geometry: Geometry) -> Room:
    """The empty room of a picture.

    Args:
        plate_image: the empty room, of the size of `geometry.camera`.
        geometry: camera and points; its layout is used, or fitted to the plate's points where there is none.

    Raises:
        DegenerateGeometryError: there is no layout, and too few points to fit one to.
    """
    notes: tuple[str, ...] = ()
    layout = geometry.layout
    if layout is None:
        layout = fit_layout(geometry.plate_points, geometry.camera)
        notes = ("The room box was fitted to the points of the empty room.",)
    return Room(
        layout=layout,
        parts=room_meshes(plate_image, geometry.camera, layout),
        scale_source=_scale_source(geometry),
        notes=notes,
    )


def _scale_source(geometry: Geometry) -> str:
    if geometry.scale_source:
        return geometry.scale_source
    height = float(geometry.camera.position[1])
    if geometry.plate_points.scale == "relative":
        return "The estimator knows no metres: lengths are relative."
    if np.isclose(height, CAMERA_HEIGHT_M):
        return f"Metres assume that the camera stood {CAMERA_HEIGHT_M} m above the floor."
    return f"Metres come from the camera's height above the floor, {height:.2f} m."
