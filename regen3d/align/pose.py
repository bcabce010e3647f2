"""The planar pose: an object that touches a support plane, with four numbers left free.

Its parameters are (first, second, yaw_rad, log_scale): metres along the plane's two axes, turn about the world's +Y,
natural logarithm of the scale. The fifth number, the height over the plane, follows from contact: the object's lowest
point along the plane's normal lies on the plane, exactly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.frames import rotation_about_y
from regen3d.types import Similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPlane:
    """A plane that objects touch: the floor, a wall, a ceiling."""

    name: str
    """What `Alignment.support` calls it."""
    origin: Float[np.ndarray, " 3"]
    """A point of the plane, world frame, metres."""
    axes: Float[np.ndarray, "2 3"]
    """Two orthogonal unit vectors in the plane."""
    normal: Float[np.ndarray, " 3"]
    """Unit vector towards the side on which objects are."""


FLOOR = SupportPlane(
    name="floor",
    origin=np.zeros(3),
    axes=np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    normal=np.array([0.0, 1.0, 0.0]),
)
"""The world's floor, y = 0."""


def plane_coordinates(plane: SupportPlane, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
    """Metres along the plane's axes of points of the world frame."""
    return (points - plane.origin) @ plane.axes.T


def similarity(
    plane: SupportPlane, parameters: Float[np.ndarray, " 4"], points: Float[np.ndarray, "n 3"]
) -> Similarity:
    """The pose as a similarity from the object frame to the world; `points` are all vertices of the object."""
    rotation, scale = rotation_about_y(float(parameters[2])), float(np.exp(parameters[3]))
    lift = -scale * float((points @ rotation.T @ plane.normal).min())
    shift = plane.origin + parameters[:2] @ plane.axes
    return Similarity(rotation=rotation, translation=shift + lift * plane.normal, scale=scale)
