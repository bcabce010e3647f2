"""A body blown up from an outline, for what is no furniture: thick in the middle of it, thin at its border."""

import cv2
import numpy as np
from jaxtyping import Bool

from models.assets.furniture.template import Size
from models.assets.primitives import Part


def inflated(size: Size, *, outline: Bool[np.ndarray, "r c"]) -> list[Part]:
    """A body that is the same before and behind, and from the front has an outline.

    The thickness at a place is that of an ellipse over the distance from the border, as in Igarashi et al. 1999,
    "Teddy"; the widest place is as thick as the depth.

    Args:
        size: width, height, depth in metres.
        outline: seen from the front, row 0 at the top; at least one cell has neighbours on all sides.
    """
    padded = np.pad(outline, 1)
    inner = padded[:-1, :-1] & padded[1:, :-1] & padded[:-1, 1:] & padded[1:, 1:]
    distance = np.asarray(cv2.distanceTransform(inner.astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float64)
    widest = max(float(distance.max()), 1.0)
    thick = np.sqrt(np.clip(distance * (2 * widest - distance), 0.0, None)) / widest
    rows, columns = outline.shape
    y, x = np.meshgrid(np.linspace(1, 0, rows + 1), np.linspace(-0.5, 0.5, columns + 1), indexing="ij")
    front = np.stack([x * size[0], y * size[1], 0.5 * thick * size[2]], axis=-1).reshape(-1, 3)
    # Cells without thickness would be two faces on each other.
    solid = np.maximum.reduce([thick[:-1, :-1], thick[1:, :-1], thick[:-1, 1:], thick[1:, 1:]]) > 0
    i, j = np.nonzero(outline & solid)
    upper = i * (columns + 1) + j
    lower = upper + columns + 1
    faces = np.concatenate(
        [np.stack([lower, lower + 1, upper + 1], axis=1), np.stack([lower, upper + 1, upper], axis=1)]
    )
    used = np.unique(faces)
    faces = np.searchsorted(used, faces)
    front = front[used]
    return [
        Part(
            vertices=np.concatenate([front, front * [1, 1, -1]]),
            faces=np.concatenate([faces, faces[:, ::-1] + len(front)]),
            layout=np.concatenate([front[:, :2], front[:, :2]]),
            chart=np.repeat([0, 1], len(front)),
            material="body",
        )
    ]
