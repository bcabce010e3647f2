"""Soft things to sit on: sofas, armchairs, ottomans, cushions."""

from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Part, cushion, cylinder, move, rod, tilt

SOFA: dict[str, Range] = {
    "seat": (0.4, 0.52, 0.64),
    "arm": (0.05, 0.13, 0.24),
    "rest": (0.55, 0.72, 1.0),
    "back": (0.14, 0.26, 0.42),
    "legs": (0.0, 0.09, 0.25),
    "lean": (0.0, 0.12, 0.3),
}
"""Ranges of a sofa or armchair."""


def sofa(
    size: Size, *, seats: int | None = None, rolled: bool = False, arms: bool = True, **shape: float
) -> list[Part]:
    """A sofa or armchair: plinth on feet, arms, and one seat and one back cushion a seat.

    Args:
        size: width, height, depth in metres.
        seats: number of cushions; by default one every 0.7 m.
        rolled: whether arms and back end in a roll, as a Chesterfield's do.
        arms: whether it has arms.
        shape: heights of `seat`, arm `rest` and `legs` as shares of the height; widths of an `arm` (of the width, at
            most 0.3 of the height) and of the `back` (of the depth); `lean` of the back cushions in radians.
    """
    w, h, d = size
    form = form_of(SOFA, shape)
    count = seats or max(1, round((w - 0.3) / 0.7))
    arm = min(form["arm"] * max(w, 1.0), 0.25 * w) if arms else 0.0
    feet, seat, back = form["legs"] * h, form["seat"] * h, form["back"] * d
    plinth, soft, inner = max(0.62 * seat, feet + 0.05 * h), 0.06 * h, w - 2 * arm
    parts = [
        cushion((-w / 2 + 0.3 * arm, feet, -d / 2 + 0.02 * d), (w / 2 - 0.3 * arm, plinth, 0.48 * d), 0.02 * h),
        cushion((-w / 2 + 0.3 * arm, feet, -d / 2), (w / 2 - 0.3 * arm, 0.93 * h, -d / 2 + 0.55 * back), 0.4 * soft),
    ]
    for x in (-w / 2 + 0.06, w / 2 - 0.06):
        for z in (-0.42 * d, 0.42 * d):
            parts.append(move(cylinder(0.02, (0.0, feet + 0.02), "legs", sides=10, top_radius=0.028), (x, 0, z)))
    for k in range(count):
        x0, x1 = -inner / 2 + k * inner / count, -inner / 2 + (k + 1) * inner / count
        parts.append(cushion((x0, plinth - 0.03 * h, -d / 2 + 0.5 * back), (x1, seat, d / 2), soft, "seat"))
        pad = cushion((x0, seat - 0.04 * h, -d / 2 + 0.4 * back), (x1, h, -d / 2 + 1.1 * back), 0.08 * h, "seat")
        if not rolled:
            parts.append(tilt(pad, -form["lean"], (0, seat, -d / 2 + back)))
    for side in (-1, 1) if arms else ():
        parts += _arm(side, (w, h, d), (arm, feet, form["rest"] * h), rolled)
    if rolled:
        r = min(0.32 * back, 0.16 * h)
        inside = cushion((-inner / 2, seat - 0.04 * h, -d / 2), (inner / 2, h - r, -d / 2 + back), soft, "seat")
        parts += [inside, rod((-w / 2 + arm, h - r, -d / 2 + r), (w / 2 - arm, h - r, -d / 2 + r), r, "seat")]
    return parts


def _arm(side: int, size: Size, arm: tuple[float, float, float], rolled: bool) -> list[Part]:
    """One arm; `arm` is its width, the height of the feet and its own, metres."""
    w, _, d = size
    wide, feet, rest = arm
    x = sorted((side * w / 2, side * (w / 2 - wide)))
    if not rolled:
        return [cushion((x[0], feet, -d / 2), (x[1], rest, d / 2), min(0.45 * wide, 0.1), "body")]
    r = min(0.5 * wide, 0.3 * rest)
    middle = side * (w / 2 - r)
    wall = sorted((side * (w / 2 - 0.5 * r), side * (w / 2 - wide)))
    return [
        cushion((wall[0], feet, -d / 2), (wall[1], rest - r, 0.48 * d), 0.03, "body"),
        rod((middle, rest - r, -d / 2 + 0.02), (middle, rest - r, d / 2), r, "body"),
    ]


def ottoman(size: Size) -> list[Part]:
    """An upholstered block on short feet."""
    w, h, d = size
    feet = [
        move(cylinder(0.02, (0, 0.15 * h), "legs", sides=10), (a * 0.4 * w, 0, b * 0.4 * d))
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    return [cushion((-w / 2, 0.12 * h, -d / 2), (w / 2, h, d / 2), 0.15 * h, "seat"), *feet]


def pillow(size: Size) -> list[Part]:
    """A scatter cushion standing on its edge."""
    w, h, d = size
    return [cushion((-w / 2, 0, -d / 2), (w / 2, h, d / 2), 0.49 * min(w, h, d), "fabric")]
