"""Where the published alignment starts: floor plane, object cloud, one box, one yaw.

All of it happens in a working frame with metres, whose +Y is what counts as up.
"""

import cv2
import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from regen3d.align.pose import SupportPlane
from regen3d.align.proxy import sample_surface
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import rotation_about_y
from regen3d.types import Mask, Mesh, Similarity

ERODED_AT_PX = 1024
"""Picture width at which masks are eroded."""

KERNEL_PX, PASSES = 4, 4
"""Of the erosion: an even kernel, so that what is left is 12 px thinner and 2 px off."""

TRIMMED = 0.02
"""Share of the object's points cut off at each end of each axis."""

LEAST_POINTS = 20
"""Fewer points have no box worth the name."""

RANSAC_ROUNDS, RANSAC_LIMIT_M = 2000, 0.05
"""Of the floor fit, as published."""

FLAT_RATIO, INLIER_SHARE = 0.001, 0.85
"""Ratio of variances below which the floor is flat enough for all points; share of inliers that makes it so."""

GRID_SAMPLES = 600
"""Points of mesh and cloud that the yaw grid compares: more change no winner."""


def eroded(mask: Mask) -> Mask:
    """The published erosion of a mask, at the resolution that it was tuned for."""
    height, width = mask.shape
    wh = (ERODED_AT_PX, max(1, round(height * ERODED_AT_PX / width)))
    large = cv2.resize(mask.astype(np.uint8), wh, interpolation=cv2.INTER_NEAREST)
    small = cv2.erode(large, np.ones((KERNEL_PX, KERNEL_PX), dtype=np.uint8), iterations=PASSES)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST) > 0


def trimmed(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "m 3"]:
    """The points without the ends of each axis.

    Raises:
        DegenerateGeometryError: too few are left.
    """
    if len(points) > 0:
        low, high = np.quantile(points, [TRIMMED, 1.0 - TRIMMED], axis=0)
        points = points[((points >= low) & (points <= high)).all(axis=1)]
    if len(points) < LEAST_POINTS:
        raise DegenerateGeometryError(
            f"the object shows {len(points)} metric points and the published alignment starts from {LEAST_POINTS} or "
            "more: choose the preset `default`, which needs none"
        )
    return points


def fit_floor(points: Float[np.ndarray, "n 3"], *, transposed: bool, seed: int) -> SupportPlane:
    """The plane of floor points: all of them where they are flat or agree, else the inliers of a random search.

    Args:
        points: of the visible floor, working frame.
        transposed: read a column of the singular vectors where the normal is a row, as released. That column hangs on
            signs that the decomposition leaves open; of them the ones nearest to the normal are taken.
        seed: for the search.
    """
    variances, axes = np.linalg.eigh(np.cov(points.T))
    if variances[0] / variances[2] < FLAT_RATIO:
        normal = axes[:, 0]
    else:
        inside = _ransac_inliers(points, seed)
        points = points if inside.mean() >= INLIER_SHARE else points[inside]
        rows = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
        normal = np.copysign(rows[:, 2], rows[2]) if transposed else rows[2]
    normal = normal * (1.0 if normal[1] >= 0.0 else -1.0)
    turn = shortest_rotation(normal)
    return SupportPlane(name="floor", origin=points.mean(axis=0), axes=turn[:, [0, 2]].T, normal=normal)


def shortest_rotation(normal: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation that takes +Y to a unit vector on the shortest way (Rodrigues' formula)."""
    up = np.array([0.0, 1.0, 0.0])
    axis, cosine = np.cross(up, normal), float(normal[1])
    skew = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    return np.eye(3) + skew + skew @ skew / (1.0 + max(cosine, -1.0 + 1e-9))


def published_start(
    mesh: Mesh, cloud: Float[np.ndarray, "n 3"], yaws: Float[np.ndarray, " k"], *, by_vertices: bool, seed: int
) -> Similarity:
    """One start: scale by the volumes of upright boxes, place by means, yaw by the least distance between clouds.

    Args:
        mesh: object frame.
        cloud: of the visible part, working frame.
        yaws: that are tried.
        by_vertices: compare the mesh's vertices, however they are spread, both ways; else points spread over its
            surface, from the cloud to them only.
        seed: for the samples.
    """
    rng = np.random.default_rng(seed)
    surface = sample_surface(mesh.vertices, mesh.faces, rng)
    scale = float(np.cbrt(_box_volume(cloud) / _box_volume(surface)))
    seen = _centered(cloud[rng.permutation(len(cloud))[:GRID_SAMPLES]])
    shape = mesh.vertices if by_vertices else surface
    shape = scale * shape[rng.permutation(len(shape))[: 4 * GRID_SAMPLES]]
    costs = [_cloud_distance(seen, _centered(shape @ rotation_about_y(float(yaw)).T), both=by_vertices) for yaw in yaws]
    rotation = rotation_about_y(float(yaws[int(np.argmin(costs))]))
    place = cloud.mean(axis=0) - scale * rotation @ mesh.vertices.mean(axis=0)
    return Similarity(rotation=rotation, translation=place, scale=scale)


def _ransac_inliers(points: Float[np.ndarray, "n 3"], seed: int) -> np.ndarray:
    """Which points lie near the plane through three of them that most are near."""
    rng = np.random.default_rng(seed)
    corners = points[rng.integers(0, len(points), (RANSAC_ROUNDS, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    some = points[rng.integers(0, len(points), min(len(points), 1000))]
    votes = (np.abs(some @ normals.T - (corners[:, 0] * normals).sum(axis=1)) < RANSAC_LIMIT_M).sum(axis=0)
    best = int(np.argmax(votes))
    return np.abs((points - corners[best, 0]) @ normals[best]) < RANSAC_LIMIT_M


def _box_volume(points: Float[np.ndarray, "n 3"]) -> float:
    """Volume of the upright box along the main axes of the points as seen from above."""
    flat = points[:, [0, 2]] - points[:, [0, 2]].mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(flat.T))
    sides = [*np.ptp(flat @ axes, axis=0), float(np.ptp(points[:, 1]))]
    return float(np.prod(np.maximum(sides, 1e-3)))


def _centered(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """The points about the middle of their bounds."""
    return points - 0.5 * (points.min(axis=0) + points.max(axis=0))


def _cloud_distance(seen: Float[np.ndarray, "n 3"], shape: Float[np.ndarray, "m 3"], *, both: bool) -> float:
    """Mean squared distance from each seen point to the nearest of the shape's, and back where both ways count."""
    forward = float((KDTree(shape).query(seen)[0] ** 2).mean())
    return forward + (float((KDTree(seen).query(shape)[0] ** 2).mean()) if both else 0.0)
