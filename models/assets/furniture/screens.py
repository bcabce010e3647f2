"""Things with screens."""

from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Part, box, cushion, move, rod, tilt

SCREEN: dict[str, Range] = {"stand": (0.08, 0.2, 0.4), "foot": (0.2, 0.44, 0.8), "thick": (0.04, 0.12, 0.4)}
"""Ranges of a screen on a stand."""


def screen(size: Size, *, keyboard: bool = False, **shape: float) -> list[Part]:
    """A flat screen on a stand.

    Args:
        size: width, height, depth in metres.
        keyboard: whether one lies before it, as with a desktop computer.
        shape: `stand` height as a share of the height; `foot` width as a share of the width; `thick`ness of the case
            as a share of the depth.
    """
    w, h, d = size
    form = form_of(SCREEN, shape)
    low, foot, deep = form["stand"] * h, 0.5 * form["foot"] * w, form["thick"] * d
    # The stand keeps to the back half where a keyboard takes the front.
    front = 0.0 if keyboard else d / 2
    middle = 0.5 * (front - d / 2)
    case = cushion((-w / 2, low, middle - deep / 2), (w / 2, h, middle + deep / 2), 0.2 * min(deep, 0.1 * h), "body")
    pane = box((-0.46 * w, low + 0.05 * h, middle), (0.46 * w, 0.96 * h, middle + 0.52 * deep), "picture")
    neck = rod(
        (0, 0.01 * h, middle - 0.2 * deep), (0, low + 0.3 * h, middle - 0.4 * deep), 0.05 * w, "stand", square=True
    )
    base = cushion((-foot, 0, -d / 2), (foot, 0.03 * h, front - 0.04 * d), 0.01 * h, "stand")
    if not keyboard:
        return [case, pane, neck, base]
    keys = cushion((-0.48 * w, 0, 0.18 * d), (0.48 * w, 0.05 * h, d / 2), 0.015 * h, "stand")
    return [case, pane, neck, base, keys]


def panel_screen(size: Size) -> list[Part]:
    """A flat screen that hangs or stands without a visible foot."""
    w, h, d = size
    return [
        box((-w / 2, 0, -d / 2), (w / 2, h, 0.3 * d), "body"),
        box((-0.48 * w, 0.03 * h, 0.3 * d), (0.48 * w, 0.97 * h, d / 2), "picture"),
    ]


def laptop(size: Size) -> list[Part]:
    """A keyboard half and an open lid that leans back."""
    w, h, d = size
    thick = 0.07 * h
    lid = tilt(box((-w / 2, 0, -d / 2), (w / 2, h, -d / 2 + thick), "picture"), -0.25, (0, 0, -d / 2))
    return [box((-w / 2, 0, -d / 2), (w / 2, thick, d / 2), "body"), move(lid, (0, thick, 0))]
