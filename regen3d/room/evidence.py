"""What a picture says about the walls of its room: edges by direction, colours, and where objects stand.

Everything is prepared once, so that thousands of boxes can be scored in one go (`regen3d.room.search`). Lengths are in
camera heights: the camera is at the origin of the room's axes, the floor at y = -1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Integer

from regen3d.frames import pixel_centers, pixel_rays
from regen3d.room.vanishing import Manhattan
from regen3d.types import Mask, Rgb

GRID_WIDTH = 64
"""Columns of the grid on which colours are compared; twice as many change no wall of five rendered rooms by 1 %."""
COLOURS = 12
"""Colour classes of the picture; half or twice as many change no wall of five rendered rooms by 1 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The picture as the search for the box sees it."""

    intrinsics: Float[np.ndarray, "3 3"]
    """K in pixels of the picture."""
    camera_from_room: Float[np.ndarray, "3 3"]
    """Room axes in the camera frame."""
    distance: Float[np.ndarray, "3 h w"]
    """For each room axis, distance in pixels to the nearest segment that runs along it."""
    clear: Bool[np.ndarray, "h w"]
    """Pixels that show the room rather than an object."""
    grid_rays: Float[np.ndarray, "p 3"]
    """Rays of the colour grid in the room's axes, clear cells only."""
    grid_colours: Float[np.ndarray, "p k"]
    """One-hot colour class of each cell."""
    contacts: Float[np.ndarray, "c 2"]
    """(x, z) on the floor below the lowest pixel of each object, camera heights."""
    lines: Float[np.ndarray, "n 3"]
    """Rays through the middles of the room's segments, room axes."""
    axes: Integer[np.ndarray, " n"]
    """Room axis of each of `lines`."""
    weights: Float[np.ndarray, " n"]
    """Length of each of `lines` in picture widths."""
    line_points: Float[np.ndarray, "n 4 3"]
    """Rays through points spread along each of `lines`, room axes."""


def gather_evidence(
    image: Rgb,
    objects: Sequence[Mask],
    segments: Float[np.ndarray, "n 4"],
    manhattan: Manhattan,
) -> Evidence:
    """Prepare a picture for the search.

    Args:
        image: the picture.
        objects: visible masks; what they cover counts neither for nor against a box.
        segments: the room's own segments, in the order of `manhattan.axes`.
        manhattan: lens and room axes.
    """
    height, width = image.shape[:2]
    covered = np.any(np.stack(objects), axis=0) if objects else np.zeros((height, width), bool)
    rays, cells = _colour_grid(image, covered)
    used = manhattan.axes >= 0
    middles = (segments[used, :2] + segments[used, 2:]) / 2
    lengths = np.hypot(*(segments[used, 2:] - segments[used, :2]).T)
    room = manhattan.camera_from_room
    return Evidence(
        intrinsics=manhattan.intrinsics,
        camera_from_room=room,
        distance=_distance_maps(segments, manhattan.axes, (height, width)),
        clear=~covered,
        grid_rays=pixel_rays(manhattan.intrinsics, rays) @ room,
        grid_colours=cells,
        contacts=_contacts(objects, manhattan),
        lines=pixel_rays(manhattan.intrinsics, middles) @ room,
        axes=manhattan.axes[used],
        weights=lengths / width,
        line_points=pixel_rays(manhattan.intrinsics, _spread(segments[used])) @ room,
    )


def _spread(segments: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4 2"]:
    """Points inside each segment, away from its ends, where it may touch the next side."""
    along = np.array([0.15, 0.4, 0.6, 0.85])[:, None]
    return segments[:, None, :2] * (1 - along) + segments[:, None, 2:] * along


def _distance_maps(
    segments: Float[np.ndarray, "n 4"], axes: Integer[np.ndarray, " n"], hw: tuple[int, int]
) -> Float[np.ndarray, "3 h w"]:
    maps = np.zeros((3, *hw))
    for axis in range(3):
        canvas = np.full(hw, 255, np.uint8)
        for x0, y0, x1, y1 in np.round((segments[axes == axis] - 0.5) * 16).astype(int).tolist():
            cv2.line(canvas, (x0, y0), (x1, y1), 0, 1, cv2.LINE_8, 4)
        maps[axis] = cv2.distanceTransform(canvas, cv2.DIST_L2, 5) if (canvas == 0).any() else 1e3
    return maps


def _colour_grid(image: Rgb, covered: Mask) -> tuple[Float[np.ndarray, "p 2"], Float[np.ndarray, "p k"]]:
    """Pixels and one-hot colour classes of the cells that objects leave clear."""
    height, width = image.shape[:2]
    size = (GRID_WIDTH, max(round(GRID_WIDTH * height / width), 2))
    lab = cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    small = cv2.resize(lab, size, interpolation=cv2.INTER_AREA)
    # Light falls off along a wall more than its hue changes, so brightness counts half.
    features = (small * np.array([0.5, 1.0, 1.0], np.float32)).reshape(-1, 3)
    free = cv2.resize(covered.astype(np.float32), size, interpolation=cv2.INTER_AREA).ravel() < 0.3
    pixels = pixel_centers((size[1], size[0])).reshape(-1, 2) * (width / size[0], height / size[1])
    if free.sum() < 4 * COLOURS:
        return np.zeros((0, 2)), np.zeros((0, COLOURS))
    return pixels[free], np.eye(COLOURS)[_colour_classes(features[free])]


def _colour_classes(features: Float[np.ndarray, "p 3"]) -> Integer[np.ndarray, " p"]:
    """Lloyd's k-means from evenly spread starts, so that no random number is drawn."""
    order = np.argsort(features @ np.array([1.0, 0.5, 0.25], np.float32), kind="stable")
    centres = features[order[np.linspace(0, len(order) - 1, COLOURS).astype(int)]]
    classes = np.zeros(len(features), int)
    for _ in range(12):
        classes = ((features[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        sums = np.eye(COLOURS, dtype=np.float32)[classes]
        counts = sums.sum(axis=0)[:, None]
        centres = np.where(counts > 0, sums.T @ features / np.maximum(counts, 1), centres)
    return classes


def _contacts(objects: Sequence[Mask], manhattan: Manhattan) -> Float[np.ndarray, "c 2"]:
    """Floor points below the objects that stand on the floor, as far as masks can tell."""
    points = []
    for index, mask in enumerate(objects):
        bottom = lowest_pixel(mask)
        if bottom is None or _rests_on_another(bottom, objects, index):
            continue
        ray = pixel_rays(manhattan.intrinsics, bottom) @ manhattan.camera_from_room
        # Beyond eight camera heights the object hangs or stands on something that was not found.
        if ray[1] < -1e-6 and np.hypot(ray[0], ray[2]) < -8.0 * ray[1]:
            points.append(ray[[0, 2]] / -ray[1])
    return np.array(points).reshape(-1, 2)


def lowest_pixel(mask: Mask) -> Float[np.ndarray, " 2"] | None:
    """(u, v) where an object touches what it stands on: the middle of its lowest row; None if it is cut off there."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0 or rows[-1] >= mask.shape[0] - 1:
        return None
    columns = np.flatnonzero(mask[rows[-1]])
    return np.array([float(np.median(columns)) + 0.5, float(rows[-1]) + 1.0])


def _rests_on_another(bottom: Float[np.ndarray, " 2"], objects: Sequence[Mask], index: int) -> bool:
    column = int(bottom[0])
    below = slice(int(bottom[1]), int(bottom[1]) + 4)
    return any(other[below, column].any() for k, other in enumerate(objects) if k != index)
