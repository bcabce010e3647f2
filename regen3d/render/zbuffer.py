"""A hard z-buffer of many poses at once, on any device: which face does each pixel see?

The same scan conversion as `regen3d.render.raster` (Olano and Greer 1997), which sees one mesh in full detail.
"""

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from regen3d.render.scan import NEAR_M, SPAN_SLACK_PX
from regen3d.render.spans import chunks, ranges

CHUNK_ELEMENTS = 1 << 20
"""Rows or pixels handled at once: about 100 MB of working memory."""


def seen_faces(
    vertices_camera: Float[Tensor, "b v 3"],
    faces: Integer[Tensor, "b f 3"],
    intrinsics: Float[Tensor, "b 3 3"],
    hw: tuple[int, int],
) -> Integer[Tensor, "b h w"]:
    """Index of the face that each pixel sees first; -1 where there is nothing.

    Args:
        vertices_camera: camera frame (OpenCV), metres, one row for each pose.
        faces: vertex indices of each; winding does not matter; flat faces are not drawn.
        intrinsics: K of each in pixels, pixel centres at +0.5.
        hw: size of each picture.
    """
    batch, per_pose = faces.shape[:2]
    corners = homogeneous_corners(vertices_camera, faces, intrinsics).flatten(0, 1)
    first, last = _rows(corners, hw[0])
    hit = torch.nonzero(last > first).flatten()
    first, last = first[hit], last[hit]
    planes = barycentric_planes(corners[hit])
    # The nearest wins; equal ones are told apart by their index, so that the answer does not depend on the order.
    nearest = torch.zeros(batch * hw[0] * hw[1], dtype=torch.int64, device=corners.device)
    for part in chunks(last - first, CHUNK_ELEMENTS):
        rows, owner = ranges(first[part], last[part])
        _draw_rows(nearest, planes[part][owner], (rows, hit[part][owner]), (per_pose, *hw))
    face = (nearest & 0xFFFFFFFF) - 1
    return face.view(batch, *hw)


def homogeneous_corners(
    vertices_camera: Float[Tensor, "b v 3"], faces: Integer[Tensor, "b f 3"], intrinsics: Float[Tensor, "b 3 3"]
) -> Float[Tensor, "b f 3 3"]:
    """Corners of each face as (u z, v z, z)."""
    homogeneous = vertices_camera @ intrinsics.transpose(1, 2)
    index = faces.flatten(1)[..., None].expand(-1, -1, 3)
    return torch.gather(homogeneous, 1, index).view(*faces.shape, 3)


def barycentric_planes(corners: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n 3 3"]:
    """Rows of M^-1: a corner's weight over depth is `row @ (u, v, 1)`; NaN for a face seen edge-on."""
    a, b, c = corners.unbind(1)
    adjugate = torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], dim=1)
    determinant = (a * adjugate[:, 0]).sum(dim=1)
    usable = determinant.abs() > 1e-15 * corners.abs().amax(dim=(1, 2)) ** 3
    return adjugate / torch.where(usable, determinant, torch.nan)[:, None, None]


def _rows(corners: Float[Tensor, "n 3 3"], height: int) -> tuple[Integer[Tensor, " n"], Integer[Tensor, " n"]]:
    """The rows first..last (exclusive) that each face may touch: all where it reaches behind the camera."""
    depth = corners[..., 2]
    ahead = depth > NEAR_M
    row = corners[..., 1] / torch.where(ahead, depth, 1.0)
    some, every = ahead.any(dim=1), ahead.all(dim=1)
    low = torch.where(every, row.amin(dim=1), 0.0)
    high = torch.where(every, row.amax(dim=1), torch.where(some, height, -1.0))
    first = torch.ceil((low - 0.5 - SPAN_SLACK_PX).clamp(0, height)).long()
    last = torch.floor((high - 0.5 + SPAN_SLACK_PX).clamp(-1, height - 1)).long() + 1
    return first, torch.where(some, last, 0)


def _draw_rows(
    nearest: Integer[Tensor, " p"],
    planes: Float[Tensor, "r 3 3"],
    entries: tuple[Integer[Tensor, " r"], Integer[Tensor, " r"]],
    shape: tuple[int, int, int],
) -> None:
    """Draw one row of one face for each entry (row, face) into pictures of keys; `shape`: faces, rows, columns."""
    (rows, face), (per_pose, height, width) = entries, shape
    first, last = _spans(planes, rows, width)
    full = torch.nonzero(last > first).flatten()
    first, last, rows, face = first[full], last[full], rows[full], face[full]
    line = ((face // per_pose) * height + rows) * width
    inverse = planes[full].sum(dim=1)
    slope, at_zero = inverse[:, 0], inverse[:, 1] * (rows + 0.5) + inverse[:, 2]
    for part in chunks(last - first, CHUNK_ELEMENTS):
        columns, owner = ranges(first[part], last[part])
        depth = (at_zero[part][owner] + slope[part][owner] * (columns + 0.5)).float()
        # Bits of positive floats are in the order of the floats.
        key = (depth.clamp(min=0.0).view(torch.int32).long() << 32) | (face[part] % per_pose + 1)[owner]
        nearest.scatter_reduce_(0, line[part][owner] + columns, key, "amax")


def _spans(
    planes: Float[Tensor, "r 3 3"], rows: Integer[Tensor, " r"], width: int
) -> tuple[Integer[Tensor, " r"], Integer[Tensor, " r"]]:
    """The columns first..last (exclusive) that each entry's face covers in its row; none where last <= first."""
    # Each constraint is slope * u + offset >= 0: three weights, and a depth not below NEAR_M.
    slope, offset = planes[..., 0], planes[..., 1] * (rows + 0.5)[:, None] + planes[..., 2]
    slope = torch.cat([slope, -slope.sum(dim=1, keepdim=True)], dim=1)
    offset = torch.cat([offset, 1.0 / NEAR_M - offset.sum(dim=1, keepdim=True)], dim=1)
    root = -offset / slope
    left = torch.where(slope > 0, root, -torch.inf).amax(dim=1)
    right = torch.where(slope < 0, root, torch.inf).amin(dim=1)
    misses = ((slope == 0) & (offset < 0)).any(dim=1) | planes[:, 0, 0].isnan()
    first = torch.ceil((left - 0.5 - SPAN_SLACK_PX).clamp(0, width)).long()
    last = torch.floor((right - 0.5 + SPAN_SLACK_PX).clamp(-1, width - 1)).long() + 1
    return first, torch.where(misses, 0, last)
