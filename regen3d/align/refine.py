"""Refinement without gradients: an evolution of small clouds of poses, all starts of all objects in one batch.

Each start carries a Gaussian over the four parameters. A generation draws poses from it, judges them together on the
small hard render, and moves the Gaussian to the better ones (the cross-entropy method: De Boer et al., "A Tutorial on
the Cross-Entropy Method", 2005). A hard silhouette has no gradient and many shelves; ranks do not mind either.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regen3d.align.batch import NUMBERS, Batch, Poses
from regen3d.align.energy import energy
from regen3d.align.search import steps_of

STARTS = 8
"""Starts of an object that are refined: front, back and both sides of a chair, each twice."""

GENERATIONS = 5
"""Enough to come within a few pixels, from where outlines lead on: twice as many find no better basin."""

POPULATION = 16
"""Poses a generation and start: 8 x 16 x 5 poses are about 640 silhouettes, a third of a CPU second."""

ELITE = 4
"""Poses that a cloud moves to: one for each parameter."""

SPREAD = np.array([0.06, 0.06, np.radians(7.0), 0.10, 0.0, 0.0, 0.0])
"""First standard deviations: shares of the distance from the camera, radians, log-scale; proportions are kept."""

LEAST_SEPARATION_RAD = np.radians(18.0)
"""Starts closer than this in yaw are one start, since a cloud spans both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """The poses of one object that came out, best first."""

    numbers: Float[np.ndarray, "b 7"]
    """One row for each start."""
    energies: Float[np.ndarray, " b"]
    """Cost of each, ascending."""


def refine(batch: Batch, starts: Poses, seeds: Sequence[int]) -> list[Refined]:
    """Improve the most promising starts of each object and keep the best pose that each of them ever had."""
    costs = energy(batch, starts)
    chosen = _distinct_best(batch, starts, costs)
    poses, best_cost = starts.some(chosen), costs[chosen]
    generators = [np.random.default_rng(seed) for seed in seeds]
    mean, best = poses.numbers.clone(), poses.numbers.clone()
    spread = torch.from_numpy(SPREAD).to(batch.device) * steps_of(batch, poses)
    runs = batch.runs(poses.owner)
    owner = torch.repeat_interleave(poses.owner, POPULATION)
    for _ in range(GENERATIONS):
        noise = [generators[o].standard_normal((rows.stop - rows.start, POPULATION, NUMBERS)) for o, rows in runs]
        cloud = mean[:, None] + torch.from_numpy(np.concatenate(noise)).to(batch.device) * spread[:, None]
        cloud[:, 0] = best
        cost = energy(batch, Poses(cloud.flatten(0, 1), owner)).view(-1, POPULATION)
        order = cost.argsort(dim=1, stable=True)[:, :ELITE]
        elite = cloud.gather(1, order[..., None].expand(-1, -1, NUMBERS))
        winner = cost.gather(1, order[:, :1])[:, 0]
        better = winner < best_cost
        best = torch.where(better[:, None], elite[:, 0], best)
        best_cost = torch.where(better, winner, best_cost)
        mean = elite.mean(dim=1)
        # Half of the old spread keeps a cloud from collapsing on a lucky shelf.
        spread = 0.5 * spread + 0.5 * elite.std(dim=1, correction=0)
    numbers, energies = best.cpu().numpy(), best_cost.cpu().numpy()
    return [ranked(numbers[rows], energies[rows]) for _, rows in runs]


def ranked(numbers: Float[np.ndarray, "b 7"], energies: Float[np.ndarray, " b"]) -> Refined:
    """Poses in the order of their costs."""
    order = np.argsort(energies, kind="stable")
    return Refined(numbers=numbers[order], energies=energies[order])


def distinct(yaws: Float[np.ndarray, " n"], costs: Float[np.ndarray, " n"], apart_rad: float) -> list[int]:
    """Cheapest first, the poses that face at least so far away from all cheaper ones."""
    kept: list[int] = []
    for index in np.argsort(costs, kind="stable"):
        if (np.abs(wrapped(yaws[kept] - yaws[index])) > apart_rad).all():
            kept.append(int(index))
    return kept


def wrapped(angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The same angles in -pi..pi."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def _distinct_best(batch: Batch, starts: Poses, costs: Float[Tensor, " n"]) -> Tensor:
    """The cheapest starts of each object that differ in yaw, at most STARTS; as indices."""
    yaws, prices = starts.numbers[:, 2].cpu().numpy(), costs.cpu().numpy()
    chosen = [
        [rows.start + k for k in distinct(yaws[rows], prices[rows], LEAST_SEPARATION_RAD)[:STARTS]]
        for _, rows in batch.runs(starts.owner)
    ]
    return torch.tensor([k for part in chosen for k in part], device=batch.device)
