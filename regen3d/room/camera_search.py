"""The camera that explains line segments best: many hypotheses at once, the best climbed.

A camera is a focal length, a rotation, and an offset of the principal point from where it is assumed. Hypotheses come
from a pair of upright segments (vertical), one more segment (horizontal), and a focal length and offset drawn from
their priors. Source: Coughlan and Yuille 1999 (mixture over Manhattan directions); Rother 2002 (orthogonal triples).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Integer
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation
from scipy.stats import norm

from regen3d.room.observations import Observations

HYPOTHESES, FREE_HYPOTHESES = 2400, 8000
"""Random starts for a principal point in the middle, and for a free one: a fifth of a second and half a second."""
CLIMBED = 8
"""Hypotheses that are climbed."""
LARGEST_OFFSET = 0.24
"""Offsets of the principal point that are tried, shares of width and height: what is left of a quarter of a picture."""
KERNELS = (4.0, 2.0, 1.0)
"""Widths of the kernel while climbing, in standard deviations of each segment."""
PRIOR_WEIGHT = 0.02
"""Share of the evidence that a focal length, a roll or an offset one standard deviation away outweighs."""
ROLL_SIGMA_RAD = np.radians(6.0)
"""People hold cameras level."""
OFFSET_SIGMA = 0.3
"""Of the principal point in a cropped picture, picture widths."""
MAX_TILT_DEG = 50.0
"""A camera that is turned further away from upright is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cameras:
    """A batch of cameras."""

    focal_px: Float[np.ndarray, " h"]
    """Focal lengths."""
    rotation: Float[np.ndarray, "h 3 3"]
    """Camera from room: columns x, y up, z."""
    offset_px: Float[np.ndarray, "h 2"]
    """Of the principal point from where it is assumed."""

    def at(self, index: int | Integer[np.ndarray, " k"] | slice) -> "Cameras":
        """Some of them."""
        picked = np.atleast_1d(np.arange(len(self.focal_px))[index])
        return Cameras(focal_px=self.focal_px[picked], rotation=self.rotation[picked], offset_px=self.offset_px[picked])


def search_camera(seen: Observations, rng: np.random.Generator, *, free_offset: bool) -> tuple[float, Cameras]:
    """The best camera and its score.

    Args:
        seen: the segments.
        rng: for the hypotheses.
        free_offset: whether the principal point may lie elsewhere than assumed.
    """
    starts = _hypotheses(seen, rng, free_offset)
    order = np.argsort(-score(seen, starts, KERNELS[0]))[:CLIMBED]
    climbed = [_climb(seen, starts.at(int(i)), free_offset) for i in order]
    return max(climbed, key=lambda found: found[0])


def score(seen: Observations, cameras: Cameras, kernel: float) -> Float[np.ndarray, " h"]:
    """Share of the evidence that each camera explains, less what the priors say against it.

    Args:
        seen: the segments.
        cameras: the batch.
        kernel: width of the kernel round a vanishing direction, in standard deviations of each segment.
    """
    scores = np.zeros(len(cameras.focal_px))
    for start in range(0, len(scores), 400):
        part = slice(start, start + 400)
        angles = segment_angles(seen, cameras.at(part)).min(axis=1)
        scores[part] = np.exp(-0.5 * (angles / (kernel * seen.sigma_rad)) ** 2) @ seen.weight
    roll = np.arctan2(cameras.rotation[:, 0, 1], -cameras.rotation[:, 1, 1])
    cost = (roll / ROLL_SIGMA_RAD) ** 2 + ((cameras.offset_px / (OFFSET_SIGMA * seen.wh[0])) ** 2).sum(axis=1)
    if seen.focal_log_sigma > 0:
        # A principal point off the middle by a share m of the side tells of a crop that kept at most 1 / (1 + 2 m)
        # of the picture: its lens looks longer by as much.
        cropped = 1.0 + 2.0 * np.abs(cameras.offset_px / np.array(seen.wh)).max(axis=1)
        cost += (np.log(cameras.focal_px / (seen.focal_prior_px * cropped)) / seen.focal_log_sigma) ** 2
    return scores - PRIOR_WEIGHT * cost


def segment_angles(seen: Observations, cameras: Cameras) -> Float[np.ndarray, "h 3 n"]:
    """Angle in radians between each segment and the line from its middle to each vanishing point."""
    middle = seen.middle - cameras.offset_px[:, None]
    direction, focal = cameras.rotation.transpose(0, 2, 1), cameras.focal_px[:, None, None]
    toward_x = focal * direction[..., :1] - direction[..., 2:] * middle[:, None, :, 0]
    toward_y = focal * direction[..., 1:2] - direction[..., 2:] * middle[:, None, :, 1]
    cross = np.abs(toward_x * seen.direction[:, 1] - toward_y * seen.direction[:, 0])
    return np.arcsin(np.minimum(cross / np.maximum(np.hypot(toward_x, toward_y), 1e-9), 1.0))


