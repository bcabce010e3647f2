"""Carry known colours into the unknown."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8


def spread_colours(
    picture: UInt8[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"]
) -> tuple[UInt8[np.ndarray, "h w 3"], Float[np.ndarray, "h w"]]:
    """The picture with every pixel in the colour of the nearest known one, and how many pixels away that is.

    At least one pixel must be known.
    """
    distance, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label = np.asarray(labels, dtype=np.int64)
    colour_of = np.zeros((int(label.max()) + 1, 3), dtype=np.uint8)
    colour_of[label[known]] = picture[known]
    return colour_of[label], np.asarray(distance, dtype=np.float64)
