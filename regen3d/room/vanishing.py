"""Focal length and the room's axes from line segments: three orthogonal vanishing directions.

The picture is taken by a pinhole camera with square pixels; its principal point is in the middle unless the user says
otherwise. Hypotheses come from a pair of upright segments (vertical), one more segment (horizontal) and a focal length
drawn from its prior; the best are refined together. Source: Coughlan and Yuille 1999 (mixture over Manhattan
directions); Rother 2002 (orthogonal triples).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy.optimize import least_squares, minimize
from scipy.spatial.transform import Rotation
from scipy.stats import norm

from regen3d.frames import intrinsics_from_focal
from regen3d.room.lines import segment_lengths
from regen3d.types import KnownCamera

FOCAL_PRIOR = 0.8
"""Median focal length of indoor pictures in picture widths (64 degrees across)."""
FOCAL_LOG_SIGMA = 0.28
"""Spread of the logarithm of the focal length: two in three pictures lie between 51 and 79 degrees."""
HYPOTHESES = 2400
"""Random starts, in a third of a second; a quarter or twice as many change nothing on five rendered rooms."""
MAX_TILT_DEG = 50.0
"""A camera that is turned further away from upright is not believed."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Segments in centred pixels, made square, and what is known of the camera."""

    middle: Float[np.ndarray, "n 2"]
    """Middle of each segment relative to the principal point, pixels."""
    direction: Float[np.ndarray, "n 2"]
    """Unit direction in the picture."""
    weight: Float[np.ndarray, " n"]
    """Share of the evidence; sums to 1."""
    focal_prior_px: float
    """Median of the prior, or the known focal length."""
    focal_log_sigma: float
    """0 where the focal length is known."""
    down: Float[np.ndarray, " 3"] | None
    """Gravity in the camera frame where it is known."""


def find_manhattan(
    segments: Float[np.ndarray, "n 4"],
    reliability: Float[np.ndarray, " n"],
    wh: tuple[int, int],
    known: KnownCamera | None,
    seed: int,
) -> Manhattan:
    """Focal length and room axes that explain the segments best.

    Args:
        segments: in pixels of a picture of size `wh`.
        reliability: 0..1, how much each segment is trusted to follow the room.
        wh: picture width and height.
        known: what the user knows, in pixels of the same picture; it is kept.
        seed: for the hypotheses.
    """
    seen = _observe(segments, reliability, wh, known)
    if len(segments) < 3:
        return _assumed(seen, wh, known, len(segments))
    focals, rotations = _hypotheses(seen, np.random.default_rng(seed))
    scores = _score(seen, focals, rotations, np.radians(2.0))
    best = max((_refine(seen, float(focals[i]), rotations[i]) for i in np.argsort(-scores)[:6]), key=lambda fit: fit[0])
    _, focal, rotation = best
    rotation = _name_axes(rotation)
    angles = _angles(seen, np.array([focal]), rotation[None])[0]
    axes = np.where(angles.min(axis=0) < np.radians(2.5), angles.argmin(axis=0), -1)
    support = np.array([seen.weight[axes == axis].sum() for axis in range(3)])
    spread = _focal_spread(seen, focal, rotation, axes)
    return Manhattan(
        intrinsics=_intrinsics(focal, wh, known),
        camera_from_room=rotation,
        axes=axes,
        confidence=_confidence(support, len(segments)),
        notes=_notes(seen, support, spread),
    )


