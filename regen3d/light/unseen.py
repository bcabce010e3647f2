"""Light that the picture does not show: found by how brightness changes along the surfaces that it does show.

The sides of the room are cut into patches that shine on each other. What the picture shows of a patch is known; what it
does not show, or only clipped, may be brighter than the texture that was invented for it. A floor that darkens to the
right has a window on its left: the least additional light is taken that explains such slopes, whatever the paint.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.optimize import nnls

from regen3d.frames import project, rotation_about_y, transform
from regen3d.light.albedo import MOST_REFLECTED
from regen3d.room.box import FACE_AXES, FACES, leave_box
from regen3d.types import Camera, RoomLayout

PATCHES = 5
"""Patches along each edge of a side: half a metre to a metre, the size of a window."""

CLIPPED = 0.95
"""A patch with a part this bright (1 is white) may be brighter than it looks."""

STRAY = 0.05
"""How far pixels of one paint stray from their mean: painted walls by 0.02 to 0.05. What strays further counts less."""

FRUGAL = 0.01
"""Weight of (additional light / all light) squared against the squared misfit: as much light again costs as much as a
misfit of a tenth. A tenth or ten times of it turn the direction by some ten degrees."""

ROUNDS = 8
"""Rounds of fitting paints and light in turn."""

FEWEST = 20
"""Pixels of a side below which its paint says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxPoints:
    """Points on the inside of the room's box."""

    points: Float[np.ndarray, "n 3"]
    """In the room's axes, metres."""
    side: Integer[np.ndarray, " n"]
    """Index into `regen3d.room.box.FACES`."""

    @property
    def normals(self) -> Float[np.ndarray, "n 3"]:
        """Into the room, in the room's axes."""
        axis, sign = FACE_AXES[self.side].T
        return np.eye(3)[axis] * -sign[:, None]

    def patch(self, layout: RoomLayout) -> Integer[np.ndarray, " n"]:
        """The patch of each point."""
        share = (self.points - layout.bounds_min) / (layout.bounds_max - layout.bounds_min)
        cell = np.clip((share * PATCHES).astype(int), 0, PATCHES - 1)
        axis = FACE_AXES[self.side, 0]
        first, second = np.array([1, 0, 0])[axis], np.array([2, 2, 1])[axis]
        row = np.take_along_axis(cell, first[:, None], axis=1)[:, 0]
        column = np.take_along_axis(cell, second[:, None], axis=1)[:, 0]
        return (self.side * PATCHES + row) * PATCHES + column


def box_points(layout: RoomLayout, start: Float[np.ndarray, " 3"], rays: Float[np.ndarray, "n 3"]) -> BoxPoints:
    """Where rays from inside the room leave it; start and rays in the world frame."""
    turn = rotation_about_y(layout.yaw_rad)
    rays, start = rays @ turn, turn.T @ start
    side, reach = leave_box(layout, start, rays)
    return BoxPoints(points=start + rays * reach[:, None], side=side)


def unseen_light(
    layout: RoomLayout,
    camera: Camera,
    panorama: tuple[BoxPoints, Float[np.ndarray, "m 3"]],
    shown: tuple[BoxPoints, Float[np.ndarray, "n 3"]],
) -> Float[np.ndarray, "m 3"]:
    """Additional radiance of every texel of a panorama of the room.

    Args:
        layout: the room.
        camera: of the picture.
        panorama: where each texel lies on the room, and its radiance in units of the picture.
        shown: where pixels that show the bare room lie, and their colour, linear.
    """
    patch = panorama[0].patch(layout)
    count = np.maximum(np.bincount(patch, minlength=len(FACES) * PATCHES**2), 1)
    peak = np.zeros(len(count))
    np.maximum.at(peak, patch, panorama[1].max(axis=1))
    places, area = _patches(layout)
    # What is not in view, and lamps and windows that are.
    free = ~_in_view(places.points @ rotation_about_y(layout.yaw_rad).T, camera) | (peak > CLIPPED)
    # Light that a patch sends to a pixel's surface: its radiance times the cosines over the squared distance.
    towards = places.points[None] - shown[0].points[:, None]
    square = (towards**2).sum(axis=2)
    leaving = -(towards * places.normals[None]).sum(axis=2)
    arriving = (towards * shown[0].normals[:, None]).sum(axis=2)
    # A patch that is nearer than its own size does not shine as a point.
    share = np.maximum(leaving, 0) * np.maximum(arriving, 0) * area / np.maximum(square, area / 3) / square / np.pi
    extra = np.zeros((len(count), 3))
    for channel in range(3):
        known = np.bincount(patch, panorama[1][:, channel], minlength=len(count)) / count
        row = area / max(float(known @ area), 1e-9)
        extra[free, channel] = _least(share, (known, free), shown[1][:, channel], shown[0].side, row[free])
    return extra[patch]


