"""Fit furniture to a silhouette: which template, which pose, which proportions."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from models.assets.furniture.template import Template
from models.assets.grid import Grid, grid_of
from models.assets.morph import POSE, POSE_STEP, Morph, morph_at, surface_of
from models.assets.search import Cost, evolved
from models.assets.solid import Surface
from regen3d.align.box import END_WEIGHT
from regen3d.align.size_prior import SizePrior
from regen3d.frames import rotation_about_y, transform
from regen3d.render.threads import one_thread
from regen3d.types import FittedBox, ObjectView

COARSE_PX, FINE_PX = 48, 96
"""Longer sides of the grids: a first look, and the choice; chair legs are 2-3 cells wide on the finer."""
LOOK, SETTLE = 10, 30
"""Generations of a first look at a start and of each round that settles finalists."""
FINALISTS = (3, 2)
"""Starts that each round settles."""
TURNED_TEMPLATES, SIDES = 2, 8
"""Templates that are also tried turned, and the sides to which they are: fitted boxes are up to 30 degrees off."""
POOR = 0.12
"""Cost of a first look above which other sides are tried."""
SPREAD = 0.8
"""Spread of the first generation, in steps."""
PULL, FAR = 0.0006, 2.0
"""IoU that one squared step away from the fitted box, or from usual proportions, is worth, and the number of steps
beyond which more of them hardly cost more: a box may be wrong altogether."""
SIZE_WEIGHT = 0.012
"""IoU that one squared standard deviation of size is worth, as in the fit of the box; several cost less."""
TURN_COST = 0.01
"""IoU that a start turned against the fitted box must gain: boxes know front from back by their category."""
HIDDEN_COST = 0.1
"""Cost of a silhouette that lies wholly where the object may be hidden: what is not seen is rather not there. Were it
free, usual sizes would draw objects in a row into their neighbours; 0.2 shrinks what is truly hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What the object may be, and where."""

    template: Template
    """What is built."""
    box: FittedBox
    """Where it is tried."""
    name: str = ""
    """The template's name, under which its fit is handed on."""
    outline: Float[np.ndarray, "rows columns"] | None = None
    """What the template is drawn from, if it is."""
    handicap: float = 0.0
    """IoU that it must gain over the others."""
    prior: SizePrior | None = None
    """How large it usually is, where that is known."""
    absolute: bool = True
    """Whether the metres of the prior hold, or only its proportions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A candidate at its best."""

    candidate: Candidate
    """What it is."""
    morph: Morph
    """Its box and parameters."""
    cost: float
    """What its silhouette misses, and what its deviation costs."""
    surface: Surface = field(repr=False)
    """The exact surface."""

    @property
    def box(self) -> FittedBox:
        """Where it stands."""
        return self.morph.box


def best_fit(candidates: Sequence[Candidate], view: ObjectView, seed: int) -> Fit:
    """The candidate that covers the mask best after its pose and parameters were searched.

    All candidates get a first look; where that is poor the best templates also turned, and the best of all once as if
    it were in full view, since what may hide it need not. The best starts are then settled in rounds. The IoU of the
    winner's box is that of its exact surface.

    Raises:
        InvalidMeshError: a box has no extent along an axis.
    """
    with one_thread():
        return _best_fit(candidates, view, seed)


def _best_fit(candidates: Sequence[Candidate], view: ObjectView, seed: int) -> Fit:
    rng = np.random.default_rng(seed)
    coarse, fine = grid_of(view, COARSE_PX), grid_of(view, FINE_PX)
    looks = sorted((_look(candidate, coarse, rng) for candidate in candidates), key=_cost_of)
    if looks[0].cost > POOR:
        sided = [look for look in looks if not look.candidate.template.is_round]
        turned = [turn for look in sided[:TURNED_TEMPLATES] for turn in _turned(look)]
        looks += [_searched(turn, coarse, LOOK, rng) for turn in turned]
    if (coarse.weight < 0.5).any():
        whole = _settled(_searched(looks[0], coarse.bare, SETTLE, rng), coarse.bare, rng)
        looks.append(_searched(whole, coarse, 0, rng))
    for finalists in FINALISTS:
        looks = [_settled(look, fine, rng) for look in sorted(looks, key=_cost_of)[:finalists]]
    return _fit(min(looks, key=_cost_of), fine)


@dataclass(frozen=True, slots=True)
class _Look:
    """A candidate, straightened at a start, and how far a search came from there."""

    candidate: Candidate
    morph: Morph
    change: Float[np.ndarray, " n"]
    cost: float


