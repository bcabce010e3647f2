"""Bodies of revolution read from a silhouette."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from models.assets.furniture.turned import Profile, silhouette_profile
from regen3d.align.box_numbers import FARTHEST_M
from regen3d.frames import floor_point, project, transform
from regen3d.types import FittedBox, ObjectView

LEVELS, OVERSHOOT = 64, 1.4
"""Heights at which a profile is measured, up to this multiple of the fitted height."""
LEAST_SEEN = 0.7
"""A profile is believed where this share of its heights is in view."""


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