def _least(
    share: Float[np.ndarray, "n k"],
    light: tuple[Float[np.ndarray, " k"], Bool[np.ndarray, " k"]],
    colour: Float[np.ndarray, " n"],
    side: Integer[np.ndarray, " n"],
    row: Float[np.ndarray, " f"],
) -> Float[np.ndarray, " f"]:
    """The least additional light of the free patches that explains one channel; sides have one paint each."""
    (known, free), extra = light, np.zeros(len(row))
    count = np.bincount(side, minlength=len(FACES))
    mean = np.maximum(np.bincount(side, colour, minlength=len(FACES)) / np.maximum(count, 1), 1e-6)
    # Every side speaks as loudly as the root of its area.
    weight = np.where(count >= FEWEST, 1.0 / np.sqrt(np.maximum(count, 1)), 0.0)[side]
    weight = weight / max(float(weight.sum()), 1e-9)
    for _ in range(ROUNDS):
        lit = share @ known + share[:, free] @ extra
        seen = colour / np.maximum(lit, 1e-9)
        paint = np.array([np.median(seen[side == k]) if count[k] else 0.0 for k in range(len(FACES))])
        factor = (np.minimum(paint, MOST_REFLECTED) / mean)[side]
        misfit = colour / mean[side] - factor * lit
        # Least absolute misfit: windows, pictures and skirting boards are not of the side's paint.
        root = np.sqrt(weight * STRAY / np.maximum(np.abs(misfit), STRAY))
        left = (root * factor)[:, None] * share[:, free]
        right = root * (colour / mean[side] - factor * (share @ known))
        system = np.concatenate([left, np.sqrt(FRUGAL) * row[None]]), np.append(right, 0.0)
        extra, _ = nnls(*system, maxiter=100 * max(len(row), 1))
    return extra


def _patches(layout: RoomLayout) -> tuple[BoxPoints, Float[np.ndarray, " k"]]:
    """Middles of all patches, in the order of their numbers, and their areas."""
    size, middle = layout.bounds_max - layout.bounds_min, (np.arange(PATCHES) + 0.5) / PATCHES
    points, area = [], []
    for across, sign in FACE_AXES:
        first, second = [axis for axis in range(3) if axis != across]
        share = np.full((PATCHES**2, 3), float(sign > 0))
        share[:, first], share[:, second] = np.repeat(middle, PATCHES), np.tile(middle, PATCHES)
        points.append(layout.bounds_min + share * size)
        area.append(np.full(PATCHES**2, size[first] * size[second] / PATCHES**2))
    side = np.repeat(np.arange(len(FACES)), PATCHES**2)
    return BoxPoints(points=np.concatenate(points), side=side), np.concatenate(area)


def _in_view(points: Float[np.ndarray, "k 3"], camera: Camera) -> Bool[np.ndarray, " k"]:
    """Whether points of the world lie in the picture."""
    seen = transform(camera.camera_from_world, points)
    pixel = project(camera.intrinsics, seen)
    return (seen[:, 2] > 1e-6) & ((pixel >= 0) & (pixel < (camera.width, camera.height))).all(axis=1)
