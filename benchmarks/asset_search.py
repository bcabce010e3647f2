"""How furniture is best fitted to a silhouette at equal cost: by evolution on hard pictures, or along soft slopes.

Run: python -m benchmarks.asset_search --data "$REGEN3D_DATA/scenes" [--objects office/office_chair,...]

Each object starts where a first look at its templates ends. A round of the evolution strategy takes some processor
time; descent by Adam through the project's soft silhouette gets as much from the same start, and ten times as much.
Then the evolution strategy goes on for the same time again, and descent does from where it ended, as a polish. All are
judged by the cost that a fit is chosen by, on hard silhouettes.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.assets import true_views
from benchmarks.choice import chosen, refuse
from benchmarks.tables import table
from benchmarks.truth import load_truth, scene_folders
from models.assets import fitting
from models.assets.candidates import known_candidates
from models.assets.fitting import Candidate, cost_function, freedom
from models.assets.furniture.template import REACH
from models.assets.grid import Grid, grid_of
from models.assets.morph import POSE, POSE_STEP, Morph, morph_at
from models.assets.search import Cost, evolved
from models.assets.sizes import fitted_category
from regen3d.frames import yaw_of
from regen3d.render.silhouette import TorchSilhouette
from regen3d.types import ObjectView

OBJECTS = (
    "bedroom/bed",
    "bedroom/nightstand_l",
    "dining_room/chair_3",
    "dining_room/dining_table",
    "living_room/armchair",
    "living_room/sofa",
    "kitchen/kitchen_table",
    "office/office_chair",
)
"""Furniture of every room, without what is turned."""
RATE = 0.15
"""Of Adam, in steps of the search."""
SIGMAS = (4.0, 0.25)
"""Softness at the start and at the end, squared cells: blurred over six cells, then over one and a half."""

COLUMNS = ("start", "slope", "patient", "evolution", "longer", "polished")
"""Costs in the order in which the table has them."""
PATIENCE = 10
"""Times as long as the evolution strategy that descent may also take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """Costs of one object; lower is better."""

    name: str
    """Scene and object."""
    start: float
    """After the first look."""
    slope: float
    """After descent for as long as one round of evolution takes."""
    steps: int
    """Of that descent."""
    patient: float
    """After descent for `PATIENCE` times as long."""
    evolution: float
    """After one round."""
    longer: float
    """After one round and as long again."""
    polished: float
    """After one round, and then descent for as long."""
    seconds: float
    """Processor time of one round."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Race on each object and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asset_search", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of scenes with truth")
    parser.add_argument("--rate", type=float, default=RATE, help="of Adam, in steps of the search")
    parser.add_argument("--objects", default=",".join(OBJECTS), help="SCENE/NAME with commas between them")
    options = parser.parse_args(arguments)
    scenes = dict.fromkeys(name.split("/")[0] for name in options.objects.split(","))
    folders = scene_folders(options.data, ",".join(scenes))
    views = {f"{folder.name}/{item.name}": view for folder in folders for item, view in true_views(load_truth(folder))}
    wanted = chosen(options.objects, list(views), "object")
    # One thread: processor time is then the time that a user waits on a busy machine.
    torch.set_num_threads(1)
    print(results([race(name, views[name], options.rate) for name in wanted]))
    return 0


def race(name: str, view: ObjectView, rate: float) -> Raced:
    """Fit one object in every way from the same start."""
    candidate, change, morph = first_look(view)
    grid = grid_of(view, fitting.FINE_PX)
    cost = cost_function(morph, candidate, grid)
    start = float(cost(change[None])[0])
    began = time.process_time()
    found, evolution = evolve(morph, candidate, cost, change)
    seconds = time.process_time() - began
    _, longer = evolve(morph, candidate, cost, found)
    descent = Descent(morph, candidate, grid, rate)
    slope, steps = descent.run(change, seconds)
    patient, _ = descent.run(change, PATIENCE * seconds)
    polished, _ = descent.run(found, seconds)
    return Raced(
        name=name,
        start=start,
        slope=slope,
        steps=steps,
        patient=patient,
        evolution=evolution,
        longer=longer,
        polished=polished,
        seconds=seconds,
    )


def first_look(view: ObjectView) -> tuple[Candidate, Float[np.ndarray, " n"], Morph]:
    """What a first look prefers, the change that leaves it as it is, and its shape where that look ended.

    Raises:
        SystemExit: the object is no furniture; see `refuse`.
    """
    category, box = fitted_category(view, 0)
    if category is None:
        refuse(f"'{view.instance.name}' is a {view.instance.label}, which is no furniture: name another object")
    grid, rng = grid_of(view, fitting.COARSE_PX), np.random.default_rng(0)
    found = []
    for candidate in known_candidates(view, category, box):
        morph = morph_at(candidate.template, candidate.box, np.zeros(len(candidate.template.ranges)))
        free = freedom(len(morph.deviation), candidate.template.is_round)
        cost = cost_function(morph, candidate, grid)
        best, least = _evolved(cost, morph.start, free, fitting.LOOK, rng)
        found.append((least, candidate, morph.changed(best)))
    _, candidate, morph = min(found, key=lambda each: each[0])
    return candidate, morph.start, morph


def evolve(
    morph: Morph, candidate: Candidate, cost: Cost, start: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " n"], float]:
    """One round of the evolution strategy."""
    free = freedom(len(morph.deviation), candidate.template.is_round)
    return _evolved(cost, start, free, fitting.SETTLE, np.random.default_rng(0))


class Descent:
    """Adam through soft silhouettes, judged by hard ones."""

    def __init__(self, morph: Morph, candidate: Candidate, grid: Grid, rate: float) -> None:
        """Take what stays the same from start to start."""
        self._free = torch.as_tensor(freedom(len(morph.deviation), candidate.template.is_round))
        self._soft, self._hard = SoftCost(morph, candidate, grid), cost_function(morph, candidate, grid)
        self._rate = rate

    def run(self, start: Float[np.ndarray, " n"], seconds: float) -> tuple[float, int]:
        """The least cost on the way in some processor time, and the number of steps."""
        origin, way = torch.as_tensor(start), torch.zeros(len(self._free), dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.Adam([way], lr=self._rate)
        tried, spent = [start], 0.0
        while spent < seconds:
            began, share = time.process_time(), min(spent / seconds, 1.0)
            optimiser.zero_grad()
            self._soft(origin + way @ self._free, SIGMAS[0] ** (1.0 - share) * SIGMAS[1] ** share).backward()
            optimiser.step()
            spent += time.process_time() - began
            tried.append((origin + way.detach() @ self._free).numpy())
        return float(self._hard(np.array(tried)).min()), len(tried) - 1


class SoftCost:
    """The cost of a fit as `fitting.cost_function` has it, with a slope: silhouettes are soft."""

    def __init__(self, morph: Morph, candidate: Candidate, grid: Grid) -> None:
        """Take what the search does not change."""
        self._morph, self._candidate, self._grid = morph, candidate, grid
        self._shape, self._slopes = torch.as_tensor(morph.vertices), torch.as_tensor(morph.slopes)
        self._faces, self._camera = torch.as_tensor(morph.faces), torch.as_tensor(grid.camera_from_world)
        self._mask, self._weight = torch.as_tensor(grid.mask), torch.as_tensor(grid.weight)
        self._step = torch.as_tensor(POSE_STEP)
        self._draw = TorchSilhouette()

    def __call__(self, change: Float[Tensor, " n"], sigma: float) -> Float[Tensor, ""]:
        """The cost of a change at a softness in squared cells."""
        vertices = self._placed(change) @ self._camera[:3, :3].T + self._camera[:3, 3]
        intrinsics = torch.as_tensor(self._grid.intrinsics)
        drawn = self._draw(vertices[None], self._faces, intrinsics, self._grid.hw, sigma).flatten()
        both, counted, area = (drawn * self._mask).sum(), (drawn * self._weight).sum(), drawn.sum()
        iou = both / (self._mask.sum() + counted - both)
        hidden = (area - counted) / area.clamp(min=1.0)
        away = fitting.PULL * fitting.FAR**2 * torch.log1p((change / fitting.FAR) ** 2).sum()
        return 1.0 - iou + fitting.HIDDEN_COST * hidden + away + self._unusual(change)

    def _unusual(self, change: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        prior = self._candidate.prior
        if prior is None:
            return torch.zeros((), dtype=torch.float64)
        size = torch.as_tensor(np.log(self._morph.box.size_m)) + change[3:POSE] * self._step[3:]
        off = size - torch.as_tensor(np.log(prior.median_m))
        off = off if self._candidate.absolute else off - off.mean()
        far = off / torch.as_tensor(prior.log_sigma) / fitting.FAR
        return fitting.SIZE_WEIGHT * fitting.FAR**2 * torch.log1p(far**2).sum()

    def _placed(self, change: Float[Tensor, " n"]) -> Float[Tensor, "v 3"]:
        """Vertices in the world frame, as `Morph.placed` has them."""
        deviation = change[POSE:].clamp(-REACH, REACH) - torch.as_tensor(self._morph.deviation)
        shaped = self._shape + torch.einsum("k,kvc->vc", deviation, self._slopes)
        bearing, distance, turn = change[:3] * self._step[:3]
        pose = self._morph.box.world_from_object
        x, y, z = (float(value) for value in pose.translation)
        cosine, sine, factor = torch.cos(bearing), torch.sin(bearing), torch.exp(distance)
        place = torch.stack([factor * (cosine * x - sine * z), y + 0.0 * factor, factor * (sine * x + cosine * z)])
        yaw = yaw_of(pose.rotation) + turn - bearing
        u, v, w = (shaped * torch.exp(change[3:POSE] * self._step[3:])).T
        turned = torch.stack(
            [torch.cos(yaw) * u + torch.sin(yaw) * w, v, torch.cos(yaw) * w - torch.sin(yaw) * u], dim=1
        )
        return turned + place


def results(raced: Sequence[Raced]) -> str:
    """One row an object, and the means."""
    rows = [
        (
            each.name,
            *(f"{cost:.3f}" for cost in tuple(getattr(each, name) for name in COLUMNS)),
            str(each.steps),
            f"{each.seconds:.2f}",
        )
        for each in raced
    ]
    means = [f"{statistics.mean(getattr(each, name) for each in raced):.3f}" for name in COLUMNS]
    rows.append(("mean", *means, "", f"{statistics.mean(each.seconds for each in raced):.2f}"))
    headings = ("object", "start", "slope", "slope x 10", "evolution", "twice", "then slope", "steps", "CPU s")
    return table("Cost of the fit: 1 - IoU, what is hidden, what is unusual", headings, rows)


def _evolved(
    cost: Cost,
    start: Float[np.ndarray, " n"],
    free: Float[np.ndarray, "m n"],
    generations: int,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " n"], float]:
    best, least = evolved(
        lambda rows: cost(start + rows @ free),
        np.zeros(len(free)),
        spread=fitting.SPREAD,
        generations=generations,
        rng=rng,
    )
    return start + best @ free, least


if __name__ == "__main__":
    raise SystemExit(main())
