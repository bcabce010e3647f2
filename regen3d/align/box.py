"""Size and pose of one object from its silhouette: an upright box that stands on the floor.

One silhouette leaves depth nearly free: many boxes cast the same one. The floor under the object and the usual size of
its category decide. The object is described by a few blocks in the unit box (a chair is a seat, a back and legs), so
that a silhouette with gaps is not mistaken for a smaller solid one and the side of the backrest is seen.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from regen3d.align.box_numbers import BASE, YAW, first_guess, poses_of, prior_cost, tied
from regen3d.align.outline import Outline, end_error, hull, outline_iou, outline_of
from regen3d.align.size_prior import VAGUE, SizePrior
from regen3d.align.solid import Solid, enter
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import rotations_about_y, upright, yaw_of
from regen3d.types import FittedBox, ObjectView

COARSE_PX, FINE_PX = 26, 44
"""Longer sides of the grids on which silhouettes are compared: above the finer the sizes change by under 2 %."""
SECTORS = 4
"""Quarters of yaw, each searched by a population of its own: else the first good yaw drives out the rest."""
ISLAND = 16
"""Members of each population."""
COARSE_GENERATIONS, FINE_GENERATIONS, FINALISTS = 16, 40, 3
"""Effort of the differential evolution: more of any lowers the cost by under 0.005 on rendered rooms."""
END_WEIGHT = 0.3
"""Cost of a lower end that is off by the height of the mask: thin legs that stand out below the mask hardly change
IoU, but put the object at the wrong distance."""
OTHER_COST = 0.05
"""Cost of being another thing than the first that the label means, the most usual one: on rendered rooms a wrong one
gains 0.01 where an object is mostly hidden, and the right one 0.1."""

Cost = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the object may be: one shape of one prior."""

    index: int
    prior: SizePrior
    solid: Solid
    metric: bool
    coarse: Outline
    fine: Outline

    def cost_on(self, target: Outline) -> Cost:
        """The cost of candidates on a grid."""

        def cost(found: np.ndarray) -> np.ndarray:
            hits = _silhouettes(found, self.solid, target)
            picture = 1.0 - outline_iou(hits, target) + END_WEIGHT * end_error(hits, target)
            return picture + prior_cost(found, self.prior, self.metric) + OTHER_COST * (self.index > 0)

        return cost


def fit_box(
    view: ObjectView,
    *,
    prior: SizePrior | None,
    seed: int,
    absolute: bool = True,
    others: tuple[SizePrior, ...] = (),
) -> FittedBox:
    """Fit an upright box to the visible mask of one object.

    The box stands on the floor; where the mask ends too high for that, it hangs freely and the prior sets the distance.
    Pixels of `view.ignore` and those beyond the border of the picture count neither for nor against. The cost is one
    minus IoU plus the prior, minimised by differential evolution (Storn and Price 1997, current-to-best).

    Args:
        view: the object.
        prior: size and shape of its category; None for an object of which nothing is known.
        seed: for the search.
        absolute: whether the prior's metres hold; False for things that rest on others, which are fitted as if on the
            floor, farther and larger, and of whose prior only the proportions hold.
        others: priors of what else it may be, where its label means several things.

    Raises:
        DegenerateGeometryError: the visible mask is empty.
    """
    prior = prior or VAGUE
    if not view.instance.mask.any():
        raise DegenerateGeometryError(f"{view.instance.name} has an empty mask: nothing to fit; remove the object")
    rng = np.random.default_rng(seed)
    islands = []
    for kind in _kinds(view, (prior, *others), absolute):
        start, spread = first_guess(view, kind.prior, absolute)
        for middle in _sectors(kind.solid):
            population = start + spread * rng.uniform(-1.0, 1.0, (ISLAND, start.size))
            population[:, YAW] = middle + 2 * np.pi * np.linspace(-0.5, 0.5, ISLAND) / SECTORS
            cost = kind.cost_on(kind.coarse)
            islands.append((_evolved(population, cost, kind.prior, (COARSE_GENERATIONS, rng)), kind))
    islands.sort(key=lambda island: island[0][1][0])
    finals = [
        (_evolved(found[0], kind.cost_on(kind.fine), kind.prior, (FINE_GENERATIONS, rng)), kind)
        for found, kind in islands[:FINALISTS]
    ]
    (population, _), kind = min(finals, key=lambda final: final[0][1][0])
    best = population[0]
    yaw, position, size = poses_of(best[None])
    return FittedBox(
        size_m=size[0].astype(np.float64),
        world_from_object=upright(yaw_rad=float(yaw[0]), translation=position[0]),
        iou=float(np.clip(outline_iou(_silhouettes(best[None], kind.solid, kind.fine), kind.fine)[0], 0.0, 1.0)),
    )


