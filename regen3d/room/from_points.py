"""Camera and room box from a point map, for estimators that know depth but no walls."""

import numpy as np
from jaxtyping import Bool, Float

from regen3d.errors import DegenerateGeometryError
from regen3d.frames import rotation_about_y, transform, world_from_gravity
from regen3d.types import Camera, Face, PointMap, RoomLayout

_TRIES = 400
"""Random planes; with a fifth of the points on the floor, one lies in it with a certainty of 96 %."""

_LIES = 0.8
"""Cosine between a surface's own normal and a plane's from which the surface lies in it: normals of neighbouring
pixels are noisy, walls are at right angles to the floor."""

_TRUSTED = 0.5
"""Confidence, in medians of the map, from which on a point counts: estimators count it in units of their own. At least
half of the points stay, and all where the map knows no difference."""


def floor_from_points(points: PointMap, seed: int) -> tuple[Float[np.ndarray, " 3"], float]:
    """Gravity (down, unit, camera frame) and height of the lens above the floor, in the map's units.

    The floor is the plane below the lens with most points, tilted at most 50 degrees against the picture's vertical.

    Raises:
        DegenerateGeometryError: no such plane holds a twentieth of the points.
    """
    rng = np.random.default_rng(seed)
    cloud, facing = _normals(points)
    chosen = rng.choice(len(cloud), size=min(4000, len(cloud)), replace=False)
    cloud, facing = cloud[chosen], facing[chosen]
    picks = cloud[rng.integers(0, len(cloud), (_TRIES, 3))]
    normals = np.cross(picks[:, 1] - picks[:, 0], picks[:, 2] - picks[:, 0])
    norms = np.linalg.norm(normals, axis=1)
    normals = normals / np.maximum(norms, 1e-12)[:, None] * np.where(normals[:, 1:2] < 0, -1.0, 1.0)
    offsets = (normals * picks[:, 0]).sum(axis=1)
    upright = (norms > 1e-9) & (normals[:, 1] > np.cos(np.radians(50.0))) & (offsets > 0)
    tolerance = 0.02 * float(np.median(np.linalg.norm(cloud, axis=1)))
    signed = cloud @ normals.T - offsets
    # A slanted plane through two walls holds points of both, but none that lies in it.
    lies = np.abs(facing @ normals.T) > _LIES
    counts = ((np.abs(signed) < tolerance) & lies).mean(axis=0)
    # Nothing lies below a floor; a table top fails here.
    counts = np.where(upright, counts - (signed > 3 * tolerance).mean(axis=0), -1.0)
    best = int(counts.argmax())
    if counts[best] < 0.05:
        raise DegenerateGeometryError(
            f"no floor in the point map: the best plane holds {max(counts[best], 0):.0%} of the points; "
            "give the camera's gravity and height"
        )
    normal, offset = normals[best], float(offsets[best])
    # Ever narrower bands shed the feet of the walls, which tilt the plane.
    for band in tolerance * np.array([1.0, 0.5, 0.25, 0.25]):
        inliers = cloud[(np.abs(cloud @ normal - offset) < band) & (np.abs(facing @ normal) > _LIES)]
        if len(inliers) < 10:
            break
        middle = inliers.mean(axis=0)
        normal = np.linalg.svd(inliers - middle, full_matrices=False)[2][2]
        normal = normal * np.sign(normal[1])
        offset = float(normal @ middle)
    return normal, offset


def height_along(points: PointMap, gravity: Float[np.ndarray, " 3"]) -> float:
    """Height of the lens above the floor in the map's units, where gravity (down, unit, camera frame) is known.

    The floor is the lowest level that holds a twentieth of the points; where there is none, the lowest point but for
    1 % of stray ones.

    Raises:
        DegenerateGeometryError: fewer than 100 trusted points, or all of them above the lens.
    """
    drops = _sample(points, 20_000, np.random.default_rng(0)) @ gravity
    lowest = float(np.quantile(drops, 0.99))
    if lowest <= 0:
        raise DegenerateGeometryError("every point lies above the lens: check the direction of gravity (down is +y)")
    band = 0.02 * lowest
    shares, edges = np.histogram(drops, bins=np.arange(0.0, lowest + 2 * band, band))
    full = np.flatnonzero(shares >= 0.05 * len(drops))
    if len(full) == 0:
        return lowest
    level = edges[full[-1]] + band / 2
    return float(np.median(drops[np.abs(drops - level) < 1.5 * band]))


