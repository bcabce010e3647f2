"""Lamps for floor, table, desk and ceiling."""

from dataclasses import replace

import numpy as np

from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Part, box, cylinder, lathe, move, rod, tilt

LAMP: dict[str, Range] = {
    "shade": (0.25, 0.42, 0.65),
    "foot": (0.12, 0.28, 0.48),
    "top": (0.3, 0.62, 1.0),
    "belly": (0.15, 0.8, 1.4),
}
"""Ranges of a table lamp."""
FLOOR_LAMP: dict[str, Range] = {
    "shade": (0.1, 0.2, 0.34),
    "foot": (0.3, 0.65, 1.0),
    "top": (0.3, 0.62, 1.0),
    "pole": (0.03, 0.06, 0.14),
}
"""Ranges of a floor lamp."""
SWING_LAMP: dict[str, Range] = FLOOR_LAMP | {"swing": (0.05, 0.25, 0.6)}
"""Ranges of a floor lamp with an arm."""
SWING_TRAY: dict[str, Range] = SWING_LAMP | {"ledge": (0.3, 0.38, 0.6)}
"""The same with a tray."""
DESK_LAMP: dict[str, Range] = {
    "foot": (0.35, 0.62, 1.0),
    "knee": (0.3, 0.55, 0.8),
    "back": (-0.5, -0.1, 0.3),
    "head": (0.3, 0.55, 0.9),
    "arm": (0.015, 0.03, 0.06),
    "dome": (0.1, 0.18, 0.34),
    "plinth": (0.02, 0.14, 0.34),
}
"""Ranges of a desk lamp."""
PENDANT: dict[str, Range] = {"shade": (0.2, 0.45, 0.9), "top": (0.05, 0.3, 1.0)}
"""Ranges of a ceiling lamp."""


def lamp(size: Size, **shape: float) -> list[Part]:
    """A lamp with a turned foot and a conical shade.

    Args:
        size: width, height, depth in metres.
        shape: `shade` height as a share of the height; `foot` width as a share of the width; `top` width of the shade
            as a share of its lower width; `belly` of the foot as a share of its plinth.
    """
    w, h, d = size
    form = form_of(LAMP, shape)
    low, foot = (1 - form["shade"]) * h, form["foot"] * w
    belly = form["belly"]
    radius = foot * np.array([1.0, 1.0, 0.7, 0.35, 0.45, 0.8 * belly, belly, 0.55 * belly, 0.22, 0.16, 0.16])
    y = low * np.array([0, 0.06, 0.09, 0.13, 0.22, 0.4, 0.52, 0.74, 0.88, 0.95, 1.15])
    return [_deep(part, w, d) for part in (lathe(radius, y, "foot"), _shade(w, (low, h), form["top"]))]


def floor_lamp(size: Size, *, tray: bool = False, **shape: float) -> list[Part]:
    """A disc, a thin pole and a shade.

    Args:
        size: width, height, depth in metres.
        tray: whether a small table is on the pole.
        shape: `shade` height as a share of the height; widths of `foot` and `pole` as shares of the width; `top` width
            of the shade as a share of its lower width.
    """
    w, h, d = size
    form = form_of(FLOOR_LAMP, shape)
    low, pole, foot = (1 - form["shade"]) * h, 0.5 * form["pole"] * w, 0.5 * form["foot"] * w
    base = lathe(np.array([foot, foot, 0.9 * foot, 0.15 * foot + pole]), h * np.array([0, 0.008, 0.014, 0.022]), "foot")
    parts = [base, cylinder(pole, (0.01 * h, low + 0.4 * (h - low)), "foot", sides=12)]
    if tray:
        rim = 0.48 * w
        parts.append(lathe(np.array([rim, rim, pole]), h * np.array([0.35, 0.36, 0.362]), "foot", 32))
    return [_deep(part, w, d) for part in (*parts, _shade(w, (low, h), form["top"]))]


def swing_lamp(size: Size, **shape: float) -> list[Part]:
    """A floor lamp whose shade an arm carries to the front.

    Args:
        size: width, height, depth in metres.
        shape: as of `floor_lamp`, widths as shares of what the `swing` leaves of the depth, by which the shade hangs
            before the pole.
    """
    w, h, d = size
    form = form_of(SWING_LAMP, shape)
    reach = form["swing"] * d
    round_d = d - reach
    disc, pole, shade = floor_lamp((round_d, h, round_d), tray=False, **{name: form[name] for name in FLOOR_LAMP})
    stem = (1 - form["shade"]) * h
    parts = [move(part, (0, 0, -0.5 * reach)) for part in (disc, _shortened(pole, stem - 0.04 * h))]
    bar = 0.4 * form["pole"] * round_d
    parts.append(rod((0, stem - 0.05 * h, -0.5 * reach), (0, stem - 0.05 * h, 0.5 * reach), bar, "foot"))
    parts.append(rod((0, stem - 0.055 * h, 0.5 * reach), (0, stem + 0.1 * h, 0.5 * reach), bar, "foot"))
    parts.append(move(shade, (0, 0, 0.5 * reach)))
    return [_wide(part, w / round_d) for part in parts]


