"""Drawing on pictures: outlines of masks, and names that do not cover each other."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from regen3d.types import Mask, Rgb

Color = tuple[int, int, int]
"""sRGB, 0..255."""

FIRST_HUE, GOLDEN_RATIO = 0.57, 0.618034
"""Blue first; steps of the golden ratio round the colour wheel keep any number of hues apart."""

REFERENCE_WIDTH_PX = 960
"""Lines of two pixels and letters of fifteen suit pictures of this width; others scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A name at a place in a picture."""

    text: str
    """What it says."""
    center: tuple[float, float]
    """(u, v) in pixels where the middle of the text should be."""
    color: Color
    """Of the bar beside the text."""


def palette(count: int) -> list[Color]:
    """Colours that differ from their neighbours in the list, as bright as each other."""
    return [_color(hue=(FIRST_HUE + GOLDEN_RATIO * k) % 1.0) for k in range(count)]


def _color(hue: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.72, 0.98)
    return round(255 * red), round(255 * green), round(255 * blue)


def line_width(image: Rgb) -> int:
    """Width in pixels of a line that is well seen in a picture of this size."""
    return max(1, round(2 * max(image.shape[:2]) / REFERENCE_WIDTH_PX))


def draw_outline(image: Rgb, mask: Mask, color: Color, *, width: int) -> Rgb:
    """The picture with a line of `width` pixels along the border of a mask, without its narrow gaps.

    Closing gaps of three lines keeps foliage and lattices from drowning in their own outline.
    """
    gap = 3 * line_width(image)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap))
    closed = cv2.morphologyEx(np.pad(mask, gap).astype(np.uint8), cv2.MORPH_CLOSE, kernel)[gap:-gap, gap:-gap]
    contours, _ = cv2.findContours(np.ascontiguousarray(closed), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image.copy(), contours, -1, color, width, cv2.LINE_AA)


def inmost_point(mask: Mask) -> tuple[float, float]:
    """(u, v) of the pixel that is farthest from the border of a mask that is not empty."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    v, u = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(u) + 0.5, float(v) + 0.5


def draw_tags(image: Rgb, tags: Sequence[Tag]) -> Rgb:
    """The picture with names on dark plates; a name moves down until it covers no earlier one."""
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas, "RGBA")
    size = max(11, round(15 * max(image.shape[:2]) / REFERENCE_WIDTH_PX))
    font = ImageFont.load_default(size)
    pad, bar = size // 3, max(3, size // 4)
    taken: list[tuple[float, float, float, float]] = []
    for tag in sorted(tags, key=lambda tag: tag.center[1]):
        text_width = draw.textlength(tag.text, font=font)
        width, height = text_width + 2 * pad + bar, size + 2 * pad
        x = float(np.clip(tag.center[0] - width / 2, 0, max(0.0, canvas.width - width)))
        y = float(np.clip(tag.center[1] - height / 2, 0, max(0.0, canvas.height - height)))
        y = _free_height((x, y, x + width, y + height), taken, canvas.height)
        taken.append((x, y, x + width, y + height))
        draw.rectangle((x, y, x + width, y + height), fill=(18, 20, 24, 205))
        draw.rectangle((x, y, x + bar, y + height), fill=(*tag.color, 255))
        draw.text((x + bar + pad, y + height / 2), tag.text, font=font, fill=(255, 255, 255, 255), anchor="lm")
    return np.array(canvas)


def _free_height(
    box: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]], limit: int
) -> float:
    """The first y at or below a box's own where it covers none of the taken ones; its own y if there is no room."""
    left, top, right, bottom = box
    height, y = bottom - top, top
    for other in sorted(taken, key=lambda other: other[1]):
        if left < other[2] and other[0] < right and y < other[3] and other[1] < y + height:
            y = other[3] + 1
    return y if y + height <= limit else top


def tint(image: Rgb, where: Mask, color: Color, strength: float) -> Rgb:
    """The picture with a colour mixed in where a mask is true; `strength` 1 covers it."""
    mixed = image.copy()
    mixed[where] = np.rint(image[where] * (1.0 - strength) + np.array(color) * strength).astype(np.uint8)
    return mixed
