"""Potted plants."""

import numpy as np

from models.assets.furniture.seating import Size
from models.assets.primitives import Part, blade, cylinder, lathe, move, rod

GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


def plant(size: Size, *, leaves: int = 34, pot: float = 0.3, slender: float = 0.16, stem: float = 0.0) -> list[Part]:
    """A pot with leaves that rise and droop all round, in a spiral by the golden angle.

    Args:
        size: width, height, depth in metres.
        leaves: how many.
        pot: height of the pot as a share of the height.
        slender: width of a leaf as a share of its length.
        stem: height above the pot at which the lowest leaves begin, as a share of the height.
    """
    w, h, _ = size
    rim, radius = pot * h, 0.5 * min(0.62 * w, 1.1 * pot * h)
    profile = radius * np.array([0.68, 0.9, 1.0, 1.0, 0.88, 0.86, 0.0])
    parts = [lathe(profile, rim * np.array([0, 0.82, 0.84, 1.0, 1.0, 0.9, 0.9]), "pot")]
    parts.append(cylinder(0.1 * radius, (0.85 * rim, rim + (stem + 0.05) * h), "leaves", sides=8))
    for k in range(leaves):
        share = (k + 0.5) / leaves
        rise = np.radians(12 + 68 * share)
        start = rim + stem * h * share
        length = min(0.5 * w / max(np.cos(rise), 0.3), 0.98 * (h - start) / max(np.sin(rise), 0.35)) * (
            0.85 + 0.15 * np.cos(2.3 * k)
        )
        leaf = blade(length, slender * length, azimuth=k * GOLDEN_ANGLE, rise=rise, droop=0.22 * (1 - share))
        parts.append(move(leaf, (0, start, 0)))
    return parts


def bush(size: Size) -> list[Part]:
    """Broad leaves on a low stem: the plant of a flowerpot."""
    return plant(size, leaves=40, pot=0.32, slender=0.34, stem=0.12)


def palm(size: Size) -> list[Part]:
    """Narrow leaves on a taller stem."""
    return plant(size, leaves=44, pot=0.26, slender=0.13, stem=0.2)


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
