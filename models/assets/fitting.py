"""Compare surfaces with silhouettes: which variant, what profile."""

import cv2
import numpy as np
from jaxtyping import Float

from models.assets.furniture.turned import Profile, silhouette_profile
from models.assets.solid import Surface
from regen3d.frames import project, transform
from regen3d.render.raster import rasterize
from regen3d.types import FittedBox, ObjectView, Similarity

GRID_PX = 96
"""Longer side of the grid on which variants are compared: chair legs are still 2-3 cells wide."""
MARGIN = 0.15
"""The crop exceeds the mask by this share."""
LEVELS = 40
"""Heights at which a profile is measured."""
LEAST_SEEN = 0.7
"""A profile is believed where this share of its heights is in view."""


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


def measured_profile(view: ObjectView, box: FittedBox) -> Profile | None:
    """The profile of a body of revolution from the widths of its mask, or None where too little of it is in view.

    Of the two sides the wider counts, since the other may be hidden; the camera is taken as level.
    """
    camera, mask = view.camera, view.instance.mask
    axis = np.zeros((LEVELS, 3))
    axis[:, 1] = np.linspace(0.0, float(box.size_m[1]), LEVELS)
    points = transform(camera.camera_from_world @ box.world_from_object.matrix, axis)
    pixels = project(camera.intrinsics, points)
    rows, columns = np.floor(pixels[:, 1]).astype(int), np.floor(pixels[:, 0]).astype(int)
    half_widths = np.full(LEVELS, np.nan)
    for level, (row, column) in enumerate(zip(rows, columns, strict=True)):
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and mask[row].any():
            ends = np.flatnonzero(mask[row])
            half_widths[level] = max(pixels[level, 0] - ends[0], ends[-1] + 1 - pixels[level, 0]) * points[level, 2]
    known = np.isfinite(half_widths)
    if known.mean() < LEAST_SEEN or view.instance.is_truncated:
        return None
    return silhouette_profile(np.interp(np.arange(LEVELS), np.flatnonzero(known), half_widths[known]))


def symmetry(view: ObjectView) -> float:
    """IoU of the mask with its mirror image about its own middle column, 0..1."""
    x0, y0, x1, y1 = view.instance.box
    crop = view.instance.mask[y0:y1, x0:x1]
    either = float((crop | crop[:, ::-1]).sum())
    return float((crop & crop[:, ::-1]).sum()) / max(either, 1.0)


def aspect(view: ObjectView) -> Float[np.ndarray, ""] | float:
    """Height of the mask over its width."""
    x0, y0, x1, y1 = view.instance.box
    return (y1 - y0) / max(x1 - x0, 1)
