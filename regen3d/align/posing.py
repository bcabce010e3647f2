"""Poses of a batch: where points come to lie, and how they move with each number. The twin of `pose` for many."""

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from regen3d.align.batch import NUMBERS, Batch, Poses

LEAST_DEPTH_M = 0.05
"""What is nearer than this or behind the camera is projected as if at this depth."""


def linear_parts(numbers: Float[Tensor, "p 7"]) -> Float[Tensor, "p 3 3"]:
    """Scale times turn about +Y times stretch."""
    cosine, sine, zero, one = _turn(numbers)
    turn = torch.stack([cosine, zero, sine, zero, one, zero, -sine, zero, cosine], dim=1).view(-1, 3, 3)
    return turn * torch.exp(numbers[:, 3:4] + numbers[:, 4:])[:, None]


def place(batch: Batch, poses: Poses) -> Float[Tensor, "p v 3"]:
    """World positions of all vertices; the lowest one along the plane's normal touches the plane."""
    owner, normal = poses.owner, batch.normal[poses.owner]
    turned = batch.vertices[owner] @ linear_parts(poses.numbers).transpose(1, 2)
    lift = -(turned @ normal[..., None]).amin(dim=1)
    return turned + (_shift(batch, poses) + lift * normal)[:, None]


def offsets(batch: Batch, poses: Poses) -> Float[Tensor, "p 3"]:
    """The world position of each object frame's origin."""
    normal = batch.normal[poses.owner]
    return _shift(batch, poses) - (touching(batch, poses)[0] * normal).sum(dim=1, keepdim=True) * normal


def touching(batch: Batch, poses: Poses) -> tuple[Float[Tensor, "p 3"], Float[Tensor, "p 3"]]:
    """The vertex that touches the plane, turned and scaled but not moved, and in the object frame."""
    vertices, linear = batch.vertices[poses.owner], linear_parts(poses.numbers)
    down = linear.transpose(1, 2) @ batch.normal[poses.owner][..., None]
    lowest = (vertices @ down).argmin(dim=1)
    local = vertices.gather(1, lowest[..., None].expand(-1, -1, 3))[:, 0]
    return (linear @ local[..., None])[..., 0], local


def to_world(batch: Batch, poses: Poses, local: Float[Tensor, "p n 3"]) -> Float[Tensor, "p n 3"]:
    """Points of the object frame in the world."""
    return local @ linear_parts(poses.numbers).transpose(1, 2) + offsets(batch, poses)[:, None]


def to_local(batch: Batch, poses: Poses, world: Float[Tensor, "p n 3"]) -> Float[Tensor, "p n 3"]:
    """World points in the object frame of each pose."""
    inverse = torch.linalg.inv(linear_parts(poses.numbers))
    return (world - offsets(batch, poses)[:, None]) @ inverse.transpose(1, 2)


def in_camera(batch: Batch, owner: Integer[Tensor, " p"], world: Float[Tensor, "p n 3"]) -> Float[Tensor, "p n 3"]:
    """World points in the camera frame."""
    camera = batch.camera_from_world[owner]
    return world @ camera[:, :3, :3].transpose(1, 2) + camera[:, None, :3, 3]


def velocities(
    batch: Batch, poses: Poses, at: Float[Tensor, "e 3"], row: Integer[Tensor, " e"]
) -> Float[Tensor, "e 3 7"]:
    """How points `at` of the object frame move in the world with each number of the pose in row `row` of each."""
    changes = _changes(poses.numbers)
    normal = batch.normal[poses.owner]
    _, low = touching(batch, poses)
    sunk = torch.einsum("pkij,pj,pi->pk", changes, low, normal)
    moves = at.new_empty((len(at), 3, NUMBERS))
    moves[..., :2] = batch.axes[poses.owner].transpose(1, 2)[row]
    moved = torch.einsum("ekij,ej->eik", changes[row], at)
    moves[..., 2:] = moved - (normal[:, :, None] * sunk[:, None])[row]
    return moves


def pixel_speeds(
    batch: Batch, poses: Poses, at: Float[Tensor, "e 3"], row: Integer[Tensor, " e"]
) -> Float[Tensor, "e 2 7"]:
    """How fast points of the object frame move over the crop with each number."""
    owner = poses.owner[row]
    rotation = batch.camera_from_world[poses.owner][:, :3, :3]
    linear = rotation @ linear_parts(poses.numbers)
    start = in_camera(batch, poses.owner, offsets(batch, poses)[:, None])[:, 0]
    camera = torch.einsum("eij,ej->ei", linear[row], at) + start[row]
    motion = rotation[row] @ velocities(batch, poses, at, row)
    depth = camera[:, 2].clamp(min=LEAST_DEPTH_M)
    focal = torch.stack([batch.intrinsics[owner, 0, 0], batch.intrinsics[owner, 1, 1]], dim=1)
    slide = motion[:, :2] - (camera[:, :2] / depth[:, None])[..., None] * motion[:, 2:]
    return (focal / depth[:, None])[..., None] * slide


def _changes(numbers: Float[Tensor, "p 7"]) -> Float[Tensor, "p 5 3 3"]:
    """Derivatives of the linear part by yaw, log-scale and the three logarithms of the stretch."""
    linear = linear_parts(numbers)
    cosine, sine, zero, _ = _turn(numbers)
    turning = torch.stack([-sine, zero, cosine, zero, zero, zero, -cosine, zero, -sine], dim=1).view(-1, 3, 3)
    turning = turning * torch.exp(numbers[:, 3:4] + numbers[:, 4:])[:, None]
    along = linear[:, None] * torch.eye(3, dtype=linear.dtype, device=linear.device)[:, None]
    return torch.cat([turning[:, None], linear[:, None], along], dim=1)


def _turn(numbers: Float[Tensor, "p 7"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cosine and sine of the yaws, zeros and ones."""
    yaw = numbers[:, 2]
    return torch.cos(yaw), torch.sin(yaw), torch.zeros_like(yaw), torch.ones_like(yaw)


def _shift(batch: Batch, poses: Poses) -> Float[Tensor, "p 3"]:
    """The point of the plane at each pose's first and second coordinate."""
    return batch.origin[poses.owner] + torch.einsum("pk,pki->pi", poses.numbers[:, :2], batch.axes[poses.owner])
