"""Boxes with fronts: cabinets, shelves, kitchen and bathroom fixtures."""

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Number, Part, box, cushion, cylinder, lathe, move, rod, tilt

RELIEF_M = 0.012
"""How far fronts stand out, metres."""


CABINET: dict[str, Range] = {"legs": (0.0, 0.07, 0.15), "top": (0.01, 0.03, 0.08), "overhang": (0.0, 0.01, 0.05)}
"""Ranges of a cabinet on a base: plinths are 5 to 12 cm high."""
FOOTED: dict[str, Range] = CABINET | {"legs": (0.0, 0.07, 0.3)}
"""Ranges of a cabinet on feet."""


def cabinet(size: Size, *, rows: int | None = None, columns: int | None = None, **shape: float) -> list[Part]:
    """A body with a grid of drawers or doors with knobs, on a recessed base.

    Args:
        size: width, height, depth in metres.
        rows: of fronts; by default one every 0.27 m.
        columns: of fronts; by default one every 0.6 m.
        shape: heights of the base (`legs`) and of the `top` board as shares of the height; `overhang` of the top at
            each side as a share of the width.
    """
    form = form_of(CABINET, shape)
    x, base, d = _half_width(size, form), _base_height(size, form), size[2]
    plinth = box((-0.97 * x, 0, -0.47 * d), (0.97 * x, base, 0.4 * d), "base")
    return _fronted(size, form, [plinth], (rows, columns))


def footed_cabinet(size: Size, *, rows: int | None = None, columns: int | None = None, **shape: float) -> list[Part]:
    """A cabinet on four feet, whose height is `legs`; see `cabinet`."""
    w, _, d = size
    form = form_of(FOOTED, shape)
    x, base, half = _half_width(size, form), _base_height(size, form), 0.04 * min(w, d) + 0.01
    corners = [(a * (x - 1.2 * half), b * (0.5 * d - 1.5 * half)) for a in (-1, 1) for b in (-1, 1)]
    feet = [rod((a, 0, b), (a, base, b), 0.7 * half, "base", top_radius=half, square=True) for a, b in corners]
    return _fronted(size, form, feet, (rows, columns))


def wardrobe(size: Size) -> list[Part]:
    """A tall cabinet with doors and long handles."""
    w, h, d = size
    front = d / 2 - 0.02
    body = box((-w / 2, 0.04 * h, -d / 2), (w / 2, h, front - RELIEF_M), "body")
    base = box((-0.48 * w, 0, -0.48 * d), (0.48 * w, 0.04 * h, 0.42 * d), "base")
    return [body, base, *_doors((-w / 2, w / 2), (0.06 * h, 0.98 * h), front - RELIEF_M, max(1, round(w / 0.5)))]


def refrigerator(size: Size) -> list[Part]:
    """A cold store with a door above a freezer drawer, rounded edges and upright handles."""
    w, h, d = size
    front = d / 2 - 0.04
    parts = [
        cushion((-w / 2, 0.03, -d / 2), (w / 2, h, front - 0.04), 0.015, "body"),
        box((-0.45 * w, 0, -0.4 * d), (0.45 * w, 0.03, 0.3 * d), "base"),
    ]
    split = 0.32 * h
    for low, high in ((0.04, split - 0.005), (split + 0.005, h)):
        parts.append(cushion((-w / 2, low, front - 0.04), (w / 2, high, front), 0.012, "fronts"))
        x = -0.42 * w
        parts.append(
            rod(
                (x, low + 0.25 * (high - low), front + 0.025),
                (x, low + 0.75 * (high - low), front + 0.025),
                0.013,
                "handles",
            )
        )
    return parts


