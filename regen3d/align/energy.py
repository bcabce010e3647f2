"""How badly a pose explains the evidence: silhouette, box, visible points and size, all scale-free.

Batches of poses in, one number for each out. Every term lies in 0..1, so the weights say what a term can cost.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from regen3d.align.batch import Batch, Poses, nearest_samples
from regen3d.align.posing import LEAST_DEPTH_M, in_camera, place, to_local
from regen3d.align.proportions import stretch_nats
from regen3d.render.coverage import covered_pixels

BOX_WEIGHT = 0.5
"""Of the box's sides: pulls poses together whose silhouettes do not overlap yet, and thin things."""

POINT_WEIGHT = 0.15
"""Of the visible points, after they slid along their rays: then they tell shape and turn, not distance."""

POINT_SOFTNESS = 0.025
"""Distance, as a share of that from the camera, at which a point costs half: depth errors within one object."""

SLIDE_WEIGHT = 0.06
"""Of sliding the points: a point map is smoothly off by some per cent, so the floor knows distances better."""

SLIDE_LIMIT = 3.75
"""Standard deviations of the slide's logarithm that cost all of it: 15 % where no floor tells more."""

SCALE_WEIGHT = 0.3
"""Of leaving a known size: paid in full at SCALE_LIMIT times or a SCALE_LIMIT-th of it."""

SCALE_LIMIT = 2.0
"""A metric mesh is hardly ever off by more than this factor."""

SIZE_WEIGHT = 0.05
"""Of a size that is unusual for the category: it decides between sizes that the picture leaves open."""

SIZE_LIMIT = 3.0
"""Standard deviations from which a size costs all of it."""

SQUARE_WEIGHT = 0.08
"""Of standing askew to the room, for a box; less for rounder things. It decides the last degrees, which neither a
silhouette nor points with smooth errors can: furniture stands along walls. Less than any visible turn costs."""

HANGING_SQUARE_WEIGHT = 0.4
"""The same for what hangs on a wall: it lies flat against it."""

SQUARE_LIMIT_RAD = math.radians(12.0)
"""A turn from which on standing askew costs no more: what is meant to stand askew does so by more."""

HINT_WEIGHT = 0.1
"""Of facing the other way than the pose under which the mesh was made. Poses of half a turn differ by 0.03 to 0.05 in
their silhouettes for sofas and armchairs, and what was painted on the mesh is right for one of them only."""

FACING_WEIGHT = 0.008
"""The same without such a pose, for facing away from the camera: it decides between poses that are equal in all else.
More of it (0.04) turned the backs of cabinets to the front, against their look."""

WALL_WEIGHT = 0.3
"""Of standing behind a wall that the picture shows."""

WALL_LIMIT_M = 0.6
"""Reaching this far into a wall costs all of it: what is behind a wall is not seen, however well it fits."""

SLIDES = 2
"""Rounds of closest points that find the depth of points that are known up to a scale; a third changes nothing."""

STRETCH_WEIGHT = 2.0 * SLIDE_WEIGHT / SLIDE_LIMIT**2
"""Of each nat by which proportions are unlikely: what a nat of sliding points costs, so that both explain at one price
what is too near or too far."""


def energy(batch: Batch, poses: Poses) -> Float[Tensor, " p"]:
    """Cost of each pose, 0 for one that explains everything."""
    parts = [_energy(batch, poses.some(part)) for part in batch.parts(len(poses.owner))]
    return torch.cat(parts) if parts else poses.numbers.new_zeros(0)


def _energy(batch: Batch, poses: Poses) -> Float[Tensor, " p"]:
    numbers, owner = poses
    world = place(batch, poses)
    camera = in_camera(batch, owner, world)
    total = 1.0 - silhouette_iou(batch, poses, camera)
    total += BOX_WEIGHT * box_residuals(batch, poses, camera).abs().mean(dim=1).clamp(max=1.0)
    total += _point_cost(batch, poses)
    change = (numbers[:, 3] - batch.known_log_scale[owner]) / math.log(SCALE_LIMIT)
    total += _known(SCALE_WEIGHT * (change**2).clamp(max=1.0))
    total += _known(SIZE_WEIGHT * (unusual_size(batch, poses) / SIZE_LIMIT**2).clamp(max=1.0))
    weight = torch.where(batch.hangs[owner], HANGING_SQUARE_WEIGHT, SQUARE_WEIGHT) * batch.boxiness[owner]
    total += _known(weight * ((askew(batch, poses) / SQUARE_LIMIT_RAD) ** 2).clamp(max=1.0))
    total += WALL_WEIGHT * (_beyond_walls(batch, poses, world) / WALL_LIMIT_M).clamp(max=1.0)
    total += STRETCH_WEIGHT * stretch_nats(numbers[:, 4:]).sum(dim=1)
    return total + _turn_cost(batch, poses, world)


