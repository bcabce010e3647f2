"""Compare surfaces with silhouettes: which variant, what profile."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool, Float

from models.assets.furniture.turned import Profile, silhouette_profile
from models.assets.solid import Surface
from regen3d.align.box_numbers import FARTHEST_M
from regen3d.frames import floor_point, project, rotation_about_y, transform
from regen3d.render.raster import rasterize
from regen3d.types import FittedBox, ObjectView, Similarity

GRID_PX = 96
"""Longer side of the grid on which variants are compared: chair legs are still 2-3 cells wide."""
MARGIN = 0.15
"""The crop exceeds the mask by this share."""
LEVELS, OVERSHOOT = 64, 1.4
"""Heights at which a profile is measured, up to this multiple of the fitted height."""
LEAST_SEEN = 0.7
"""A profile is believed where this share of its heights is in view."""
POLISH_TRIES = 40
"""Tries to better the pose; the IoU rises by about 0.01 in 40 more on rendered rooms."""
POLISH_STEP = np.array([0.006, 0.02, 0.06, 0.05, 0.03, 0.08])
"""First steps of bearing (rad), log distance, yaw (rad), log width, height and depth: the errors of a fitted box."""
POLISH_PULL = 0.0008
"""IoU that one squared first step is worth."""


def silhouette_iou(surface: Surface, world_from_object: Similarity, view: ObjectView) -> float:
    """IoU of the rendered surface with the visible mask outside `view.ignore`, on a coarse grid."""
    x0, y0, x1, y1 = view.instance.box
    margin = max(2, round(MARGIN * max(x1 - x0, y1 - y0)))
    x0, y0 = max(x0 - margin, 0), max(y0 - margin, 0)
    x1, y1 = min(x1 + margin, view.camera.width), min(y1 + margin, view.camera.height)
    scale = min(1.0, GRID_PX / max(x1 - x0, y1 - y0))
    wh = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    sx, sy = wh[0] / (x1 - x0), wh[1] / (y1 - y0)
    crop = np.array([[sx, 0, -sx * x0], [0, sy, -sy * y0], [0, 0, 1.0]])
    vertices = transform(view.camera.camera_from_world @ world_from_object.matrix, surface.vertices)
    drawn = rasterize(vertices, surface.faces, crop @ view.camera.intrinsics, (wh[1], wh[0])).face >= 0
    mask = view.instance.mask[y0:y1, x0:x1]
    counted = (mask | ~view.ignore[y0:y1, x0:x1]).astype(np.float32)
    weight = cv2.resize(counted, wh, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(mask.astype(np.float32), wh, interpolation=cv2.INTER_AREA)
    both = float((cover * drawn).sum())
    return both / max(float(cover.sum() + (weight * drawn).sum()) - both, 1e-9)


def turned_fits(view: ObjectView, box: FittedBox) -> list[tuple[FittedBox, Profile]]:
    """Bodies of revolution on the axis of a fitted box: their exact width and height, and their profile.

    The half width at a height is read from the row of the mask that the axis crosses there: the wider of the two sides,
    since the other may be hidden, and the narrower, since a handle or a leaf may stand out. The highest level is the
    first whose far rim reaches the top of the mask: above it the rows show that rim, not the body. None where the mask
    is cut by the border or too little of it is in view. The camera is taken as level.
    """
    if view.instance.is_truncated:
        return []
    box = _on_its_foot(view, box)
    axis = np.zeros((LEVELS, 3))
    axis[:, 1] = np.linspace(0.0, OVERSHOOT * float(box.size_m[1]), LEVELS)
    camera_from_object = view.camera.camera_from_world @ box.world_from_object.matrix
    sides, seen = _half_widths(view, transform(camera_from_object, axis))
    found = []
    for reach in (sides.max(axis=1), sides.min(axis=1)) if seen.any() else ():
        radius = np.interp(np.arange(LEVELS), np.flatnonzero(seen), np.maximum(reach[seen], 1e-3))
        rim = transform(camera_from_object, axis - radius[:, None] * [0.0, 0.0, 1.0])
        above = np.flatnonzero(project(view.camera.intrinsics, rim)[:, 1] < view.instance.box[1])
        top = int(above[0]) if above.size else LEVELS
        if top >= 4 and seen[:top].mean() >= LEAST_SEEN:
            width = 2.0 * float(radius[:top].max())
            size = np.array([width, axis[top - 1, 1], width])
            found.append((replace(box, size_m=size), silhouette_profile(radius[:top])))
    return found


def _half_widths(
    view: ObjectView, axis_camera: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
    """Reach of the mask to the left and right of points of an axis, metres, and where there is any."""
    pixels = project(view.camera.intrinsics, axis_camera)
    inside = ((pixels >= 0) & (pixels < [view.camera.width, view.camera.height])).all(axis=1)
    rows = np.where(inside, pixels[:, 1], 0.0).astype(np.int64)
    lines = view.instance.mask.take(rows, axis=0)
    left, right = lines.argmax(axis=1), lines.shape[1] - lines[:, ::-1].argmax(axis=1)
    sides = np.stack([pixels[:, 0] - left, right - pixels[:, 0]], axis=1)
    crossed = np.asarray(lines.any(axis=1), dtype=bool)
    return sides * axis_camera[:, 2:] / view.camera.intrinsics[0, 0], inside & crossed


def _on_its_foot(view: ObjectView, box: FittedBox) -> FittedBox:
    """The box moved over the floor so that its front foot is where the mask ends, if that is in view."""
    x0, _, x1, y1 = view.instance.box
    pose = box.world_from_object
    if pose.translation[1] > 0 or view.ignore[y1 : y1 + 3, x0:x1].any():
        return box
    line = np.flatnonzero(view.instance.mask[y1 - 1])
    foot = floor_point(view.camera, np.array([line.mean() + 0.5, float(y1)]))
    reach = float(np.hypot(foot[0], foot[2]))
    if not reach < FARTHEST_M:
        return box
    factor = reach / float(np.hypot(pose.translation[0], pose.translation[2]))
    place = foot * (1.0 + 0.5 * len(line) / float(view.camera.intrinsics[0, 0]))
    return replace(box, size_m=box.size_m * factor, world_from_object=replace(pose, translation=place))


def polished(surface: Surface, box: FittedBox, view: ObjectView, seed: int) -> tuple[Surface, FittedBox]:
    """Surface and box after a short search (1+1 evolution strategy) for the pose and proportions that cover the mask.

    The base keeps its height. Each step is held near the fitted box, since silhouettes alone drift along the ray.
    """
    rng = np.random.default_rng(seed)
    best, step = np.zeros(6), POLISH_STEP.copy()
    cost = -silhouette_iou(surface, box.world_from_object, view)
    for _ in range(POLISH_TRIES):
        trial = best + step * rng.normal(size=6) * (rng.random(6) < 0.5)
        moved, placed = _moved(surface, box, trial)
        off = POLISH_PULL * float(((trial / POLISH_STEP) ** 2).sum())
        trial_cost = off - silhouette_iou(moved, placed.world_from_object, view)
        step *= 1.2 if trial_cost < cost else 0.95
        if trial_cost < cost:
            best, cost = trial, trial_cost
    return _moved(surface, box, best)


def _moved(surface: Surface, box: FittedBox, change: Float[np.ndarray, " 6"]) -> tuple[Surface, FittedBox]:
    """Both after a change of (bearing, log distance, yaw, log width, log height, log depth)."""
    stretch = np.exp(change[3:])
    pose = box.world_from_object
    place = rotation_about_y(-float(change[0])) @ (pose.translation * [1, 0, 1]) * np.exp(change[1])
    moved = replace(
        pose,
        rotation=rotation_about_y(float(change[2] - change[0])) @ pose.rotation,
        translation=place + pose.translation * [0, 1, 0],
    )
    return replace(surface, vertices=surface.vertices * stretch), replace(
        box, size_m=box.size_m * stretch, world_from_object=moved
    )


def symmetry(view: ObjectView) -> float:
    """IoU of the mask with its mirror image about its own middle column, 0..1."""
    x0, y0, x1, y1 = view.instance.box
    crop = view.instance.mask[y0:y1, x0:x1]
    either = float((crop | crop[:, ::-1]).sum())
    return float((crop & crop[:, ::-1]).sum()) / max(either, 1.0)


def aspect(view: ObjectView) -> float:
    """Height of the mask over its width."""
    x0, y0, x1, y1 = view.instance.box
    return (y1 - y0) / max(x1 - x0, 1)