def _observe(
    segments: Float[np.ndarray, "n 4"],
    reliability: Float[np.ndarray, " n"],
    wh: tuple[int, int],
    known: KnownCamera | None,
) -> Observations:
    focal, sigma = FOCAL_PRIOR * wh[0], FOCAL_LOG_SIGMA
    centre, aspect, down = np.array(wh) / 2, 1.0, None
    if known is not None:
        focal, sigma = float(known.intrinsics[0, 0]), 0.0
        centre, aspect = known.intrinsics[:2, 2], float(known.intrinsics[0, 0] / known.intrinsics[1, 1])
        down = None if known.gravity is None else known.gravity / np.linalg.norm(known.gravity)
    points = (segments.reshape(-1, 2, 2) - centre) * np.array([1.0, aspect])
    along = points[:, 1] - points[:, 0]
    # Beyond a quarter of the width a segment says nothing more: it is already exact.
    weight = reliability * np.minimum(segment_lengths(segments), 0.25 * wh[0])
    return Observations(
        middle=points.mean(axis=1),
        direction=along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9),
        weight=weight / max(float(weight.sum()), 1e-9),
        focal_prior_px=focal,
        focal_log_sigma=sigma,
        down=down,
    )


def _hypotheses(
    seen: Observations, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " h"], Float[np.ndarray, "h 3 3"]]:
    """Focal lengths and camera-from-room rotations (columns x, y up, z)."""
    quantiles = norm.ppf((rng.permutation(HYPOTHESES) + 0.5) / HYPOTHESES)
    focals = seen.focal_prior_px * np.exp(seen.focal_log_sigma * quantiles)
    down = _vertical_hypotheses(seen, focals, rng)
    picks = rng.choice(len(seen.weight), size=HYPOTHESES, p=seen.weight)
    normals = _line_normals(seen, picks, focals)
    horizontal = np.cross(normals, down)
    norms = np.linalg.norm(horizontal, axis=1)
    # A segment that is itself upright names no horizontal direction.
    keep = norms > 0.2 * np.linalg.norm(normals, axis=1)
    horizontal, down = horizontal[keep] / norms[keep, None], down[keep]
    return focals[keep], np.stack([horizontal, -down, np.cross(horizontal, -down)], axis=-1)


def _vertical_hypotheses(
    seen: Observations, focals: Float[np.ndarray, " h"], rng: np.random.Generator
) -> Float[np.ndarray, "h 3"]:
    """Directions of gravity: where two upright segments meet, or (one in five) a level camera that only pitches."""
    if seen.down is not None:
        return np.tile(seen.down, (len(focals), 1))
    pitch = np.radians(rng.uniform(-15.0, 35.0, len(focals)))
    down = np.stack([np.zeros_like(pitch), np.cos(pitch), np.sin(pitch)], axis=1)
    upright = np.flatnonzero(np.abs(seen.direction[:, 1]) > np.cos(np.radians(35.0)))
    if len(upright) < 2:
        return down
    share = seen.weight[upright] / seen.weight[upright].sum()
    first, second = (upright[rng.choice(len(upright), size=len(focals), p=share)] for _ in range(2))
    meeting = np.cross(_line_normals(seen, first, focals), _line_normals(seen, second, focals))
    norms = np.linalg.norm(meeting, axis=1)
    meeting = meeting / np.maximum(norms, 1e-12)[:, None] * np.where(meeting[:, 1:2] < 0, -1.0, 1.0)
    usable = (norms > 1e-9) & (meeting[:, 1] > np.cos(np.radians(MAX_TILT_DEG))) & (rng.random(len(focals)) > 0.2)
    return np.where(usable[:, None], meeting, down)


def _line_normals(
    seen: Observations, picks: Integer[np.ndarray, " h"], focals: Float[np.ndarray, " h"]
) -> Float[np.ndarray, "h 3"]:
    """Normals of the planes through the optical centre and the picked segments, camera frame."""
    middle, along = seen.middle[picks] / focals[:, None], seen.direction[picks]
    ones, zeros = np.ones((len(picks), 1)), np.zeros((len(picks), 1))
    return np.cross(np.hstack([middle, ones]), np.hstack([along, zeros]))


