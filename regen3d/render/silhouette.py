"""Soft silhouettes in plain torch: differentiable pictures of where a mesh is.

SoftRas (Liu et al., "Soft Rasterizer", ICCV 2019, equations 1 and 4): a face gives each pixel the probability
`sigmoid(-d / sigma)`, d being the squared distance to the face's outline, negative inside; the mesh covers the pixel
with `1 - prod(1 - probability)`. All faces near a pixel count: keeping only the best few biases the gradient.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor
from torch.nn.functional import softplus

from regen3d.render.scan import NEAR_M

LEAST_PROBABILITY = 1e-4
"""Pixels to which a face gives less are left out; PyTorch3D's blur radius uses the same number."""

LEAST_CLEAR = 1e-7
"""A pixel that is less clear than this is covered: float32 tells it from one no more, further faces are skipped."""

LEAST_AREA_PX2 = 1e-4
"""Faces of which less is seen are edge-on and not drawn, as in PyTorch3D at 256 pixels."""

BYTES_A_PAIR = 400
"""Of working memory for a pair of a face and a pixel in float64, measured as peak memory; float32 takes 60 % of it."""

Corners = Float[Tensor, "b f 3 2"]
"""Projected corners of each face in each pose, pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchSilhouette:
    """The renderer in plain torch: face and pixel pairs in chunks, on any device, in float32 or float64."""

    memory_mb: float = 26.0
    """Working memory of a chunk in 10^6 bytes: 65,000 pairs; more are no faster on a CPU, many are on a GPU."""

    def __call__(
        self,
        vertices_camera: Float[Tensor, "b v 3"],
        faces: Integer[Tensor, "f 3"],
        intrinsics: Float[Tensor, "3 3"],
        hw: tuple[int, int],
        sigma: float,
    ) -> Float[Tensor, "b h w"]:
        """Coverage in 0..1; see `regen3d.render.base.SilhouetteRenderer`."""
        homogeneous = vertices_camera @ intrinsics.T
        depth = homogeneous[..., 2:]
        ahead = depth > NEAR_M
        pixels = homogeneous[..., :2] / torch.where(ahead, depth, 1.0)
        corners = pixels[:, faces.long()]
        drawn = ahead[..., 0][:, faces.long()].all(dim=-1) & (_areas(corners) > LEAST_AREA_PX2)
        chunk = max(1, int(self.memory_mb * 1e6) // BYTES_A_PAIR)
        return _SoftCoverage.apply(corners, drawn, hw, sigma, chunk)


class _Pairs(NamedTuple):
    """Faces and the pixels near them, one entry a pair."""

    face: Integer[Tensor, " n"]
    """Index over the faces of all poses."""
    pixel: Integer[Tensor, " n"]
    """Index over the pixels of all pictures."""
    u: Float[Tensor, " n"]
    """Column of the pixel's centre."""
    v: Float[Tensor, " n"]
    """Row of the pixel's centre."""

    def where(self, wanted: Bool[Tensor, " n"]) -> "_Pairs":
        """Some of the pairs."""
        index = torch.nonzero(wanted).flatten()
        return _Pairs(*(part.index_select(0, index) for part in self))


class _Nearest(NamedTuple):
    """The point of each pair's outline that is nearest to the pixel."""

    square: Float[Tensor, " n"]
    """Squared distance, negative for pixels inside."""
    across: Float[Tensor, " n"]
    """Columns from it to the pixel."""
    down: Float[Tensor, " n"]
    """Rows from it to the pixel."""
    along: Float[Tensor, " n"]
    """Where it lies on its edge, 0..1."""
    edge: Integer[Tensor, " n"]
    """Which edge: from this corner to the next."""


class _SoftCoverage(torch.autograd.Function):
    """Coverage from the corners of faces in pixels; the backward pass enumerates the pairs again, not stores them."""

    @staticmethod
    def forward(
        ctx: Any, corners: Corners, drawn: Tensor, hw: tuple[int, int], sigma: float, chunk: int
    ) -> Float[Tensor, "b h w"]:
        edges = _edges(corners)
        log_clear = corners.new_zeros(len(corners) * hw[0] * hw[1])
        for pairs in _near_pairs(corners, drawn, hw, (sigma, chunk)):
            near = pairs.where(log_clear.index_select(0, pairs.pixel) > math.log(LEAST_CLEAR))
            log_clear.index_add_(0, near.pixel, softplus(-_nearest(edges, near).square / sigma), alpha=-1)
        ctx.save_for_backward(corners, drawn, log_clear)
        ctx.settings = (hw, sigma, chunk)
        return 1.0 - torch.exp(log_clear).reshape(len(corners), *hw)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        corners, drawn, log_clear = ctx.saved_tensors
        hw, sigma, chunk = ctx.settings
        clear, edges = torch.exp(log_clear), _edges(corners)
        upstream = torch.where(clear > LEAST_CLEAR, grad_outputs[0].reshape(-1) * clear, 0.0)
        gradient = torch.zeros_like(corners).flatten()
        for pairs in _near_pairs(corners, drawn, hw, (sigma, chunk)):
            near = pairs.where(upstream.index_select(0, pairs.pixel) != 0.0)
            point = _nearest(edges, near)
            # The closest point moves with the edge's ends by its weights (envelope theorem): d(d^2) = -2 offset . dq.
            share = torch.sigmoid(-point.square / sigma) * torch.sign(point.square) * (2.0 / sigma)
            slope = share * upstream.index_select(0, near.pixel)
            start = 6 * near.face + 2 * point.edge
            end = 6 * near.face + 2 * torch.where(point.edge == 2, 0, point.edge + 1)
            for axis, offset in enumerate((point.across, point.down)):
                pull = slope * offset
                gradient.index_add_(0, start + axis, pull * (1.0 - point.along))
                gradient.index_add_(0, end + axis, pull * point.along)
        return gradient.reshape(corners.shape), None, None, None, None


