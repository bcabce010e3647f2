"""What line segments say of a camera: where they are, which way they run, how exact they are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.room.lines import segment_lengths
from regen3d.types import KnownCamera

FOCAL_PRIOR = 0.8
"""Median focal length of indoor pictures in picture widths (64 degrees across)."""
FOCAL_LOG_SIGMA = 0.28
"""Spread of the logarithm of the focal length: two in three pictures lie between 51 and 79 degrees."""
STRAIGHTNESS_RAD = np.radians(0.15)
"""How exact a long segment's direction is: lenses bend lines a little, and edges of furniture are no rulers."""
END_PX = 0.5
"""How exact a segment's ends are across it, pixels: a short one's direction is known by this over its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Segments in pixels from the assumed principal point, made square, and what is known of the camera."""

    middle: Float[np.ndarray, "n 2"]
    """Middle of each segment."""
    direction: Float[np.ndarray, "n 2"]
    """Unit direction in the picture."""
    sigma_rad: Float[np.ndarray, " n"]
    """Standard deviation of each direction."""
    weight: Float[np.ndarray, " n"]
    """Share of the evidence; sums to 1."""
    wh: tuple[int, int]
    """Picture width and height."""
    focal_prior_px: float
    """Median of the prior, or the known focal length."""
    focal_log_sigma: float
    """0 where the focal length is known."""
    down: Float[np.ndarray, " 3"] | None
    """Gravity in the camera frame where it is known."""


def observe(
    segments: Float[np.ndarray, "n 4"],
    reliability: Float[np.ndarray, " n"],
    wh: tuple[int, int],
    known: KnownCamera | None,
) -> Observations:
    """Prepare segments for the search.

    Args:
        segments: in pixels of a picture of size `wh`.
        reliability: 0..1, how much each segment is trusted to follow the room.
        wh: picture width and height.
        known: what the user knows, in pixels of the same picture.
    """
    focal, sigma = FOCAL_PRIOR * wh[0], FOCAL_LOG_SIGMA
    centre, aspect, down = np.array(wh) / 2, 1.0, None
    if known is not None:
        focal, sigma = float(known.intrinsics[0, 0]), 0.0
        centre, aspect = known.intrinsics[:2, 2], float(known.intrinsics[0, 0] / known.intrinsics[1, 1])
        down = None if known.gravity is None else known.gravity / np.linalg.norm(known.gravity)
    points = (segments.reshape(-1, 2, 2) - centre) * np.array([1.0, aspect])
    along = points[:, 1] - points[:, 0]
    lengths = segment_lengths(segments)
    # Beyond a quarter of the width a segment says nothing more: it is already exact.
    weight = reliability * np.minimum(lengths, 0.25 * wh[0])
    return Observations(
        middle=points.mean(axis=1),
        direction=along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9),
        sigma_rad=np.hypot(STRAIGHTNESS_RAD, END_PX / np.maximum(lengths, 1.0)),
        weight=weight / max(float(weight.sum()), 1e-9),
        wh=wh,
        focal_prior_px=focal,
        focal_log_sigma=sigma,
        down=down,
    )
