"""Tables and desks."""

import itertools

import numpy as np

from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Part, box, cushion, cylinder, lathe, move, rod

TABLE: dict[str, Range] = {
    "thick": (0.02, 0.05, 0.14),
    "leg": (0.025, 0.07, 0.16),
    "inset": (0.0, 0.03, 0.22),
    "apron": (0.0, 0.09, 0.25),
    "splay": (0.0, 0.0, 0.12),
}
"""Ranges of a table on four legs."""
ROUND: dict[str, Range] = {
    "thick": (0.015, 0.045, 0.12),
    "leg": (0.03, 0.07, 0.14),
    "inset": (0.05, 0.16, 0.35),
    "apron": (0.0, 0.07, 0.2),
    "splay": (0.0, 0.03, 0.15),
}
"""Ranges of a round table on legs."""
PEDESTAL: dict[str, Range] = {"thick": (0.02, 0.05, 0.12), "column": (0.05, 0.11, 0.3), "foot": (0.3, 0.55, 0.9)}
"""Ranges of a table on one column."""
TRESTLE: dict[str, Range] = {
    "thick": (0.03, 0.06, 0.14),
    "reach": (0.3, 0.4, 0.48),
    "leg": (0.06, 0.11, 0.2),
    "stretcher": (0.1, 0.3, 0.85),
}
"""Ranges of a table on two pairs of legs."""
DESK: dict[str, Range] = {"thick": (0.02, 0.04, 0.09), "modesty": (0.0, 0.6, 1.0), "side": (0.6, 0.95, 1.0)}
"""Ranges of a desk between two panels."""


def table(size: Size, *, shelf: bool = False, turned_legs: bool = False, **shape: float) -> list[Part]:
    """A rectangular top on four legs, with a rail under the top and a lower shelf if asked for.

    Args:
        size: width, height, depth in metres.
        shelf: whether a board joins the legs.
        turned_legs: whether legs are round instead of square.
        shape: `thick`ness of the top and height of the `apron` as shares of the height; `leg` thickness of the smaller
            of width and depth; `inset` of the legs and their outward `splay` as shares of half of both.
    """
    w, h, d = size
    form = form_of(TABLE, shape)
    thick, half = form["thick"] * h, 0.5 * form["leg"] * min(w, d)
    low, edge = h - thick, 0.25 * min(form["thick"] * h, 0.03)
    x, z = (0.5 * side * (1 - form["inset"]) - half for side in (w, d))
    fx, fz = x * (1 + form["splay"]), z * (1 + form["splay"])
    fx, fz = min(fx, w / 2 - half), min(fz, d / 2 - half)
    parts = [cushion((-w / 2, low, -d / 2), (w / 2, h, d / 2), edge, "top")]
    parts += [
        rod((a * fx, 0, b * fz), (a * x, low + 0.2 * thick, b * z), 0.8 * half, top_radius=half, square=not turned_legs)
        for a, b in itertools.product((-1, 1), repeat=2)
    ]
    if form["apron"] > 0.01:
        rail, bottom = 0.4 * half, low - form["apron"] * h
        parts += [box((-x, bottom, b * z - rail), (x, low, b * z + rail), "legs") for b in (-1, 1)]
        parts += [box((a * x - rail, bottom, -z), (a * x + rail, low, z), "legs") for a in (-1, 1)]
    if shelf:
        board = min(thick, 0.03)
        parts.append(box((-x - 0.5 * half, 0.3 * h, -z), (x + 0.5 * half, 0.3 * h + board, z), "shelf"))
    return parts


def drawer_table(size: Size, **shape: float) -> list[Part]:
    """A low table whose body under the top holds open compartments at both sides of a drawer."""
    w, h, d = size
    x, z, low, high = 0.47 * w, 0.44 * d, 0.5 * h, 0.94 * h
    parts = table(size, shelf=False, turned_legs=False, **(shape | {"apron": 0.0}))
    parts += [
        box((-x, low, -z), (x, low + 0.05 * h, z), "shelf"),
        box((-0.17 * w, low + 0.05 * h, -z), (0.17 * w, high, 0.98 * z), "shelf"),
        box((-0.15 * w, low + 0.09 * h, 0.98 * z), (0.15 * w, high - 0.04 * h, z), "shelf"),
    ]
    parts += [box((a * x - 0.01, low, -z), (a * x + 0.01, high, z), "legs") for a in (-1, 1)]
    return parts


def round_table(size: Size, **shape: float) -> list[Part]:
    """A round or oval top on four legs.

    Args:
        size: width, height, depth in metres.
        shape: as for `table`; `inset` is the distance of the legs' tops from the rim as a share of the radius.
    """
    w, h, d = size
    form = form_of(ROUND, shape)
    thick, half, reach = form["thick"] * h, 0.5 * form["leg"] * min(w, d), 0.5 * 0.707 * (1 - form["inset"])
    foot = min(reach * (1 + form["splay"]), 0.353 + 0.1)
    parts = [_disc(w, d, (h - thick, h))]
    for a, b in itertools.product((-1, 1), repeat=2):
        start = (a * foot * w, 0, b * foot * d)
        parts.append(rod(start, (a * reach * w, h - 0.8 * thick, b * reach * d), 0.75 * half, top_radius=half))
    if form["apron"] > 0.01:
        rim = reach / 0.707 * np.array([1.0, 1.0])
        ring = lathe(rim, h - thick - form["apron"] * h * np.array([1.0, 0.0]), "legs", 32)
        parts.append(_flattened(ring, w, d))
    return parts


