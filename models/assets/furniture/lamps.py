"""Lamps and things with screens."""

import numpy as np

from models.assets.furniture.seating import Size
from models.assets.primitives import Part, box, cushion, cylinder, lathe, move, rod, tilt


def lamp(size: Size, *, shade: float = 0.42, foot: float = 0.3) -> list[Part]:
    """A lamp with a turned foot and a conical shade.

    Args:
        size: width, height, depth in metres.
        shade: height of the shade as a share of the height.
        foot: greatest radius of the foot as a share of the width.
    """
    w, h, _ = size
    low = (1 - shade) * h
    radius = w * np.array([foot, foot, 0.35 * foot, 0.8 * foot, 0.9 * foot, 0.3 * foot, 0.03, 0.03])
    body = lathe(radius, low * np.array([0, 0.05, 0.1, 0.3, 0.5, 0.8, 0.85, 1.1]), "foot")
    return [body, _shade(w, low, h)]


def floor_lamp(size: Size, *, shade: float = 0.2) -> list[Part]:
    """A disc, a thin pole and a shade."""
    w, h, _ = size
    low = (1 - shade) * h
    return [
        cylinder(0.34 * w, (0, 0.015 * h), "foot"),
        cylinder(0.012 + 0.01 * w, (0.01 * h, low + 0.3 * shade * h), "foot", sides=12),
        _shade(w, low, h),
    ]


def desk_lamp(size: Size) -> list[Part]:
    """A jointed arm that carries a small reflector to the front."""
    w, h, d = size
    head = cylinder(0.3 * w, (0, 0.18 * h), "shade", top_radius=0.12 * w)
    knee = (0.0, 0.55 * h, -0.45 * d)
    return [
        move(cylinder(0.32 * w, (0, 0.04 * h), "foot"), (0, 0, -0.25 * d)),
        rod((0, 0.03 * h, -0.25 * d), knee, 0.01 + 0.015 * h, "foot"),
        rod(knee, (0, 0.95 * h, 0.2 * d), 0.01 + 0.015 * h, "foot"),
        tilt(move(head, (0, 0.8 * h, 0.3 * d)), -0.5, (0, 0.9 * h, 0.3 * d)),
    ]


def screen(size: Size) -> list[Part]:
    """A flat screen on a stand."""
    w, h, d = size
    return [
        box((-w / 2, 0.2 * h, -0.1 * d), (w / 2, h, 0.1 * d), "body"),
        box((-0.47 * w, 0.24 * h, 0.1 * d), (0.47 * w, 0.96 * h, 0.13 * d), "picture"),
        box((-0.06 * w, 0.02 * h, -0.2 * d), (0.06 * w, 0.5 * h, -0.1 * d), "stand"),
        cushion((-0.22 * w, 0, -d / 2), (0.22 * w, 0.03 * h, d / 2), 0.01 * h, "stand"),
    ]


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


def _shade(w: float, low: float, high: float) -> Part:
    """A hollow cone, open at both ends, 3 mm thick."""
    wall = 0.003
    radius = np.array([0.5 * w, 0.3 * w, 0.3 * w - wall, 0.5 * w - wall, 0.5 * w])
    return lathe(radius, np.array([low, high, high, low, low]), "shade", 28, closed=True)
