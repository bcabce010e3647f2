"""Soft silhouettes: differentiable pictures of where a mesh is, behind one interface.

SoftRas (Liu et al., "Soft Rasterizer", ICCV 2019, equations 1 and 4): a face gives each pixel the probability
`sigmoid(-d / sigma)`, d being the squared distance to the face's outline, negative inside; the mesh covers the pixel
with `1 - prod(1 - probability)`. All faces near a pixel count: keeping only the best few biases the gradient.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float, Integer
from torch import Tensor
from torch.nn.functional import softplus

from regen3d.render.scan import NEAR_M

LEAST_PROBABILITY = 1e-4
"""Pixels to which a face gives less are left out; PyTorch3D's blur radius uses the same number."""


class SilhouetteRenderer(Protocol):
    """Draws soft silhouettes of many poses of one mesh."""

    def __call__(
        self,
        vertices_camera: Float[Tensor, "b v 3"],
        faces: Integer[Tensor, "f 3"],
        intrinsics: Float[Tensor, "3 3"],
        hw: tuple[int, int],
        sigma: float,
    ) -> Float[Tensor, "b h w"]:
        """Coverage in 0..1, differentiable in the vertices.

        Args:
            vertices_camera: camera frame (OpenCV), metres, one row for each pose.
            faces: vertex indices; faces that reach behind the camera are not drawn.
            intrinsics: K in pixels, pixel centres at +0.5.
            hw: size of each picture.
            sigma: softness in squared pixels; outlines blur over about `3 * sqrt(sigma)` pixels to each side.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchSilhouette:
    """The renderer in plain torch: face and pixel pairs in chunks, on any device, in float32 or float64."""

    chunk_pairs: int = 1 << 19
    """Pairs of a face and a pixel handled at once: about 60 MB of working memory."""

    def __call__(
        self,
        vertices_camera: Float[Tensor, "b v 3"],
        faces: Integer[Tensor, "f 3"],
        intrinsics: Float[Tensor, "3 3"],
        hw: tuple[int, int],
        sigma: float,
    ) -> Float[Tensor, "b h w"]:
        """Coverage in 0..1; see `SilhouetteRenderer`."""
        homogeneous = vertices_camera @ intrinsics.T
        depth = homogeneous[..., 2:]
        ahead = depth > NEAR_M
        pixels = homogeneous[..., :2] / torch.where(ahead, depth, 1.0)
        corners = pixels[:, faces.long()]
        drawn = ahead[..., 0][:, faces.long()].all(dim=-1)
        return _SoftCoverage.apply(corners, drawn, hw, sigma, self.chunk_pairs)


class _SoftCoverage(torch.autograd.Function):
    """Coverage from the corners of faces in pixels; the backward pass enumerates the pairs again, not stores them."""

    @staticmethod
    def forward(
        ctx: Any,
        corners: Float[Tensor, "b f 3 2"],
        drawn: Tensor,
        hw: tuple[int, int],
        sigma: float,
        chunk_pairs: int,
    ) -> Float[Tensor, "b h w"]:
        log_clear = corners.new_zeros(len(corners) * hw[0] * hw[1])
        for face, pixel in _near_pairs(corners, drawn, hw, (sigma, chunk_pairs)):
            distance, _, _ = _signed_square_distance(_centers(pixel, hw, corners), corners.flatten(0, 1)[face])
            log_clear.index_add_(0, pixel, -softplus(-distance / sigma))
        ctx.save_for_backward(corners, drawn, log_clear)
        ctx.settings = (hw, sigma, chunk_pairs)
        return 1.0 - torch.exp(log_clear).reshape(len(corners), *hw)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        corners, drawn, log_clear = ctx.saved_tensors
        hw, sigma, chunk_pairs = ctx.settings
        upstream = grad_outputs[0].reshape(-1) * torch.exp(log_clear)
        gradient = torch.zeros_like(corners).flatten(0, 1)
        for face, pixel in _near_pairs(corners, drawn, hw, (sigma, chunk_pairs)):
            distance, offset, weights = _signed_square_distance(
                _centers(pixel, hw, corners), corners.flatten(0, 1)[face]
            )
            # The closest point moves with the edge's ends by its weights (envelope theorem): d(d^2) = -2 offset . dq.
            slope = upstream[pixel] * torch.sigmoid(-distance / sigma) * (2.0 / sigma) * torch.sign(distance)
            gradient.index_add_(0, face, (slope[:, None] * weights)[..., None] * offset[:, None, :])
        return gradient.reshape(corners.shape), None, None, None, None


def _near_pairs(
    corners: Float[Tensor, "b f 3 2"], drawn: Tensor, hw: tuple[int, int], settings: tuple[float, int]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Chunks of (index of the face over all poses, index of the pixel over all pictures) of pairs that are near."""
    sigma, chunk_pairs = settings
    height, width = hw
    radius = math.sqrt(sigma * math.log(1.0 / LEAST_PROBABILITY - 1.0))
    limit = corners.new_tensor([width, height])
    low = torch.clamp(torch.ceil(corners.amin(dim=2) - radius - 0.5), min=0.0).minimum(limit).long().flatten(0, 1)
    high = torch.clamp(torch.floor(corners.amax(dim=2) + radius + 0.5), min=0.0).minimum(limit).long().flatten(0, 1)
    size = (high - low).clamp(min=0) * drawn.flatten()[:, None]
    count = size.prod(dim=1)
    face = torch.nonzero(count).flatten()
    total = torch.cumsum(count[face], dim=0)
    start = 0
    while start < len(face):
        done = total[start - 1] if start else total.new_zeros(())
        stop = max(start + 1, int(torch.searchsorted(total, done + chunk_pairs, right=True)))
        part = face[start:stop]
        owner = torch.repeat_interleave(part, count[part])
        begin = torch.cumsum(count[part], dim=0) - count[part]
        inside = torch.arange(len(owner), device=owner.device) - torch.repeat_interleave(begin, count[part])
        column = low[owner, 0] + inside % size[owner, 0]
        row = low[owner, 1] + inside // size[owner, 0]
        picture = owner // corners.shape[1]
        yield owner, (picture * height + row) * width + column
        start = stop


