"""Carry known colours into the unknown."""

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8


def nearest_known(known: Bool[np.ndarray, "h w"]) -> tuple[Int32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """For every pixel the place of the nearest known one in the flattened picture, and how many pixels away that is.

    At least one pixel must be known.
    """
    distance, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label = np.asarray(labels, dtype=np.int32)
    place_of = np.zeros(int(label.max()) + 1, dtype=np.int32)
    place_of[label[known]] = np.flatnonzero(known)
    return place_of[label], np.asarray(distance, dtype=np.float32)


def spread_colours(
    picture: UInt8[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"]
) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """The picture with every pixel in the colour of the nearest known one, and how many pixels away that is.

    At least one pixel must be known.
    """
    nearest, distance = nearest_known(known)
    return picture.reshape(-1, 3)[nearest], distance
