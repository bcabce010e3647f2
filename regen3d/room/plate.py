"""The picture of the empty room: what objects hid is invented on each straightened wall, floor and ceiling."""

from collections.abc import Sequence

import cv2
import numpy as np

from regen3d.frames import pixel_centers
from regen3d.room.box import FACES, box_image
from regen3d.room.fill import fill_surface
from regen3d.room.panel import Panel, crop_panel, face_panel, panel_fractions, sample_texels, straighten, texel_pixels
from regen3d.types import Camera, Mask, Rgb, RoomLayout

MARGIN = 0.012
"""Masks are grown by this share of the width: their soft edges and nearest shadows belong to the objects."""
PANEL_PX = 620
"""Longer side of a straightened surface: the finest at which a plate of 960 x 720 stays within four seconds."""


def hole_mask(objects: Sequence[Mask], hw: tuple[int, int]) -> Mask:
    """All objects, grown by `MARGIN`, and the gaps between their parts that are narrower than that."""
    hole = np.any(np.stack(objects), axis=0) if objects else np.zeros(hw, bool)
    reach = max(round(MARGIN * hw[1]), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    grown = cv2.dilate(hole.astype(np.uint8), kernel)
    return cv2.morphologyEx(grown, cv2.MORPH_CLOSE, kernel) > 0


def fill_room(image: Rgb, hole: Mask, camera: Camera, layout: RoomLayout) -> tuple[Rgb, Mask]:
    """Fill a hole side by side of the room box, so that nothing is smeared across the line between two sides.

    Args:
        image: the picture, of the camera's size.
        hole: pixels to invent.
        camera: pixels of `image`.
        layout: in the frame of `camera`.

    Returns:
        The filled picture, and the pixels that were invented: the hole and the shadows next to it.
    """
    sides, _ = box_image(camera, layout)
    result, invented = image.copy(), hole.copy()
    for index, face in enumerate(FACES):
        side = sides == index
        if (side & hole).any():
            panel = _visible_panel(camera, face_panel(layout, face, PANEL_PX), side)
            _fill_side((result, invented), image, (side, hole), (camera, panel), face.startswith("wall"))
    return result, invented


def _visible_panel(camera: Camera, whole: Panel, side: Mask) -> Panel:
    """The part of a side that the picture shows."""
    pixels = pixel_centers(camera.hw)[side]
    return crop_panel(whole, panel_fractions(whole, camera, pixels), PANEL_PX)


def _fill_side(
    filled: tuple[Rgb, Mask], image: Rgb, where: tuple[Mask, Mask], view: tuple[Camera, Panel], wall: bool
) -> None:
    """Invent what one side hides, in place in the picture and the mask of `filled`."""
    (result, invented), (side, hole), (camera, panel) = filled, where, view
    pixels = texel_pixels(panel, camera)
    texture, known = straighten(image, side & ~hole, pixels)
    if not known.any():
        return
    hidden = straighten(image, side & hole, pixels)[1]
    texture, kept = fill_surface(texture, known, hidden, wall)
    fractions = panel_fractions(panel, camera, pixel_centers(camera.hw)[side])
    shown = sample_texels(np.where(kept, 1.0, 0.0)[..., None].repeat(3, axis=2), panel, fractions)[:, 0]
    replaced = hole[side] | (shown < 0.5)
    target = np.zeros_like(side)
    target[side] = replaced
    colours = sample_texels(texture, panel, fractions[replaced])
    result[target] = np.clip(np.round(colours), 0, 255).astype(np.uint8)
    invented |= target