def turned(seen: Observations, rotation: Float[np.ndarray, "3 3"], step: Float[np.ndarray, " 3"]) -> np.ndarray:
    """Rotation turned by a small step (radians), about gravity alone where gravity is known."""
    if seen.down is not None:
        step = seen.down * step[1]
    return Rotation.from_rotvec(step).as_matrix() @ rotation


def moved(seen: Observations, camera: Cameras, step: Float[np.ndarray, " k"]) -> Cameras:
    """One camera after a step: logarithm of the focal length, three angles, and the offset in picture widths if any."""
    change = step[0] if seen.focal_log_sigma > 0 else 0.0
    offset = camera.offset_px + step[4:] * seen.wh[0] if len(step) > 4 else camera.offset_px
    return Cameras(
        focal_px=camera.focal_px * np.exp(change),
        rotation=turned(seen, camera.rotation[0], step[1:4])[None],
        offset_px=offset,
    )


def _climb(seen: Observations, camera: Cameras, free_offset: bool) -> tuple[float, Cameras]:
    """Climb from one hypothesis with an ever narrower kernel."""
    size = 6 if free_offset else 4
    for kernel in KERNELS:
        simplex = np.vstack([np.zeros(size), kernel * np.radians(0.4) * np.eye(size)])
        found = minimize(
            lambda step, kernel=kernel, camera=camera: -score(seen, moved(seen, camera, step), kernel)[0],
            np.zeros(size),
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "maxfev": 45 * size},
        )
        camera = moved(seen, camera, found.x)
    return float(score(seen, camera, KERNELS[-1])[0]), camera


def _hypotheses(seen: Observations, rng: np.random.Generator, free_offset: bool) -> Cameras:
    count = FREE_HYPOTHESES if free_offset else HYPOTHESES
    quantiles = norm.ppf((rng.permutation(count) + 0.5) / count)
    offset = rng.uniform(-1.0, 1.0, (count, 2)) * LARGEST_OFFSET * np.array(seen.wh) if free_offset else None
    offset = np.zeros((count, 2)) if offset is None else offset
    cropped = 1.0 + 2.0 * np.abs(offset / np.array(seen.wh)).max(axis=1)
    focals = seen.focal_prior_px * np.where(seen.focal_log_sigma > 0, cropped, 1.0)
    lenses = Cameras(
        focal_px=focals * np.exp(seen.focal_log_sigma * quantiles),
        rotation=np.tile(np.eye(3), (count, 1, 1)),
        offset_px=offset,
    )
    down = _vertical_hypotheses(seen, lenses, rng)
    normals = _line_normals(seen, rng.choice(len(seen.weight), size=count, p=seen.weight), lenses)
    horizontal = np.cross(normals, down)
    norms = np.linalg.norm(horizontal, axis=1)
    # A segment that is itself upright names no horizontal direction.
    keep = np.flatnonzero(norms > 0.2 * np.linalg.norm(normals, axis=1))
    horizontal, down = horizontal[keep] / norms[keep, None], down[keep]
    rotation = np.stack([horizontal, -down, np.cross(horizontal, -down)], axis=-1)
    return replace(lenses.at(keep), rotation=rotation)


def _vertical_hypotheses(seen: Observations, lenses: Cameras, rng: np.random.Generator) -> Float[np.ndarray, "h 3"]:
    """Directions of gravity: where two upright segments meet, or (one in five) a level camera that only pitches."""
    count = len(lenses.focal_px)
    if seen.down is not None:
        return np.tile(seen.down, (count, 1))
    pitch = np.radians(rng.uniform(-15.0, 35.0, count))
    down = np.stack([np.zeros_like(pitch), np.cos(pitch), np.sin(pitch)], axis=1)
    upright = np.flatnonzero(np.abs(seen.direction[:, 1]) > np.cos(np.radians(35.0)))
    if len(upright) < 2:
        return down
    share = seen.weight[upright] / seen.weight[upright].sum()
    first, second = (upright[rng.choice(len(upright), size=count, p=share)] for _ in range(2))
    meeting = np.cross(_line_normals(seen, first, lenses), _line_normals(seen, second, lenses))
    norms = np.linalg.norm(meeting, axis=1)
    meeting = meeting / np.maximum(norms, 1e-12)[:, None] * np.where(meeting[:, 1:2] < 0, -1.0, 1.0)
    usable = (norms > 1e-9) & (meeting[:, 1] > np.cos(np.radians(MAX_TILT_DEG))) & (rng.random(count) > 0.2)
    return np.where(usable[:, None], meeting, down)


def _line_normals(seen: Observations, picks: Integer[np.ndarray, " h"], lenses: Cameras) -> Float[np.ndarray, "h 3"]:
    """Normals of the planes through the optical centre and the picked segments, camera frame."""
    middle = (seen.middle[picks] - lenses.offset_px) / lenses.focal_px[:, None]
    ones, zeros = np.ones((len(picks), 1)), np.zeros((len(picks), 1))
    return np.cross(np.hstack([middle, ones]), np.hstack([seen.direction[picks], zeros]))