def stove(size: Size) -> list[Part]:
    """An oven with a window, a row of knobs and four hobs."""
    w, h, d = size
    top, front = h - 0.02, d / 2 - 0.03
    parts = [
        box((-w / 2, 0.08 * h, -d / 2), (w / 2, top, front), "body"),
        box((-0.46 * w, 0, -0.46 * d), (0.46 * w, 0.08 * h, 0.4 * d), "base"),
        box((-0.46 * w, 0.14 * h, front), (0.46 * w, 0.78 * h, front + 0.015), "fronts"),
        rod((-0.4 * w, 0.74 * h, d / 2 - 0.01), (0.4 * w, 0.74 * h, d / 2 - 0.01), 0.01, "handles"),
    ]
    for k in range(4):
        parts.append(
            box(((k - 1.7) * 0.22 * w, 0.84 * h, front), ((k - 1.3) * 0.22 * w, 0.91 * h, d / 2 - 0.008), "handles")
        )
        ring = cylinder(0.15 * min(w, d), (top, h), "top")
        parts.append(move(ring, ((k % 2 - 0.5) * 0.46 * w, 0, (k // 2 - 0.5) * 0.46 * d)))
    return parts


def washer(size: Size) -> list[Part]:
    """A box with a round door and a control panel."""
    w, h, d = size
    front, r = d / 2 - 0.035, 0.32 * min(w, 0.75 * h)
    panel = cushion((-0.48 * w, 0.86 * h, front - 0.01), (0.48 * w, 0.97 * h, front + 0.01), 0.004, "fronts")
    ring = lathe(r * np.array([1.0, 1.0, 0.9, 0.75]), 0.035 * np.array([-0.3, 0.6, 1.0, 0.5]), "handles", 32)
    door = move(tilt(ring, np.pi / 2, (0, 0, 0)), (0, 0.45 * h, front))
    knob = tilt(cylinder(0.04 * w, (0, 0.02), "handles"), np.pi / 2, (0, 0, 0))
    body = cushion((-w / 2, 0, -d / 2), (w / 2, h, front), 0.012, "body")
    return [body, panel, door, move(knob, (0.3 * w, 0.915 * h, front + 0.008))]


def toaster(size: Size) -> list[Part]:
    """A rounded case with two slots in its top and a lever at its right."""
    w, h, d = size
    case = cushion((-w / 2, 0.04 * h, -d / 2), (0.46 * w, 0.97 * h, d / 2), 0.2 * min(h, d), "body")
    slots = [
        box((-0.38 * w, 0.9 * h, z - 0.07 * d), (0.34 * w, h, z + 0.07 * d), "fronts") for z in (-0.17 * d, 0.17 * d)
    ]
    lever = box((0.44 * w, 0.6 * h, -0.1 * d), (0.5 * w, 0.68 * h, 0.1 * d), "handles")
    return [case, *slots, lever, box((-0.42 * w, 0, -0.4 * d), (0.38 * w, 0.1 * h, 0.4 * d), "base")]


def printer(size: Size) -> list[Part]:
    """A rounded case with a lid, and a tray below a slot at its front."""
    w, h, d = size
    front = 0.36 * d
    return [
        cushion((-w / 2, 0, -d / 2), (w / 2, 0.86 * h, front), 0.08 * h, "body"),
        cushion((-0.47 * w, 0.82 * h, -0.47 * d), (0.47 * w, h, 0.32 * d), 0.05 * h, "top"),
        box((-0.36 * w, 0.16 * h, -0.2 * d), (0.36 * w, 0.24 * h, d / 2), "fronts"),
        box((-0.4 * w, 0.3 * h, front - 0.05 * d), (0.4 * w, 0.5 * h, front + 0.01 * d), "base"),
        box((0.2 * w, 0.6 * h, front - 0.05 * d), (0.42 * w, 0.74 * h, front + 0.01 * d), "handles"),
    ]


def bookshelf(size: Size) -> list[Part]:
    """An open shelf with a back; a board every 0.36 m, a divider every metre."""
    w, h, d = size
    thick, count = 0.022, max(2, round(h / 0.36))
    parts = [
        box((x - thick / 2, 0, -d / 2), (x + thick / 2, h, d / 2), "body")
        for x in (-w / 2 + thick / 2, w / 2 - thick / 2)
    ]
    parts.append(box((-w / 2 + thick, 0, -d / 2), (w / 2 - thick, h, -d / 2 + 0.01), "back"))
    levels = np.linspace(0.05 * h, h - thick, count + 1)
    parts += [
        box((-w / 2 + thick, y, -d / 2 + 0.01), (w / 2 - thick, y + thick, d / 2 - 0.005), "body") for y in levels
    ]
    dividers = max(1, round(w / 1.0))
    for x in np.linspace(-w / 2, w / 2, dividers + 1)[1:-1]:
        parts.append(box((x - thick / 2, 0, -d / 2 + 0.01), (x + thick / 2, h - thick, d / 2 - 0.006), "body"))
    return parts


def sink(size: Size) -> list[Part]:
    """A basin on a pedestal with a tap."""
    w, h, d = size
    rim = 0.5 * np.array([0.5, 0.92, 1.0, 1.0, 0.88, 0.6, 0.0])
    basin = lathe(rim * w, h * np.array([0.78, 0.86, 0.9, 0.92, 0.92, 0.84, 0.83]), "body", 32)
    basin = _deepened(basin, d / w)
    column = cylinder(0.14 * w, (0, 0.8 * h), "body", top_radius=0.1 * w)
    tap = [
        rod((0, 0.9 * h, -0.42 * d), (0, h, -0.42 * d), 0.02, "handles"),
        rod((0, 0.99 * h, -0.43 * d), (0, 0.97 * h, -0.15 * d), 0.015, "handles"),
    ]
    return [basin, column, *tap]


def toilet(size: Size) -> list[Part]:
    """Bowl, lid and cistern."""
    w, h, d = size
    bowl = lathe(w * np.array([0.3, 0.26, 0.34, 0.47, 0.48]), h * np.array([0.0, 0.2, 0.35, 0.5, 0.54]), "body", 28)
    bowl = move(_deepened(bowl, 0.72 * d / w), (0, 0, 0.14 * d))
    return [
        bowl,
        cushion((-w / 2, 0.45 * h, -d / 2), (w / 2, h, -0.26 * d), 0.03, "body"),
        box((-0.3 * w, 0, -0.45 * d), (0.3 * w, 0.5 * h, 0.1 * d), "body"),
    ]


def bathtub(size: Size) -> list[Part]:
    """Four rounded walls round a bottom."""
    w, h, d = size
    t = 0.1 * min(w, d)
    walls = [((-w / 2, 0, -d / 2), (-w / 2 + t, h, d / 2)), ((w / 2 - t, 0, -d / 2), (w / 2, h, d / 2))]
    # The ends keep within the sides, so that no two faces are the same.
    x = w / 2 - 0.02 * t
    walls += [((-x, 0, -d / 2), (x, h, -d / 2 + t)), ((-x, 0, d / 2 - t), (x, h, d / 2))]
    return [
        box((-w / 2 + t / 2, 0, -d / 2 + t / 2), (w / 2 - t / 2, 0.25 * h, d / 2 - t / 2), "body"),
        *(cushion(a, b, 0.4 * t, "body") for a, b in walls),
    ]


def appliance(size: Size) -> list[Part]:
    """A small rounded box with a window and a strip of controls, as a microwave is."""
    w, h, d = size
    front = d / 2 - 0.02 * d
    body = cushion((-w / 2, 0.03 * h, -d / 2), (w / 2, h, front), 0.06 * min(w, h, d), "body")
    window = box((-0.44 * w, 0.15 * h, front), (0.2 * w, 0.88 * h, d / 2), "fronts")
    controls = box((0.24 * w, 0.15 * h, front), (0.45 * w, 0.88 * h, d / 2), "fronts")
    return [body, window, controls, box((-0.4 * w, 0, -0.4 * d), (0.4 * w, 0.03 * h, 0.4 * d), "base")]


def plain_box(size: Size) -> list[Part]:
    """A box with slightly rounded edges, the last resort."""
    w, h, d = size
    return [cushion((-w / 2, 0, -d / 2), (w / 2, h, d / 2), 0.04 * min(w, h, d), "body")]


def _deepened(part: Part, factor: float) -> Part:
    return replace(part, vertices=part.vertices * [1, 1, factor])


def _half_width(size: Size, form: Mapping[str, float]) -> float:
    """Of a cabinet's body: its top stands over at both sides."""
    return (0.5 - form["overhang"]) * size[0]


def _base_height(size: Size, form: Mapping[str, float]) -> float:
    """Of a cabinet, below its body."""
    return max(form["legs"], 0.01) * size[1]


def _fronted(
    size: Size, form: Mapping[str, float], stand: list[Part], grid: tuple[int | None, int | None]
) -> list[Part]:
    """A cabinet on what it stands on, with rows and columns of fronts."""
    w, h, d = size
    down, across = grid[0] or max(1, round(h / 0.27)), grid[1] or max(1, round(w / 0.6))
    x, base, front, top = _half_width(size, form), _base_height(size, form), d / 2 - RELIEF_M, (1 - form["top"]) * h
    body = box((-x, base, -d / 2), (x, top, front), "body")
    board = cushion((-w / 2, top, -d / 2), (w / 2, h, d / 2), 0.2 * (h - top), "top")
    fronts = _fronts((-x + 0.01, x - 0.01), (base + 0.01, top - 0.01), front, (down, across))
    return [body, board, *stand, *fronts]


def _fronts(xs: tuple[Number, Number], ys: tuple[Number, Number], z: float, grid: tuple[int, int]) -> list[Part]:
    gap, parts = 0.006, []
    rows, columns = np.linspace(*ys, grid[0] + 1), np.linspace(*xs, grid[1] + 1)
    for low, high in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            panel = ((left + gap, low + gap, z - 0.002), (right - gap, high - gap, z + 0.6 * RELIEF_M))
            parts.append(cushion(*panel, 0.004, "fronts"))
            parts.append(_handle((left, right), (low, high), z + 0.55 * RELIEF_M))
    return parts


def _doors(xs: tuple[Number, Number], ys: tuple[Number, Number], z: float, count: int) -> list[Part]:
    parts, edges = [], np.linspace(*xs, count + 1)
    for k, (left, right) in enumerate(itertools.pairwise(edges)):
        parts.append(box((left + 0.006, ys[0], z), (right - 0.006, ys[1], z + RELIEF_M), "fronts"))
        x = right - 0.05 if k % 2 == 0 else left + 0.05
        middle = (ys[0] + ys[1]) / 2
        parts.append(
            box((x - 0.01, middle - 0.08, z + RELIEF_M), (x + 0.01, middle + 0.08, z + 0.02 + RELIEF_M), "handles")
        )
    return parts


def _handle(xs: tuple[Number, Number], ys: tuple[Number, Number], z: float) -> Part:
    """A bar across a drawer, or upright beside the edge of a door."""
    wide, high = xs[1] - xs[0], ys[1] - ys[0]
    if wide > 0.7 * high:
        x, y, half = (xs[0] + xs[1]) / 2, ys[0] + 0.6 * high, min(0.06, 0.2 * wide)
        return rod((x - half, y, z + 0.004), (x + half, y, z + 0.004), 0.005, "handles")
    # Doors come in pairs that open away from each other.
    x, half = (xs[1] - 0.04 if xs[1] <= 0.01 else xs[0] + 0.04), min(0.07, 0.15 * high)
    y = ys[0] + 0.6 * high
    return rod((x, y - half, z + 0.004), (x, y + half, z + 0.004), 0.005, "handles")