def askew(batch: Batch, poses: Poses) -> Float[Tensor, " p"]:
    """How far each pose is turned against the room, within an eighth of a turn; NaN where the room is not known."""
    turn = poses.numbers[:, 2] + batch.axis_yaw[poses.owner] - batch.square_yaw[poses.owner]
    return torch.remainder(turn + math.pi / 4, math.pi / 2) - math.pi / 4


def unusual_size(batch: Batch, poses: Poses) -> Float[Tensor, " p"]:
    """Mean squared standard deviations of the logarithms of sizes; NaN where the category is not known.

    Sizes are those along the object's upright faces, however its mesh is turned.
    """
    owner = poses.owner
    stretched = batch.vertices[owner] * torch.exp(poses.numbers[:, None, 4:])
    cosine, sine = torch.cos(batch.axis_yaw[owner, None]), torch.sin(batch.axis_yaw[owner, None])
    x, height, z = stretched.unbind(dim=2)
    extent = torch.stack([cosine * x - sine * z, sine * x + cosine * z, height], dim=1)
    sizes = (extent.amax(dim=2) - extent.amin(dim=2)).clamp(min=1e-9).log() + poses.numbers[:, 3:4]
    sizes = torch.cat([sizes[:, :2].sort(dim=1).values, sizes[:, 2:]], dim=1)
    deviation = (sizes - batch.size_median_m[owner].log()) / batch.size_log_sigma[owner]
    return (deviation**2).mean(dim=1)


def _known(cost: Float[Tensor, " p"]) -> Float[Tensor, " p"]:
    """The cost, and none where what it is measured against is not known."""
    return torch.nan_to_num(cost, nan=0.0)


def _beyond_walls(batch: Batch, poses: Poses, world: Float[Tensor, "p v 3"]) -> Float[Tensor, " p"]:
    """How far each pose reaches behind any wall, metres; 0 for one inside the room."""
    if not bool(batch.bounded.any()):
        return world.new_zeros(len(world))
    normals, offsets = batch.wall_normals[poses.owner], batch.wall_offsets[poses.owner]
    inside = (world @ normals.transpose(1, 2)).amin(dim=1) - offsets
    return (-inside.amin(dim=1)).clamp(min=0.0)


def _turn_cost(batch: Batch, poses: Poses, world: Float[Tensor, "p v 3"]) -> Float[Tensor, " p"]:
    """What it costs to face away from where the front is expected: all of it for half a turn."""
    hint = batch.hinted_yaw[poses.owner]
    towards = batch.eye[poses.owner] - 0.5 * (world.amin(dim=1) + world.amax(dim=1))
    expected = torch.where(hint.isnan(), torch.atan2(towards[:, 0], towards[:, 2]), hint)
    weight = torch.where(hint.isnan(), FACING_WEIGHT, HINT_WEIGHT)
    return 0.5 * weight * (1.0 - torch.cos(poses.numbers[:, 2] - expected))


def silhouette_iou(batch: Batch, poses: Poses, camera: Float[Tensor, "p v 3"]) -> Float[Tensor, " p"]:
    """Weighted IoU of hard silhouettes and the mask on the crop; vertices in the camera frame."""
    owner = poses.owner
    covered = covered_pixels(camera, batch.faces[owner], batch.intrinsics[owner], batch.hw).flatten(1).float()
    counted = torch.stack([batch.weight * batch.mask, batch.weight], dim=-1).flatten(1, 2).float()
    sums = torch.cat([covered[rows] @ counted[index] for index, rows in batch.runs(owner)]).double()
    both, drawn = sums.unbind(1)
    whole = counted[..., 0].double().sum(dim=1)[owner]
    return both / (whole + drawn - both).clamp(min=1e-9)


