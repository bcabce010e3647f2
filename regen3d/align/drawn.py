"""Outlines of drawn meshes against the outlines of masks: how far apart, and how that changes as the meshes move.

An outline moves as the surface under it does (points that slide along the surface do not move it: the envelope
theorem), so each of its pixels knows its speed from the point of the mesh that it shows, without a soft renderer.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

from regen3d.align.batch import Batch, Poses
from regen3d.render.zbuffer import barycentric_planes, seen_faces

BLUR_PX = 1.0
"""Standard deviation of the blur under which an outline's direction is found."""

FAR_PX = 1e5
"""Where pixels are put that are not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnOutline:
    """The outlines of `p` poses, padded to the longest: entries beyond a pose's own lie `FAR_PX` away."""

    pixels: Float[Tensor, "p k 2"]
    """(row, column)."""
    valid: Bool[Tensor, "p k"]
    """Which entries there are."""
    at: Float[Tensor, "p k 3"]
    """The point of the mesh that each shows, object frame."""
    outward: Float[Tensor, "p k 2"]
    """(u, v) away from the drawn object; shorter where it is thin."""
    inside: Bool[Tensor, "p h w"]
    """What is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residuals:
    """Distances in pixels of `p` poses, and their derivatives."""

    distance: Float[Tensor, "p n"]
    """Positive where the drawn outline lies outside of the mask's."""
    jacobian: Float[Tensor, "p n 7"]
    """By the numbers of the pose."""
    valid: Bool[Tensor, "p n"]
    """Which there are."""


def drawn_outline(batch: Batch, poses: Poses, camera: Float[Tensor, "p v 3"]) -> DrawnOutline:
    """The outlines of posed meshes on their crops, where they can be judged; vertices in the camera frame."""
    owner = poses.owner
    seen = seen_faces(camera, batch.faces[owner], batch.intrinsics[owner], batch.hw)
    inside = seen >= 0
    beyond = pad(inside, (1, 1, 1, 1), value=True)
    kernel = beyond[:, 2:, 1:-1] & beyond[:, :-2, 1:-1] & beyond[:, 1:-1, 2:] & beyond[:, 1:-1, :-2]
    row, v, u = torch.nonzero(inside & ~kernel & batch.outline.counts[owner], as_tuple=True)
    number = torch.bincount(row, minlength=len(owner))
    slot = torch.arange(len(row), device=row.device) - (torch.cumsum(number, dim=0) - number)[row]
    shape = (len(owner), max(1, int(number.max())))
    valid = torch.zeros(shape, dtype=torch.bool, device=row.device)
    pixels = camera.new_full((*shape, 2), FAR_PX)
    at, outward = camera.new_zeros((*shape, 3)), camera.new_zeros((*shape, 2))
    valid[row, slot] = True
    pixels[row, slot] = torch.stack([v, u], dim=1).to(pixels.dtype)
    corner = batch.faces[owner[row], seen[row, v, u]]
    homogeneous = camera[row[:, None], corner] @ batch.intrinsics[owner[row]].transpose(1, 2)
    middle = torch.stack([u + 0.5, v + 0.5, torch.ones_like(u)], dim=1).to(camera.dtype)
    share = (barycentric_planes(homogeneous) @ middle[..., None])[..., 0].clamp(min=0.0)
    share = share / share.sum(dim=1, keepdim=True).clamp(min=1e-30)
    at[row, slot] = (share[:, None] @ batch.vertices[owner[row, None], corner])[:, 0]
    outward[row, slot] = _outward(inside, (row, v, u)).to(outward.dtype)
    return DrawnOutline(pixels=pixels, valid=valid, at=at, outward=outward, inside=inside)


def _outward(inside: Bool[Tensor, "p h w"], pixels: tuple[Tensor, Tensor, Tensor]) -> Float[Tensor, "e 2"]:
    """The direction away from what is drawn at pixels (pose, row, column): down the slope of the blurred picture.

    Its length is one at a straight edge, and less where the other side of a thin thing is near.
    """
    reach = math.ceil(3.0 * BLUR_PX)
    steps = torch.arange(-reach, reach + 1, device=inside.device, dtype=torch.float32)
    weights = torch.exp(-0.5 * (steps / BLUR_PX) ** 2)
    weights = (weights / weights.sum())[None, None]
    rim = reach + 1
    blurred = pad(inside[:, None].float(), (rim,) * 4, mode="replicate")
    blurred = conv2d(conv2d(blurred, weights[..., None, :]), weights[..., None])[:, 0]
    row, v, u = pixels[0], pixels[1] + 1, pixels[2] + 1
    slope = torch.stack(
        [blurred[row, v, u + 1] - blurred[row, v, u - 1], blurred[row, v + 1, u] - blurred[row, v - 1, u]]
    )
    # A straight edge half a pixel away falls by what the normal distribution has between its neighbours.
    straight = 0.5 * (math.erf(1.5 / BLUR_PX / math.sqrt(2.0)) + math.erf(0.5 / BLUR_PX / math.sqrt(2.0)))
    return -slope.T / straight / (slope.norm(dim=0)[:, None] / straight).clamp(min=1.0)


def residuals(
    batch: Batch, poses: Poses, drawn: DrawnOutline, speed: Float[Tensor, "p k 2 7"]
) -> tuple[Residuals, Residuals]:
    """From each pixel of the drawn outline to the mask's, and from each of the mask's to the nearest drawn one."""
    owner, mask = poses.owner, batch.outline
    v, u = drawn.pixels.long().clamp(max=0x7FFF).unbind(dim=2)
    v, u = torch.where(drawn.valid, v, 0), torch.where(drawn.valid, u, 0)
    slope = mask.slope[owner[:, None], v, u]
    # Pixels of an outline lie half a pixel inside of it, of either one: equal outlines give zero.
    there = Residuals(
        distance=mask.distance[owner[:, None], v, u] + 0.5,
        jacobian=(slope[:, :, None] @ speed)[:, :, 0],
        valid=drawn.valid,
    )
    own = mask.own[owner]
    apart = torch.cdist(own.float(), drawn.pixels.float())
    distance, match = apart.min(dim=2)
    inside = drawn.inside[torch.arange(len(owner), device=own.device)[:, None], own[..., 0], own[..., 1]]
    along = (drawn.outward[:, :, None] @ speed)[:, :, 0]
    back = Residuals(
        distance=torch.where(inside, distance, -distance).to(speed.dtype),
        jacobian=along.gather(1, match[..., None].expand(-1, -1, speed.shape[-1])),
        valid=mask.valid[owner] & drawn.valid.any(dim=1, keepdim=True),
    )
    return there, back
