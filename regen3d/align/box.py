"""Size and pose of one object from its silhouette: an upright box that stands on the floor.

One silhouette leaves depth nearly free: many boxes cast the same one. The floor under the object and the usual size of
its category decide. The object is described by a few blocks in the unit box (a chair is a seat, a back and legs), so
that a silhouette with gaps is not mistaken for a smaller solid one and the side of the backrest is seen.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from regen3d.align.target import reliable_sides
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import floor_point, pixel_centers, pixel_rays, rotation_about_y, upright, yaw_of
from regen3d.types import Camera, FittedBox, Mask, ObjectView

WHOLE = np.array([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]])
"""The one block that fills the unit box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePrior:
    """How large objects of a category usually are, and roughly how they are shaped."""

    median_m: Float[np.ndarray, " 3"]
    """Median width, height and depth in metres."""
    log_sigma: Float[np.ndarray, " 3"]
    """Standard deviation of the natural logarithm of each."""
    shapes: tuple[Float[np.ndarray, "_ 2 3"], ...] = (WHOLE,)
    """Rough shapes that the category comes in, of which the best is taken: of each block its least and greatest corner
    in the unit box (x left to right, y up, z back to front)."""
    is_round: bool = False
    """A body of revolution: blocks are the elliptic cylinders inscribed in them, depth equals width."""
    is_airy: bool = False
    """Full of gaps, like leaves: the convex hull of the mask is what is fitted."""
    facing: float = 0.04
    """Cost of half a turn away from the camera in units of IoU: enough to decide what silhouettes leave open, and more
    for what is hardly ever pictured from behind."""


VAGUE = SizePrior(median_m=np.array([0.6, 0.6, 0.5]), log_sigma=np.array([0.8, 0.8, 0.8]))
"""The prior of an object of which nothing is known."""

COARSE_PX, FINE_PX = 26, 44
"""Longer sides of the grids on which silhouettes are compared: above the finer the sizes change by under 2 %."""
MARGIN = 0.3
"""The crop exceeds the mask by this share of its size, so that a box too large is noticed."""
SECTORS = 4
"""Quarters of yaw, each searched by a population of its own: else the first good yaw drives out the rest."""
ISLAND = 16
"""Members of each population."""
COARSE_GENERATIONS, FINE_GENERATIONS, FINALISTS = 16, 40, 3
"""Effort of the differential evolution: more of any lowers the cost by under 0.005 on rendered rooms."""
SIZE_WEIGHT = 0.012
"""Cost of one squared standard deviation of size, in units of IoU; a depth wrong by half changes IoU by about 0.02."""
END_WEIGHT = 0.3
"""Cost of a lower end that is off by the height of the mask: thin legs that stand out below the mask hardly change
IoU, but put the object at the wrong distance."""
OTHER_COST = 0.05
"""Cost of being another thing than the first that the label means, the most usual one: on rendered rooms a wrong one
gains 0.01 where an object is mostly hidden, and the right one 0.1."""
FARTHEST_M = 12.0
"""A base farther than this is no base on the floor of a room: the object hangs."""

Cost = Callable[[np.ndarray], np.ndarray]

_BEARING, _DISTANCE, _YAW, _SIZE, _BASE = 0, 1, 2, slice(3, 6), 6


@dataclass(frozen=True, slots=True)
class _Solid:
    """One rough shape: blocks of the unit box, or the elliptic cylinders inscribed in them."""

    blocks: Float[np.ndarray, "p 2 3"]
    is_round: bool


