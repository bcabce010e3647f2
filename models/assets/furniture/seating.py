"""Things to sit on: chairs, stools, armchairs, sofas, ottomans, cushions."""

import numpy as np

from models.assets.primitives import Number, Part, Point, box, cushion, cylinder, lathe, move, rod, tilt, turn

Size = Point


def chair(size: Size, *, arms: bool = False, rails: int = 0, splay: Number = 0.0) -> list[Part]:
    """A chair on four legs.

    Args:
        size: width, height, depth in metres.
        arms: whether it has armrests.
        rails: number of rails between posts that make up an open back; 0 for one panel.
        splay: how far each leg stands out below, as a share of half the size.
    """
    w, h, d = size
    seat, leg, lean = 0.53 * h, 0.045 * w + 0.01, np.radians(6)
    x, z = w / 2 - leg, d / 2 - leg
    inner_x, inner_z = x * (1 - splay), z * (1 - splay)
    parts = [
        cushion((-inner_x - leg, seat - 0.05 * h, -inner_z), (inner_x + leg, seat, inner_z + leg), 0.02 * h, "seat")
    ]
    for side in (-1, 1):
        parts.append(rod((side * x, 0, z), (side * inner_x, seat - 0.03 * h, inner_z), leg / 2))
        parts.append(rod((side * x, 0, -z), (side * inner_x, seat - 0.02 * h, -inner_z), leg / 2))
    back: list[Part] = []
    if rails:
        back += [rod((side, seat - 0.02 * h, -inner_z), (side, h, -inner_z), leg / 2) for side in (-inner_x, inner_x)]
        back += [
            box((-inner_x, (y - 0.035) * h, -inner_z - 0.01), (inner_x, (y + 0.035) * h, -inner_z + 0.012), "back")
            for y in np.linspace(0.93, 0.62, rails)
        ]
    else:
        low = 0.56 * h if splay else 0.6 * h
        back.append(cushion((-inner_x - leg, low, -inner_z - leg), (inner_x + leg, h, -inner_z), 0.03 * d, "back"))
        back += [
            rod((side, seat - 0.03 * h, -inner_z), (side, 0.7 * h, -inner_z - leg / 2), leg / 2)
            for side in (-0.7 * inner_x, 0.7 * inner_x)
        ]
    parts += [tilt(part, -lean, (0, seat, -inner_z)) for part in back]
    for side in (-x, x) if arms else ():
        rest = 0.74 * h
        parts.append(box((side - leg / 2, rest - 0.03 * h, -z), (side + leg / 2, rest, 0.6 * z), "arms"))
        parts.append(rod((side, seat, 0.55 * z), (side, rest, 0.55 * z), leg / 2))
    return parts


def swivel_chair(size: Size, *, arms: bool = True) -> list[Part]:
    """An office chair: star base on castors, column, upholstered seat and back."""
    w, h, d = size
    seat, reach = 0.5 * h, 0.5 * min(w, d)
    parts = [
        cylinder(0.03, (0.09 * h, seat - 0.06 * h), "legs"),
        cushion((-0.42 * w, seat - 0.06 * h, -0.36 * d), (0.42 * w, seat + 0.03 * h, 0.5 * d), 0.04 * h, "seat"),
        tilt(
            cushion((-0.4 * w, 0.6 * h, -0.5 * d), (0.4 * w, h, -0.4 * d), 0.05 * d, "seat"),
            -0.1,
            (0, 0.6 * h, -0.4 * d),
        ),
        rod((0, seat - 0.03 * h, -0.3 * d), (0, 0.72 * h, -0.46 * d), 0.025),
    ]
    for k in range(5):
        arm = rod((0, 0.11 * h, 0), (0, 0.07 * h, 0.92 * reach), 0.02)
        castor = move(cylinder(0.028, (0.0, 0.065 * h), "legs", sides=10), (0, 0, 0.92 * reach))
        parts += [turn(part, 2 * np.pi * k / 5 + 0.3) for part in (arm, castor)]
    for side in (-0.46 * w, 0.46 * w) if arms else ():
        parts.append(rod((side, seat - 0.04 * h, 0), (side, 0.7 * h, 0), 0.018))
        parts.append(
            cushion((side - 0.04 * w, 0.68 * h, -0.2 * d), (side + 0.04 * w, 0.72 * h, 0.25 * d), 0.015, "legs")
        )
    return parts