def _centers(pixel: Tensor, hw: tuple[int, int], like: Tensor) -> Float[Tensor, "n 2"]:
    """(u, v) of flattened pixels."""
    return torch.stack([pixel % hw[1], (pixel // hw[1]) % hw[0]], dim=-1).to(like.dtype) + 0.5


def _signed_square_distance(
    points: Float[Tensor, "n 2"], corners: Float[Tensor, "n 3 2"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 2"], Float[Tensor, "n 3"]]:
    """Squared distance to a triangle's outline, negative inside.

    Returns:
        The distance; the vector from the closest point of the outline to the point; the closest point's weights.
    """
    start, edge = corners, corners.roll(-1, dims=1) - corners
    to_point = points[:, None] - start
    along = ((to_point * edge).sum(-1) / (edge * edge).sum(-1).clamp(min=1e-12)).clamp(0.0, 1.0)
    offset = to_point - along[..., None] * edge
    nearest = (offset * offset).sum(-1).argmin(dim=1)
    n = torch.arange(len(points), device=points.device)
    offset, along = offset[n, nearest], along[n, nearest]
    side = edge[..., 0] * to_point[..., 1] - edge[..., 1] * to_point[..., 0]
    inside = (side > 0).all(dim=1) | (side < 0).all(dim=1)
    square = (offset * offset).sum(-1)
    weights = torch.zeros_like(side)
    weights[n, nearest] = 1.0 - along
    weights[n, (nearest + 1) % 3] = along
    return torch.where(inside, -square, square), offset, weights