@dataclass(frozen=True, slots=True)
class _Target:
    """What a silhouette is compared with: rays (world), mask coverage and weight of each grid cell."""

    origin: Float[np.ndarray, " 3"]
    rays: Float[np.ndarray, "n 3"]
    coverage: Float[np.ndarray, " n"]
    weight: Float[np.ndarray, " n"]
    depth: Float[np.ndarray, " n"]
    """How far down each cell's lower side is, from 0 at the mask's upper end to 1 at its lower end."""
    step: float
    """Height of a cell in the same unit: ends are not known better."""
    end_is_own: bool
    """Whether the mask ends below because the object does, not because something hides it."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the object may be: one shape of one prior."""

    index: int
    prior: SizePrior
    solid: _Solid
    metric: bool
    coarse: _Target
    fine: _Target

    def cost_on(self, target: _Target) -> Cost:
        """The cost of candidates on a grid."""

        def cost(found: np.ndarray) -> np.ndarray:
            hits = _silhouettes(found, self.solid, target)
            picture = 1.0 - _iou(hits, target) + END_WEIGHT * _end_error(hits, target)
            return picture + _prior_cost(found, self.prior, self.metric) + OTHER_COST * (self.index > 0)

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
        start, spread = _first_guess(view, kind.prior, absolute)
        for middle in _sectors(kind.solid):
            population = start + spread * rng.uniform(-1.0, 1.0, (ISLAND, start.size))
            population[:, _YAW] = middle + 2 * np.pi * np.linspace(-0.5, 0.5, ISLAND) / SECTORS
            cost = kind.cost_on(kind.coarse)
            islands.append((_evolved(population, cost, kind.prior, (COARSE_GENERATIONS, rng)), kind))
    islands.sort(key=lambda island: island[0][1][0])
    finals = [
        (_evolved(found[0], kind.cost_on(kind.fine), kind.prior, (FINE_GENERATIONS, rng)), kind)
        for found, kind in islands[:FINALISTS]
    ]
    (population, _), kind = min(finals, key=lambda final: final[0][1][0])
    best = population[0]
    yaw, position, size = _pose(best[None])
    return FittedBox(
        size_m=size[0].astype(np.float64),
        world_from_object=upright(yaw_rad=float(yaw[0]), translation=position[0]),
        iou=float(np.clip(_iou(_silhouettes(best[None], kind.solid, kind.fine), kind.fine)[0], 0.0, 1.0)),
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
        metric = absolute or bool(_first_guess(view, prior, absolute)[1][_BASE] > 0)
        outline = _hull(view.instance.mask) if prior.is_airy else view.instance.mask
        coarse, fine = _target(view, outline, COARSE_PX), _target(view, outline, FINE_PX)
        kinds += [_Kind(index, prior, _Solid(blocks, prior.is_round), metric, coarse, fine) for blocks in prior.shapes]
    return kinds


def box_depth(
    box: FittedBox,
    camera: Camera,
    pixels: Float[np.ndarray, "h w 2"],
    blocks: Float[np.ndarray, "p 2 3"],
    is_round: bool,
) -> Float[np.ndarray, "h w"]:
    """Depth (z of the camera, metres) at which rays through pixels meet the blocks of a fitted box; inf where none."""
    rays = pixel_rays(camera.intrinsics, pixels.reshape(-1, 2)) @ camera.world_from_camera[:3, :3].T
    rotation = box.world_from_object.rotation
    origin = (camera.position - box.world_from_object.translation) @ rotation
    enter = _enter(origin[None], (rays @ rotation)[None], box.size_m[None], _Solid(blocks, is_round))
    return enter[0].reshape(pixels.shape[:2])


def _target(view: ObjectView, outline: Mask, grid_px: int) -> _Target:
    x0, y0, x1, y1 = view.instance.box
    margin = max(3, round(MARGIN * max(x1 - x0, y1 - y0)))
    x0, y0 = max(x0 - margin, 0), max(y0 - margin, 0)
    x1, y1 = min(x1 + margin, view.camera.width), min(y1 + margin, view.camera.height)
    step = max(1.0, max(x1 - x0, y1 - y0) / grid_px)
    wh = max(1, round((x1 - x0) / step)), max(1, round((y1 - y0) / step))
    mask = outline[y0:y1, x0:x1]
    counted = (mask | ~view.ignore[y0:y1, x0:x1]).astype(np.float32)
    coverage = cv2.resize(mask.astype(np.float32), wh, interpolation=cv2.INTER_AREA).ravel()
    weight = cv2.resize(counted, wh, interpolation=cv2.INTER_AREA).ravel()
    cells = pixel_centers((wh[1], wh[0])).reshape(-1, 2) * np.array([(x1 - x0) / wh[0], (y1 - y0) / wh[1]])
    rays = pixel_rays(view.camera.intrinsics, cells + np.array([x0, y0])) @ view.camera.world_from_camera[:3, :3].T
    known = weight > 0.05
    coverage = np.divide(coverage, weight, out=np.zeros_like(coverage), where=known)
    ends = np.flatnonzero(mask.any(axis=1)) + y0
    depth = (cells[:, 1] + 0.5 * (y1 - y0) / wh[1] + y0 - ends[0]) / (ends[-1] + 1 - ends[0])
    return _Target(
        origin=view.camera.position,
        rays=rays[known].astype(np.float32),
        coverage=np.clip(coverage[known], 0, 1),
        weight=weight[known],
        depth=depth[known],
        step=(y1 - y0) / wh[1] / (ends[-1] + 1 - ends[0]),
        end_is_own=bool(reliable_sides(view.instance.mask, view.ignore & ~view.instance.mask)[3]),
    )


def _hull(mask: Mask) -> Mask:
    filled = np.zeros(mask.shape, dtype=np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32)), (1,))
    return filled.astype(bool)


