"""The camera's lens and the room's axes from line segments: three orthogonal vanishing directions.

The picture is taken by a pinhole camera with square pixels. Its principal point is in the middle, unless the user says
otherwise, or the lines explain themselves clearly better with another one: then the picture was cropped.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from regen3d.room.camera_search import Cameras, moved, search_camera, segment_angles
from regen3d.room.observations import Observations, observe
from regen3d.types import KnownCamera

CROPPED_GAIN = 0.03
"""Share of the evidence that a principal point off the middle has to explain in addition. Of the variants of rendered
rooms that `benchmarks.camera` makes, those not cropped off-centre gained up to .025, those cropped up to .21."""
INLIER_RAD = np.radians(2.5)
"""A segment that points past its vanishing point by less runs along that axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manhattan:
    """The camera's lens and how the room stands to it."""

    intrinsics: Float[np.ndarray, "3 3"]
    """K in pixels of the picture the segments were found in."""
    camera_from_room: Float[np.ndarray, "3 3"]
    """Room axes in the camera frame: x right, y up, -z the wall that the camera looks at."""
    axes: Integer[np.ndarray, " n"]
    """Room axis (0 x, 1 y, 2 z) along which each segment runs; -1 for none."""
    confidence: float
    """0..1."""
    notes: tuple[str, ...]
    """What was assumed and why."""


def find_manhattan(
    segments: Float[np.ndarray, "n 4"],
    reliability: Float[np.ndarray, " n"],
    wh: tuple[int, int],
    known: KnownCamera | None,
    seed: int,
) -> Manhattan:
    """Lens and room axes that explain the segments best.

    Args:
        segments: in pixels of a picture of size `wh`.
        reliability: 0..1, how much each segment is trusted to follow the room.
        wh: picture width and height.
        known: what the user knows, in pixels of the same picture; it is kept.
        seed: for the hypotheses.
    """
    seen = observe(segments, reliability, wh, known)
    if len(segments) < 3:
        return _assumed(seen, known, len(segments))
    rng = np.random.default_rng(seed)
    score, camera = search_camera(seen, rng, free_offset=False)
    cropped = False
    if known is None:
        free_score, free = search_camera(seen, rng, free_offset=True)
        cropped = free_score > score + CROPPED_GAIN
        camera = free if cropped else camera
    angles = segment_angles(seen, camera)[0]
    rotation, order = _name_axes(camera.rotation[0])
    angles = angles[order]
    axes = np.where(angles.min(axis=0) < INLIER_RAD, angles.argmin(axis=0), -1)
    support = np.array([seen.weight[axes == axis].sum() for axis in range(3)])
    return Manhattan(
        intrinsics=_intrinsics(float(camera.focal_px[0]), camera.offset_px[0], wh, known),
        camera_from_room=rotation,
        axes=axes,
        confidence=_confidence(support, len(segments)),
        notes=_notes(seen, support, _focal_spread(seen, camera), cropped),
    )


def _name_axes(rotation: Float[np.ndarray, "3 3"]) -> tuple[Float[np.ndarray, "3 3"], list[int]]:
    """Turn by quarter turns about the vertical until -z is the horizontal axis nearest to the viewing direction.

    Returns:
        The rotation, and which of the former axes (whatever their sign) each of its axes is.
    """
    up = rotation[:, 1]
    candidates = np.stack([rotation[:, 0], -rotation[:, 0], rotation[:, 2], -rotation[:, 2]])
    nearest = int(np.argmin(candidates[:, 2]))
    back = candidates[nearest]
    return np.stack([np.cross(up, back), up, back], axis=-1), [0, 1, 2] if nearest >= 2 else [2, 1, 0]


def _focal_spread(seen: Observations, camera: Cameras) -> float:
    """Standard deviation of the logarithm of the focal length as the segments alone determine it."""
    axes = segment_angles(seen, camera)[0].argmin(axis=0)
    inlier = segment_angles(seen, camera)[0].min(axis=0) < INLIER_RAD
    index = np.arange(len(axes))

    def residuals(step: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " n"]:
        angles = segment_angles(seen, moved(seen, camera, step))[0]
        return np.where(inlier, angles[axes, index] / np.radians(0.3) * np.sqrt(seen.weight * len(axes)), 0.0)

    step = 1e-4
    columns = [(residuals(step * unit) - residuals(-step * unit)) / (2 * step) for unit in np.eye(4)]
    jacobian = np.stack(columns, axis=1)
    return float(np.sqrt(np.linalg.pinv(jacobian.T @ jacobian + 1e-9 * np.eye(4))[0, 0]))


def _confidence(support: Float[np.ndarray, " 3"], count: int) -> float:
    """How far the explained share lies above chance, over the two best directions, tempered by few segments."""
    explained = float(support.sum())
    balance = float(np.sort(support)[-2])
    return float(np.clip((explained - 0.2) / 0.5, 0, 1) * np.clip(balance / 0.1, 0, 1) * np.clip(count / 15, 0, 1))


def _notes(seen: Observations, support: Float[np.ndarray, " 3"], spread: float, cropped: bool) -> tuple[str, ...]:
    notes = []
    missing = [name for name, share in zip("xyz", support, strict=True) if share < 0.03]
    if missing:
        notes.append(f"No lines of the room run along its axis {' or '.join(missing)}: that direction is inferred.")
    if seen.focal_log_sigma > 0 and spread > 0.5 * seen.focal_log_sigma:
        notes.append("The lines determine the focal length weakly: it leans on the usual one of indoor pictures.")
    if cropped:
        notes.append("The lines fit a principal point off the middle: the picture is taken for a cropped one.")
    return tuple(notes)


def _assumed(seen: Observations, known: KnownCamera | None, count: int) -> Manhattan:
    """The camera of someone who stands upright and looks slightly down."""
    down = np.array([0.0, np.cos(0.2), np.sin(0.2)]) if seen.down is None else seen.down
    back = np.array([0.0, 0.0, -1.0]) + down * down[2]
    back /= np.linalg.norm(back)
    return Manhattan(
        intrinsics=_intrinsics(seen.focal_prior_px, np.zeros(2), seen.wh, known),
        camera_from_room=np.stack([np.cross(-down, back), -down, back], axis=-1),
        axes=np.full(count, -1),
        confidence=0.0,
        notes=("The picture shows too few straight lines: focal length and tilt of the camera are assumed.",),
    )


def _intrinsics(
    focal_px: float, offset_px: Float[np.ndarray, " 2"], wh: tuple[int, int], known: KnownCamera | None
) -> Float[np.ndarray, "3 3"]:
    if known is not None:
        return known.intrinsics.copy()
    centre = np.array(wh) / 2 + offset_px
    return np.array([[focal_px, 0.0, centre[0]], [0.0, focal_px, centre[1]], [0.0, 0.0, 1.0]])
