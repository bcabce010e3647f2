"""The last step: Levenberg and Marquardt on distances between outlines, with points and priors.

A hard silhouette has no gradient, and a soft one costs a hundred times as much and stops a pixel short. Distances
between outlines are smooth, nearly linear in the pose, and known to a tenth of a pixel.
"""

import math

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from regen3d.align.batch import NUMBERS, Batch, Poses, nearest_samples
from regen3d.align.drawn import Residuals, drawn_outline, residuals
from regen3d.align.energy import askew
from regen3d.align.least_squares import Systems, solve
from regen3d.align.posing import in_camera, pixel_speeds, place, to_local, to_world, velocities
from regen3d.align.proportions import AXES, sparse_nats, sparse_weight

TRIALS = 10
"""Poses that start within five pixels are there after 4 to 6."""

LARGEST_STEP = (0.3, 0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05)
"""Metres, metres, radians, and logarithms: outlines farther apart are matched at random."""

OUTLINE_COUNT = 100.0
"""Independent measurements that an outline is worth: neighbouring pixels err together."""

OUTLINE_SPREAD_PX = 0.7
"""Standard deviation of an outline's distances where mesh and mask are right."""

CAUCHY = 2.4
"""Standard deviations from which a measurement pulls less the farther it is off (95 % efficiency)."""

POINT_COUNT = 10.0
"""Independent measurements that all points are worth: depth errs smoothly."""

POINT_SPREAD = 0.012
"""Of a point about the surface, as a share of its distance, once the whole cloud has slid."""

SQUARE_SPREAD_RAD = math.radians(1.5)
"""How well what stands square to the room does so."""

SQUARE_LIMIT_RAD = math.radians(6.0)
"""From here on it is meant to stand askew."""

SCALE_SPREAD = 0.05
"""Standard deviation of the logarithm of a size that is known."""

WALL_STIFFNESS = 5e4
"""Of reaching into a wall by a metre, squared: about as much as the outline of a sofa holds against it, so that the two
meet half-way."""

WALL_SLACK_M = 0.02
"""Reaching into a wall by this costs nothing: walls are not known better."""

WALL_LIMIT_M = 0.25
"""What reaches farther into a wall contradicts it; the outline is believed then."""

OTHER_SHAPE = 0.12
"""Logarithm of the factor by which an axis of the mesh is tried shorter and longer: in the middle of the usual 10 to
20 %."""

OTHER_SHAPE_NATS = 3.0
"""By how much what comes of another shape must be likelier than what comes of the mesh as it is: twenty times, from
which on evidence is called strong (Kass and Raftery 1995). Without, good meshes of two rooms lose 1.5 % of box IoU."""

STATE = NUMBERS + 1
"""The numbers of a pose, and the logarithm by which its points slide."""


def polish(batch: Batch, starts: Poses) -> Float[Tensor, "p 7"]:
    """The pose near each start whose outline, points and priors fit best; the start itself where none fits better."""
    parts = [_polished(batch, starts.some(part))[0] for part in batch.parts(len(starts.owner))]
    return torch.cat([starts.numbers[:0], *parts])


def polish_shapes(batch: Batch, starts: Poses) -> Float[Tensor, "p 7"]:
    """The same, each start also with either axis of its mesh shorter or longer: what of it is likelier by far, if any.

    Shape, size and distance make up for each other along a valley of the cost that is too narrow to be followed far.
    """
    shapes = starts.numbers.new_zeros((1 + 2 * len(AXES), NUMBERS))
    shapes[1:, 4:] = OTHER_SHAPE * torch.cat([torch.eye(3), -torch.eye(3)]).to(shapes)
    several = (starts.numbers[:, None] + shapes).flatten(0, 1)
    poses = Poses(several, torch.repeat_interleave(starts.owner, len(shapes)))
    parts = [_polished(batch, poses.some(part)) for part in batch.parts(len(several))]
    numbers, costs = (torch.cat(column).unflatten(0, (-1, len(shapes))) for column in zip(*parts, strict=True))
    costs[:, 1:] += OTHER_SHAPE_NATS
    return numbers[torch.arange(len(numbers), device=numbers.device), costs.argmin(dim=1)]


def _polished(batch: Batch, starts: Poses) -> tuple[Float[Tensor, "p 7"], Float[Tensor, " p"]]:
    """All of them in one batch, and what they cost; their points have not slid at the start."""

    def measure(state: Float[Tensor, "q 8"], which: Integer[Tensor, " q"]) -> Systems:
        return _systems(batch, Poses(state[:, :NUMBERS], starts.owner[which]), state[:, NUMBERS])

    state = torch.cat([starts.numbers, starts.numbers.new_zeros((len(starts.owner), 1))], dim=1)
    state, cost = solve(measure, state, state.new_tensor(LARGEST_STEP), TRIALS)
    return state[:, :NUMBERS], cost


def _systems(batch: Batch, poses: Poses, slide: Float[Tensor, " p"]) -> Systems:
    """Everything that is measured, linear in a step from each pose; `slide` is the logarithm of the points'."""
    count = len(poses.owner)
    systems = Systems(slide.new_zeros(count), slide.new_zeros((count, STATE, STATE)), slide.new_zeros((count, STATE)))
    world = place(batch, poses)
    drawn = drawn_outline(batch, poses, in_camera(batch, poses.owner, world))
    row = torch.arange(count, device=slide.device)[:, None].expand(drawn.valid.shape)
    speed = slide.new_zeros((*drawn.valid.shape, 2, NUMBERS))
    speed[drawn.valid] = pixel_speeds(batch, poses, drawn.at[drawn.valid], row[drawn.valid])
    for side in residuals(batch, poses, drawn, speed):
        _add_outline(systems, side)
    _add_points(systems, batch, poses, slide)
    _add_priors(systems, batch, poses)
    if bool(batch.bounded.any()):
        _add_walls(systems, batch, poses, world)
    return systems


def _add_outline(systems: Systems, side: Residuals) -> None:
    """Robust distances between outlines; each of the two sides counts half. No outline at all is as bad as can be."""
    number = side.valid.sum(dim=1)
    square = (side.distance / (CAUCHY * OUTLINE_SPREAD_PX)) ** 2
    scale = torch.where(side.valid, 0.5 * OUTLINE_COUNT / number.clamp(min=1)[:, None], 0.0)
    systems.cost += 0.5 * CAUCHY**2 * (scale * torch.log1p(square)).sum(dim=1) + torch.where(number == 0, 1e6, 0.0)
    systems.add(side.distance, _with_slide(side.jacobian), scale / OUTLINE_SPREAD_PX**2 / (1.0 + square))


def _add_points(systems: Systems, batch: Batch, poses: Poses, slide: Float[Tensor, " p"]) -> None:
    """Robust distances from the points, which slide along their rays together, to the nearest of the surface."""
    used = batch.has_points[poses.owner] & ~batch.slides[poses.owner]
    eye = batch.eye[poses.owner, None]
    rays = torch.exp(slide)[:, None, None] * (batch.points[poses.owner] - eye)
    at = nearest_samples(batch, poses.owner, to_local(batch, poses, eye + rays))
    gap = to_world(batch, poses, at) - (eye + rays)
    row = torch.arange(len(slide), device=slide.device)[:, None].expand(at.shape[:2]).flatten()
    moves = velocities(batch, poses, at.flatten(0, 1), row).view(*at.shape, NUMBERS)
    jacobian = torch.cat([moves, -rays[..., None]], dim=-1)
    spread = POINT_SPREAD * rays.norm(dim=2).clamp(min=1e-9)
    square = (gap.norm(dim=2) / (CAUCHY * spread)) ** 2
    scale = torch.where(used, POINT_COUNT / at.shape[1], 0.0)[:, None]
    systems.cost += 0.5 * CAUCHY**2 * (scale * torch.log1p(square)).sum(dim=1)
    weight = (scale / spread**2 / (1.0 + square))[..., None].expand(-1, -1, 3)
    systems.add(gap.flatten(1), jacobian.flatten(1, 2), weight.flatten(1))
    unit = _unit(slide, NUMBERS)
    spread = batch.slide_spread[poses.owner]
    systems.cost += 0.5 * (slide / spread) ** 2
    systems.add(slide[:, None], unit, spread[:, None] ** -2.0)


def _add_priors(systems: Systems, batch: Batch, poses: Poses) -> None:
    """Standing square to the room as far as the object has sides, its known size, and its proportions."""
    turn = askew(batch, poses)
    known = ~turn.isnan()
    weight = torch.where(known, batch.boxiness[poses.owner] / SQUARE_SPREAD_RAD**2, 0.0)
    _add_prior(systems, torch.where(known, turn, 0.0), (2, SQUARE_LIMIT_RAD), weight)
    change = poses.numbers[:, 3] - batch.known_log_scale[poses.owner]
    known = ~change.isnan()
    _add_prior(systems, torch.where(known, change, 0.0), (3, math.inf), torch.where(known, SCALE_SPREAD**-2.0, 0.0))
    for number in range(4, NUMBERS):
        stretch = poses.numbers[:, number]
        systems.cost += sparse_nats(stretch)
        systems.add(stretch[:, None], _unit(stretch, number), sparse_weight(stretch)[:, None])


def _add_prior(
    systems: Systems, value: Float[Tensor, " p"], which: tuple[int, float], weight: Float[Tensor, " p"]
) -> None:
    """One number of each pose that should have another value by `value`, and the limit from which it costs no more."""
    number, limit = which
    systems.cost += 0.5 * weight * (value**2).clamp(max=limit**2)
    systems.add(value[:, None], _unit(value, number), torch.where(value.abs() < limit, weight, 0.0)[:, None])


def _add_walls(systems: Systems, batch: Batch, poses: Poses, world: Float[Tensor, "p v 3"]) -> None:
    """What reaches farthest into each wall is pushed out of it."""
    owner, normals = poses.owner, batch.wall_normals[poses.owner]
    deepest = (world @ normals.transpose(1, 2)).min(dim=1)
    depth = deepest.values - batch.wall_offsets[owner] + WALL_SLACK_M
    at = batch.vertices[owner[:, None], deepest.indices]
    row = torch.arange(len(owner), device=world.device)[:, None].expand(depth.shape).flatten()
    speed = velocities(batch, poses, at.flatten(0, 1), row).view(*at.shape, NUMBERS)
    gradient = _with_slide((normals[:, :, None] @ speed)[:, :, 0])
    cost = torch.where(depth < 0.0, depth, 0.0)
    systems.cost += 0.5 * WALL_STIFFNESS * (cost**2).clamp(max=WALL_LIMIT_M**2).sum(dim=1)
    weight = torch.where((depth < 0.0) & (depth > -WALL_LIMIT_M), WALL_STIFFNESS, 0.0)
    systems.add(depth, gradient, weight)


def _unit(like: Float[Tensor, " p"], number: int) -> Float[Tensor, "p 1 8"]:
    """The derivative of one of the numbers."""
    unit = like.new_zeros((len(like), 1, STATE))
    unit[..., number] = 1.0
    return unit


def _with_slide(jacobian: Float[Tensor, "p n 7"]) -> Float[Tensor, "p n 8"]:
    """Derivatives of what does not change as points slide."""
    return torch.cat([jacobian, torch.zeros_like(jacobian[..., :1])], dim=-1)
