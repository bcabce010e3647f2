"""The room as textured meshes, one a side, with what the picture does not show invented."""

import cv2
import numpy as np
from jaxtyping import Float, Integer, UInt8

from regen3d.room.box import FACES, box_image
from regen3d.room.fill import fill_surface
from regen3d.room.panel import LARGEST_STRETCH, Panel, face_panel, straighten, stretch, texel_pixels
from regen3d.types import Camera, Face, Mask, Mesh, Rgb, RoomLayout

TEXTURE_PX = 2048
"""Texels along the longer edge of a side."""
INVENTED_PX = 512
"""Longer edge at which what is out of view is invented: no picture shows it sharper."""
AMPLE = 0.1
"""Share of the picture that a side must fill to deserve the full texture; others get half."""
ENOUGH = 0.01
"""Share of a side's texels that the picture must show before its texture is continued from them."""
ROUGHNESS: dict[Face, float] = {
    "floor": 0.5,
    "ceiling": 0.95,
    **dict.fromkeys(("wall_back", "wall_front", "wall_left", "wall_right"), 0.9),
}
"""Assumed, not seen: matt paint, and a floor with a satin finish. No side of a room is metal."""


def room_meshes(plate_image: Rgb, camera: Camera, layout: RoomLayout) -> dict[Face, Mesh]:
    """A quad for each side of the box, seen from inside, textured from the picture of the empty room.

    Args:
        plate_image: the empty room, of the camera's size.
        camera: pixels of `plate_image`.
        layout: in the frame of `camera`.

    Returns:
        World frame, metres; faces counter-clockwise from inside. Texels that are out of view, or that the picture
        shows so askew that they would be stretched more than `LARGEST_STRETCH`, continue the others; a side that is
        not in view takes the median colour of the walls that are.
    """
    sides, _ = box_image(camera, layout)
    plain = _plain_colour(plate_image, sides)
    meshes: dict[Face, Mesh] = {}
    for index, face in enumerate(FACES):
        shown = float((sides == index).mean())
        panel = face_panel(layout, face, TEXTURE_PX if shown > AMPLE else TEXTURE_PX // 2)
        pixels = texel_pixels(panel, camera)
        texture, known = straighten(plate_image, sides == index, pixels)
        known &= stretch(pixels) <= LARGEST_STRETCH
        if known.mean() < ENOUGH:
            # Ceilings are paler than walls.
            texture = np.broadcast_to(0.4 * plain + 0.6 * 240.0 if face == "ceiling" else plain, (8, 8, 3))
        else:
            texture = _continued(texture, known, face.startswith("wall"))
        meshes[face] = quad(panel, np.clip(np.round(texture), 0, 255).astype(np.uint8), ROUGHNESS[face])
    return meshes


def _continued(texture: Float[np.ndarray, "h w 3"], known: Mask, wall: bool) -> Float[np.ndarray, "h w 3"]:
    """The texture with what is out of view, or too stretched, invented at a lower resolution."""
    height, width = known.shape
    factor = min(INVENTED_PX / max(height, width), 1.0)
    size = max(round(width * factor), 4), max(round(height * factor), 4)
    mass = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = (
        cv2.resize(texture * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(mass, 1e-6)[..., None]
    )
    sure = mass > 0.99
    if not sure.any():
        return np.where(known[..., None], texture, texture[known].mean(axis=0))
    filled, _ = fill_surface(small, sure, np.zeros_like(sure), wall)
    grown = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(known[..., None], texture, grown.astype(np.float32))


def _plain_colour(plate_image: Rgb, sides: Integer[np.ndarray, "h w"]) -> Float[np.ndarray, " 3"]:
    """Median colour of the visible side walls, else of the back wall (more often the odd one), else of everything."""
    for faces in (("wall_left", "wall_right"), ("wall_back", "wall_front")):
        shown = np.isin(sides, [FACES.index(face) for face in faces])
        if shown.mean() > ENOUGH:
            return np.median(plate_image[shown], axis=0)
    return np.median(plate_image.reshape(-1, 3), axis=0)


def quad(panel: Panel, texture: UInt8[np.ndarray, "h w 3"], roughness: float) -> Mesh:
    """Two triangles over a panel, counter-clockwise from inside the room."""
    corners = [panel.corner, panel.corner + panel.right, panel.corner + panel.right + panel.up, panel.corner + panel.up]
    return Mesh(
        vertices=np.stack(corners),
        faces=np.array([[0, 1, 2], [0, 2, 3]]),
        uv=np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
        texture=texture,
        roughness=roughness,
    )
