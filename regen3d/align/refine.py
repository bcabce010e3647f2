"""Refinement without gradients: an evolution of small clouds of poses, all starts in one batch.

Each start carries a Gaussian over the four parameters. A generation draws poses from it, judges them together on the
small hard render, and moves the Gaussian to the better ones (the cross-entropy method: De Boer et al., "A Tutorial on
the Cross-Entropy Method", 2005). A hard silhouette has no gradient and many shelves; ranks do not mind either.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.align.energy import Evidence, energy
from regen3d.align.pose import Parameters, place

STARTS = 8
"""Starts that are refined: front, back and both sides of a chair, each twice."""


GENERATIONS = 5
"""Enough to come within a few pixels, from where outlines lead on: twice as many find no better basin."""

POPULATION = 16
"""Poses a generation and start: 8 x 16 x 16 poses are about 2,000 silhouettes, one CPU second."""

ELITE = 4
"""Poses that a cloud moves to: one for each parameter."""

SPREAD = np.array([0.06, 0.06, np.radians(7.0), 0.10])
"""First standard deviations: shares of the distance from the camera, radians, log-scale."""

LEAST_SEPARATION_RAD = np.radians(18.0)
"""Starts closer than this in yaw are one start, since a cloud spans both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """The poses that came out, best first."""

    parameters: Parameters
    """One row for each start."""
    energies: Float[np.ndarray, " b"]
    """Cost of each, ascending."""


def refine(evidence: Evidence, starts: Parameters, seed: int) -> Refined:
    """Improve the most promising starts and keep the best pose that each of them ever had."""
    chosen, costs = distinct_best(starts, energy(evidence, starts))
    rng = np.random.default_rng(seed)
    mean, best, best_cost = chosen.copy(), chosen.copy(), costs.copy()
    spread = np.tile(SPREAD * _units(evidence, chosen), (len(chosen), 1))
    for _ in range(GENERATIONS):
        noise = rng.standard_normal((len(mean), POPULATION, 4))
        cloud = mean[:, None] + noise * spread[:, None]
        cloud[:, 0] = best
        cost = energy(evidence, cloud.reshape(-1, 4)).reshape(cloud.shape[:2])
        order = np.argsort(cost, axis=1, kind="stable")[:, :ELITE]
        elite = np.take_along_axis(cloud, order[..., None], axis=1)
        winner = np.take_along_axis(cost, order[:, :1], axis=1)[:, 0]
        better = winner < best_cost
        best[better], best_cost[better] = elite[better, 0], winner[better]
        mean = elite.mean(axis=1)
        # Half of the old spread keeps a cloud from collapsing on a lucky shelf.
        spread = 0.5 * spread + 0.5 * elite.std(axis=1)
    order = np.argsort(best_cost, kind="stable")
    return Refined(parameters=best[order], energies=best_cost[order])


def distinct_best(
    starts: Parameters, costs: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "k 4"], Float[np.ndarray, " k"]]:
    """The cheapest starts that differ in yaw, at most STARTS."""
    kept: list[int] = []
    for index in np.argsort(costs, kind="stable"):
        turns = np.abs(_wrap(starts[kept, 2] - starts[index, 2]))
        if len(kept) < STARTS and (turns > LEAST_SEPARATION_RAD).all():
            kept.append(int(index))
    return starts[kept], costs[kept]


def _units(evidence: Evidence, poses: Parameters) -> Float[np.ndarray, " 4"]:
    """Metres for a share of the distance; angles and log-scales as they are."""
    center = place(evidence.plane, poses[:1], evidence.proxy.vertices)[0].mean(axis=0)
    distance = float(np.linalg.norm(center - evidence.target.eye))
    return np.array([distance, distance, 1.0, 1.0])


def _wrap(angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The same angles in -pi..pi."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi
