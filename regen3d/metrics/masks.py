"""How well found masks cover true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from regen3d.types import Completion, Mask

BOUNDARY_SHARE = 0.008
"""Tolerance of a boundary as a share of the picture's diagonal, as in the DAVIS benchmark: 10 pixels at 960 x 720."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One found mask and the true one that it stands for."""

    found: int
    """Index of the found mask."""
    true: int
    """Index of the true mask."""
    iou: float
    """Intersection over union, in (0, 1]."""


def mask_iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks, 0..1; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def pairwise_mask_iou(found: Sequence[Mask], true: Sequence[Mask]) -> Float[np.ndarray, "f t"]:
    """Intersection over union of every found mask with every true one."""
    return np.array([[mask_iou(a, b) for b in true] for a in found]).reshape(len(found), len(true))


def match_masks(found: Sequence[Mask], true: Sequence[Mask], *, least_iou: float = 0.0) -> tuple[Match, ...]:
    """One-to-one matches of found and true masks with the greatest sum of IoU, in the order of the true masks.

    Args:
        found: masks of one picture.
        true: masks of the same picture.
        least_iou: pairs that overlap no more than this are no match.

    Source: Kuhn 1955 (Hungarian method), through `scipy.optimize.linear_sum_assignment`.
    """
    overlap = pairwise_mask_iou(found, true)
    pairs = zip(*linear_sum_assignment(overlap, maximize=True), strict=True)
    matches = (
        Match(found=int(i), true=int(j), iou=float(overlap[i, j])) for i, j in pairs if overlap[i, j] > least_iou
    )
    return tuple(sorted(matches, key=lambda match: match.true))


def boundary_f(found: Mask, true: Mask, tolerance_px: float | None = None) -> float:
    """Harmonic mean of boundary precision and recall, 0..1; 1 where neither mask has a boundary, 0 where one has none.

    A boundary pixel belongs to the mask and has a neighbour (of four) outside of it; the picture's border is none.

    Args:
        found: mask of a picture.
        true: mask of the same picture.
        tolerance_px: greatest distance at which boundary pixels agree; None is DAVIS' share of the diagonal.

    Source: Martin, Fowlkes and Malik 2004; Perazzi et al. 2016 (DAVIS), section 4, with the exact distance to the other
    boundary in place of bipartite matching.
    """
    tolerance = BOUNDARY_SHARE * float(np.hypot(*found.shape)) if tolerance_px is None else tolerance_px
    edges = _boundary(found), _boundary(true)
    if not edges[0].any() or not edges[1].any():
        return float(edges[0].any() == edges[1].any())
    right = (_distance_to(edges[1])[edges[0]] <= tolerance).mean()
    covered = (_distance_to(edges[0])[edges[1]] <= tolerance).mean()
    return float(2.0 * right * covered / (right + covered)) if right + covered > 0 else 0.0


def amodal_mask(completion: Completion, hw: tuple[int, int]) -> Mask:
    """The whole object's mask in the picture, as a completion says; what lies beyond the border is cut off."""
    alpha = completion.picture[..., 3] > 127
    (x, y), (h, w) = completion.origin_xy, alpha.shape
    mask = np.zeros(hw, dtype=bool)
    rows, columns = slice(max(y, 0), min(y + h, hw[0])), slice(max(x, 0), min(x + w, hw[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        mask[rows, columns] = alpha[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    return mask


def hidden_iou(found: Mask, true: Mask, visible: Mask) -> float:
    """Intersection over union of two amodal masks where the object is hidden, 0..1; 1 where both hide nothing.

    The whole masks are compared by `mask_iou`, which a large visible part makes easy.

    Args:
        found: whole object, as completed.
        true: whole object.
        visible: the part of the true object that the picture shows.

    Source: Zhan et al. 2020, "Self-supervised scene de-occlusion", section 4 (invisible part).
    """
    return mask_iou(found & ~visible, true & ~visible)


def _boundary(mask: Mask) -> Mask:
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(mask.astype(np.uint8), cross, borderType=cv2.BORDER_REPLICATE)
    return mask & (inner == 0)


def _distance_to(pixels: Mask) -> Float[np.ndarray, "h w"]:
    return cv2.distanceTransform((~pixels).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