def _first_guess(
    view: ObjectView, prior: SizePrior, absolute: bool
) -> tuple[Float[np.ndarray, " 7"], Float[np.ndarray, " 7"]]:
    """Where the search starts and how far it spreads at first, both as parameters."""
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
        spread[_BASE] = 0.2
    height = max(camera.position[1] + near * rays[2, 1] - base, 0.02)
    width = near * angle
    seen = np.log([width, height, width * prior.median_m[2] / prior.median_m[0]])
    usual = np.log(prior.median_m)
    if not (absolute or base):
        usual = usual + np.mean(seen - usual)
    trust = 1.0 / (1.0 + (prior.log_sigma / spread[_SIZE]) ** 2)
    size = np.maximum(np.exp(trust * usual + (1.0 - trust) * seen), 0.01)
    middle = near + 0.5 * min(float(size[2]), 2.0)
    spread[_SIZE] = np.maximum(spread[_SIZE], prior.log_sigma)
    start = np.array([bearings[3], np.log(middle), 0.0, *np.log(size), base])
    return start, spread


def _prior_cost(candidates: Float[np.ndarray, "b 7"], prior: SizePrior, absolute: bool) -> Float[np.ndarray, " b"]:
    off = candidates[:, _SIZE] - np.log(prior.median_m)
    if not absolute:
        off = off - off.mean(axis=1, keepdims=True)
    facing = np.zeros(len(candidates)) if prior.is_round else (1.0 - np.cos(candidates[:, _YAW])) / 2
    below = np.maximum(-candidates[:, _BASE], 0.0)
    return SIZE_WEIGHT * ((off / prior.log_sigma) ** 2).sum(axis=1) + prior.facing * facing + below


