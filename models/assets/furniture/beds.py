"""Beds."""

import numpy as np

from models.assets.furniture.seating import Size
from models.assets.primitives import Part, box, cushion, rod


def bed(size: Size, *, footboard: float = 0.0, slats: bool = False) -> list[Part]:
    """A bed with its head at the back (-Z): frame, mattress, blanket, pillows and headboard.

    Args:
        size: width, height of the headboard, length in metres.
        footboard: height of a board at the foot as a share of the height; 0 for none.
        slats: whether the boards are open, upright slats between posts.
    """
    w, h, d = size
    lying = float(np.clip(0.55, 0.3, 0.75 * h)) if h > 0.45 else 0.8 * h
    back, front = -d / 2 + 0.05, d / 2 - (0.05 if footboard else 0.0)
    frame = [box((-w / 2 + 0.02, 0.35 * lying, back), (w / 2 - 0.02, 0.6 * lying, front), "frame")]
    frame += [
        box((a - 0.035, 0, b - 0.035), (a + 0.035, 0.4 * lying, b + 0.035), "frame")
        for a in (-0.45 * w, 0.45 * w)
        for b in (0.92 * back, 0.92 * front)
    ]
    soft = [
        cushion((-0.48 * w, 0.55 * lying, back), (0.48 * w, 0.9 * lying, front - 0.02), 0.07, "sheet"),
        cushion((-0.5 * w, 0.5 * lying, back + 0.22 * d), (0.5 * w, 0.97 * lying, front), 0.06, "blanket"),
    ]
    count = 2 if w > 1.15 else 1
    span = 0.92 * w / count
    for k in range(count):
        x = -0.46 * w + k * span
        soft.append(
            cushion(
                (x + 0.03, 0.86 * lying, back + 0.03),
                (x + span - 0.03, 0.86 * lying + 0.13, back + 0.2 * d),
                0.062,
                "pillow",
            )
        )
    boards = _board(w, h, -d / 2, slats)
    if footboard:
        boards += _board(w, footboard * h, d / 2 - 0.05, slats)
    return frame + soft + boards


def _board(w: float, h: float, z: float, slats: bool) -> list[Part]:
    if not slats:
        return [cushion((-w / 2, 0.0, z), (w / 2, h, z + 0.05), 0.02, "frame")]
    parts = [box((x - 0.035, 0, z), (x + 0.035, 0.95 * h, z + 0.05), "frame") for x in (-w / 2 + 0.035, w / 2 - 0.035)]
    parts += [box((-w / 2, y * h, z + 0.005), (w / 2, (y + 0.1) * h, z + 0.045), "frame") for y in (0.3, 0.9)]
    parts += [
        rod((x, 0.35 * h, z + 0.025), (x, 0.92 * h, z + 0.025), 0.022, "frame")
        for x in np.linspace(-0.4 * w, 0.4 * w, max(4, round(w / 0.16)))
    ]
    return parts