def _areas(corners: Corners) -> Float[Tensor, "b f"]:
    """Area of each face as seen, squared pixels."""
    first, second = (corners[:, :, k] - corners[:, :, 0] for k in (1, 2))
    return 0.5 * (first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]).abs()


def _near_pairs(
    corners: Corners, drawn: Bool[Tensor, "b f"], hw: tuple[int, int], settings: tuple[float, int]
) -> Iterator[_Pairs]:
    """Every face with every pixel of its bounds, grown by the blur; `settings` are sigma and the pairs of a chunk."""
    sigma, chunk = settings
    radius = math.sqrt(sigma * math.log(1.0 / LEAST_PROBABILITY - 1.0))
    limit = corners.new_tensor([hw[1], hw[0]])
    low = torch.ceil(corners.amin(dim=2) - radius - 0.5).clamp(min=0.0).minimum(limit).flatten(0, 1)
    high = torch.floor(corners.amax(dim=2) + radius + 0.5).clamp(min=0.0).minimum(limit).flatten(0, 1)
    size = ((high - low).clamp(min=0.0) * drawn.flatten()[:, None]).long()
    faces = torch.nonzero(size.prod(dim=1)).flatten()
    low, size, picture = low.long()[faces], size[faces], faces // corners.shape[1]
    count = size.prod(dim=1)
    end = torch.cumsum(count, dim=0)
    total = int(count.sum())
    # Rows are found by division in floating point, which is several times faster; it is exact below 2^52 pixels.
    for start in range(0, total, chunk):
        stop = min(start + chunk, total)
        first, last = (int(torch.searchsorted(end, bound, right=True)) for bound in (start, stop - 1))
        part = slice(first, last + 1)
        begin = end[part] - count[part]
        repeats = end[part].clamp(max=stop) - begin.clamp(min=start)
        owner = torch.repeat_interleave(torch.arange(len(repeats), device=repeats.device), repeats)
        place = torch.arange(start, stop, device=owner.device) - begin.index_select(0, owner)
        width = size[part, 0].index_select(0, owner)
        row = ((place.double() + 0.5) / width).long()
        column = place - row * width + low[part, 0].index_select(0, owner)
        row = row + low[part, 1].index_select(0, owner)
        pixel = (picture[part].index_select(0, owner) * hw[0] + row) * hw[1] + column
        u, v = (index.to(corners.dtype) + 0.5 for index in (column, row))
        yield _Pairs(faces[part].index_select(0, owner), pixel, u, v)


def _edges(corners: Corners) -> Float[Tensor, "3 5 n"]:
    """Of each edge of each face: start (u, v), vector (u, v), one over its squared length."""
    start = corners.flatten(0, 1)
    edge = start.roll(-1, dims=1) - start
    inverse = 1.0 / (edge * edge).sum(dim=-1, keepdim=True).clamp(min=1e-12)
    return torch.cat([start, edge, inverse], dim=-1).permute(1, 2, 0).contiguous()


def _nearest(edges: Float[Tensor, "3 5 n"], pairs: _Pairs) -> _Nearest:
    """The nearest point of each pair's face outline."""
    points, sides = [], []
    for edge in edges:
        x, y, across, down, inverse = (row.index_select(0, pairs.face) for row in edge)
        u, v = pairs.u - x, pairs.v - y
        sides.append(across * v - down * u)
        along = (u * across).addcmul_(v, down).mul_(inverse).clamp_(0.0, 1.0)
        u.addcmul_(along, across, value=-1)
        v.addcmul_(along, down, value=-1)
        points.append((u * u + v * v, u, v, along))
    best, index = points[0], torch.zeros_like(pairs.face)
    for k in (1, 2):
        closer = points[k][0] < best[0]
        best = tuple(torch.where(closer, new, old) for new, old in zip(points[k], best, strict=True))
        index = index.masked_fill(closer, k)
    least = torch.minimum(torch.minimum(sides[0], sides[1]), sides[2])
    greatest = torch.maximum(torch.maximum(sides[0], sides[1]), sides[2])
    square, across, down, along = best
    return _Nearest(torch.where((least > 0) | (greatest < 0), -square, square), across, down, along, index)