def _angles(
    seen: Observations, focals: Float[np.ndarray, " h"], rotations: Float[np.ndarray, "h 3 3"]
) -> Float[np.ndarray, "h 3 n"]:
    """Angle in radians between each segment and the line from its middle to each vanishing point."""
    direction = rotations.transpose(0, 2, 1)
    toward_x = focals[:, None, None] * direction[..., :1] - direction[..., 2:] * seen.middle[:, 0]
    toward_y = focals[:, None, None] * direction[..., 1:2] - direction[..., 2:] * seen.middle[:, 1]
    cross = np.abs(toward_x * seen.direction[:, 1] - toward_y * seen.direction[:, 0])
    return np.arcsin(np.minimum(cross / np.maximum(np.hypot(toward_x, toward_y), 1e-9), 1.0))


def _score(
    seen: Observations, focals: Float[np.ndarray, " h"], rotations: Float[np.ndarray, "h 3 3"], sigma_rad: float
) -> Float[np.ndarray, " h"]:
    """Share of the evidence that is explained, less what the priors say against it."""
    scores = np.zeros(len(focals))
    for start in range(0, len(focals), 400):
        part = slice(start, start + 400)
        angles = _angles(seen, focals[part], rotations[part]).min(axis=1)
        scores[part] = np.exp(-0.5 * (angles / sigma_rad) ** 2) @ seen.weight
    if seen.focal_log_sigma > 0:
        scores -= 0.02 * (np.log(focals / seen.focal_prior_px) / seen.focal_log_sigma) ** 2
    # People hold cameras level: 6 degrees of roll cost as much as one standard deviation of the focal length.
    roll = np.arctan2(rotations[:, 0, 1], -rotations[:, 1, 1])
    return scores - 0.02 * (roll / np.radians(6.0)) ** 2


def _refine(
    seen: Observations, focal: float, rotation: Float[np.ndarray, "3 3"]
) -> tuple[float, float, Float[np.ndarray, "3 3"]]:
    """Climb from one hypothesis with an ever narrower kernel; returns (score, focal, rotation)."""

    def state(step: Float[np.ndarray, " 4"]) -> tuple[Float[np.ndarray, " 1"], Float[np.ndarray, "1 3 3"]]:
        return np.array([focal * np.exp(step[0])]), _turned(seen, rotation, step[1:])[None]

    for sigma in np.radians([2.0, 1.0, 0.5]):
        found = minimize(
            lambda step, sigma=sigma: -_score(seen, *state(step), sigma)[0],
            np.zeros(4),
            method="Nelder-Mead",
            options={"initial_simplex": np.vstack([np.zeros(4), 1.5 * sigma * np.eye(4)]), "maxfev": 160},
        )
        if seen.focal_log_sigma == 0:
            found.x[0] = 0.0
        focals, rotations = state(found.x)
        focal, rotation = float(focals[0]), rotations[0]
    focal, rotation = _polish(seen, focal, rotation)
    score = _score(seen, np.array([focal]), rotation[None], np.radians(1.0))[0]
    return float(score), focal, rotation


def _turned(
    seen: Observations, rotation: Float[np.ndarray, "3 3"], step: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "3 3"]:
    """Rotation turned by a small step, about gravity alone where gravity is known."""
    if seen.down is not None:
        step = seen.down * step[1]
    return Rotation.from_rotvec(step).as_matrix() @ rotation


