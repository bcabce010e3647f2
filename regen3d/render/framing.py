"""Cameras that frame meshes, for thumbnails and turntables."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from regen3d.errors import InvalidMeshError
from regen3d.frames import intrinsics_from_focal, transform
from regen3d.render.scene import PlacedMesh
from regen3d.types import Camera

THUMBNAIL_FOV_DEG = 35.0
"""Field of view of the shorter side: about a 60 mm lens, so that furniture looks undistorted."""

FILL = 0.9
"""Share of the frame that the meshes may fill."""


def framing_camera(
    meshes: Sequence[PlacedMesh], hw: tuple[int, int], azimuth_deg: float, elevation_deg: float
) -> Camera:
    """A camera that looks at meshes from a direction, as near as shows them whole.

    Args:
        meshes: what to show; together they have at least one vertex.
        hw: size of the picture.
        azimuth_deg: 0 looks at the front (from +Z), 90 from +X.
        elevation_deg: 0 looks level, 90 straight down; within -90..90.

    Raises:
        InvalidMeshError: there is nothing to frame.
    """
    points = np.concatenate([np.zeros((0, 3)), *(transform(m.world_from_mesh, m.mesh.vertices) for m in meshes)])
    if len(points) == 0:
        raise InvalidMeshError("the meshes to frame have no vertices: give at least one mesh that is not empty")
    rotation = _looking_from(np.radians(azimuth_deg), np.radians(elevation_deg))
    focal_px = 0.5 * min(hw) / np.tan(np.radians(0.5 * THUMBNAIL_FOV_DEG))
    center = 0.5 * (points.min(axis=0) + points.max(axis=0))
    local = (points - center) @ rotation
    tangent = FILL * 0.5 * np.array([hw[1], hw[0]]) / focal_px
    distance = float((np.abs(local[:, :2]) / tangent - local[:, 2:]).max())
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = rotation
    # A single point needs no distance at all; the camera still has to stand off it.
    world_from_camera[:3, 3] = center - rotation[:, 2] * max(distance, 0.1)
    return Camera(
        intrinsics=intrinsics_from_focal(focal_px, (hw[1], hw[0])),
        width=hw[1],
        height=hw[0],
        world_from_camera=world_from_camera,
    )


def _looking_from(azimuth_rad: float, elevation_rad: float) -> Float[np.ndarray, "3 3"]:
    """Rotation from an OpenCV camera frame to the world frame for a camera that stands in a direction."""
    right = np.array([np.cos(azimuth_rad), 0.0, -np.sin(azimuth_rad)])
    level = np.array([np.sin(azimuth_rad), 0.0, np.cos(azimuth_rad)])
    forward = -(np.cos(elevation_rad) * level + np.sin(elevation_rad) * np.array([0.0, 1.0, 0.0]))
    return np.stack([right, np.cross(forward, right), forward], axis=1)
