"""One picture of many scenes: what went in, how well it fits, and what came out from two other places."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from regen3d.export.contact_sheet import CARD, PAPER, caption, open_sides, smooth_view
from regen3d.export.scene import ExportScene
from regen3d.render.scene import PlacedMesh
from regen3d.types import Rgb

CELL_HW = (270, 360)
"""Size of one picture of the sheet."""

GAP_PX = 8
"""Paper between pictures."""

VIEWS_DEG = ((35.0, 38.0), (-40.0, 22.0))
"""Azimuth from the room's own front, and elevation: from above over the right shoulder, and lower from the left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One scene of the sheet."""

    scene: ExportScene
    """The scene."""
    overlay: Rgb
    """The scene over the photograph."""
    title: str
    """What stands above it."""


def library_sheet(rows: Sequence[SheetRow]) -> Rgb:
    """Photograph, overlay and two other views of every scene, a row each.

    Args:
        rows: the scenes, from top to bottom; at least one.
    """
    drawn = [_row(row) for row in rows]
    gap = np.full((GAP_PX, drawn[0].shape[1], 3), PAPER, dtype=np.uint8)
    return np.concatenate([part for row in drawn for part in (gap, row)] + [gap])


def _row(row: SheetRow) -> Rgb:
    pictures = [_fitted(row.scene.photo), _fitted(row.overlay), *_views(row.scene)]
    gap = np.full((CELL_HW[0], GAP_PX, 3), PAPER, dtype=np.uint8)
    line = np.concatenate([part for picture in pictures for part in (gap, picture)] + [gap], axis=1)
    return np.concatenate([caption(row.title, line.shape[1]), line])


def _views(scene: ExportScene) -> list[Rgb]:
    placed = [PlacedMesh(mesh=item.mesh, world_from_mesh=item.world_from_object.matrix) for item in scene.objects]
    front_deg = float(np.degrees(scene.room.layout.yaw_rad))
    shown = [*placed, *open_sides(scene.room)]
    return [_view(shown, (front_deg + azimuth, elevation)) for azimuth, elevation in VIEWS_DEG]


def _view(shown: Sequence[PlacedMesh], direction_deg: tuple[float, float]) -> Rgb:
    """The scene as large as the cell takes it: the camera frames a ball, a room is flat."""
    picture, drawn = smooth_view(shown, (2 * CELL_HW[0], 2 * CELL_HW[1]), direction_deg, 1.0)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if len(rows) == 0:
        return _fitted(picture)
    return _fitted(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _fitted(picture: Rgb) -> UInt8[np.ndarray, "ch cw 3"]:
    """A picture of any shape in a cell, whole."""
    height, width = picture.shape[:2]
    factor = min(CELL_HW[0] / height, CELL_HW[1] / width)
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    cell = Image.new("RGB", (CELL_HW[1], CELL_HW[0]), CARD)
    small = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)
    cell.paste(small, ((CELL_HW[1] - size[0]) // 2, (CELL_HW[0] - size[1]) // 2))
    return np.array(cell)
