"""What the silhouette of a box is compared with: the mask on a coarse grid of rays, and where the mask ends."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from regen3d.align.target import reliable_sides
from regen3d.frames import pixel_centers, pixel_rays
from regen3d.types import Mask, ObjectView

MARGIN = 0.3
"""The crop exceeds the mask by this share of its size, so that a box too large is noticed."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What a silhouette is compared with: rays (world), mask coverage and weight of each grid cell."""

    origin: Float[np.ndarray, " 3"]
    """The camera's centre, world frame."""
    rays: Float[np.ndarray, "n 3"]
    """Through the middle of each cell, world frame."""
    coverage: Float[np.ndarray, " n"]
    """Share of each cell that the mask covers, 0..1."""
    weight: Float[np.ndarray, " n"]
    """Share of each cell that counts, 0..1."""
    depth: Float[np.ndarray, " n"]
    """How far down each cell's lower side is, from 0 at the mask's upper end to 1 at its lower end."""
    step: float
    """Height of a cell in the same unit: ends are not known better."""
    end_is_own: bool
    """Whether the mask ends below because the object does, not because something hides it."""


def outline_of(view: ObjectView, drawn: Mask, grid_px: int) -> Outline:
    """A mask on a grid whose longer side has `grid_px` cells; what `view.ignore` hides weighs nothing."""
    x0, y0, x1, y1 = view.instance.box
    margin = max(3, round(MARGIN * max(x1 - x0, y1 - y0)))
    x0, y0 = max(x0 - margin, 0), max(y0 - margin, 0)
    x1, y1 = min(x1 + margin, view.camera.width), min(y1 + margin, view.camera.height)
    step = max(1.0, max(x1 - x0, y1 - y0) / grid_px)
    wh = max(1, round((x1 - x0) / step)), max(1, round((y1 - y0) / step))
    mask = drawn[y0:y1, x0:x1]
    counted = (mask | ~view.ignore[y0:y1, x0:x1]).astype(np.float32)
    coverage = cv2.resize(mask.astype(np.float32), wh, interpolation=cv2.INTER_AREA).ravel()
    weight = cv2.resize(counted, wh, interpolation=cv2.INTER_AREA).ravel()
    cells = pixel_centers((wh[1], wh[0])).reshape(-1, 2) * np.array([(x1 - x0) / wh[0], (y1 - y0) / wh[1]])
    rays = pixel_rays(view.camera.intrinsics, cells + np.array([x0, y0])) @ view.camera.world_from_camera[:3, :3].T
    known = weight > 0.05
    coverage = np.divide(coverage, weight, out=np.zeros_like(coverage), where=known)
    ends = np.flatnonzero(mask.any(axis=1)) + y0
    depth = (cells[:, 1] + 0.5 * (y1 - y0) / wh[1] + y0 - ends[0]) / (ends[-1] + 1 - ends[0])
    return Outline(
        origin=view.camera.position,
        rays=rays[known].astype(np.float32),
        coverage=np.clip(coverage[known], 0, 1),
        weight=weight[known],
        depth=depth[known],
        step=(y1 - y0) / wh[1] / (ends[-1] + 1 - ends[0]),
        end_is_own=bool(reliable_sides(view.instance.mask, view.ignore & ~view.instance.mask)[3]),
    )


def hull(mask: Mask) -> Mask:
    """The convex hull of a mask."""
    filled = np.zeros(mask.shape, dtype=np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32)), (1,))
    return filled.astype(bool)


def outline_iou(hits: Bool[np.ndarray, "b n"], outline: Outline) -> Float[np.ndarray, " b"]:
    """Weighted IoU of each row of hits with the mask, 0..1."""
    weighted = outline.weight * outline.coverage
    both = hits @ weighted
    either = weighted.sum() + hits @ (outline.weight - weighted)
    return both / np.maximum(either, 1e-9)


def end_error(hits: Bool[np.ndarray, "b n"], outline: Outline) -> Float[np.ndarray, " b"]:
    """How far the lower end is off, as a share of the mask's height; only too high counts where it may be hidden."""
    error = np.where(hits, outline.depth, 0.0).max(axis=1, initial=0.0) - 1.0
    error = np.abs(error) if outline.end_is_own else -error
    return np.clip(error - outline.step, 0.0, 1.0)