def _cost_of(look: _Look) -> float:
    return look.cost


def _look(candidate: Candidate, grid: Grid, rng: np.random.Generator) -> _Look:
    morph = morph_at(candidate.template, candidate.box, np.zeros(len(candidate.template.ranges)))
    return _searched(_Look(candidate, morph, morph.start, np.inf), grid, LOOK, rng)


def _settled(look: _Look, grid: Grid, rng: np.random.Generator) -> _Look:
    """The template rebuilt where the last search led, and searched on from there."""
    morph = look.morph.changed(look.change)
    return _searched(replace(look, morph=morph, change=morph.start), grid, SETTLE, rng)


def _turned(look: _Look) -> list[_Look]:
    """The start of a look turned to other sides in the same place."""
    candidate, found = look.candidate, []
    pose = candidate.box.world_from_object
    for turn in range(1, SIDES):
        angle = 2 * np.pi * turn / SIDES
        # Turned by about a quarter it shows its depth where its width was.
        size = candidate.box.size_m[[2, 1, 0]] if abs(np.sin(angle)) > 0.9 else candidate.box.size_m
        rotation = pose.rotation @ rotation_about_y(angle)
        box = replace(candidate.box, size_m=size, world_from_object=replace(pose, rotation=rotation))
        other = replace(candidate, box=box, handicap=candidate.handicap + TURN_COST)
        found.append(_Look(other, look.morph.at(box), look.morph.start, np.inf))
    return found


def _searched(look: _Look, grid: Grid, generations: int, rng: np.random.Generator) -> _Look:
    free = freedom(len(look.morph.deviation), look.candidate.template.is_round)
    cost = cost_function(look.morph, look.candidate, grid)
    best, least = evolved(
        lambda rows: cost(look.change + rows @ free),
        np.zeros(len(free)),
        spread=SPREAD,
        generations=generations,
        rng=rng,
    )
    return replace(look, change=look.change + best @ free, cost=least)


def freedom(parameters: int, is_round: bool) -> Float[np.ndarray, "m n"]:
    """What the search may change, one row each: a round body has no yaw and one width."""
    free = np.eye(POSE + parameters)
    if not is_round:
        return free
    free[3, 5] = POSE_STEP[3] / POSE_STEP[5]
    return np.delete(free, (2, 5), axis=0)


def cost_function(morph: Morph, candidate: Candidate, grid: Grid) -> Cost:
    """What a silhouette misses, and what is unusual: the size, and steps from the start, cheaper the farther."""

    def cost(changes: Float[np.ndarray, "b n"]) -> Float[np.ndarray, " b"]:
        away = PULL * FAR**2 * np.log1p((changes / FAR) ** 2).sum(axis=1)
        size = np.log(morph.box.size_m) + changes[:, 3:POSE] * POSE_STEP[3:]
        unusual = 0.0 if candidate.prior is None else _surprise(size, candidate.prior, candidate.absolute)
        seen = grid.compare(_in_camera(morph, changes, grid), morph.faces)
        picture = 1.0 - seen.iou + HIDDEN_COST * seen.hidden + END_WEIGHT * seen.end
        return picture + away + unusual + candidate.handicap

    return cost


def _surprise(log_size: Float[np.ndarray, "b 3"], prior: SizePrior, absolute: bool) -> Float[np.ndarray, " b"]:
    """What sizes cost that are unusual for the category."""
    off = log_size - np.log(prior.median_m)
    if not absolute:
        off = off - off.mean(axis=1, keepdims=True)
    return SIZE_WEIGHT * FAR**2 * np.log1p((off / prior.log_sigma / FAR) ** 2).sum(axis=1)


def _in_camera(morph: Morph, changes: Float[np.ndarray, "b n"], grid: Grid) -> Float[np.ndarray, "b v 3"]:
    return transform(grid.camera_from_world, morph.placed(changes))


def _fit(look: _Look, grid: Grid) -> Fit:
    morph = look.morph.changed(look.change)
    surface = surface_of(morph)
    vertices = transform(grid.camera_from_world @ morph.box.world_from_object.matrix, surface.vertices)
    iou = float(np.clip(grid.compare(vertices[None], surface.faces).iou[0], 0.0, 1.0))
    box = replace(morph.box, iou=iou)
    return Fit(candidate=look.candidate, morph=replace(morph, box=box), cost=look.cost, surface=surface)
