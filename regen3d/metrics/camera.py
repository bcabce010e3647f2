"""How far a found camera is from the true one."""

import numpy as np
from jaxtyping import Float

from regen3d.frames import floor_point, gravity_in_camera, pixel_centers, transform
from regen3d.types import Camera, Mask


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


def gravity_error_deg(found: Camera, true: Camera) -> float:
    """Angle between the directions of gravity that both cameras see, degrees, 0..180."""
    return angle_deg(gravity_in_camera(found), gravity_in_camera(true))


def height_error_m(found: Camera, true: Camera) -> float:
    """How much higher above the floor (y = 0) the found camera stands, metres, signed."""
    return float(found.position[1] - true.position[1])


def floor_depth_error(found: Camera, true_depth: Float[np.ndarray, "h w"], floor: Mask) -> float | None:
    """Mean absolute relative error of the depth of the floor, over the pixels that show it.

    The floor of the found camera is the plane y = 0, which its height and tilt place in every pixel. Pixels whose ray
    does not meet it count as wholly wrong (1).

    Args:
        found: of a picture of the same shape; the resolution may differ.
        true_depth: distance along the optical axis, metres, positive.
        floor: pixels that show the floor.

    Returns:
        0 for a true camera, or None where no pixel shows the floor.

    Source: Eigen et al. 2014, "Depth map prediction from a single image", section 4.1 (abs relative difference).
    """
    if not floor.any():
        return None
    h, w = true_depth.shape
    pixels = pixel_centers((h, w))[floor] * [found.width / w, found.height / h]
    depth = transform(found.camera_from_world, floor_point(found, pixels))[:, 2]
    true = true_depth[floor]
    return float(np.mean(np.nan_to_num(np.abs(depth - true) / true, nan=1.0)))