def _residuals(
    seen: Observations, focal: float, rotation: Float[np.ndarray, "3 3"], axes: Integer[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Angle of each inlier to its vanishing point in standard deviations; zero for outliers."""
    angles = _angles(seen, np.array([focal]), rotation[None])[0]
    chosen = np.where(axes >= 0, angles[np.maximum(axes, 0), np.arange(len(axes))], 0.0)
    # 0.3 degrees for a segment of average weight; long segments are more exact.
    return chosen / np.radians(0.3) * np.sqrt(seen.weight * len(axes))


def _polish(
    seen: Observations, focal: float, rotation: Float[np.ndarray, "3 3"]
) -> tuple[float, Float[np.ndarray, "3 3"]]:
    """Robust least squares over the inliers, with the prior on the focal length."""
    angles = _angles(seen, np.array([focal]), rotation[None])[0]
    axes = np.where(angles.min(axis=0) < np.radians(2.0), angles.argmin(axis=0), -1)
    sigma = seen.focal_log_sigma

    def cost(step: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " m"]:
        now = focal * np.exp(step[0] if sigma > 0 else 0.0)
        prior = np.log(now / seen.focal_prior_px) / sigma if sigma > 0 else step[0]
        return np.append(_residuals(seen, now, _turned(seen, rotation, step[1:]), axes), prior)

    step = least_squares(cost, np.zeros(4), loss="cauchy", max_nfev=40).x
    return focal * float(np.exp(step[0] if sigma > 0 else 0.0)), _turned(seen, rotation, step[1:])


def _name_axes(rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """Turn by quarter turns about the vertical until -z is the horizontal axis nearest to the viewing direction."""
    up = rotation[:, 1]
    candidates = np.stack([rotation[:, 0], -rotation[:, 0], rotation[:, 2], -rotation[:, 2]])
    back = candidates[np.argmin(candidates[:, 2])]
    return np.stack([np.cross(up, back), up, back], axis=-1)


def _focal_spread(
    seen: Observations, focal: float, rotation: Float[np.ndarray, "3 3"], axes: Integer[np.ndarray, " n"]
) -> float:
    """Standard deviation of the logarithm of the focal length as the segments alone determine it."""
    step = 1e-4
    columns = []
    for k in range(4):
        change = np.zeros(4)
        change[k] = step
        ahead, behind = (
            _residuals(seen, focal * np.exp(s * change[0]), _turned(seen, rotation, s * change[1:]), axes)
            for s in (1.0, -1.0)
        )
        columns.append((ahead - behind) / (2 * step))
    jacobian = np.stack(columns, axis=1)
    return float(np.sqrt(np.linalg.pinv(jacobian.T @ jacobian + 1e-9 * np.eye(4))[0, 0]))


def _confidence(support: Float[np.ndarray, " 3"], count: int) -> float:
    """How far the explained share lies above chance, over the two best directions, tempered by few segments."""
    explained = float(support.sum())
    balance = float(np.sort(support)[-2])
    return float(np.clip((explained - 0.2) / 0.5, 0, 1) * np.clip(balance / 0.1, 0, 1) * np.clip(count / 15, 0, 1))


def _notes(seen: Observations, support: Float[np.ndarray, " 3"], spread: float) -> tuple[str, ...]:
    notes = []
    missing = [name for name, share in zip("xyz", support, strict=True) if share < 0.03]
    if missing:
        notes.append(f"No lines of the room run along its axis {' or '.join(missing)}: that direction is inferred.")
    if seen.focal_log_sigma > 0 and spread > 0.5 * seen.focal_log_sigma:
        notes.append("The lines determine the focal length weakly: it leans on the usual one of indoor pictures.")
    return tuple(notes)


def _assumed(seen: Observations, wh: tuple[int, int], known: KnownCamera | None, count: int) -> Manhattan:
    """The camera of someone who stands upright and looks slightly down."""
    down = np.array([0.0, np.cos(0.2), np.sin(0.2)]) if seen.down is None else seen.down
    back = np.array([0.0, 0.0, -1.0]) + down * down[2]
    back /= np.linalg.norm(back)
    return Manhattan(
        intrinsics=_intrinsics(seen.focal_prior_px, wh, known),
        camera_from_room=np.stack([np.cross(-down, back), -down, back], axis=-1),
        axes=np.full(count, -1),
        confidence=0.0,
        notes=("The picture shows too few straight lines: focal length and tilt of the camera are assumed.",),
    )


def _intrinsics(focal_px: float, wh: tuple[int, int], known: KnownCamera | None) -> Float[np.ndarray, "3 3"]:
    return intrinsics_from_focal(focal_px, wh) if known is None else known.intrinsics.copy()
