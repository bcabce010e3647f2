"""Flat and small things: pictures, rugs, curtains, books, clocks, bags."""

import itertools

import numpy as np

from models.assets.furniture.template import Size
from models.assets.primitives import Part, box, cushion, move, rod, turn


def picture(size: Size) -> list[Part]:
    """A canvas in a frame of four mitre-less bars."""
    w, h, d = size
    bar = 0.05 * min(w, h)
    bars = [
        ((-w / 2, 0), (w / 2, bar)),
        ((-w / 2, h - bar), (w / 2, h)),
        ((-w / 2, bar), (-w / 2 + bar, h - bar)),
        ((w / 2 - bar, bar), (w / 2, h - bar)),
    ]
    canvas = box((-w / 2 + bar, bar, -d / 2), (w / 2 - bar, h - bar, 0.1 * d), "picture")
    return [canvas, *(box((*a, -d / 2), (*b, d / 2), "frame") for a, b in bars)]


def rug(size: Size) -> list[Part]:
    """A flat slab."""
    w, h, d = size
    return [box((-w / 2, 0, -d / 2), (w / 2, h, d / 2), "fabric")]


def curtain(size: Size) -> list[Part]:
    """A cloth in upright folds under a rail."""
    w, h, d = size
    count = max(4, round(w / 0.09))
    xs = np.linspace(-w / 2, w / 2, count + 1)
    folds = [
        cushion(
            (a - 0.2 * (b - a), 0, -d / 2 + (k % 2) * 0.35 * d),
            (b + 0.2 * (b - a), 0.97 * h, 0.15 * d + (k % 2) * 0.35 * d),
            0.3 * d,
            "fabric",
        )
        for k, (a, b) in enumerate(itertools.pairwise(xs))
    ]
    return [*folds, rod((-w / 2, 0.985 * h, 0), (w / 2, 0.985 * h, 0), 0.012, "frame")]


def books(size: Size) -> list[Part]:
    """A stack of books, each a cover round a paler block, turned a little against the next."""
    w, h, d = size
    count = max(1, round(h / 0.035))
    thick, parts = h / count, []
    for k in range(count):
        cover, low, angle = f"cover {k}", k * thick, 0.12 * np.sin(2.1 * k)
        a, b = 0.46 * w, 0.46 * d
        leaf = 0.12 * thick
        stack = [
            box((-a, low, -b), (a, low + leaf, b), cover),
            box((-a, low + thick - leaf, -b), (a, low + thick, b), cover),
            box((-a, low + leaf, -b), (a, low + thick - leaf, -b + 2 * leaf), cover),
            box((-0.97 * a, low + leaf, -b + 2 * leaf), (0.97 * a, low + thick - leaf, 0.97 * b), "pages"),
        ]
        parts += [turn(part, angle) for part in stack]
    return parts


def clock(size: Size) -> list[Part]:
    """A rounded case with a dial."""
    w, h, d = size
    dial = box((-0.38 * w, 0.12 * h, 0.4 * d), (0.38 * w, 0.88 * h, d / 2), "picture")
    return [cushion((-w / 2, 0, -d / 2), (w / 2, h, 0.42 * d), 0.2 * min(w, h, d), "body"), dial]


def bag(size: Size) -> list[Part]:
    """A soft body with a handle."""
    w, h, d = size
    top, x = 0.86 * h, 0.16 * w
    body = cushion((-w / 2, 0, -d / 2), (w / 2, top, d / 2), 0.2 * min(w, d), "body")
    bars = [
        ((-x, top - 0.02, 0), (-0.8 * x, 0.98 * h, 0)),
        ((x, top - 0.02, 0), (0.8 * x, 0.98 * h, 0)),
        ((-0.85 * x, 0.98 * h, 0), (0.85 * x, 0.98 * h, 0)),
    ]
    return [
        body,
        *(rod(a, b, 0.02 * h, "handles") for a, b in bars),
        move(box((-0.1 * w, 0.55 * h, 0), (0.1 * w, 0.62 * h, 0.01), "handles"), (0, 0, d / 2 - 0.005)),
    ]
