"""The planar pose: an object that touches a support plane, with four numbers left free.

Parameters are rows (first, second, yaw_rad, log_scale): metres along the plane's two axes, turn about the world's +Y,
natural logarithm of the scale. The fifth number, the height over the plane, follows from contact: the object's lowest
point along the plane's normal lies on the plane, exactly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.frames import rotation_about_y
from regen3d.types import Similarity

Parameters = Float[np.ndarray, "b 4"]
"""One pose for each row: first, second, yaw_rad, log_scale."""


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


def place(plane: SupportPlane, parameters: Parameters, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "b n 3"]:
    """World positions of points of the object frame in each pose; the points decide where contact is."""
    turned = np.einsum("bij,nj->bni", _scaled_rotations(parameters), points)
    lift = -(turned @ plane.normal).min(axis=1, keepdims=True)
    return turned + (_shift(plane, parameters)[:, None] + lift[..., None] * plane.normal)


def similarity(
    plane: SupportPlane, parameters: Float[np.ndarray, " 4"], points: Float[np.ndarray, "n 3"]
) -> Similarity:
    """The pose as a similarity from the object frame to the world; `points` are all vertices of the object."""
    linear = _scaled_rotations(parameters[None])[0]
    lift = -float((points @ linear.T @ plane.normal).min())
    return Similarity(
        rotation=rotation_about_y(float(parameters[2])),
        translation=_shift(plane, parameters[None])[0] + lift * plane.normal,
        scale=float(np.exp(parameters[3])),
    )


def to_object_frame(
    plane: SupportPlane, parameters: Parameters, points: Float[np.ndarray, "p 3"], targets: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "b n 3"]:
    """World points `targets` in the object frame of each pose; `points` are those of the object, for contact."""
    linear = _scaled_rotations(parameters)
    lift = -np.einsum("bij,nj,i->bn", linear, points, plane.normal).min(axis=1)
    offset = _shift(plane, parameters) + lift[:, None] * plane.normal
    scale = np.exp(2.0 * parameters[:, 3])[:, None, None]
    return np.einsum("bni,bij->bnj", targets[None] - offset[:, None], linear) / scale


def _scaled_rotations(parameters: Parameters) -> Float[np.ndarray, "b 3 3"]:
    """Scale times turn about +Y, as `frames.rotation_about_y`."""
    cosine, sine, scale = np.cos(parameters[:, 2]), np.sin(parameters[:, 2]), np.exp(parameters[:, 3])
    matrices = np.zeros((len(parameters), 3, 3))
    matrices[:, 0, 0] = matrices[:, 2, 2] = cosine * scale
    matrices[:, 0, 2], matrices[:, 2, 0] = sine * scale, -sine * scale
    matrices[:, 1, 1] = scale
    return matrices


def _shift(plane: SupportPlane, parameters: Parameters) -> Float[np.ndarray, "b 3"]:
    """The point of the plane at each pose's first and second coordinate."""
    return plane.origin + parameters[:, :2] @ plane.axes


def velocities(
    plane: SupportPlane,
    parameters: Float[np.ndarray, " 4"],
    points: Float[np.ndarray, "n 3"],
    at: Float[np.ndarray, "m 3"],
) -> Float[np.ndarray, "m 3 4"]:
    """How points `at` of the object frame move in the world with each parameter; `points` decide where contact is."""
    linear = _scaled_rotations(parameters[None])[0]
    touching = points[np.argmin(points @ linear.T @ plane.normal)]
    turning = linear @ np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    moves = np.zeros((len(at), 3, 4))
    moves[..., :2] = plane.axes.T
    for column, change in ((2, turning), (3, linear)):
        moves[..., column] = at @ change.T - ((change @ touching) @ plane.normal) * plane.normal
    return moves
