"""Finds the card in an answer: by its frame, near where it was asked for."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from regen3d.query.layout import BORDER, Query
from regen3d.query.window import Rect
from regen3d.types import Rgb

REACH = 0.08
"""The frame is looked for within this share of the answer's side: an answer of 4:3 for 3:2 moves it by 0.06."""
LEAST = 0.35
"""Mean likeness to the frame's colour along its line; a redrawn, JPEG-coded frame of half the width keeps 0.5."""
COLOUR_REACH = 150.0
"""RGB distance at which a pixel is nothing like the frame."""


def find_panel(answer: Rgb, query: Query) -> Rect | None:
    """The inside of the card in an answer of any size; None where no frame is near the expected place.

    An outline query has no card: its answer is the whole picture.
    """
    height, width = answer.shape[:2]
    if query.style == "outline":
        return Rect(x=0, y=0, width=width, height=height)
    asked = query.picture.shape
    sx, sy = width / asked[1], height / asked[0]
    panel = query.panel
    left, right = panel.x * sx, (panel.x + panel.width) * sx
    top, bottom = panel.y * sy, (panel.y + panel.height) * sy
    likeness = _likeness(answer)
    # The middle of each side: corners may have moved.
    rows = slice(round(top + 0.2 * (bottom - top)), round(bottom - 0.2 * (bottom - top)))
    columns = slice(round(left + 0.2 * (right - left)), round(right - 0.2 * (right - left)))
    across, down = likeness[rows].mean(axis=0), likeness[:, columns].mean(axis=1)
    x0, x1 = _inner(across, left, -1), _inner(across, right, 1)
    y0, y1 = _inner(down, top, -1), _inner(down, bottom, 1)
    if x0 is None or x1 is None or y0 is None or y1 is None or x1 - x0 < 8 or y1 - y0 < 8:
        return None
    return Rect(x=x0, y=y0, width=x1 - x0, height=y1 - y0)


def cut(answer: UInt8[np.ndarray, "ah aw 3"], panel: Rect, hw: tuple[int, int]) -> Rgb:
    """The inside of a panel at another size."""
    inside = answer[panel.y : panel.y + panel.height, panel.x : panel.x + panel.width]
    smaller = panel.width > hw[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inside, hw[::-1], interpolation=way), dtype=np.uint8)


def _likeness(answer: Rgb) -> Float[np.ndarray, "h w"]:
    """How much each pixel is like the frame, 0..1."""
    distance = np.linalg.norm(answer.astype(np.float32) - np.array(BORDER, dtype=np.float32), axis=2)
    return np.clip(1.0 - distance / COLOUR_REACH, 0.0, 1.0).astype(np.float64)


def _inner(profile: Float[np.ndarray, " n"], expected: float, outwards: int) -> int | None:
    """First place on the inner side of the frame's line near an expected one; None without a line."""
    reach = REACH * profile.size
    start, stop = max(round(expected - reach), 0), min(round(expected + reach) + 1, profile.size)
    if stop <= start:
        return None
    peak = start + int(np.argmax(profile[start:stop]))
    if profile[peak] < LEAST:
        return None
    place, half = peak, 0.5 * profile[peak]
    while 0 < place < profile.size - 1 and profile[place] >= half:
        place -= outwards
    # One pixel more, for the soft edge; the right and lower ends are exclusive.
    return place + 1 if outwards < 0 else place
