"""How far a found pose is from the true one, for objects with and without a front."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from regen3d.frames import rotation_about_y
from regen3d.metrics.camera import angle_deg
from regen3d.types import Similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseError:
    """The parts of a pose error."""

    rotation_deg: float
    """Angle of the rotation between both poses, 0..180, the least one among those that look alike."""
    translation_m: float
    """Distance between both origins, metres."""
    scale_ratio: float
    """Found over true scale; 1 is right."""
    scale_m: float
    """How much longer the diagonal of the object's box is than the true one, metres, signed."""


def pose_error(
    found: Similarity, true: Similarity, *, size: Float[np.ndarray, " 3"], symmetry: int | None = 1
) -> PoseError:
    """Compare two poses of the same object.

    Args:
        found: `world_from_object`.
        true: `world_from_object`.
        size: of the box round the object, in the object frame's own unit.
        symmetry: as in `rotation_error_deg`.
    """
    return PoseError(
        rotation_deg=rotation_error_deg(found.rotation, true.rotation, symmetry),
        translation_m=float(np.linalg.norm(found.translation - true.translation)),
        scale_ratio=float(found.scale / true.scale),
        scale_m=float((found.scale - true.scale) * np.linalg.norm(size)),
    )


def rotation_error_deg(
    found: Float[np.ndarray, "3 3"], true: Float[np.ndarray, "3 3"], symmetry: int | None = 1
) -> float:
    """Angle between two rotations of an object in degrees, 0..180.

    Args:
        found: proper rotation, world from object.
        true: proper rotation, world from object.
        symmetry: number of turns about the object's own Y that look alike within a full one: 1 for a chair, 2 for a
            rectangular table, 4 for a square one; None for a round one, whose yaw is no error.
    """
    if symmetry is None:
        return angle_deg(found[:, 1], true[:, 1])
    alike = np.stack([true @ rotation_about_y(turn) for turn in 2.0 * np.pi * np.arange(symmetry) / symmetry])
    return float(np.degrees(Rotation.from_matrix(found.T @ alike).magnitude().min()))