def box_residuals(batch: Batch, poses: Poses, camera: Float[Tensor, "p v 3"]) -> Float[Tensor, "p 4"]:
    """How far the projected box's sides are off, in diagonals of the mask's box.

    A side where the object is cut or hidden costs only where the pose does not reach it.
    """
    pixels = projected(batch, poses, camera)
    return side_residuals(batch, poses, torch.cat([pixels.amin(dim=1), pixels.amax(dim=1)], dim=1))


def projected(batch: Batch, poses: Poses, camera: Float[Tensor, "p v 3"]) -> Float[Tensor, "p v 2"]:
    """Pixels of the crop at which vertices in the camera frame are drawn."""
    ahead = torch.cat([camera[..., :2], camera[..., 2:].clamp(min=LEAST_DEPTH_M)], dim=-1)
    homogeneous = ahead @ batch.intrinsics[poses.owner].transpose(1, 2)
    return homogeneous[..., :2] / homogeneous[..., 2:]


def side_residuals(batch: Batch, poses: Poses, bounds: Float[Tensor, "p 4"]) -> Float[Tensor, "p 4"]:
    """The residuals of bounds (x0, y0, x1, y1)."""
    owner = poses.owner
    residual = (bounds - batch.box[owner]) / batch.diagonal_px[owner, None]
    short = torch.cat([residual[:, :2].clamp(min=0.0), residual[:, 2:].clamp(max=0.0)], dim=1)
    return torch.where(batch.reliable[owner], residual, short)


def _point_cost(batch: Batch, poses: Poses) -> Float[Tensor, " p"]:
    """Mean robust distance (Geman and McClure) from visible points to the mesh, after one slide along their rays.

    Only points count, never the mesh's own surface: what is hidden costs nothing.
    """
    cost = poses.numbers.new_zeros(len(poses.owner))
    rows = torch.nonzero(batch.has_points[poses.owner]).flatten()
    if len(rows) == 0:
        return cost
    poses = poses.some(rows)
    owner = poses.owner
    seen = torch.cat([batch.eye[:, None], batch.points], dim=1)
    local = to_local(batch, poses, seen[owner])
    eye, rays = local[:, :1], local[:, 1:] - local[:, :1]
    slide = slide_factor(batch, owner, (eye, rays))
    rays = slide * rays
    distance = (nearest_samples(batch, owner, eye + rays) - eye - rays).norm(dim=2)
    softness = POINT_SOFTNESS * rays.norm(dim=2).mean(dim=1, keepdim=True)
    square = (distance / softness) ** 2
    found = POINT_WEIGHT * (square / (1.0 + square)).mean(dim=1)
    slid = SLIDE_WEIGHT * ((slide[:, 0, 0].log() / batch.slide_spread[owner] / SLIDE_LIMIT) ** 2).clamp(max=1.0)
    cost[rows] = found + torch.where(batch.slides[owner], 0.0, slid)
    return cost


def slide_factor(batch: Batch, owner: Tensor, local: tuple[Tensor, Tensor]) -> Float[Tensor, "p 1 1"]:
    """The factor that brings points onto the object, from the eye (p 1 3) along rays (p n 3) in the object frame.

    First by distance where nothing is known of it, then by closest points.
    """
    eye, rays = local
    slide = rays.new_ones((len(owner), 1, 1))
    if bool(batch.slides.any()):
        center = 0.5 * (batch.vertices.amin(dim=1) + batch.vertices.amax(dim=1))[owner, None]
        middle = rays.median(dim=1, keepdim=True).values
        guess = (center - eye).norm(dim=2, keepdim=True) / middle.norm(dim=2, keepdim=True)
        slide = torch.where(batch.slides[owner, None, None], guess, slide)
    for _ in range(SLIDES):
        goal = nearest_samples(batch, owner, eye + slide * rays) - eye
        slide = (goal * rays).sum(dim=(1, 2), keepdim=True) / (rays * rays).sum(dim=(1, 2), keepdim=True)
        slide = slide.clamp(min=1e-3)
    return slide