def _pose(candidates: Float[np.ndarray, "b 7"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Yaw (b), position (b, 3) and size (b, 3) in the world frame; yaw 0 of the parameters faces the camera."""
    distance, bearing = np.exp(candidates[:, _DISTANCE]), candidates[:, _BEARING]
    position = np.stack([distance * np.sin(bearing), candidates[:, _BASE], -distance * np.cos(bearing)], axis=1)
    return candidates[:, _YAW] - bearing, position, np.exp(candidates[:, _SIZE])


def _silhouettes(candidates: Float[np.ndarray, "b 7"], solid: _Solid, target: _Target) -> Bool[np.ndarray, "b n"]:
    yaw, position, size = _pose(candidates)
    rotations = np.stack([rotation_about_y(float(angle)) for angle in yaw])
    origins = np.einsum("bi,bij->bj", target.origin - position, rotations)
    rays = np.einsum("ni,bij->bnj", target.rays, rotations.astype(np.float32))
    return np.isfinite(_enter(origins, rays, size, solid))


def _enter(
    origins: Float[np.ndarray, "b 3"], rays: Float[np.ndarray, "b n 3"], size: Float[np.ndarray, "b 3"], solid: _Solid
) -> Float[np.ndarray, "b n"]:
    """Ray parameter at which each ray enters the nearest block, in the object frame; inf where it meets none."""
    with np.errstate(divide="ignore"):
        inverse = (1.0 / rays).astype(np.float32)
    inverse = np.clip(inverse, -1e6, 1e6)
    nearest = np.full(rays.shape[:2], np.inf, dtype=np.float32)
    for low, high in solid.blocks:
        least = (low - [0.5, 0.0, 0.5]) * size - origins
        most = (high - [0.5, 0.0, 0.5]) * size - origins
        if solid.is_round:
            first, last = _through_cylinder(rays, inverse, least, most)
        else:
            first, last = _through_box(inverse, least, most)
        nearest = np.where((last > first) & (last > 0), np.minimum(nearest, np.maximum(first, 0)), nearest)
    return nearest


def _through_box(inverse: np.ndarray, least: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slab test (Kay and Kajiya 1986); corners are relative to the rays' origin."""
    first, last = np.float32(-np.inf), np.float32(np.inf)
    for axis in range(3):
        one = least[:, None, axis].astype(np.float32) * inverse[..., axis]
        two = most[:, None, axis].astype(np.float32) * inverse[..., axis]
        first, last = np.maximum(first, np.minimum(one, two)), np.minimum(last, np.maximum(one, two))
    return np.asarray(first), np.asarray(last)


def _through_cylinder(
    rays: np.ndarray, inverse: np.ndarray, least: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The slab of y cut with the roots of the ellipse in x and z."""
    middle, radius = (least + most)[:, [0, 2]] / 2, np.maximum((most - least)[:, [0, 2]] / 2, 1e-6)
    way = rays[..., [0, 2]] / radius[:, None].astype(np.float32)
    start = (-middle / radius)[:, None].astype(np.float32)
    a = np.maximum((way**2).sum(-1), 1e-12)
    b = (way * start).sum(-1)
    root = b**2 - a * ((start**2).sum(-1) - 1.0)
    reach = np.sqrt(np.maximum(root, 0.0)) / a
    one = least[:, None, 1].astype(np.float32) * inverse[..., 1]
    two = most[:, None, 1].astype(np.float32) * inverse[..., 1]
    first = np.maximum(-b / a - reach, np.minimum(one, two))
    last = np.minimum(-b / a + reach, np.maximum(one, two))
    return first, np.where(root > 0, last, -np.inf)


def _iou(hits: Bool[np.ndarray, "b n"], target: _Target) -> Float[np.ndarray, " b"]:
    weighted = target.weight * target.coverage
    both = hits @ weighted
    either = weighted.sum() + hits @ (target.weight - weighted)
    return both / np.maximum(either, 1e-9)


def _end_error(hits: Bool[np.ndarray, "b n"], target: _Target) -> Float[np.ndarray, " b"]:
    """How far the lower end is off, as a share of the mask's height; only too high counts where it may be hidden."""
    error = np.where(hits, target.depth, 0.0).max(axis=1, initial=0.0) - 1.0
    error = np.abs(error) if target.end_is_own else -error
    return np.clip(error - target.step, 0.0, 1.0)


def _sectors(solid: _Solid) -> list[float]:
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
    population = _tied(population, prior)
    costs, count = cost(population), len(population)
    for _ in range(generations):
        elite = np.argsort(costs)[: max(2, count // 5)]
        towards = population[rng.choice(elite, count)] - population
        towards[:, _YAW] = (towards[:, _YAW] + np.pi) % (2 * np.pi) - np.pi
        differing = population[rng.permutation(count)] - population[rng.permutation(count)]
        trial = population + rng.uniform(0.4, 0.9, (count, 1)) * (towards + differing)
        trial = _tied(np.where(rng.random(trial.shape) < 0.9, trial, population), prior)
        trial_costs = cost(trial)
        better = trial_costs < costs
        population[better], costs[better] = trial[better], trial_costs[better]
    order = np.argsort(costs, kind="stable")
    return population[order], costs[order]


def _tied(population: Float[np.ndarray, "b 7"], prior: SizePrior) -> Float[np.ndarray, "b 7"]:
    """Parameters brought into their range; a body of revolution has no yaw and one width."""
    tied = population.copy()
    tied[:, _SIZE] = np.clip(tied[:, _SIZE], np.log(0.01), np.log(6.0))
    tied[:, _DISTANCE] = np.clip(tied[:, _DISTANCE], np.log(0.1), np.log(20.0))
    if prior.is_round:
        tied[:, _YAW], tied[:, 5] = 0.0, tied[:, 3]
    return tied
