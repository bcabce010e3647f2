"""Starting poses: many yaws, each with the translation and scale that its projected box asks for."""

import numpy as np
from jaxtyping import Float

from regen3d.align.energy import Evidence, box_residuals
from regen3d.align.planes import ASSUMED_WALL_M
from regen3d.align.pose import FLOOR, Parameters, place, plane_coordinates
from regen3d.frames import pixel_rays, transform

YAWS = 36
"""Every 10 degrees: silhouettes of furniture change little over 5."""

ITERATIONS = 10
"""Gauss-Newton converges in 4 to 6 on reliable boxes."""

PRIOR_WEIGHT = 0.05
"""Of staying near the first guess in the box fit, against residuals in diagonals of the box: decides only what the
box leaves open."""

GUESS_FACTORS = (0.7, 1.0, 1.4)
"""Sizes tried, relative to the guess, where the box alone cannot tell size from distance; distances go along with
them where no points say better."""


def starting_poses(evidence: Evidence) -> Parameters:
    """One fitted pose for each yaw (and size, where the box leaves it open)."""
    yaws = np.arange(YAWS) * (2.0 * np.pi / YAWS)
    target = evidence.target
    # Three numbers are fitted to the sides: with the lower one hidden, or less than three, size is a guess.
    enough = target.reliable.sum() >= 3 and (target.reliable[3] or evidence.plane is not FLOOR)
    factors = (1.0,) if enough else GUESS_FACTORS
    return np.concatenate([_fit_boxes(evidence, _guesses(evidence, yaws, factor)) for factor in factors])


def single_start(evidence: Evidence) -> Parameters:
    """One pose, its front towards the camera, where the points are or the mask meets the plane, as large as the mask.

    That is where the published algorithm starts; the mask's box then sets place and size.
    """
    ray = evidence.target.camera_from_world[2, :3]
    yaw = np.array([np.arctan2(-ray[0], -ray[2])])
    return _fit_boxes(evidence, _guesses(evidence, yaw, 1.0))


def _guesses(evidence: Evidence, yaws: Float[np.ndarray, " n"], factor: float) -> Parameters:
    """Poses at the place where the mask meets the plane, as large as the mask is there."""
    target = evidence.target
    eye = target.eye
    middle = 0.5 * (target.box[:2] + target.box[2:])
    foot = np.array([middle[0], target.box[3]]) if evidence.plane is FLOOR else middle
    ray = target.camera_from_world[:3, :3].T @ pixel_rays(target.intrinsics, foot)
    anchored = len(target.points) > 0 and not target.points_slide
    anchor = np.median(target.points, axis=0) if anchored else _meet(evidence, eye, ray)
    depth = factor * max(float(transform(target.camera_from_world, anchor)[2]), 0.1)
    anchor = anchor if anchored else eye + factor * (anchor - eye)
    focal = 0.5 * (target.intrinsics[0, 0] + target.intrinsics[1, 1])
    log_scale = np.log(target.diagonal_px * depth / focal / evidence.proxy.diameter)
    if evidence.known_log_scale is not None:
        log_scale = evidence.known_log_scale
    first, second = plane_coordinates(evidence.plane, anchor)
    ones = np.ones_like(yaws)
    guesses = np.stack([first * ones, second * ones, yaws, log_scale * ones], axis=1)
    if evidence.plane is not FLOOR:
        # Upright planes take the middle of the mask, objects their base: go down by half the height.
        guesses[:, 1] -= 0.5 * np.exp(log_scale) * np.ptp(evidence.proxy.vertices[:, 1]) * evidence.plane.axes[1, 1]
    return guesses


def _meet(evidence: Evidence, eye: Float[np.ndarray, " 3"], ray: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """Where a ray meets the plane; an assumed distance away where it never does."""
    approach = float(ray @ evidence.plane.normal)
    distance = float((evidence.plane.origin - eye) @ evidence.plane.normal)
    if approach * distance > 1e-6:
        return eye + ray * (distance / approach)
    return eye + ray / np.linalg.norm(ray) * ASSUMED_WALL_M


def _fit_boxes(evidence: Evidence, guesses: Parameters) -> Parameters:
    """Fit translation and scale of each row to the sides of the mask's box, its yaw kept (damped Gauss-Newton)."""
    unit = _unit_steps(evidence, guesses)
    parameters = guesses.copy()
    for _ in range(ITERATIONS):
        residual = _residuals(evidence, parameters, (guesses, unit))
        columns = [
            (_residuals(evidence, parameters + 1e-3 * step, (guesses, unit)) - residual) / 1e-3
            for step in (unit * np.eye(4)[k] for k in (0, 1, 3))
        ]
        jacobian = np.stack(columns, axis=2)
        normal = np.einsum("bri,brj->bij", jacobian, jacobian) + 1e-6 * np.eye(3)
        step = -np.linalg.solve(normal, np.einsum("bri,br->bi", jacobian, residual)[..., None])[..., 0]
        # Bounds of boxes are only piecewise smooth: no step is longer than half of what may be off altogether.
        parameters[:, [0, 1, 3]] += np.clip(step, -0.5, 0.5) * unit[[0, 1, 3]]
    return parameters


def _unit_steps(evidence: Evidence, guesses: Parameters) -> Float[np.ndarray, " 4"]:
    """What counts as a whole step of each parameter: the distance from the camera, and a factor of e."""
    start = place(evidence.plane, guesses[:1], evidence.proxy.vertices)[0].mean(axis=0)
    distance = float(np.linalg.norm(start - evidence.target.eye))
    return np.array([distance, distance, 1.0, 1.0])


def _residuals(
    evidence: Evidence, parameters: Parameters, prior: tuple[Parameters, Float[np.ndarray, " 4"]]
) -> Float[np.ndarray, "b r"]:
    """Sides of the box, then how far the pose went from the first guess."""
    guesses, unit = prior
    world = place(evidence.plane, parameters, evidence.proxy.vertices)
    sides = box_residuals(evidence.target, transform(evidence.target.camera_from_world, world))
    return np.concatenate([sides, PRIOR_WEIGHT * ((parameters - guesses) / unit)[:, [0, 1, 3]]], axis=1)
