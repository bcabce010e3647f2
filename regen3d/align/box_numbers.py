"""The seven numbers of an upright box, as its fit searches them: how they start, what they cost, what they mean.

Rows are (bearing, log distance, yaw against the camera, log width, log height, log depth, base height).
"""

import numpy as np
from jaxtyping import Float

from regen3d.align.size_prior import SizePrior
from regen3d.frames import floor_point, pixel_rays
from regen3d.types import ObjectView

FARTHEST_M = 12.0
"""A base farther than this is no base on the floor of a room: the object hangs."""
SIZE_WEIGHT = 0.012
"""Cost of one squared standard deviation of size, in units of IoU; a depth wrong by half changes IoU by about 0.02."""

BEARING, DISTANCE, YAW, SIZE, BASE = 0, 1, 2, slice(3, 6), 6
"""Where each number is in a row."""


def first_guess(
    view: ObjectView, prior: SizePrior, absolute: bool
) -> tuple[Float[np.ndarray, " 7"], Float[np.ndarray, " 7"]]:
    """Where the search starts and how far it spreads at first, both as rows.

    Args:
        view: the object; its mask is not empty.
        prior: size of its category.
        absolute: whether the prior's metres hold, not its proportions only.
    """
    camera = view.camera
    x0, y0, x1, y1 = view.instance.box
    corners = np.array([[x0, y1], [x1, y1], [(x0 + x1) / 2, y0], [(x0 + x1) / 2, y1]], dtype=np.float64)
    rays = pixel_rays(camera.intrinsics, corners) @ camera.world_from_camera[:3, :3].T
    rays /= np.linalg.norm(rays[:, [0, 2]], axis=1, keepdims=True)
    bearings = np.arctan2(rays[:, 0], -rays[:, 2])
    angle = max(abs(float(bearings[1] - bearings[0])), 1e-3)
    foot = floor_point(camera, corners[3])
    near = float(np.hypot(foot[0], foot[2]))
    spread = np.array([0.1 * angle, 0.35, np.pi, 0.4, 0.4, 0.4, 0.0])
    base = 0.0
    if not near < FARTHEST_M:
        near = prior.median_m[0] / angle
        base = max(camera.position[1] + near * rays[3, 1], 0.0)
        spread[BASE] = 0.2
    height = max(camera.position[1] + near * rays[2, 1] - base, 0.02)
    width = near * angle
    seen = np.log([width, height, width * prior.median_m[2] / prior.median_m[0]])
    usual = np.log(prior.median_m)
    if not (absolute or base):
        usual = usual + np.mean(seen - usual)
    trust = 1.0 / (1.0 + (prior.log_sigma / spread[SIZE]) ** 2)
    size = np.maximum(np.exp(trust * usual + (1.0 - trust) * seen), 0.01)
    middle = near + 0.5 * min(float(size[2]), 2.0)
    spread[SIZE] = np.maximum(spread[SIZE], prior.log_sigma)
    start = np.array([bearings[3], np.log(middle), 0.0, *np.log(size), base])
    return start, spread


def prior_cost(candidates: Float[np.ndarray, "b 7"], prior: SizePrior, absolute: bool) -> Float[np.ndarray, " b"]:
    """What the prior charges for unusual sizes, for facing away and for lying below the floor, in units of IoU."""
    off = candidates[:, SIZE] - np.log(prior.median_m)
    if not absolute:
        off = off - off.mean(axis=1, keepdims=True)
    facing = np.zeros(len(candidates)) if prior.is_round else (1.0 - np.cos(candidates[:, YAW])) / 2
    below = np.maximum(-candidates[:, BASE], 0.0)
    return SIZE_WEIGHT * ((off / prior.log_sigma) ** 2).sum(axis=1) + prior.facing * facing + below


def poses_of(candidates: Float[np.ndarray, "b 7"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Yaw (b), position (b, 3) and size (b, 3) in the world frame; yaw 0 of the parameters faces the camera."""
    distance, bearing = np.exp(candidates[:, DISTANCE]), candidates[:, BEARING]
    position = np.stack([distance * np.sin(bearing), candidates[:, BASE], -distance * np.cos(bearing)], axis=1)
    return candidates[:, YAW] - bearing, position, np.exp(candidates[:, SIZE])


def tied(population: Float[np.ndarray, "b 7"], prior: SizePrior) -> Float[np.ndarray, "b 7"]:
    """Parameters brought into their range; a body of revolution has no yaw and one width."""
    bound = population.copy()
    bound[:, SIZE] = np.clip(bound[:, SIZE], np.log(0.01), np.log(6.0))
    bound[:, DISTANCE] = np.clip(bound[:, DISTANCE], np.log(0.1), np.log(20.0))
    if prior.is_round:
        bound[:, YAW], bound[:, 5] = 0.0, bound[:, 3]
    return bound
