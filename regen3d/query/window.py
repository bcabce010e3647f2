"""Windows of a picture: where a rectangle of the query lies in it, and sampling through that."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A rectangle of whole pixels."""

    x: int
    """Left column."""
    y: int
    """Top row."""
    width: int
    """Columns."""
    height: int
    """Rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a picture a rectangle shows: its pixel p shows the place `(x, y) + step * p`."""

    x: float
    """Left border in the picture, pixels; may lie outside."""
    y: float
    """Top border in the picture, pixels; may lie outside."""
    step: float
    """Pixels of the picture per pixel of the rectangle."""


def sample(
    picture: UInt8[np.ndarray, "h w *channels"], window: Window, hw: tuple[int, int], fill: int = 0
) -> UInt8[np.ndarray, "oh ow *channels"]:
    """What a window shows, at a size; without aliasing where it is shrunk.

    Args:
        picture: the picture or a mask of 0 and 255.
        window: where to look.
        hw: height and width of the result.
        fill: value beyond the border.
    """
    x, y, step = window.x, window.y, window.step
    if step > 1.0:
        small = (max(round(picture.shape[1] / step), 1), max(round(picture.shape[0] / step), 1))
        ratio = picture.shape[1] / small[0], picture.shape[0] / small[1]
        picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    else:
        ratio = 1.0, 1.0
    sx, sy = step / ratio[0], step / ratio[1]
    # Pixel centres lie at +0.5, OpenCV's at whole numbers.
    at = np.array([[sx, 0.0, x / ratio[0] + 0.5 * sx - 0.5], [0.0, sy, y / ratio[1] + 0.5 * sy - 0.5]])
    out = cv2.warpAffine(
        picture,
        at,
        (hw[1], hw[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(fill, fill, fill, fill),
    )
    return np.asarray(out, dtype=np.uint8)
