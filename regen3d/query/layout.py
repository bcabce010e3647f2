"""The pictures that an image model is asked with, each of an aspect ratio that it answers in."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from regen3d.errors import DegenerateGeometryError
from regen3d.query.window import Rect, Window, sample
from regen3d.types import ObjectView, Rgb

Style = Literal["application", "outline"]
"""`application`: scene and card side by side; `outline`: the scene alone, the object outlined."""

RATIOS: dict[str, tuple[int, int]] = {
    name: (int(name.split(":")[0]), int(name.split(":")[1]))
    for name in ("1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9")
}
"""Aspect ratios (width, height) that image models answer in: the list of `google.genai.types.ImageConfig`."""

AREA = 1024 * 1024
"""Pixels of a query: image models answer with about one megapixel, and more is shrunk before they see it."""
CARD_SHARE = 0.45
"""Largest share of the width that the card takes: the scene keeps the larger half."""
GAP = 0.025
"""Space round scene and card as a share of the shorter side."""
BEYOND = 0.35
"""The card shows this share of the object's size round its visible part, as room for what is hidden."""
GROUND, BORDER, OUTLINE = (222, 224, 228), (24, 72, 160), (255, 0, 40)
"""Colours of the application: its ground, the frame of its card, and the line round the object (sRGB)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A picture to ask with, and how to cut the answer back."""

    picture: Rgb
    """What the model is shown."""
    style: Style
    """What it looks like."""
    ratio: str
    """Its aspect ratio, a name in `RATIOS`."""
    panel: Rect
    """Where in the picture the answer is expected."""
    window: Window
    """Which part of the scene's picture the panel shows."""


def canvas_wh(ratio: str) -> tuple[int, int]:
    """Width and height of a picture of exactly that aspect ratio, of about `AREA` pixels."""
    a, b = RATIOS[ratio]
    k = int((AREA / (a * b)) ** 0.5)
    return k * a, k * b


def nearest_ratio(width: int, height: int) -> str:
    """The supported aspect ratio that wastes the least round a picture."""
    return min(RATIOS, key=lambda name: abs(np.log(RATIOS[name][0] / RATIOS[name][1] * height / width)))


def application_query(view: ObjectView) -> Query:
    """The scene with the object outlined on the left, a card with its visible part on white on the right.

    Raises:
        DegenerateGeometryError: the visible mask is empty.
    """
    x0, y0, x1, y1 = _box(view)
    height, width = view.instance.mask.shape
    ratio = max(RATIOS, key=lambda name: _use(name, width / height))
    scene, panel, frame = _places(ratio, width / height)
    side = (1.0 + 2.0 * BEYOND) * max(x1 - x0, y1 - y0)
    window = Window(x=(x0 + x1 - side) / 2.0, y=(y0 + y1 - side) / 2.0, step=side / panel.width)
    canvas = np.full((*canvas_wh(ratio)[::-1], 3), GROUND, dtype=np.uint8)
    _put(canvas, scene, _outlined(view, Window(x=0.0, y=0.0, step=width / scene.width), (scene.height, scene.width)))
    edge = Rect(x=panel.x - frame, y=panel.y - frame, width=panel.width + 2 * frame, height=panel.height + 2 * frame)
    _put(canvas, edge, np.full((edge.height, edge.width, 3), BORDER, dtype=np.uint8))
    _put(canvas, panel, isolated(view, window, (panel.height, panel.width)))
    return Query(picture=canvas, style="application", ratio=ratio, panel=panel, window=window)


def outline_query(view: ObjectView) -> Query:
    """The scene with the object outlined, filling a supported aspect ratio; the answer takes the whole picture.

    Raises:
        DegenerateGeometryError: the visible mask is empty.
    """
    _box(view)
    picture, ratio, window = letterboxed(view.image)
    hw = picture.shape[0], picture.shape[1]
    whole = Rect(x=0, y=0, width=hw[1], height=hw[0])
    return Query(picture=_outlined(view, window, hw), style="outline", ratio=ratio, panel=whole, window=window)


def letterboxed(image: UInt8[np.ndarray, "ph pw 3"]) -> tuple[Rgb, str, Window]:
    """A picture in the middle of white of the nearest supported ratio; returns it, the ratio, and its window."""
    height, width = image.shape[:2]
    ratio = nearest_ratio(width, height)
    across, down = canvas_wh(ratio)
    step = max(width / across, height / down)
    window = Window(x=(width - step * across) / 2.0, y=(height - step * down) / 2.0, step=step)
    return sample(image, window, (down, across), fill=255), ratio, window


def isolated(view: ObjectView, window: Window, hw: tuple[int, int]) -> Rgb:
    """The visible part of an object on white, through a window."""
    alone = np.where(view.instance.mask[..., None], view.image, 255).astype(np.uint8)
    return sample(alone, window, hw, fill=255)


def _box(view: ObjectView) -> tuple[int, int, int, int]:
    box = view.instance.box
    if box[2] <= box[0]:
        raise DegenerateGeometryError(
            f"the mask of {view.instance.name} is empty: there is nothing to ask for; give it a mask or leave it out"
        )
    return box


def _places(ratio: str, aspect: float) -> tuple[Rect, Rect, int]:
    """Scene, inside of the card, and width of the card's frame, for a scene of an aspect (width / height)."""
    across, down = canvas_wh(ratio)
    gap = round(GAP * min(across, down))
    frame = max(round(0.006 * min(across, down)), 3)
    side = min(down - 2 * gap, round(CARD_SHARE * across)) - 2 * frame
    room = across - 3 * gap - side - 2 * frame, down - 2 * gap
    width = round(min(room[0], room[1] * aspect))
    height = round(width / aspect)
    scene = Rect(x=gap, y=(down - height) // 2, width=width, height=height)
    return scene, Rect(x=across - gap - frame - side, y=(down - side) // 2, width=side, height=side), frame


def _use(ratio: str, aspect: float) -> float:
    """How well scene and card fill a ratio: geometric mean of their shares of the area."""
    scene, panel, _ = _places(ratio, aspect)
    return float(np.sqrt(scene.width * scene.height * panel.width * panel.height))


def _outlined(view: ObjectView, window: Window, hw: tuple[int, int]) -> Rgb:
    """The scene through a window, with a line round the object."""
    shown = sample(view.image, window, hw, fill=255).copy()
    mask = (sample(view.instance.mask.astype(np.uint8) * 255, window, hw) > 127).astype(np.uint8)
    line = max(round(0.004 * max(hw)), 2)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, contours, -1, OUTLINE, line)
    return shown


def _put(canvas: Rgb, place: Rect, picture: UInt8[np.ndarray, "ph pw 3"]) -> None:
    canvas[place.y : place.y + place.height, place.x : place.x + place.width] = picture
