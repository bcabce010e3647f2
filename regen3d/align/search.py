"""Starting poses: many yaws, each with the translation and scale that its projected box asks for."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regen3d.align.batch import NUMBERS, Batch, Poses
from regen3d.align.energy import projected, side_residuals
from regen3d.align.evidence import Evidence
from regen3d.align.planes import ASSUMED_WALL_M
from regen3d.align.pose import FLOOR, plane_coordinates
from regen3d.align.posing import in_camera, pixel_speeds, place
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

FITTED = [0, 1, 3]
"""Numbers of a pose that the box decides."""


def guessed_poses(evidence: Evidence) -> Float[np.ndarray, "n 7"]:
    """One first guess for each yaw (and size, where the box leaves it open)."""
    yaws = np.arange(YAWS) * (2.0 * np.pi / YAWS)
    target = evidence.target
    # Three numbers are fitted to the sides: with the lower one hidden, or less than three, size is a guess.
    enough = target.reliable.sum() >= 3 and (target.reliable[3] or evidence.plane is not FLOOR)
    factors = (1.0,) if enough else GUESS_FACTORS
    return np.concatenate([_guesses(evidence, yaws, factor) for factor in factors])


def single_guess(evidence: Evidence) -> Float[np.ndarray, "1 7"]:
    """One pose, its front towards the camera, where the points are or the mask meets the plane, as large as the mask.

    That is where the published algorithm starts; the mask's box then sets place and size.
    """
    ray = evidence.target.camera_from_world[2, :3]
    return _guesses(evidence, np.array([np.arctan2(-ray[0], -ray[2])]), 1.0)


class Guesses(NamedTuple):
    """Where the search for one object begins."""

    kept: Float[np.ndarray, "k 7"]
    """Poses that are taken as they are."""
    fitted: Float[np.ndarray, "n 7"]
    """Poses that the mask's box sets right."""


def fit_boxes(batch: Batch, guesses: Sequence[Guesses]) -> Poses:
    """The guesses for each object, translation and scale fitted to the sides of its mask's box, yaws kept."""
    counts = torch.tensor([len(part.kept) + len(part.fitted) for part in guesses], device=batch.device)
    owner = torch.repeat_interleave(torch.arange(len(guesses), device=batch.device), counts)
    start = Poses(torch.from_numpy(np.concatenate([rows for part in guesses for rows in part])).to(batch.device), owner)
    units = steps_of(batch, start)
    fitted = torch.cat([_fitted(batch, start.some(part), units[part]) for part in batch.parts(len(owner))])
    kept = np.concatenate([np.arange(len(part.kept) + len(part.fitted)) < len(part.kept) for part in guesses])
    return Poses(torch.where(torch.from_numpy(kept).to(batch.device)[:, None], start.numbers, fitted), owner)


def steps_of(batch: Batch, poses: Poses) -> Float[Tensor, "p 7"]:
    """What counts as a whole step of each number: the distance of an object's first pose, and 1 for the others."""
    first = torch.searchsorted(poses.owner, torch.arange(len(batch.eye), device=batch.device))
    known = first < len(poses.owner)
    middle = torch.full_like(batch.eye, torch.inf)
    world = place(batch, poses.some(first[known]))
    middle[known] = 0.5 * (world.amin(dim=1) + world.amax(dim=1))
    units = poses.numbers.new_ones((len(poses.owner), NUMBERS))
    units[:, :2] = (middle - batch.eye).norm(dim=1)[poses.owner, None]
    return units


def _fitted(batch: Batch, start: Poses, units: Float[Tensor, "p 7"]) -> Float[Tensor, "p 7"]:
    """Damped Gauss-Newton on four sides and the way from the start."""
    numbers, unit = start.numbers.clone(), units[:, FITTED]
    away = PRIOR_WEIGHT * torch.eye(3, dtype=numbers.dtype, device=numbers.device).expand(len(numbers), 3, 3)
    for _ in range(ITERATIONS):
        sides, slopes = _sides(batch, Poses(numbers, start.owner))
        residual = torch.cat([sides, PRIOR_WEIGHT * (numbers - start.numbers)[:, FITTED] / unit], dim=1)
        jacobian = torch.cat([slopes[..., FITTED] * unit[:, None], away], dim=1)
        normal = jacobian.transpose(1, 2) @ jacobian + 1e-6 * torch.eye(3, dtype=unit.dtype, device=unit.device)
        step = -torch.linalg.solve(normal, jacobian.transpose(1, 2) @ residual[..., None])[..., 0]
        # Bounds of boxes are only piecewise smooth: no step is longer than half of what may be off altogether.
        numbers[:, FITTED] += step.clamp(-0.5, 0.5) * unit
    return numbers


def _sides(batch: Batch, poses: Poses) -> tuple[Float[Tensor, "p 4"], Float[Tensor, "p 4 7"]]:
    """Residuals of the projected box's sides, and their derivatives: those of the vertices that touch the sides."""
    pixels = projected(batch, poses, in_camera(batch, poses.owner, place(batch, poses)))
    low, high = pixels.min(dim=1), pixels.max(dim=1)
    residual = side_residuals(batch, poses, torch.cat([low.values, high.values], dim=1))
    touching = torch.cat([low.indices, high.indices], dim=1)
    at = batch.vertices[poses.owner].gather(1, touching[..., None].expand(-1, -1, 3)).flatten(0, 1)
    row = torch.repeat_interleave(torch.arange(len(poses.owner), device=batch.device), 4)
    speed = pixel_speeds(batch, poses, at, row).view(-1, 4, 2, NUMBERS)
    # Sides 0 and 2 are left and right, 1 and 3 upper and lower ones.
    slope = torch.stack([speed[:, side, side % 2] for side in range(4)], dim=1)
    counts = (residual != 0.0) | batch.reliable[poses.owner]
    return residual, slope * counts[..., None] / batch.diagonal_px[poses.owner, None, None]


def _guesses(evidence: Evidence, yaws: Float[np.ndarray, " n"], factor: float) -> Float[np.ndarray, "n 7"]:
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
    guesses = np.zeros((len(yaws), NUMBERS))
    guesses[:, :2] = plane_coordinates(evidence.plane, anchor)
    guesses[:, 2], guesses[:, 3] = yaws, log_scale
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
