"""Things to sit on upright: chairs, office chairs, stools, benches."""

import numpy as np

from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Number, Part, box, cushion, cylinder, lathe, move, rod, tilt, turn

CHAIR: dict[str, Range] = {
    "seat": (0.4, 0.53, 0.7),
    "pad": (0.02, 0.045, 0.16),
    "leg": (0.035, 0.07, 0.13),
    "splay": (0.0, 0.06, 0.3),
    "gap": (0.0, 0.15, 0.72),
    "lean": (0.0, 0.1, 0.5),
    "shoulder": (0.75, 1.0, 1.08),
}
"""Ranges of a chair, from stick chairs to padded ones."""
SWIVEL: dict[str, Range] = {
    "seat": (0.38, 0.48, 0.56),
    "pad": (0.04, 0.09, 0.16),
    "gap": (-0.3, 0.12, 0.4),
    "back": (0.55, 0.8, 0.98),
    "lean": (0.0, 0.12, 0.3),
    "star": (0.7, 0.95, 1.25),
    "spin": (-0.7, 0.0, 0.7),
    "rest": (0.15, 0.4, 0.6),
}
"""Ranges of an office chair."""
STOOL: dict[str, Range] = {"pad": (0.03, 0.08, 0.3), "splay": (0.0, 0.3, 0.6), "leg": (0.04, 0.08, 0.14)}
"""Ranges of a stool."""
BENCH: dict[str, Range] = {"pad": (0.05, 0.1, 0.3), "inset": (0.0, 0.08, 0.25), "leg": (0.04, 0.08, 0.2)}
"""Ranges of a bench."""


def chair(size: Size, *, arms: bool = False, rails: int = 0, square: bool = False, **shape: float) -> list[Part]:
    """A chair on four legs.

    Args:
        size: width, height, depth in metres.
        arms: whether it has armrests.
        rails: number of rails between posts that make up an open back; 0 for one panel.
        square: whether legs and posts are square and a rail runs under the seat, as joiners build them.
        shape: `seat` height, `pad` thickness, `leg` thickness as shares of height, height and width; `splay` of the
            legs and `gap` below the back as shares of half the size and of the back; `lean` of the back in radians;
            `shoulder`, width of the back's top as a share of the width.
    """
    w, h, d = size
    form = form_of(CHAIR, shape)
    seat, half = form["seat"] * h, 0.5 * form["leg"] * w
    x, z = w / 2 - half, d / 2 - half
    top_x, top_z = x * (1 - form["splay"]), z * (1 - form["splay"])
    # The back leans outwards: the seat ends where its foot is.
    back_z = -z + min(np.tan(form["lean"]) * (h - seat), 0.5 * d)
    top_back = max(-top_z, back_z)
    pad = form["pad"] * h
    parts = [
        cushion(
            (-top_x - half, seat - pad, top_back - half),
            (top_x + half, seat, top_z + half),
            min(0.4 * pad, 0.03),
            "seat",
        )
    ]
    for side in (-1, 1):
        for foot, top in ((z, top_z), (-z if form["splay"] > 0.02 else back_z, top_back)):
            end = (side * top_x, seat - 0.5 * pad, top)
            parts.append(
                rod((side * x, 0, foot), end, (1.0 if square else 0.75) * half, top_radius=half, square=square)
            )
    if square:
        parts += _aprons((top_x, top_back, top_z), (seat - pad - 0.06 * h, seat - 0.9 * pad), 0.6 * half)
    back = _back((top_x, seat, h), (top_back, half), rails, form)
    parts += [tilt(part, -form["lean"], (0, seat, top_back)) for part in back]
    return parts + (_arms((x, seat, h), (back_z, z, half)) if arms else [])


