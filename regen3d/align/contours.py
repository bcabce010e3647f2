"""The outlines of masks on their crops: how far away they are, and where they are the object's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer
from scipy import ndimage
from torch import Tensor

from regen3d.align.rim import outside_distance
from regen3d.align.target import Target
from regen3d.types import Mask

CROSS = ndimage.generate_binary_structure(2, 1)
"""Pixels that share a side."""

HIDDEN_RIM_PX = 2
"""Outlines this near to what may hide the object are not its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskOutline:
    """The outlines of the masks of `o` objects on their crops."""

    distance: Float[Tensor, "o h w"]
    """From the mask's outline, pixels, positive outside."""
    slope: Float[Tensor, "o h w 2"]
    """Gradient of `distance` along (u, v)."""
    counts: Bool[Tensor, "o h w"]
    """Pixels in which an outline can be judged."""
    own: Integer[Tensor, "o m 2"]
    """(row, column) of the mask's outline where it is the object's own, not that of something before it."""
    valid: Bool[Tensor, "o m"]
    """Which of them there are; objects with fewer are padded."""


def mask_outline(targets: Sequence[Target], hw: tuple[int, int], device: str) -> MaskOutline:
    """The outlines of targets' masks, on crops that are padded to one size."""
    height, width = hw
    distances, slopes = np.zeros((len(targets), height, width)), np.zeros((len(targets), height, width, 2))
    counts, owns = np.zeros((len(targets), height, width), dtype=bool), []
    for k, target in enumerate(targets):
        mask, window = target.mask > 0.5, np.s_[k, : target.hw[0], : target.hw[1]]
        distances[window] = outside_distance(mask)
        slope_v, slope_u = np.gradient(ndimage.gaussian_filter(distances[window], 1.0))
        slopes[window] = np.stack([slope_u, slope_v], axis=-1)
        hidden = ndimage.binary_dilation(target.weight < 0.5, CROSS, iterations=HIDDEN_RIM_PX)
        counts[window] = ~np.asarray(hidden, dtype=bool)
        owns.append(np.argwhere(outline(mask) & counts[window]))
    own = np.zeros((len(targets), max(1, *map(len, owns)), 2), dtype=np.int64)
    valid = np.zeros(own.shape[:2], dtype=bool)
    for k, pixels in enumerate(owns):
        own[k, : len(pixels)], valid[k, : len(pixels)] = pixels, True
    parts = (torch.from_numpy(part).to(device) for part in (distances, slopes, counts, own, valid))
    return MaskOutline(**dict(zip(("distance", "slope", "counts", "own", "valid"), parts, strict=True)))


def outline(mask: Mask) -> Mask:
    """The pixels of a mask that touch what is outside; beyond the border of the picture nothing is known."""
    return mask & ~np.asarray(ndimage.binary_erosion(mask, CROSS, border_value=1), dtype=bool)
