"""The picture seen square on to a side of the room.

There every front that stands parallel to it is an upright rectangle, however far away (Criminisi et al. 2000, Single
View Metrology, section 3: parallel planes share their vanishing line).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from regen3d.frames import pixel_centers, pixel_rays, rotation_about_y
from regen3d.room.solve import SolvedRoom
from regen3d.types import Face, Mask, Rgb

FACING: dict[Face, Float[np.ndarray, "3 3"]] = {
    "wall_back": np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]),
    "wall_left": np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
    "wall_right": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
}
"""Wall -> rotation from the room's axes to (right, up, ahead) of somebody who faces it."""
REACH = 2.5
"""Tangent of the angle from the wall's normal up to which a view reaches: beyond, pixels are stretched seven times."""
ZOOM = 0.8
"""Pixels of a view per pixel of the picture, where the camera itself faces the wall."""
LEAST_SIDE = 50
"""Least side of a view in pixels: smaller ones show no front."""
LEAST_SHARE = 0.03
"""Part of the picture that a view has to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The picture seen square on to a wall."""

    face: Face
    """The wall."""
    image: Rgb
    """Black where the picture does not reach."""
    valid: Mask
    """Pixels that the picture reaches."""
    origin: Float[np.ndarray, " 2"]
    """(right, up) of the upper left corner at distance 1 ahead."""
    zoom: float
    """Pixels per unit at distance 1 ahead."""
    camera_from_view: Float[np.ndarray, "3 3"]
    """(right, up, ahead) in the camera frame."""
    intrinsics: Float[np.ndarray, "3 3"]
    """K of the picture."""
    picture_from_view: Float[np.ndarray, "3 3"]
    """Homography of pixels."""

    def warp(self, values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "vh vw"]:
        """A map of the picture in this view."""
        size, flags = self.valid.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpPerspective(values, self.picture_from_view, size, flags=flags), np.float64)

    def rays(self, pixels: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 3"]:
        """(right, up, 1) of pixels of the view."""
        right = self.origin[0] + pixels[..., 0] / self.zoom
        up = self.origin[1] - pixels[..., 1] / self.zoom
        return np.stack([right, up, np.ones_like(right)], axis=-1)

    def project(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
        """Pixels of the picture at points (right, up, ahead)."""
        seen = points @ self.camera_from_view.T @ self.intrinsics.T
        return seen[..., :2] / np.maximum(seen[..., 2:], 1e-6)


def straighten(image: Rgb, room: SolvedRoom, face: Face) -> View | None:
    """See a picture square on to a wall; None where the wall's direction is hardly in view."""
    camera = room.camera
    room_from_camera = rotation_about_y(room.layout.yaw_rad).T @ camera.world_from_camera[:3, :3]
    view_from_camera = FACING[face] @ room_from_camera
    rays = pixel_rays(camera.intrinsics, pixel_centers(camera.hw)[::8, ::8].reshape(-1, 2)) @ view_from_camera.T
    ahead = rays[:, 2] > 0.05 * np.linalg.norm(rays, axis=1)
    places = rays[ahead, :2] / rays[ahead, 2:]
    places = places[np.abs(places).max(axis=1) < REACH]
    if len(places) < max(4.0, LEAST_SHARE * len(rays)):
        return None
    low, high = places.min(axis=0), places.max(axis=0)
    zoom = ZOOM * float(camera.intrinsics[0, 0])
    width, height = (np.ceil((high - low) * zoom).astype(int) + 1).tolist()
    if min(width, height) < LEAST_SIDE:
        return None
    origin = np.array([low[0], high[1]])
    place_of_pixel = np.array([[1 / zoom, 0.0, origin[0]], [0.0, -1 / zoom, origin[1]], [0.0, 0.0, 1.0]])
    homography = camera.intrinsics @ view_from_camera.T @ place_of_pixel
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inside = cv2.warpPerspective(np.ones(camera.hw, np.float32), homography, (width, height), flags=flags)
    return View(
        face=face,
        image=np.asarray(cv2.warpPerspective(image, homography, (width, height), flags=flags), np.uint8),
        valid=inside > 0.99,
        origin=origin,
        zoom=zoom,
        camera_from_view=view_from_camera.T,
        intrinsics=camera.intrinsics,
        picture_from_view=homography,
    )
