"""Masks that end inside or outside of their objects by some pixels, set right by the picture's own edges.

Segmenters that are careful, or that work at a low resolution, leave a rim. One pixel of it moves a base by centimetres,
and masks that no longer touch say nothing of what stands on what.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float
from scipy import ndimage

from regen3d.types import Instance, Mask, Rgb

REACH_PX = 8
"""Farthest rim that is looked for."""

LEAST_BIAS_PX = 1.5
"""Rims below this are left: five rendered rooms with true masks measure -0.4 to 0."""

EDGE_LIMIT = 200.0
"""Strength, in steps of Lab colour, from which one edge is as good as any other."""

LEAST_PEAK = 1.5
"""How much stronger than on average the edges have to be where they are strongest: 2.4 to 2.8 in rendered rooms."""


def regrown(image: Rgb, instances: Sequence[Instance]) -> tuple[tuple[Instance, ...], float]:
    """The instances with masks that end where the picture's edges are, and by how many pixels they were moved.

    The whole scene shares one rim: a segmenter leaves the same on all. Masks do not grow into each other.
    """
    bias = mask_bias_px(image, [item.mask for item in instances])
    if abs(bias) < LEAST_BIAS_PX:
        return tuple(instances), 0.0
    distances = [outside_distance(item.mask) for item in instances]
    nearest = np.argmin(distances, axis=0)
    masks = [(distance <= bias) & (nearest == index) for index, distance in enumerate(distances)]
    grown = (replace(item, mask=mask) if mask.any() else item for item, mask in zip(instances, masks, strict=True))
    return tuple(grown), bias


def mask_bias_px(image: Rgb, masks: Sequence[Mask]) -> float:
    """How far outside of the masks' outlines the picture's edges lie on average, pixels; 0 where it shows none.

    Colour steps across the outlines are averaged over all masks as a function of the distance from them; the place of
    the peak is found to a fraction of a pixel by the parabola through it and its neighbours.
    """
    lab = cv2.GaussianBlur(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB)).astype(np.float32), (0, 0), 0.8)
    across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(lab, cv2.CV_32F, 0, 1, ksize=3)
    total = np.zeros(2 * REACH_PX)
    for mask in masks:
        if not mask.any():
            continue
        window = _window(mask)
        distance = outside_distance(mask[window])
        v, u = np.nonzero(np.abs(distance) < REACH_PX)
        if len(v) == 0:
            continue
        slope_v, slope_u = np.gradient(distance)
        step = across[window][v, u] * slope_u[v, u, None] + down[window][v, u] * slope_v[v, u, None]
        bins = np.floor(distance[v, u] + REACH_PX).astype(np.int64)
        strength = np.minimum(np.abs(step).sum(axis=1), EDGE_LIMIT)
        profile = np.bincount(bins, strength, 2 * REACH_PX) / np.maximum(np.bincount(bins, minlength=2 * REACH_PX), 1)
        total += profile / max(float(profile.mean()), 1e-9)
    peak = int(np.clip(total.argmax(), 1, len(total) - 2))
    if total[peak] < LEAST_PEAK * max(len(masks), 1):
        return 0.0
    before, here, after = total[peak - 1 : peak + 2]
    shift = 0.5 * (before - after) / min(before - 2.0 * here + after, -1e-9)
    return float(peak + 0.5 + np.clip(shift, -0.5, 0.5) - REACH_PX)


def _window(mask: Mask) -> tuple[slice, slice]:
    """The rows and columns of a mask, and as many more as a rim reaches."""
    margin = REACH_PX + 2
    ends = [np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    rows, columns = (slice(max(first - margin, 0), last + 1 + margin) for first, last in ends)
    return rows, columns


def outside_distance(mask: Mask) -> Float[np.ndarray, "h w"]:
    """Distance in pixels from the outline, positive outside of the mask, negative inside; huge where it is empty."""
    if not mask.any():
        return np.full(mask.shape, 1e9)
    inside = np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge")))[1:-1, 1:-1]
    outside = np.asarray(ndimage.distance_transform_edt(~mask))
    return np.where(mask, 0.5 - inside, outside - 0.5)