def camera_from_points(points: PointMap, intrinsics: Float[np.ndarray, "3 3"], seed: int) -> Camera:
    """The camera over the floor that a point map shows, in the map's units.

    Raises:
        DegenerateGeometryError: the map shows no floor.
    """
    gravity, height = floor_from_points(points, seed)
    return Camera(
        intrinsics=intrinsics,
        width=points.valid.shape[1],
        height=points.valid.shape[0],
        world_from_camera=world_from_gravity(gravity, height),
    )


def fit_layout(points: PointMap, camera: Camera) -> RoomLayout:
    """The box round the points of an empty room.

    Args:
        points: of the plate, in the frame of `camera`, in the units of its height.
        camera: its floor is the map's floor.

    Returns:
        The box, robust to 1 % of stray points a side. A side is `seen` where points lie on it and face it. Its
        confidence is the share of the trusted points that do so on any side: doubted ones, half of the map at most,
        speak neither for the box nor against it.

    Raises:
        DegenerateGeometryError: fewer than 100 trusted points.
    """
    world, normals = _oriented(points, camera)
    level = np.abs(normals[:, 1]) < 0.3
    phase = 4 * np.arctan2(normals[level, 0], normals[level, 2])
    yaw = float(np.arctan2(np.sin(phase).sum(), np.cos(phase).sum()) / 4) if level.any() else 0.0
    turn = rotation_about_y(yaw)
    room, facing = world @ turn, normals @ turn
    low, high = np.quantile(room, 0.01, axis=0), np.quantile(room, 0.99, axis=0)
    # The lens is inside; in units of its height, since the map may have no metres: 0.3 m and 0.5 m at 1.5 m.
    unit = float(camera.position[1])
    low = np.minimum(low, [-0.2 * unit, 0.0, -0.2 * unit])
    high = np.maximum(high, [0.2 * unit, 1.2 * unit, unit / 3])
    low[1] = 0.0
    share: dict[Face, float] = {
        face: float(
            ((np.abs(room[:, axis] - wall) < 0.05 * camera.position[1]) & (np.abs(facing[:, axis]) > 0.8)).mean()
        )
        for face, axis, wall in _walls(low, high)
    }
    explained = float(np.clip(sum(share.values()), 0.0, 1.0))
    return RoomLayout(
        yaw_rad=yaw,
        bounds_min=low,
        bounds_max=high,
        seen=frozenset(face for face, part in share.items() if part > 0.01),
        confidence=explained,
    )


def _walls(low: Float[np.ndarray, " 3"], high: Float[np.ndarray, " 3"]) -> tuple[tuple[Face, int, float], ...]:
    return (
        ("floor", 1, float(low[1])),
        ("ceiling", 1, float(high[1])),
        ("wall_back", 2, float(low[2])),
        ("wall_front", 2, float(high[2])),
        ("wall_left", 0, float(low[0])),
        ("wall_right", 0, float(high[0])),
    )


def _trusted(points: PointMap) -> Bool[np.ndarray, "h w"]:
    """Pixels whose point is believed; guesses behind mirrors, glass and seams are not."""
    if not points.valid.any():
        return points.valid
    return points.valid & (points.confidence >= _TRUSTED * float(np.median(points.confidence[points.valid])))


def _sample(points: PointMap, count: int, rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    cloud = points.points[_trusted(points)]
    if len(cloud) < 100:
        raise DegenerateGeometryError(
            f"the point map has {len(cloud)} points that can be trusted, at least 100 are needed; give a fuller one"
        )
    return cloud[rng.choice(len(cloud), size=min(count, len(cloud)), replace=False)]


def _oriented(points: PointMap, camera: Camera) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Points and unit normals in the world frame, on a grid of at most about 200 by 200."""
    cloud, normals = _normals(points)
    return transform(camera.world_from_camera, cloud), normals @ camera.world_from_camera[:3, :3].T


def _normals(points: PointMap) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Points and unit normals in the camera frame, on the same grid."""
    step = max(max(points.valid.shape) // 200, 1)
    grid, valid = points.points[::step, ::step], _trusted(points)[::step, ::step]
    across, down = grid[:-1, 1:] - grid[:-1, :-1], grid[1:, :-1] - grid[:-1, :-1]
    normals = np.cross(across, down)
    norms = np.linalg.norm(normals, axis=-1)
    usable = valid[:-1, :-1] & valid[:-1, 1:] & valid[1:, :-1] & (norms > 1e-12)
    if usable.sum() < 100:
        raise DegenerateGeometryError(
            f"no floor in the point map: {int(usable.sum())} usable points, at least 100 are needed; give a fuller one"
        )
    return grid[:-1, :-1][usable], normals[usable] / norms[usable][:, None]
