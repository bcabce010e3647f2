"""Levenberg and Marquardt for many small problems at once, each with a step and a damping of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Integer
from torch import Tensor

DAMPING = 1e-3
"""At the start, as a share of the diagonal (Marquardt's scaling)."""

STILL = 1e-4
"""A problem whose next step is shorter is solved: a tenth of a millimetre, a hundredth of a degree."""


@dataclass(slots=True)
class Systems:
    """Cost and normal equations of a step in each of `p` problems of `d` numbers."""

    cost: Float[Tensor, " p"]
    """Half the sum of weighted squares, robust."""
    normal: Float[Tensor, "p d d"]
    """Sum of `weight * jacobian^T jacobian`."""
    slope: Float[Tensor, "p d"]
    """Sum of `weight * jacobian^T residual`."""

    def add(
        self, residual: Float[Tensor, "p n"], jacobian: Float[Tensor, "p n d"], weight: Float[Tensor, "p n"]
    ) -> None:
        """Take in measurements; their cost is the caller's."""
        weighted = (weight[..., None] * jacobian).transpose(1, 2)
        self.normal += weighted @ jacobian
        self.slope += (weighted @ residual[..., None])[..., 0]

    def step(self, damping: Float[Tensor, " p"], longest: Float[Tensor, " d"]) -> Float[Tensor, "p d"]:
        """The damped step of each problem, shortened where a number would change by more than its `longest`."""
        diagonal = damping[:, None] * self.normal.diagonal(dim1=1, dim2=2) + 1e-9
        step = -torch.linalg.solve(self.normal + torch.diag_embed(diagonal), self.slope[..., None])[..., 0]
        return step * (longest / step.abs().clamp(min=1e-12)).amin(dim=1, keepdim=True).clamp(max=1.0)

    def some(self, index: Tensor) -> "Systems":
        """Those at an index."""
        return Systems(self.cost[index], self.normal[index], self.slope[index])

    def replace(self, index: Tensor, other: "Systems") -> None:
        """Put others in their places."""
        self.cost[index], self.normal[index], self.slope[index] = other.cost, other.normal, other.slope


Measure = Callable[[Float[Tensor, "p d"], Integer[Tensor, " p"]], Systems]
"""The systems at some states, given which problems they belong to."""


def solve(
    measure: Measure, start: Float[Tensor, "p d"], longest: Float[Tensor, " d"], trials: int
) -> tuple[Float[Tensor, "p d"], Float[Tensor, " p"]]:
    """The state near each start whose cost is least, and that cost; the start itself where no trial has a lower one.

    Args:
        measure: cost and normal equations.
        start: one row a problem.
        longest: most that each number may change in a step.
        trials: steps that are tried at most; problems that have come to rest are left alone.
    """
    state, active = start.clone(), torch.arange(len(start), device=start.device)
    damping = state.new_full((len(state),), DAMPING)
    systems = measure(state, active)
    for _ in range(trials):
        step = systems.some(active).step(damping[active], longest)
        moving = step.abs().amax(dim=1) >= STILL
        active, step = active[moving], step[moving]
        if len(active) == 0:
            break
        trial = state[active] + step
        found = measure(trial, active)
        better = found.cost < systems.cost[active]
        gained = active[better]
        state[gained] = trial[better]
        systems.replace(gained, found.some(better))
        damping[active] = torch.where(better, damping[active] / 3.0, 10.0 * damping[active].clamp(min=1e-2))
    return state, systems.cost
