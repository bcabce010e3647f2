"""Beds."""

import numpy as np

from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Part, box, cushion, lathe, move, rod

KNOB = np.array([[0.5, 0.0], [0.8, 0.3], [1.0, 0.9], [0.8, 1.5], [0.0, 1.8]])
"""Radius and height of the knob on a post, in half thicknesses of the post."""
BED: dict[str, Range] = {"lying": (0.3, 0.54, 0.92), "foot": (0.45, 0.7, 1.0), "post": (0.02, 0.035, 0.07)}
"""Ranges of a bed."""


def bed(size: Size, *, footboard: bool = False, slats: bool = False, **shape: float) -> list[Part]:
    """A bed with its head at the back (-Z): frame, mattress, blanket, pillows and headboard.

    Args:
        size: width, height of the headboard, length in metres.
        footboard: whether a board stands at the foot.
        slats: whether the boards are open, upright slats between posts.
        shape: heights of the blanket (`lying`) and of the `foot` board as shares of the height; half the thickness of
            a `post` as a share of the width.
    """
    w, h, d = size
    form = form_of(BED, shape)
    lying, post = form["lying"] * h, form["post"] * w
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
    boards = _board(w, h, -d / 2, slats, post)
    if footboard:
        boards += _board(w, form["foot"] * h, d / 2 - 0.05, slats, post)
    return frame + soft + boards


def _board(w: float, h: float, z: float, slats: bool, post: float) -> list[Part]:
    """A board at the head or the foot, 5 cm deep."""
    if not slats:
        return [cushion((-w / 2, 0.0, z), (w / 2, h, z + 0.05), 0.02, "frame")]
    x, middle = w / 2 - post, z + 0.025
    parts = [rod((a * x, 0, middle), (a * x, 0.96 * h, middle), post, "frame", square=True) for a in (-1, 1)]
    knobs = [move(lathe(post * KNOB[:, 0], post * KNOB[:, 1], "frame", 14), (a * x, 0.94 * h, middle)) for a in (-1, 1)]
    # The upper rail rises to the middle, as most turned bedsteads' do.
    ends = np.linspace(-x, x, 7)
    rise = 0.9 * h - 0.12 * h * (ends / x) ** 2
    parts += [
        rod((x0, y0, middle), (x1, y1, middle), 0.02 + 0.2 * post, "frame", square=True)
        for x0, x1, y0, y1 in zip(ends[:-1], ends[1:], rise[:-1], rise[1:], strict=True)
    ]
    parts.append(box((-x, 0.28 * h, z + 0.005), (x, 0.38 * h, z + 0.045), "frame"))
    for at in np.linspace(-0.84 * x, 0.84 * x, max(4, round(w / 0.16))):
        parts.append(rod((at, 0.35 * h, middle), (at, 0.9 * h - 0.12 * h * (at / x) ** 2, middle), 0.016, "frame"))
    return [*parts, *knobs]