def likeliest(view: ObjectView, box: FittedBox, priors: tuple[SizePrior, ...], *, absolute: bool = True) -> int:
    """Index of the prior that explains a fitted box best: of those of its fit, the one that it was fitted under."""
    pose = box.world_from_object
    x, base, z = pose.translation
    bearing = np.arctan2(x, -z)
    row = [bearing, np.log(np.hypot(x, z)), yaw_of(pose.rotation) + bearing, *np.log(box.size_m), base]
    kinds = _kinds(view, priors, absolute)
    costs = [float(kind.cost_on(kind.fine)(np.array([row]))[0]) for kind in kinds]
    return kinds[int(np.argmin(costs))].index


def _kinds(view: ObjectView, priors: tuple[SizePrior, ...], absolute: bool) -> list[_Kind]:
    """Every shape of every prior, with what it is compared with."""
    kinds = []
    for index, prior in enumerate(priors):
        metric = absolute or bool(first_guess(view, prior, absolute)[1][BASE] > 0)
        outline = hull(view.instance.mask) if prior.is_airy else view.instance.mask
        coarse, fine = outline_of(view, outline, COARSE_PX), outline_of(view, outline, FINE_PX)
        kinds += [_Kind(index, prior, Solid(blocks, prior.is_round), metric, coarse, fine) for blocks in prior.shapes]
    return kinds


def _silhouettes(candidates: Float[np.ndarray, "b 7"], solid: Solid, target: Outline) -> Bool[np.ndarray, "b n"]:
    yaw, position, size = poses_of(candidates)
    rotations = rotations_about_y(yaw)
    origins = np.einsum("bi,bij->bj", target.origin - position, rotations)
    rays = np.einsum("ni,bij->bnj", target.rays, rotations.astype(np.float32))
    return np.isfinite(enter(origins, rays, size, solid))


def _sectors(solid: Solid) -> list[float]:
    """Middles of the quarters of yaw worth a search: one for a round body, half of them where half a turn is none."""
    if solid.is_round:
        return [0.0]
    turned = solid.blocks.copy()
    turned[..., [0, 2]] = 1.0 - solid.blocks[:, ::-1][..., [0, 2]]
    same = np.abs(turned[:, None] - solid.blocks[None]).max(axis=(2, 3)).min(axis=1).max() < 1e-6
    middles = [2 * np.pi * sector / SECTORS for sector in range(SECTORS)]
    return [middle for middle in middles if not same or np.cos(middle + 0.1) > 0]


def _evolved(
    population: Float[np.ndarray, "b 7"], cost: Cost, prior: SizePrior, effort: tuple[int, np.random.Generator]
) -> tuple[Float[np.ndarray, "b 7"], Float[np.ndarray, " b"]]:
    """A population and its costs after some generations, best first; each trial heads for one of the best."""
    generations, rng = effort
    population = tied(population, prior)
    costs, count = cost(population), len(population)
    for _ in range(generations):
        elite = np.argsort(costs)[: max(2, count // 5)]
        towards = population[rng.choice(elite, count)] - population
        towards[:, YAW] = (towards[:, YAW] + np.pi) % (2 * np.pi) - np.pi
        differing = population[rng.permutation(count)] - population[rng.permutation(count)]
        trial = population + rng.uniform(0.4, 0.9, (count, 1)) * (towards + differing)
        trial = tied(np.where(rng.random(trial.shape) < 0.9, trial, population), prior)
        trial_costs = cost(trial)
        better = trial_costs < costs
        population[better], costs[better] = trial[better], trial_costs[better]
    order = np.argsort(costs, kind="stable")
    return population[order], costs[order]
