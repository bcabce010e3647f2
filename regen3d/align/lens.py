"""The lens that metric points were measured with, where it is not the one that the camera claims."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from regen3d.types import Camera, PointMap

LEAST_CHANGE = 0.01
"""Disagreement of focal lengths, as a share, from which the points are believed: 1 % moves what is 4 m away by 4 cm,
and fits to points that follow the camera's own lens err by a thousandth of that."""

LARGEST_SPREAD_PX = 2.0
"""Median distance of points from where their own lens draws them; more and the points follow no pinhole camera."""

LARGEST_CHANGE = 0.3
"""What disagrees by more is no lens that is off: the points are of another picture, or of another crop of it."""

CENTRE_SHARE = 0.02
"""Distance of the principal point from the camera's, as a share of the picture's width, from which it moves too."""

MOST_PIXELS = 50_000
"""Points that are fitted, evenly spread: ten times as many move the focal length by less than a ten-thousandth."""

LEAST_PIXELS = 1000
"""Fewer points than this fit anything."""

ROUNDS = 5
"""Of robust least squares (Cauchy weights); fits settle in three."""


def calibrated_camera(camera: Camera, points: PointMap | None) -> tuple[Camera, str | None]:
    """The camera with the lens of its metric points, and a sentence on it where that is not the given one.

    A pinhole draws a point at `u = fx X / Z + cx` and `v = fy Y / Z + cy`: two straight lines, fitted to all points by
    robust least squares. Points that an estimator measured itself lie on them to a fraction of a pixel, whatever their
    depth errors, and tell its focal length better than anything in the picture does. Gravity and height stay.

    Args:
        camera: the camera as it is believed.
        points: a point for each pixel of its picture, camera frame; None or relative ones change nothing.
    """
    if points is None or points.scale != "metric":
        return camera, None
    usable = points.valid & (points.points[..., 2] > 0.0)
    if usable.sum() < LEAST_PIXELS:
        return camera, None
    rows, columns = np.nonzero(usable)
    rows, columns = (part[:: max(1, len(rows) // MOST_PIXELS)] for part in (rows, columns))
    seen = points.points[rows, columns]
    slope, pixels = seen[:, :2] / seen[:, 2:], np.stack([columns, rows], axis=1) + 0.5
    focal, centre, spread_px = _fitted(slope, pixels)
    given = camera.intrinsics[[0, 1], [0, 1]]
    change = np.abs(focal / given - 1.0).max()
    if not LEAST_CHANGE < change < LARGEST_CHANGE or spread_px > LARGEST_SPREAD_PX:
        return camera, None
    intrinsics = camera.intrinsics.copy()
    intrinsics[[0, 1], [0, 1]] = focal
    if np.abs(centre - camera.intrinsics[:2, 2]).max() > CENTRE_SHARE * camera.width:
        intrinsics[:2, 2] = centre
    note = f"the points were measured with a focal length of {focal[0]:.0f} px, not {given[0]:.0f}: theirs is used"
    return replace(camera, intrinsics=intrinsics), note


def _fitted(
    slope: Float[np.ndarray, "n 2"], pixels: Float[np.ndarray, "n 2"]
) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"], float]:
    """Focal lengths, principal point, and the median distance of pixels from the fit; for u and v apart."""
    weight = np.ones(len(slope))
    focal, centre, spread = np.ones(2), np.zeros(2), np.inf
    for _ in range(ROUNDS):
        total = weight.sum()
        mean_slope, mean_pixel = weight @ slope / total, weight @ pixels / total
        off = slope - mean_slope
        focal = (weight @ (off * (pixels - mean_pixel))) / np.maximum(weight @ off**2, 1e-12)
        centre = mean_pixel - focal * mean_slope
        miss = np.linalg.norm(pixels - slope * focal - centre, axis=1)
        spread = float(np.median(miss))
        weight = 1.0 / (1.0 + (miss / max(2.0 * spread, 1e-6)) ** 2)
    return focal, centre, spread