def swing_tray_lamp(size: Size, **shape: float) -> list[Part]:
    """A lamp as `swing_lamp` with a small table on its pole, whose height (`ledge`) is a share of the lamp's."""
    w, h, d = size
    form = form_of(SWING_TRAY, shape)
    reach = form["swing"] * d
    round_d = d - reach
    y, half = form["ledge"] * h, 0.48 * round_d
    tray = box((-half, y, -0.5 * reach - half), (half, y + 0.012 * h, -0.5 * reach + half), "foot")
    lamp_parts = swing_lamp(size, **{name: form[name] for name in SWING_LAMP})
    return [*lamp_parts, _wide(tray, w / round_d)]


def desk_lamp(size: Size, **shape: float) -> list[Part]:
    """A jointed arm that carries a small reflector to the front.

    Args:
        size: width, height, depth in metres.
        shape: widths of `foot` and `head` as shares of the smaller of width and depth; height of the `knee` and its
            place from the middle to the `back` as shares of height and depth; thickness of the `arm` and heights of
            the reflector's `dome` and of the foot's (`plinth`) as shares of the height.
    """
    w, h, d = size
    form = form_of(DESK_LAMP, shape)
    least = min(w, d)
    foot, head, arm = 0.5 * form["foot"] * least, 0.5 * form["head"] * least, form["arm"] * h
    dome, plinth = form["dome"] * h, form["plinth"] * h
    rear = -d / 2 + foot
    knee = (0.0, form["knee"] * h, min(max(form["back"] * d, -d / 2 + arm), d / 2 - arm))
    joint = (0.0, h - 0.35 * dome, d / 2 - 1.05 * head)
    base = lathe(foot * np.array([1.0, 1.0, 0.9, 0.5, 0.1]), plinth * np.array([0, 0.25, 0.6, 0.95, 1.0]), "foot", 28)
    cap = lathe(head * np.array([0.9, 1.0, 0.92, 0.7, 0.3]), dome * np.array([0, 0.1, 0.45, 0.75, 0.95]), "shade", 28)
    return [
        move(base, (0, 0, rear)),
        rod((0, 0.6 * plinth, rear), knee, 0.5 * arm, "foot"),
        rod(knee, joint, 0.5 * arm, "foot"),
        tilt(move(cap, (0, h - dome, d / 2 - head)), -0.25, (0, h - 0.5 * dome, d / 2 - head)),
    ]


def pendant(size: Size, **shape: float) -> list[Part]:
    """A lamp that hangs from the ceiling by a cord.

    Args:
        size: width, height, depth in metres, the cord included.
        shape: `shade` height as a share of the height; `top` width of the shade as a share of its lower width.
    """
    w, h, d = size
    form = form_of(PENDANT, shape)
    high = form["shade"] * h
    rose = cylinder(0.12 * w, (0.97 * h, h), "foot", top_radius=0.14 * w)
    cord = cylinder(0.006, (0.9 * high, 0.98 * h), "foot", sides=8)
    cap = cylinder(max(0.5 * form["top"] * w, 0.03), (high - 0.02 * h, high), "foot", top_radius=0.03)
    return [_deep(part, w, d) for part in (rose, cord, cap, _shade(w, (0.0, high), form["top"]))]


def _shade(w: float, ys: tuple[float, float], top: float) -> Part:
    """A hollow cone, open at both ends, 3 mm thick."""
    low, high = ys
    wall = min(0.003, 0.02 * w)
    wide, narrow = 0.5 * w, max(0.5 * top * w, 2.5 * wall)
    radius = np.array([wide, narrow, narrow - wall, wide - wall, wide])
    return lathe(radius, np.array([low, high, high, low, low]), "shade", 28, closed=True)


def _shortened(part: Part, top: float) -> Part:
    """An upright part that ends at a height."""
    factor = top / float(part.vertices[:, 1].max())
    return replace(part, vertices=part.vertices * np.array([1.0, factor, 1.0]))


def _wide(part: Part, factor: float) -> Part:
    return replace(part, vertices=part.vertices * np.array([factor, 1.0, 1.0]))


def _deep(part: Part, w: float, d: float) -> Part:
    return replace(part, vertices=part.vertices * np.array([1.0, 1.0, d / w]))
