"""Line segments of a picture, and which of them belong to the room rather than to the objects in it."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from regen3d.types import Mask, Rgb


def detect_segments(image: Rgb, min_length_px: float) -> Float[np.ndarray, "n 4"]:
    """Straight segments as (x0, y0, x1, y1) in pixels, centres at +0.5, longest first.

    Source: von Gioi et al. 2010 (LSD), as OpenCV implements it.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return np.zeros((0, 4))
    # OpenCV 4 answers (n, 1, 4), OpenCV 5 answers (n, 4).
    segments = np.asarray(found, np.float64).reshape(-1, 4) + 0.5
    lengths = segment_lengths(segments)
    order = np.argsort(-lengths, kind="stable")
    return segments[order[lengths[order] >= min_length_px]]


def stretch_contrast(image: Rgb) -> Rgb:
    """The picture with its local contrast raised, so that lines of two or three grey levels show."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    # At most three times the mean slope: 1 changes nothing, more raises the noise, too.
    lab[..., 0] = cv2.createCLAHE(3.0, (8, 8)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def segment_lengths(segments: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    """Length of each segment in pixels."""
    return np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])


def masked_share(segments: Float[np.ndarray, "n 4"], mask: Mask) -> Float[np.ndarray, " n"]:
    """Share of each segment, 0..1, that runs over the pixels of a mask."""
    along = np.linspace(0.0, 1.0, 16)[:, None]
    height, width = mask.shape
    columns = np.clip(segments[:, 0] + along * (segments[:, 2] - segments[:, 0]), 0, width - 1).astype(int)
    rows = np.clip(segments[:, 1] + along * (segments[:, 3] - segments[:, 1]), 0, height - 1).astype(int)
    return mask[rows, columns].mean(axis=0)


def room_segments(segments: Float[np.ndarray, "n 4"], objects: Mask, margin_px: int) -> Bool[np.ndarray, " n"]:
    """Segments that run mostly outside the objects; their outlines, up to a margin, count as theirs."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin_px + 1, 2 * margin_px + 1))
    grown = cv2.dilate(objects.astype(np.uint8), kernel) > 0
    return masked_share(segments, grown) < 0.5
