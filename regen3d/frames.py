"""Frames and units, written once.

- Pixels: x right, y down, centres at +0.5. Sizes are `hw` or `wh`, and named so.
- Camera frame: OpenCV (x right, y down, z forward), metres.
- World frame: glTF's. Right-handed, Y up, metres, floor at y = 0, origin on the floor right below the camera, the
  camera looking towards -Z. `world_from_camera` is therefore a pitch, a roll and a height, nothing else.
- Object frame: Y up, lowest point at y = 0, centred in x and z, front +Z.
- `world_from_camera @ points_camera`: the right-hand frame meets the left-hand one.
"""

import numpy as np
from jaxtyping import Float

from regen3d.errors import DegenerateGeometryError
from regen3d.types import Camera, Similarity


def transform(matrix: Float[np.ndarray, "4 4"], points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Apply a homogeneous transform to points of any leading shape."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def project(
    intrinsics: Float[np.ndarray, "3 3"], points_camera: Float[np.ndarray, "*n 3"]
) -> Float[np.ndarray, "*n 2"]:
    """Pixels (u, v) of points of the camera frame; points at z <= 0 give numbers without meaning."""
    homogeneous = points_camera @ intrinsics.T
    z = homogeneous[..., 2:]
    return homogeneous[..., :2] / np.where(np.abs(z) < 1e-12, 1e-12, z)


def unproject(
    intrinsics: Float[np.ndarray, "3 3"], pixels: Float[np.ndarray, "*n 2"], depth: Float[np.ndarray, "*n"]
) -> Float[np.ndarray, "*n 3"]:
    """Points of the camera frame at pixels (u, v) and depth along the optical axis."""
    return pixel_rays(intrinsics, pixels) * depth[..., None]


def pixel_rays(intrinsics: Float[np.ndarray, "3 3"], pixels: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 3"]:
    """Directions of the camera frame through pixels (u, v), with z = 1."""
    ones = np.ones((*pixels.shape[:-1], 1), dtype=np.float64)
    return np.concatenate([pixels, ones], axis=-1) @ np.linalg.inv(intrinsics).T


def pixel_centers(hw: tuple[int, int]) -> Float[np.ndarray, "h w 2"]:
    """(u, v) of the centre of every pixel."""
    v, u = np.meshgrid(np.arange(hw[0]) + 0.5, np.arange(hw[1]) + 0.5, indexing="ij")
    return np.stack([u, v], axis=-1)


def intrinsics_from_focal(focal_px: float, wh: tuple[int, int]) -> Float[np.ndarray, "3 3"]:
    """K of a camera with square pixels and its principal point in the middle of the picture."""
    return np.array([[focal_px, 0.0, wh[0] / 2], [0.0, focal_px, wh[1] / 2], [0.0, 0.0, 1.0]])


def world_from_gravity(gravity_camera: Float[np.ndarray, " 3"], height_m: float) -> Float[np.ndarray, "4 4"]:
    """`world_from_camera` of a camera at a height above the floor.

    Args:
        gravity_camera: direction of gravity (down) in the camera frame, any length.
        height_m: distance from the optical centre to the floor, positive.

    Raises:
        DegenerateGeometryError: gravity is zero, or the camera looks straight up or down.
    """
    norm = float(np.linalg.norm(gravity_camera))
    if norm < 1e-9:
        raise DegenerateGeometryError("gravity has no direction: give a non-zero vector")
    up = -gravity_camera / norm
    back = -np.array([0.0, 0.0, 1.0])
    back = back - up * (back @ up)
    if np.linalg.norm(back) < 1e-6:
        raise DegenerateGeometryError("the camera looks straight up or down: the picture has no horizon")
    back /= np.linalg.norm(back)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([np.cross(up, back), up, back])
    matrix[1, 3] = height_m
    return matrix


def gravity_in_camera(camera: Camera) -> Float[np.ndarray, " 3"]:
    """Unit direction of gravity (down) in the camera frame."""
    return -camera.world_from_camera[1, :3]


def rotation_about_y(yaw_rad: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about +Y; positive turns +Z towards +X."""
    return rotations_about_y(np.array([yaw_rad]))[0]


def rotations_about_y(yaw_rad: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 3 3"]:
    """`rotation_about_y` of each."""
    rotations = np.zeros((len(yaw_rad), 3, 3))
    rotations[:, 0, 0] = rotations[:, 2, 2] = np.cos(yaw_rad)
    rotations[:, 0, 2] = np.sin(yaw_rad)
    rotations[:, 2, 0] = -rotations[:, 0, 2]
    rotations[:, 1, 1] = 1.0
    return rotations


def yaw_of(rotation: Float[np.ndarray, "3 3"]) -> float:
    """Yaw about +Y in radians of an upright rotation, the inverse of `rotation_about_y`."""
    return float(np.arctan2(rotation[0, 2], rotation[0, 0]))


def upright(*, yaw_rad: float, translation: Float[np.ndarray, " 3"], scale: float = 1.0) -> Similarity:
    """A similarity that turns about +Y only."""
    return Similarity(rotation=rotation_about_y(yaw_rad), translation=np.asarray(translation, float), scale=scale)


def floor_point(camera: Camera, pixels: Float[np.ndarray, "*n 2"], height_m: float = 0.0) -> Float[np.ndarray, "*n 3"]:
    """Where the rays through pixels meet the horizontal plane at a height, world frame; NaN where they never do."""
    rays = pixel_rays(camera.intrinsics, pixels) @ camera.world_from_camera[:3, :3].T
    drop = camera.position[1] - height_m
    distance = np.where(rays[..., 1] < -1e-9, drop / np.maximum(-rays[..., 1], 1e-9), np.nan)
    return camera.position + rays * distance[..., None]