def stool(size: Size) -> list[Part]:
    """A round seat on four splayed legs."""
    w, h, d = size
    seat = [lathe(w * np.array([0.42, 0.45, 0.45, 0.42]), h * np.array([0.92, 0.94, 0.98, 1.0]), "seat")]
    reach = (0.34 * w, 0.34 * d)
    legs = [
        rod((a * reach[0] * 1.25, 0, b * reach[1] * 1.25), (a * reach[0] * 0.8, 0.93 * h, b * reach[1] * 0.8), 0.04 * w)
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    return seat + legs


def sofa(size: Size, *, seats: int | None = None, arm: float | None = None, legs: float = 0.1) -> list[Part]:
    """A sofa or armchair: plinth on feet, arms, and one seat and one back cushion a seat.

    Args:
        size: width, height, depth in metres.
        seats: number of cushions; by default one every 0.7 m.
        arm: width of each arm in metres; by default a tenth of the width, within 0.1-0.24 m.
        legs: height of the feet as a share of the height.
    """
    w, h, d = size
    count = seats or max(1, round((w - 0.3) / 0.7))
    arm_w = float(np.clip(0.14 * w, 0.08, 0.24)) if arm is None else arm
    feet, plinth, seat, armrest = legs * h, 0.32 * h, 0.52 * h, 0.7 * h
    back_d, inner = 0.24 * d, w - 2 * arm_w
    soft = 0.05 * h
    parts = [
        cushion((-w / 2 + 0.01, feet, -d / 2), (w / 2 - 0.01, plinth, d / 2 - 0.02 * d), 0.02 * h),
        tilt(
            cushion((-w / 2 + 0.4 * arm_w, feet, -d / 2), (w / 2 - 0.4 * arm_w, 0.95 * h, -d / 2 + 0.6 * back_d), soft),
            -0.03,
            (0, feet, -d / 2),
        ),
    ]
    for side in (-1, 1):
        x = sorted((side * w / 2, side * (w / 2 - arm_w)))
        parts.append(cushion((x[0], feet, -d / 2), (x[1], armrest, d / 2), min(0.45 * arm_w, 0.1), "body"))
        for z in (-0.42 * d, 0.42 * d):
            parts.append(move(cylinder(0.02, (0.0, feet + 0.02), "legs", sides=10), (side * (w / 2 - 0.06), 0, z)))
    for k in range(count):
        x0 = -inner / 2 + k * inner / count
        x1 = x0 + inner / count
        parts.append(cushion((x0, plinth - 0.02 * h, -d / 2 + 0.6 * back_d), (x1, seat, d / 2), soft, "seat"))
        pad = cushion((x0, seat - 0.03 * h, -d / 2 + 0.5 * back_d), (x1, h, -d / 2 + 1.25 * back_d), 0.08 * h, "seat")
        parts.append(tilt(pad, -0.14, (0, seat, -d / 2 + back_d)))
    return parts


def bench(size: Size) -> list[Part]:
    """A plank on two pairs of legs."""
    w, h, d = size
    thick = 0.1 * h
    top = box((-w / 2, h - thick, -d / 2), (w / 2, h, d / 2), "seat")
    corners = [(a * 0.42 * w, b * 0.38 * d) for a in (-1, 1) for b in (-1, 1)]
    return [top, *(box((x - 0.03, 0, z - 0.03), (x + 0.03, h - thick, z + 0.03), "legs") for x, z in corners)]


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
