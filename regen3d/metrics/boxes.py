"""How much of two boxes is common: axis-aligned ones and upright ones of any yaw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError

from regen3d.frames import rotation_about_y

Bounds = Float[np.ndarray, "2 3"]
"""Least and greatest corner of an axis-aligned box."""

Polygon = Float[np.ndarray, "_ 2"]
"""Corners of a convex polygon, counter-clockwise (positive area); any number, so the axis has no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UprightBox:
    """A box that stands level and is turned about +Y."""

    base: Float[np.ndarray, " 3"]
    """Middle of its lower side, metres."""
    size_m: Float[np.ndarray, " 3"]
    """Width (x), height (y), depth (z) along its own axes, positive."""
    yaw_rad: float
    """Rotation about +Y that takes its axes to the world's."""

    @property
    def footprint(self) -> Polygon:
        """Its lower side as (x, -z), so that it is counter-clockwise seen from above."""
        half = 0.5 * self.size_m
        corners = np.array([[-1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 0.0, -1.0]]) * half
        placed = corners @ rotation_about_y(self.yaw_rad).T + self.base
        return placed[:, [0, 2]] * np.array([1.0, -1.0])


def bounds_of(points: Float[np.ndarray, "n 3"]) -> Bounds:
    """The axis-aligned box round points."""
    return np.stack([points.min(axis=0), points.max(axis=0)])


def bounds_iou(a: Bounds, b: Bounds) -> float:
    """Intersection over union of two axis-aligned boxes, 0..1; 0 for boxes without volume."""
    common = np.clip(np.minimum(a[1], b[1]) - np.maximum(a[0], b[0]), 0.0, None).prod()
    return _over_union(float(common), float((a[1] - a[0]).prod()), float((b[1] - b[0]).prod()))


def scene_bounds_iou(a: Sequence[Bounds], b: Sequence[Bounds]) -> float:
    """Intersection over union of the boxes round two whole scenes, 0..1; 0 where a scene has no objects."""
    if not a or not b:
        return 0.0
    return bounds_iou(bounds_of(np.concatenate(a)), bounds_of(np.concatenate(b)))


def upright_box(points: Float[np.ndarray, "n 3"], yaw_rad: float) -> UprightBox:
    """The upright box of a yaw round points of a frame whose Y is up."""
    rotation = rotation_about_y(yaw_rad)
    least, greatest = bounds_of(points @ rotation)
    middle = 0.5 * (least + greatest) * [1.0, 0.0, 1.0] + least * [0.0, 1.0, 0.0]
    return UprightBox(base=rotation @ middle, size_m=greatest - least, yaw_rad=yaw_rad)


def least_upright_box(points: Float[np.ndarray, "n 3"]) -> UprightBox:
    """The upright box with the least ground area round points.

    It has no front: its yaw is that of one side, any of four. Points that stand over a line have a box along that line,
    points over a single place one without yaw.

    Source: Freeman and Shapira 1975, "Determining the minimum-area encasing rectangle": a side of it lies on a side of
    the convex hull.
    """
    ground = points[:, [0, 2]]
    try:
        hull = ground[ConvexHull(ground).vertices]
    except QhullError:
        # There is no hull without area, but the points may still lie along a line.
        from_first = ground - ground[0]
        hull = np.stack([ground[0], ground[np.argmax((from_first**2).sum(axis=1))]])
    along = np.roll(hull, -1, axis=0) - hull
    yaws = np.arctan2(-along[:, 1], along[:, 0])
    cosine, sine = np.cos(yaws)[:, None], np.sin(yaws)[:, None]
    width = np.ptp(cosine * hull[:, 0] - sine * hull[:, 1], axis=1)
    depth = np.ptp(sine * hull[:, 0] + cosine * hull[:, 1], axis=1)
    return upright_box(points, float(yaws[np.argmin(width * depth)]))


def upright_iou(a: UprightBox, b: UprightBox) -> float:
    """Intersection over union of two upright boxes, 0..1; 0 for boxes without volume."""
    shared = min(a.base[1] + a.size_m[1], b.base[1] + b.size_m[1]) - max(a.base[1], b.base[1])
    ground = polygon_area(clip_polygon(a.footprint, b.footprint))
    return _over_union(ground * max(float(shared), 0.0), float(a.size_m.prod()), float(b.size_m.prod()))


def clip_polygon(subject: Polygon, window: Polygon) -> Polygon:
    """The common part of two convex polygons; no corners where there is none.

    Source: Sutherland and Hodgman 1974, "Reentrant polygon clipping".
    """
    for start, end in zip(window, np.roll(window, -1, axis=0), strict=True):
        along = end - start
        inward = np.array([-along[1], along[0]])
        subject = _half_plane(subject, (subject - start) @ inward)
    return subject


def polygon_area(polygon: Polygon) -> float:
    """Area by the shoelace formula; positive when counter-clockwise."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _half_plane(polygon: Polygon, inside: Float[np.ndarray, " n"]) -> Polygon:
    """The part of a polygon where a linear function, given at its corners, is not negative."""
    kept = []
    for k in range(len(polygon)):
        before, here = inside[k - 1], inside[k]
        if (before < 0) != (here < 0):
            kept.append(polygon[k - 1] + (polygon[k] - polygon[k - 1]) * (before / (before - here)))
        if here >= 0:
            kept.append(polygon[k])
    return np.array(kept).reshape(-1, 2)


def _over_union(common: float, volume_a: float, volume_b: float) -> float:
    union = volume_a + volume_b - common
    # The clipped polygon may exceed the smaller box by rounding.
    return min(common / union, 1.0) if union > 0 else 0.0
