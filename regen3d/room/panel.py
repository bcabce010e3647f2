"""A rectangle of a room surface and the straightened picture of it."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from regen3d.frames import pixel_rays, rotation_about_y
from regen3d.room.box import face_axis
from regen3d.types import Camera, Face, Mask, Rgb, RoomLayout

LARGEST_STRETCH = 8.0
"""How many times longer than wide a pixel may lie on a surface: seen at seven degrees and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A rectangle in the world with a texel grid; row 0 of the grid is the upper edge."""

    corner: Float[np.ndarray, " 3"]
    """Lower left corner seen from inside the room, world frame, metres."""
    right: Float[np.ndarray, " 3"]
    """Lower edge, from `corner`, metres."""
    up: Float[np.ndarray, " 3"]
    """Left edge, from `corner`, metres; `right x up` points into the room."""
    wh: tuple[int, int]
    """Texels across and down."""


def face_panel(layout: RoomLayout, face: Face, longest_px: int) -> Panel:
    """The whole of one side of the box, its longer edge `longest_px` texels long.

    Walls stand upright; the floor's upper edge is at the back wall, the ceiling's at the front wall.
    """
    axis, sign = face_axis(face)
    low, high = layout.bounds_min, layout.bounds_max
    inward = np.zeros(3)
    inward[axis] = -sign
    up = np.array([0.0, 0.0, float(sign)]) if axis == 1 else np.array([0.0, 1.0, 0.0])
    right = np.cross(up, inward)
    size = high - low
    corner = np.where(right + up > 0, low, high)
    corner[axis] = high[axis] if sign > 0 else low[axis]
    turn = rotation_about_y(layout.yaw_rad)
    return _panel(turn @ corner, turn @ right * abs(right @ size), turn @ up * abs(up @ size), longest_px)


def _panel(
    corner: Float[np.ndarray, " 3"], right: Float[np.ndarray, " 3"], up: Float[np.ndarray, " 3"], longest_px: int
) -> Panel:
    across, high = float(np.linalg.norm(right)), float(np.linalg.norm(up))
    per_metre = longest_px / max(across, high)
    wh = max(round(across * per_metre), 8), max(round(high * per_metre), 8)
    return Panel(corner=corner, right=right, up=up, wh=wh)


def crop_panel(panel: Panel, fractions: Float[np.ndarray, "n 2"], longest_px: int) -> Panel:
    """The least part of a panel that holds all points given as fractions (right, up) of its edges."""
    low, high = np.clip(fractions.min(axis=0), 0, 1), np.clip(fractions.max(axis=0), 0, 1)
    high = np.maximum(high, low + 0.01)
    corner = panel.corner + panel.right * low[0] + panel.up * low[1]
    return _panel(corner, panel.right * (high[0] - low[0]), panel.up * (high[1] - low[1]), longest_px)


def panel_fractions(panel: Panel, camera: Camera, pixels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Where rays through pixels meet the panel's plane, as fractions (right, up) of its edges."""
    rays = pixel_rays(camera.intrinsics, pixels) @ camera.world_from_camera[:3, :3].T
    normal = np.cross(panel.right, panel.up)
    facing = rays @ normal
    steps = ((panel.corner - camera.position) @ normal) / np.where(np.abs(facing) < 1e-12, 1e-12, facing)
    offset = camera.position + rays * steps[:, None] - panel.corner
    lengths = np.array([panel.right @ panel.right, panel.up @ panel.up])
    return np.stack([offset @ panel.right, offset @ panel.up], axis=1) / lengths


def texel_pixels(panel: Panel, camera: Camera) -> Float[np.ndarray, "h w 2"]:
    """Pixel of the picture at the centre of each texel; NaN behind the camera."""
    width, height = panel.wh
    across = (np.arange(width) + 0.5) / width
    high = 1.0 - (np.arange(height) + 0.5) / height
    turn = camera.intrinsics @ camera.camera_from_world[:3, :3]
    corner = turn @ panel.corner + camera.intrinsics @ camera.camera_from_world[:3, 3]
    # Homogeneous pixels are a sum of what the column and what the row adds: no point is transformed by itself.
    column = (corner[:, None] + (turn @ panel.right)[:, None] * across).astype(np.float32)
    row = ((turn @ panel.up)[:, None] * high).astype(np.float32)
    depth = column[2] + row[2][:, None]
    inverse = np.where(depth > 0.05, 1.0 / np.where(depth > 0.05, depth, 1.0), np.nan).astype(np.float32)
    return np.stack([(column[k] + row[k][:, None]) * inverse for k in (0, 1)], axis=-1)


def stretch(pixels: Float[np.ndarray, "th tw 2"]) -> Float[np.ndarray, "th tw"]:
    """How many times longer than wide one pixel of the picture lies on the surface at each texel; 1 is square on.

    The ratio of the singular values of the map from texels, which are square, to pixels; inf behind the camera. It
    varies slowly, and is computed for every eighth texel.
    """
    height, width = pixels.shape[:2]
    step = 8 if min(height, width) > 32 else 1
    down, across = np.gradient(pixels[::step, ::step], axis=(0, 1))
    area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
    energy = (across**2 + down**2).sum(axis=-1)
    # Singular values a >= b: their product is the area, their squares sum to the energy.
    root = np.sqrt(np.maximum(energy**2 - 4 * area**2, 0.0))
    ratio = np.sqrt((energy + root) / np.maximum(energy - root, 1e-12))
    coarse = np.where(np.isfinite(ratio), ratio, np.inf)
    return np.repeat(np.repeat(coarse, step, axis=0), step, axis=1)[:height, :width]


def straighten(
    image: Rgb, usable: Mask, pixels: Float[np.ndarray, "th tw 2"]
) -> tuple[Float[np.ndarray, "th tw 3"], Bool[np.ndarray, "th tw"]]:
    """Sample a picture at pixels: colours 0..255, and whether each texel shows a usable pixel."""
    height, width = usable.shape
    place = np.where(np.isfinite(pixels), pixels, -10.0).clip(-1e4, 1e4).astype(np.float32) - 0.5
    x, y = place[..., 0], place[..., 1]
    colours = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.remap(usable.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    inside = (place > -0.5).all(axis=-1) & (x < width - 0.5) & (y < height - 0.5)
    return colours.astype(np.float32), (shown > 0.99) & inside


def sample_texels(
    texture: Float[np.ndarray, "h w 3"], panel: Panel, fractions: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 3"]:
    """Colours of a panel's texture at fractions (right, up) of its edges; beyond an edge its last texel goes on."""
    place = np.stack([fractions[:, 0] * panel.wh[0], (1 - fractions[:, 1]) * panel.wh[1]], axis=1) - 0.5
    # OpenCV refuses rows of more than 32767 samples.
    rows = -(-len(place) // 1024)
    grid = np.zeros((rows * 1024, 2), np.float32)
    grid[: len(place)] = place
    x, y = grid[:, 0].reshape(rows, 1024), grid[:, 1].reshape(rows, 1024)
    colours = cv2.remap(texture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return colours.reshape(-1, 3)[: len(place)].astype(np.float64)
