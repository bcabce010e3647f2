"""Tables and desks."""

import numpy as np

from models.assets.furniture.seating import Size
from models.assets.primitives import Part, box, cylinder, lathe, move, rod


def table(size: Size, *, shelf: bool = False, apron: bool = True) -> list[Part]:
    """A rectangular top on four legs, with a rail under the top and a lower shelf if asked for."""
    w, h, d = size
    thick, leg = float(np.clip(0.05 * h, 0.018, 0.045)), float(np.clip(0.05 * min(w, d), 0.02, 0.08))
    x, z = w / 2 - 0.03 * w - leg / 2, d / 2 - 0.03 * d - leg / 2
    parts = [box((-w / 2, h - thick, -d / 2), (w / 2, h, d / 2), "top")]
    parts += [
        box((a * x - leg / 2, 0, b * z - leg / 2), (a * x + leg / 2, h - thick, b * z + leg / 2), "legs")
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    if apron:
        low, high, inset = h - thick - 0.09 * h, h - thick, 0.3 * leg
        parts += [box((-x, low, b * z - inset), (x, high, b * z + inset), "legs") for b in (-1, 1)]
        parts += [box((a * x - inset, low, -z), (a * x + inset, high, z), "legs") for a in (-1, 1)]
    if shelf:
        parts.append(box((-x, 0.36 * h, -z), (x, 0.36 * h + thick, z), "shelf"))
    return parts


def drawer_table(size: Size) -> list[Part]:
    """A low table whose body under the top holds open compartments at both sides of a drawer."""
    w, h, d = size
    x, z, low, high = 0.47 * w, 0.44 * d, 0.5 * h, 0.94 * h
    parts = table(size, apron=False)
    parts += [
        box((-x, low, -z), (x, low + 0.05 * h, z), "shelf"),
        box((-0.17 * w, low + 0.05 * h, -z), (0.17 * w, high, 0.98 * z), "shelf"),
        box((-0.15 * w, low + 0.09 * h, 0.98 * z), (0.15 * w, high - 0.04 * h, z), "shelf"),
    ]
    parts += [box((a * x - 0.01, low, -z), (a * x + 0.01, high, z), "legs") for a in (-1, 1)]
    return parts


def round_table(size: Size, *, pedestal: bool = False) -> list[Part]:
    """A round top on four legs or on a turned column."""
    w, h, d = size
    thick = float(np.clip(0.05 * h, 0.018, 0.04))
    top = lathe(w * np.array([0.49, 0.5, 0.5, 0.49]), h - thick * np.array([1.0, 0.8, 0.2, 0.0]), "top", 40)
    if pedestal:
        radius = w * np.array([0.28, 0.27, 0.1, 0.055, 0.05, 0.07, 0.16])
        return [top, lathe(radius, h * np.array([0.0, 0.03, 0.08, 0.2, 0.7, 0.9, 0.95]), "legs")]
    reach = 0.33
    legs = [
        rod(
            (a * reach * w, 0, b * reach * d),
            (a * reach * 0.92 * w, h - thick, b * reach * 0.92 * d),
            0.03 * min(w, h) + 0.005,
        )
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    ring = cylinder(0.36 * w, (h - thick - 0.07 * h, h - thick), "legs", sides=32)
    return [top, ring, *legs]


def trestle_table(size: Size) -> list[Part]:
    """A long top on two pairs of legs that a stretcher joins near the ends."""
    w, h, d = size
    thick = float(np.clip(0.06 * h, 0.02, 0.05))
    parts = [box((-w / 2, h - thick, -d / 2), (w / 2, h, d / 2), "top")]
    for a in (-0.4 * w, 0.4 * w):
        parts += [box((a - 0.04, 0, b - 0.04), (a + 0.04, h - thick, b + 0.04), "legs") for b in (-0.36 * d, 0.36 * d)]
        parts.append(box((a - 0.025, 0.2 * h, -0.36 * d), (a + 0.025, 0.3 * h, 0.36 * d), "legs"))
    parts += [box((-0.4 * w, 0.21 * h, b - 0.02), (0.4 * w, 0.29 * h, b + 0.02), "legs") for b in (-0.3 * d, 0.3 * d)]
    return parts


def panel_desk(size: Size) -> list[Part]:
    """A desk between two side panels with a modesty panel; its user sits at the front (+Z)."""
    w, h, d = size
    thick = 0.03
    return [
        box((-w / 2, h - thick, -d / 2), (w / 2, h, d / 2), "top"),
        *(
            box((x - thick / 2, 0, -0.48 * d), (x + thick / 2, h - thick, 0.48 * d), "body")
            for x in (-0.47 * w, 0.47 * w)
        ),
        box((-0.46 * w, 0.3 * h, -0.4 * d), (0.46 * w, h - thick, -0.4 * d + 0.02), "body"),
    ]


def drawer_desk(size: Size) -> list[Part]:
    """A desk with a stack of three drawers on the right and a panel on the left."""
    w, h, d = size
    thick = 0.03
    parts = [
        box((-w / 2, h - thick, -d / 2), (w / 2, h, d / 2), "top"),
        box((-0.48 * w, 0, -0.48 * d), (-0.46 * w, h - thick, 0.48 * d), "body"),
        box((0.2 * w, 0.06 * h, -0.48 * d), (0.48 * w, h - thick, 0.46 * d), "body"),
        box((0.2 * w, 0, -0.48 * d), (0.48 * w, 0.06 * h, 0.42 * d), "body"),
        box((-0.46 * w, 0.35 * h, -0.44 * d), (0.2 * w, h - thick, -0.42 * d), "body"),
    ]
    for k in range(3):
        low, high = (0.08 + 0.29 * k) * h, (0.35 + 0.29 * k) * h
        parts.append(box((0.21 * w, low, 0.46 * d), (0.47 * w, high, 0.48 * d), "fronts"))
        parts.append(move(cylinder(0.012, (0, 0.02), "handles", sides=8), (0.34 * w, (low + high) / 2, 0.485 * d)))
    return parts