def _back(
    place: tuple[float, float, float], rear: tuple[float, float], rails: int, form: dict[str, float]
) -> list[Part]:
    """Upright above the seat; the caller leans it back."""
    (x, seat, h), (z, half) = place, rear
    # A leaning back is shorter upright than along itself.
    top = seat + (h - seat) / np.cos(form["lean"])
    low = seat + form["gap"] * (top - seat)
    wide = (x + half) * form["shoulder"]
    if not rails:
        panel = cushion((-x - half, low, z - 1.3 * half), (x + half, top, z + 0.3 * half), 0.6 * half, "back")
        panel = _tapered(panel, (low, top), wide / (x + half))
        stays = [
            rod((side, seat - 0.02 * h, z - half), (side, low + 0.3 * (top - low), z - half), 0.7 * half)
            for side in (-0.7 * x, 0.7 * x)
        ]
        return [panel, *stays] if form["gap"] > 0.04 else [panel]
    posts = [rod((a * x, seat - 0.02 * h, z), (a * (wide - half), top, z), half, "legs", square=True) for a in (-1, 1)]
    height = (top - low) / (2 * rails - 0.5)
    bars = [
        box((-x, y - height, z - 0.5 * half), (x, y, z + 0.5 * half), "back")
        for y in np.linspace(top - 0.1 * height, low + height, rails)
    ]
    return posts + [_tapered(bar, (seat, top), (wide - half) / x) for bar in bars]


def _arms(place: tuple[float, float, float], depths: tuple[float, float, float]) -> list[Part]:
    (x, seat, h), (back, front, half) = place, depths
    rest, parts = seat + 0.42 * (h - seat), []
    for side in (-x, x):
        parts.append(
            cushion((side - 1.2 * half, rest - half, back), (side + 1.2 * half, rest, 0.75 * front), 0.5 * half, "arms")
        )
        parts.append(rod((side, seat - half, 0.6 * front), (side, rest - 0.5 * half, 0.6 * front), 0.7 * half))
    return parts


def _aprons(reach: tuple[float, float, float], ys: tuple[float, float], half: float) -> list[Part]:
    x, back, front = reach
    rails = [box((-x, ys[0], z - half), (x, ys[1], z + half), "legs") for z in (back, front)]
    return rails + [box((a * x - half, ys[0], back), (a * x + half, ys[1], front), "legs") for a in (-1, 1)]


def _tapered(part: Part, ys: tuple[float, float], factor: float) -> Part:
    """The part with its width scaled from 1 at the lower height to a factor at the upper one."""
    share = np.clip((part.vertices[:, 1] - ys[0]) / max(ys[1] - ys[0], 1e-9), 0.0, 1.0)
    vertices = part.vertices * np.stack([1 + (factor - 1) * share, np.ones_like(share), np.ones_like(share)], axis=1)
    return Part(vertices=vertices, faces=part.faces, layout=part.layout, chart=part.chart, material=part.material)


