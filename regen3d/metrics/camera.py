"""How far a found camera is from the true one."""

import numpy as np
from jaxtyping import Float

from regen3d.types import Camera


def focal_error(found: Camera, true: Camera) -> float:
    """Relative error of the focal length, signed: +0.1 is ten per cent too long.

    The cameras may stand for pictures of different resolution; focal lengths are compared in picture widths.
    """
    focal_found = found.intrinsics[0, 0] / found.width
    focal_true = true.intrinsics[0, 0] / true.width
    return float(focal_found / focal_true - 1.0)


def angle_deg(a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"]) -> float:
    """Angle between two directions of any length in degrees, 0..180; exact for small angles.

    Source: Kahan 2006, "How futile are mindless assessments of roundoff", section 12: the arccosine of the dot product
    loses half the digits near zero.
    """
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(np.degrees(2.0 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))
