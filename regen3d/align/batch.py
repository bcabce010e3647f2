"""The evidence of several objects as tensors on one device, so that poses of all of them are judged together.

Objects differ in the numbers of their vertices, faces and pixels; shorter ones are padded with what changes nothing:
their first vertex again, flat faces, pixels without weight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer
from scipy.spatial import KDTree
from torch import Tensor

from regen3d.align.contours import MaskOutline, mask_outline
from regen3d.align.evidence import Evidence
from regen3d.align.size_prior import SizePrior
from regen3d.align.target import POINT_COUNT

MOST_WALLS = 4
"""Upright sides of a room."""

NUMBERS = 7
"""Of a pose: first, second (metres along the plane), yaw_rad, log_scale, and the logarithm of the stretch that makes up
for wrong proportions of the mesh, along its own x, y and z."""

FACTOR_BYTES = 300
"""Working memory of a pose for each vertex and each pixel of the crop, measured as peak memory."""


class Poses(NamedTuple):
    """Poses of the objects of a batch, those of one object next to each other."""

    numbers: Float[Tensor, "p 7"]
    """One row a pose; see `NUMBERS`."""
    owner: Integer[Tensor, " p"]
    """Index of the object that each is a pose of, ascending."""

    def some(self, index: Tensor | slice) -> "Poses":
        """Those at an index."""
        return Poses(self.numbers[index], self.owner[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Evidence of `o` objects; more in `Evidence`, `Target` and `Proxy`."""

    vertices: Float[Tensor, "o v 3"]
    """Object frame."""
    faces: Integer[Tensor, "o f 3"]
    """Vertex indices."""
    samples: Float[Tensor, "o s 3"]
    """Points on each surface, object frame."""
    trees: tuple[KDTree, ...]
    """Of the samples, for nearest points on the CPU."""
    camera_from_world: Float[Tensor, "o 4 4"]
    """World frame to camera frame."""
    intrinsics: Float[Tensor, "o 3 3"]
    """K of each crop, pixels of the crop."""
    eye: Float[Tensor, "o 3"]
    """The camera's centre, world frame."""
    mask: Float[Tensor, "o h w"]
    """Share of each crop pixel that shows the object, 0..1."""
    weight: Float[Tensor, "o h w"]
    """Share of each crop pixel that counts, 0..1."""
    box: Float[Tensor, "o 4"]
    """Bounds (x0, y0, x1, y1) of each mask in crop pixels."""
    diagonal_px: Float[Tensor, " o"]
    """Of that box."""
    reliable: Bool[Tensor, "o 4"]
    """Which bounds are the object's own."""
    outline: MaskOutline
    """Of each mask."""
    points: Float[Tensor, "o n 3"]
    """Of the visible surface, world frame, metres."""
    has_points: Bool[Tensor, " o"]
    """Whether there are any."""
    slides: Bool[Tensor, " o"]
    """Whether they are known up to a scale about the eye only."""
    slide_spread: Float[Tensor, " o"]
    """Standard deviation of the logarithm by which all of them are too far away."""
    origin: Float[Tensor, "o 3"]
    """A point of each support plane, world frame."""
    axes: Float[Tensor, "o 2 3"]
    """Two orthogonal unit vectors in it."""
    normal: Float[Tensor, "o 3"]
    """Unit vector towards the side on which objects are."""
    hangs: Bool[Tensor, " o"]
    """Whether that plane is a side of the room, not a floor and not an assumed one."""
    known_log_scale: Float[Tensor, " o"]
    """Logarithm of the scale that gives an object its own size; NaN where unknown."""
    size_median_m: Float[Tensor, "o 3"]
    """Usual lesser and greater side on the ground, and height; NaN where unknown."""
    size_log_sigma: Float[Tensor, "o 3"]
    """Standard deviation of the natural logarithm of each."""
    square_yaw: Float[Tensor, " o"]
    """Direction in radians to which objects are square; NaN where unknown."""
    hinted_yaw: Float[Tensor, " o"]
    """Yaw in radians under which the mesh was made; NaN where unknown."""
    axis_yaw: Float[Tensor, " o"]
    """Direction in radians of the object's upright faces."""
    boxiness: Float[Tensor, " o"]
    """How far these agree on it, 0..1."""
    wall_normals: Float[Tensor, "o 4 3"]
    """Unit vectors into the room; zeros where there is no wall."""
    wall_offsets: Float[Tensor, "o 4"]
    """`normals @ point >= offsets` on the room's side, metres."""
    bounded: Bool[Tensor, " o"]
    """Whether any wall is known."""
    memory_mb: int
    """Working memory that one step on poses keeps within, 10^6 bytes."""

    @property
    def hw(self) -> tuple[int, int]:
        """Size of the padded crops."""
        return self.mask.shape[1], self.mask.shape[2]

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.vertices.device

    def parts(self, count: int) -> Iterator[slice]:
        """Slices of so many poses, each of which fits into the memory."""
        each = FACTOR_BYTES * (self.vertices.shape[1] + self.mask[0].numel())
        step = max(1, int(self.memory_mb * 1e6) // each)
        yield from (slice(start, min(start + step, count)) for start in range(0, count, step))

    def runs(self, owner: Integer[Tensor, " p"]) -> list[tuple[int, slice]]:
        """The objects that have poses, and which poses are theirs."""
        objects, counts = torch.unique_consecutive(owner, return_counts=True)
        ends = np.cumsum(counts.tolist()).tolist()
        return [(o, slice(end - n, end)) for o, n, end in zip(objects.tolist(), counts.tolist(), ends, strict=True)]


def make_batch(evidences: Sequence[Evidence], device: str, memory_mb: int) -> Batch:
    """Put the evidence of objects together on a device."""

    def tensor(rows: Sequence[np.ndarray | float | bool]) -> Tensor:
        return torch.from_numpy(np.stack([np.asarray(row) for row in rows])).to(device)

    targets, proxies = [e.target for e in evidences], [e.proxy for e in evidences]
    most_vertices, most_faces = (
        max(len(part(p)) for p in proxies) for part in (lambda p: p.vertices, lambda p: p.faces)
    )
    hw = max(t.hw[0] for t in targets), max(t.hw[1] for t in targets)
    walls, sizes = [_walls(e) for e in evidences], [_sizes(e.size_prior) for e in evidences]
    return Batch(
        vertices=tensor([_padded(p.vertices.astype(np.float64), most_vertices) for p in proxies]),
        faces=tensor([_padded(p.faces.astype(np.int64), most_faces, fill=0) for p in proxies]),
        samples=tensor([np.asarray(p.surface.data) for p in proxies]),
        trees=tuple(p.surface for p in proxies),
        camera_from_world=tensor([t.camera_from_world for t in targets]),
        intrinsics=tensor([t.intrinsics for t in targets]),
        eye=tensor([t.eye for t in targets]),
        mask=tensor([_framed(t.mask, hw) for t in targets]),
        weight=tensor([_framed(t.weight, hw) for t in targets]),
        box=tensor([t.box for t in targets]),
        diagonal_px=tensor([t.diagonal_px for t in targets]),
        reliable=tensor([t.reliable for t in targets]),
        outline=mask_outline(targets, hw, device),
        # Fewer points than the others have are repeated: their mean stays what it is.
        points=tensor([np.resize(t.points, (POINT_COUNT, 3)) for t in targets]),
        has_points=tensor([len(t.points) > 0 for t in targets]),
        slides=tensor([t.points_slide for t in targets]),
        slide_spread=tensor([e.slide_spread for e in evidences]),
        origin=tensor([e.plane.origin for e in evidences]),
        axes=tensor([e.plane.axes for e in evidences]),
        normal=tensor([e.plane.normal for e in evidences]),
        hangs=tensor([e.plane.name not in ("floor", "free") for e in evidences]),
        known_log_scale=tensor([_or_nan(e.known_log_scale) for e in evidences]),
        size_median_m=tensor([median for median, _ in sizes]),
        size_log_sigma=tensor([sigma for _, sigma in sizes]),
        square_yaw=tensor([_or_nan(e.square_yaw) for e in evidences]),
        hinted_yaw=tensor([_or_nan(e.hinted_yaw) for e in evidences]),
        axis_yaw=tensor([p.axis_yaw for p in proxies]),
        boxiness=tensor([p.boxiness for p in proxies]),
        wall_normals=tensor([normals for normals, _ in walls]),
        wall_offsets=tensor([offsets for _, offsets in walls]),
        bounded=tensor([e.walls is not None for e in evidences]),
        memory_mb=memory_mb,
    )


def nearest_samples(
    batch: Batch, owner: Integer[Tensor, " p"], local: Float[Tensor, "p n 3"]
) -> Float[Tensor, "p n 3"]:
    """For points in the object frame of each pose the nearest sample of that object's surface."""
    found = torch.empty_like(local)
    for index, rows in batch.runs(owner):
        here = local[rows].reshape(-1, 3)
        if batch.device.type == "cpu":
            nearest = torch.from_numpy(np.asarray(batch.trees[index].query(here.numpy())[1]))
        else:
            nearest = _nearest_by_trying(batch.samples[index].float(), here.float(), batch.memory_mb)
        found[rows] = batch.samples[index][nearest].view_as(local[rows])
    return found


def _nearest_by_trying(
    samples: Float[Tensor, "s 3"], points: Float[Tensor, "n 3"], memory_mb: int
) -> Integer[Tensor, " n"]:
    """Index of the nearest sample of each point: on a GPU all pairs are faster than a tree."""
    square = (samples * samples).sum(dim=1)
    step = max(1, int(memory_mb * 1e6) // (8 * len(samples)))
    return torch.cat([(square - 2.0 * part @ samples.T).argmin(dim=1) for part in points.split(step)])


def _padded(rows: np.ndarray, length: int, fill: int | None = None) -> np.ndarray:
    """Rows up to a length: the first one again, or a number."""
    more = np.broadcast_to(rows[:1] if fill is None else np.full_like(rows[:1], fill), (length - len(rows), 3))
    return np.concatenate([rows, more])


def _framed(picture: Float[np.ndarray, "h w"], hw: tuple[int, int]) -> np.ndarray:
    """A picture in the upper left of a larger empty one."""
    return np.pad(picture, [(0, want - have) for want, have in zip(hw, picture.shape, strict=True)])


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _sizes(prior: SizePrior | None) -> tuple[np.ndarray, np.ndarray]:
    """Usual sizes and their spread as `Batch` has them: which side is the front nobody knows of a mesh."""
    if prior is None:
        return np.full(3, np.nan), np.full(3, np.nan)
    lesser, greater = (0, 2) if prior.median_m[0] <= prior.median_m[2] else (2, 0)
    order = [lesser, greater, 1]
    return prior.median_m[order], prior.log_sigma[order]


def _walls(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Normals and offsets of the walls that are known; the others are met nowhere."""
    normals, offsets = np.zeros((MOST_WALLS, 3)), np.full(MOST_WALLS, -1.0)
    if evidence.walls is not None:
        count = len(evidence.walls.offsets)
        normals[:count], offsets[:count] = evidence.walls.normals, evidence.walls.offsets
    return normals, offsets