def swivel_chair(size: Size, *, arms: bool = True, **shape: float) -> list[Part]:
    """An office chair: star base on castors, column, upholstered seat and back.

    Args:
        size: width, height, depth in metres.
        arms: whether it has armrests.
        shape: `seat` height, `pad` thickness and `gap` below the back (negative where it reaches below the seat) as
            shares of the height and of the back; `back` width and `star` reach as shares of the width; `lean` of the
            back and `spin` of the star in radians; height of the arm `rest`s above the seat as a share of the back.
    """
    w, h, d = size
    form = form_of(SWIVEL, shape)
    seat, reach, wide = form["seat"] * h, 0.5 * form["star"] * min(w, d), 0.46 * w if arms else 0.5 * w
    base, inner = 0.1 * h, (0.82 if arms else 0.98) * wide
    pad, back_w = form["pad"] * h, form["back"] * inner
    low = seat + form["gap"] * (h - seat)
    lean = form["lean"]
    rear = -d / 2 + 0.12 * d + np.tan(lean) * (h - low)
    panel = cushion((-back_w, low, rear - 0.1 * d), (back_w, low + (h - low) / np.cos(lean), rear), 0.06 * d, "seat")
    parts = [
        cylinder(0.05 * min(w, d), (0.8 * base, seat - 0.5 * pad), "legs", top_radius=0.035 * min(w, d)),
        cushion((-inner, seat - pad, rear + 0.02 * d), (inner, seat, 0.46 * d), 0.45 * pad, "seat"),
        tilt(panel, -lean, (0, low, rear)),
        rod((0, seat - 0.8 * pad, rear + 0.1 * d), (0, low + 0.25 * (h - low), rear - 0.1 * d), 0.045 * w, square=True),
    ]
    for k in range(5):
        arm = rod((0, base, 0), (0, 0.75 * base, 0.93 * reach), 0.03 * w, top_radius=0.018 * w)
        castor = move(cylinder(0.05 * reach + 0.012, (0.0, 0.6 * base), "legs", sides=10), (0, 0, 0.93 * reach))
        parts += [turn(part, 2 * np.pi * k / 5 + form["spin"]) for part in (arm, castor)]
    rest = seat + form["rest"] * (h - seat)
    for side in (-1, 1) if arms else ():
        x = side * (wide - 0.02 * w)
        parts.append(rod((side * 0.6 * inner, seat - 0.7 * pad, 0), (x, seat - 0.5 * pad, 0), 0.02 * w, square=True))
        parts.append(rod((x, seat - 0.6 * pad, 0), (x, rest - 0.02 * h, 0), 0.025 * w, square=True))
        parts.append(
            cushion((x - 0.045 * w, rest - 0.035 * h, -0.2 * d), (x + 0.045 * w, rest, 0.24 * d), 0.015 * h, "legs")
        )
    return parts


def stool(size: Size, *, ring: bool = False, **shape: float) -> list[Part]:
    """A round seat on four splayed legs.

    Args:
        size: width, height, depth in metres.
        ring: whether a foot rest joins the legs, as on bar stools.
        shape: `pad` thickness as a share of the height, `splay` and `leg` thickness as shares of the width.
    """
    w, h, d = size
    form = form_of(STOOL, shape)
    low = (1 - form["pad"]) * h
    profile = w * np.array([0.42, 0.46, 0.46, 0.42])
    parts = [lathe(profile, low + (h - low) * np.array([0.0, 0.25, 0.75, 1.0]), "seat")]
    half, top = 0.5 * form["leg"] * w, 0.34 * (1 - 0.5 * form["splay"])
    foot = 0.5 - 0.7 * form["leg"]
    foot = min(foot, top + 0.5 * form["splay"])
    for a in (-1, 1):
        for b in (-1, 1):
            end = (0.72 * a * top * w, low + 0.3 * (h - low), 0.72 * b * top * d)
            parts.append(rod((a * foot * 0.72 * w, 0, b * foot * 0.72 * d), end, 0.8 * half, top_radius=half))
    if ring:
        r = 0.72 * 1.414 * w * (foot + 0.3 * (top - foot))
        wall = 0.5 * half
        profile = np.array([r - wall, r + wall, r + wall, r - wall, r - wall])
        parts.append(lathe(profile, 0.3 * h + wall * np.array([-1, -1, 1, 1, -1]), "legs", closed=True))
    return parts


def bench(size: Size, **shape: Number) -> list[Part]:
    """A plank on two pairs of legs; `pad` thickness, `inset` and `leg` thickness as shares of height, width, depth."""
    w, h, d = size
    form = form_of(BENCH, shape)
    thick, half = form["pad"] * h, 0.5 * form["leg"] * d
    top = cushion((-w / 2, h - thick, -d / 2), (w / 2, h, d / 2), 0.2 * thick, "seat")
    xs, zs = w * (0.5 - form["inset"]) - half, 0.46 * d - half
    legs = [
        rod((a * xs, 0, b * zs), (a * xs, h - 0.8 * thick, b * zs), half, square=True) for a in (-1, 1) for b in (-1, 1)
    ]
    rails = [rod((a * xs, 0.6 * h, -zs), (a * xs, 0.6 * h, zs), 0.6 * half, square=True) for a in (-1, 1)]
    return [top, *legs, *rails]
