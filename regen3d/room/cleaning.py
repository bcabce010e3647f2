"""Point maps without the points that hang in the air between a thing and what is behind it."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

DEPTH_JUMP = 0.04
"""Relative change of depth within 3 x 3 pixels from which a pixel lies on an edge: the value that MoGe's own tools use.
A floor seen from 1.5 m changes by less up to 15 m away, at a focal length of 500 pixels."""


def depth_edges(
    depth: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], jump: float = DEPTH_JUMP
) -> Bool[np.ndarray, "h w"]:
    """Pixels at which depth jumps: both sides of an edge, where networks smear one surface into the other.

    Args:
        depth: along the optical axis, any unit; ignored where not `valid`.
        valid: pixels that have a depth.
        jump: (largest - least depth within 3 x 3 pixels) / depth from which there is an edge.
    """
    kernel = np.ones((3, 3), dtype=np.uint8)
    known = np.where(valid, depth, np.nan)
    highest = cv2.dilate(np.nan_to_num(known, nan=-np.inf), kernel, borderValue=-np.inf)
    lowest = cv2.erode(np.nan_to_num(known, nan=np.inf), kernel, borderValue=np.inf)
    edge = np.zeros(depth.shape, dtype=bool)
    edge[valid] = highest[valid] - lowest[valid] > jump * depth[valid]
    return edge
