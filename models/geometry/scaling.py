"""How many units of one depth map make a unit of another."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from models.geometry.answer import DepthMap

LEAST_SHARE = 0.02
"""Share of the picture that two maps must have in common: less is one object, whose depth alone fixes no scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A scale, and how well it fits."""

    factor: float
    """`reference = factor * other`, median over pixels."""
    spread: float
    """Median absolute deviation of the pixels' ratios, as a share of the factor."""


def median_ratio(reference: DepthMap, other: DepthMap, where: Bool[np.ndarray, "h w"]) -> Ratio | None:
    """The factor that takes a depth map to the scale of another, robust to a half of outliers.

    Only the more confident half of the pixels that both know counts; depth edges are not `valid` and never do.

    Args:
        reference: whose units are wanted.
        other: which is to be scaled.
        where: pixels that show the same thing in both.

    Returns:
        None where the maps share less than 2 % of the picture.
    """
    shared = reference.valid & other.valid & where
    if shared.mean() < LEAST_SHARE:
        return None
    weight = np.minimum(reference.confidence, other.confidence)
    trusted = shared & (weight >= np.median(weight[shared]))
    ratios = reference.depth[trusted] / other.depth[trusted]
    factor = float(np.median(ratios))
    return Ratio(factor=factor, spread=float(np.median(np.abs(ratios / factor - 1.0))))