def pedestal_table(size: Size, *, square: bool = False, **shape: float) -> list[Part]:
    """A top on a turned column.

    Args:
        size: width, height, depth in metres.
        square: whether the top is a rectangle.
        shape: `thick`ness of the top as a share of the height; widths of `column` and `foot` as shares of the width.
    """
    w, h, d = size
    form = form_of(PEDESTAL, shape)
    low, column, foot = (1 - form["thick"]) * h, 0.5 * form["column"], 0.5 * form["foot"]
    radius = np.array([foot, 0.96 * foot, 0.4 * foot + 0.6 * column, column, 0.85 * column, 1.1 * column, 2.4 * column])
    y = np.array([0.0, 0.03 * h, 0.08 * h, 0.2 * h, 0.7 * low, 0.9 * low, low])
    top = cushion((-w / 2, low, -d / 2), (w / 2, h, d / 2), 0.01, "top") if square else _disc(w, d, (low, h))
    return [top, _flattened(lathe(radius, y, "legs", 28), w, d)]


def trestle_table(size: Size, **shape: float) -> list[Part]:
    """A long top on two pairs of legs that a stretcher joins near the ends.

    Args:
        size: width, height, depth in metres.
        shape: `thick`ness of the top and height of the `stretcher` as shares of the height; `reach` of the pairs from
            the middle as a share of the width; `leg` thickness as a share of the depth.
    """
    w, h, d = size
    form = form_of(TRESTLE, shape)
    thick, half, reach = form["thick"] * h, 0.5 * form["leg"] * d, form["reach"] * w
    low, beam = h - thick, form["stretcher"] * (h - thick)
    parts = [cushion((-w / 2, low, -d / 2), (w / 2, h, d / 2), 0.2 * thick, "top")]
    for a in (-reach, reach):
        parts += [rod((a, 0, b * 0.45 * d), (a, low + 0.3 * thick, b * 0.36 * d), half, square=True) for b in (-1, 1)]
        parts.append(box((a - 0.7 * half, low - 0.1 * h, -0.42 * d), (a + 0.7 * half, low, 0.42 * d), "legs"))
        parts.append(
            box((a - 0.5 * half, beam - 0.05 * h, -0.4 * d), (a + 0.5 * half, beam + 0.02 * h, 0.4 * d), "legs")
        )
    parts.append(box((-reach, beam - 0.04 * h, -0.4 * half), (reach, beam + 0.04 * h, 0.4 * half), "legs"))
    return parts


def panel_desk(size: Size, **shape: float) -> list[Part]:
    """A desk between two side panels with a modesty panel; its user sits at the front (+Z).

    Args:
        size: width, height, depth in metres.
        shape: `thick`ness of top and panels and height of the `modesty` panel as shares of the height; depth of the
            `side` panels as a share of the depth.
    """
    w, h, d = size
    form = form_of(DESK, shape)
    thick = form["thick"] * h
    low, deep = h - thick, 0.5 * form["side"] * d
    parts = [cushion((-w / 2, low, -d / 2), (w / 2, h, d / 2), 0.1 * thick, "top")]
    parts += [
        box((x - thick / 2, 0, -deep), (x + thick / 2, low, deep), "body")
        for x in (-0.49 * w + thick, 0.49 * w - thick)
    ]
    bottom = (1 - max(form["modesty"], 0.05)) * low
    return [*parts, box((-0.48 * w + thick, bottom, -0.85 * deep), (0.48 * w - thick, low, -0.8 * deep), "body")]


def drawer_desk(size: Size, *, both: bool = False, **shape: float) -> list[Part]:
    """A desk with a stack of three drawers on the right and a panel, or drawers too, on the left; see `panel_desk`."""
    w, h, d = size
    form = form_of(DESK, shape)
    low, deep = (1 - form["thick"]) * h, 0.48 * d
    bottom = (1 - max(form["modesty"], 0.05)) * low
    parts = [cushion((-w / 2, low, -d / 2), (w / 2, h, d / 2), 0.1 * (h - low), "top")]
    parts.append(box((-0.46 * w, bottom, -0.44 * d), (0.46 * w, low, -0.42 * d), "body"))
    for side in (1, -1) if both else (1,):
        x0, x1 = sorted((side * 0.2 * w, side * 0.48 * w))
        parts.append(box((x0, 0.06 * h, -deep), (x1, low, 0.46 * d), "body"))
        parts.append(box((x0 + 0.02, 0, -0.9 * deep), (x1 - 0.02, 0.06 * h, 0.42 * d), "body"))
        for k in range(3):
            y0, y1 = 0.06 * h + (low - 0.06 * h) * (k + 0.06) / 3, 0.06 * h + (low - 0.06 * h) * (k + 0.94) / 3
            parts.append(cushion((x0 + 0.01, y0, 0.45 * d), (x1 - 0.01, y1, 0.48 * d), 0.004, "fronts"))
            knob = cylinder(0.012, (0, 0.02), "handles", sides=8)
            parts.append(move(knob, ((x0 + x1) / 2, (y0 + y1) / 2, 0.485 * d)))
    return parts if both else [*parts, box((-0.48 * w, 0, -deep), (-0.46 * w, low, deep), "body")]


def _disc(w: float, d: float, ys: tuple[float, float]) -> Part:
    low, high = ys
    rim = np.array([0.49, 0.5, 0.5, 0.49])
    return _flattened(lathe(rim, low + (high - low) * np.array([0.0, 0.2, 0.8, 1.0]), "top", 48), w, d)


def _flattened(part: Part, w: float, d: float) -> Part:
    """A body of revolution of width 1 stretched to an ellipse."""
    stretched = part.vertices * np.array([w, 1.0, d])
    layout = part.layout * np.array([w, 1.0])
    return Part(vertices=stretched, faces=part.faces, layout=layout, chart=part.chart, material=part.material)
