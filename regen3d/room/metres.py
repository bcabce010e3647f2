"""What a unit of length is: a geometry brought to metres by a factor, and the factor that lengths speak for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from regen3d.room.solve import CAMERA_HEIGHT_M
from regen3d.types import Camera, Geometry, PointMap, RoomLayout, Scale

HEIGHT_LOG_SIGMA = 0.15
"""Spread of the logarithm of a camera's height: two in three pictures of rooms are taken from 1.3 to 1.75 m."""
CEILING_M, CEILING_LOG_SIGMA = 2.5, 0.1
"""Usual height of a ceiling and spread of its logarithm: building codes ask for 2.3 to 2.5 m, old houses have 3 m."""
MISTAKEN = 0.15
"""Part of the lengths that mean another thing than they seem to: a wrong label, a wrong mask, an odd model, a camera
that was held low or high."""
WIDEST = 0.7
"""Logarithm of the greatest factor that is considered: cameras from 0.75 to 3 m above the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One length that was measured in the geometry and whose metres are known roughly."""

    log_factors: Float[np.ndarray, " k"]
    """Logarithm of the factor that brings it to metres, for each thing that it may be."""
    log_sigmas: Float[np.ndarray, " k"]
    """Standard deviation of each."""


def usual_ceiling(layout: RoomLayout | None) -> Witness | None:
    """What the usual height of a ceiling says of a room; None where the picture shows none."""
    if layout is None or not layout.believable or "ceiling" not in layout.seen:
        return None
    return Witness(
        log_factors=np.log([CEILING_M / float(layout.bounds_max[1])]), log_sigmas=np.array([CEILING_LOG_SIGMA])
    )


def likeliest_factor(witnesses: Sequence[Witness], height: float) -> tuple[float, float]:
    """The factor that brings a geometry to metres, and the deviation of its logarithm.

    The mean over what is likely: every witness, the usual height of a camera among them, is a mixture of what it may be
    and of a mistake.

    Args:
        witnesses: what was measured.
        height: of the camera above the floor, in units of the geometry.
    """
    usual = np.log(CAMERA_HEIGHT_M / height)
    logs = usual + np.linspace(-WIDEST, WIDEST, 561)
    camera = Witness(log_factors=np.array([usual]), log_sigmas=np.array([HEIGHT_LOG_SIGMA]))
    total = np.zeros(len(logs))
    for witness in (camera, *witnesses):
        off = (logs[:, None] - witness.log_factors) / witness.log_sigmas
        likely = (np.exp(-0.5 * off**2) / (witness.log_sigmas * np.sqrt(2 * np.pi))).mean(axis=1)
        total = total + np.log((1 - MISTAKEN) * likely + MISTAKEN / (2 * WIDEST))
    share = np.exp(total - total.max())
    share /= share.sum()
    mean = float(share @ logs)
    return float(np.exp(mean)), float(np.sqrt(share @ (logs - mean) ** 2))


def rescaled(geometry: Geometry, factor: float, source: str, scale: Scale | None = None) -> Geometry:
    """The same geometry, all its lengths multiplied about the floor below the camera.

    Args:
        geometry: camera, points and box.
        factor: positive.
        source: where the metres come from, one sentence.
        scale: what a unit of the points means now; None: what it meant.
    """
    pose = geometry.camera.world_from_camera.copy()
    pose[:3, 3] *= factor
    layout = geometry.layout
    if layout is not None:
        layout = replace(layout, bounds_min=layout.bounds_min * factor, bounds_max=layout.bounds_max * factor)
    camera: Camera = replace(geometry.camera, world_from_camera=pose)
    image, plate = (_scaled(points, factor, scale) for points in (geometry.image_points, geometry.plate_points))
    return replace(geometry, camera=camera, image_points=image, plate_points=plate, layout=layout, scale_source=source)


def _scaled(points: PointMap, factor: float, scale: Scale | None) -> PointMap:
    return replace(points, points=points.points * factor, scale=scale or points.scale)
