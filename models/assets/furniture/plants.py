"""Potted plants."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.assets.furniture.fronds import frond
from models.assets.furniture.template import Range, Size, form_of
from models.assets.primitives import Number, Part, blade, cylinder, lathe, move, rod

GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a plant grows."""

    leaves: int
    """How many."""
    slender: float
    """Width of a leaf as a share of its length."""
    rise_deg: tuple[Number, Number]
    """Angle above the horizon at which the outermost and the innermost leaves leave the stem."""
    droop: tuple[Number, Number]
    """Share of their length by which the tips of both hang below the straight line."""
    stem: float = 0.0
    """Height above the pot over which leaves leave the stem, as a share of the height."""
    ranges: Mapping[str, Range]
    """Of the parameters of `plant`."""
    pinnate: bool = False
    """Whether leaves are fronds, rows of leaflets; then `slender` is that of a leaflet against its frond."""


PLANT: dict[str, Range] = {
    "pot": (0.15, 0.32, 0.62),
    "wide": (0.25, 0.5, 1.0),
    "taper": (0.55, 0.72, 1.0),
    "leaf": (0.5, 1.0, 2.2),
}
"""Ranges of a plant."""
PINNATE: dict[str, Range] = PLANT | {"leaf": (0.5, 1.0, 1.5)}
"""The same where leaves are fronds: wider leaflets would overlap."""
ARCHING = Habit(leaves=38, slender=0.13, rise_deg=(38, 84), droop=(0.75, 0.2), ranges=PLANT)
BUSH = Habit(leaves=46, slender=0.42, rise_deg=(12, 80), droop=(0.25, 0.1), stem=0.2, ranges=PLANT)
PALM = Habit(leaves=15, slender=0.022, rise_deg=(40, 84), droop=(0.42, 0.1), ranges=PINNATE, pinnate=True)


def plant(size: Size, *, habit: Habit, **shape: float) -> list[Part]:
    """A pot with leaves all round, in a spiral by the golden angle from the outermost to the innermost.

    Args:
        size: width, height, depth in metres.
        habit: how it grows.
        shape: height of the `pot` as a share of the height; its `wide`st as a share of the width, and its `taper`, the
            width of its foot as a share of that; width of a `leaf` as a multiple of the habit's.
    """
    w, h, _ = size
    form = form_of(habit.ranges, shape)
    rim, radius = form["pot"] * h, 0.5 * form["wide"] * w
    slender = habit.slender * form["leaf"]
    profile = radius * np.array([form["taper"], 0.8 + 0.2 * form["taper"], 1.0, 1.0, 0.88, 0.86, 0.0])
    parts = [lathe(profile, rim * np.array([0, 0.82, 0.84, 1.0, 1.0, 0.9, 0.9]), "pot")]
    parts.append(cylinder(0.08 * radius + 0.004, (0.85 * rim, rim + (habit.stem + 0.02) * h), "leaves", sides=8))
    for k in range(habit.leaves):
        share = (k + 0.5) / habit.leaves
        rise = np.radians(np.interp(share, (0, 1), habit.rise_deg))
        droop = float(np.interp(share, (0, 1), habit.droop))
        start = rim * 0.95 + habit.stem * h * share
        top = np.sin(rise) - droop if np.sin(rise) > 2 * droop else np.sin(rise) ** 2 / (4 * droop)
        length = min(0.5 * w / np.cos(rise), (h - start) / top) * (0.84 + 0.16 * np.cos(2.3 * k))
        build = frond if habit.pinnate else blade
        leaf = build(length, slender * length, azimuth=k * GOLDEN_ANGLE, rise=rise, droop=droop)
        parts.append(move(leaf, (0, start, 0)))
    return parts


def bouquet(size: Size) -> list[Part]:
    """Flowers in a vase."""
    w, h, _ = size
    profile = 0.5 * w * np.array([0.4, 0.5, 0.46, 0.3, 0.34, 0.28, 0.0])
    parts = [lathe(profile, 0.5 * h * np.array([0, 0.3, 0.6, 0.9, 1.0, 1.0, 0.3]), "pot")]
    for k in range(24):
        angle, share = k * GOLDEN_ANGLE, (k + 0.5) / 24
        reach = 0.4 * w * np.sqrt(share)
        tip = (reach * np.sin(angle), h * (0.92 - 0.25 * share), reach * np.cos(angle))
        parts.append(rod((0, 0.4 * h, 0), tip, 0.004, "leaves"))
        bloom = lathe(
            0.09 * w * np.array([0.2, 0.8, 1.0, 0.7, 0.0]),
            0.09 * w * np.array([-0.8, -0.4, 0.1, 0.6, 0.8]),
            "blooms",
            8,
        )
        parts.append(move(bloom, tip))
    return parts
