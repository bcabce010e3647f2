"""Where an object's lower end touches what the picture shows below it."""

from collections.abc import Sequence

import numpy as np

from regen3d.types import Instance, Mask

FLAT_LABELS = frozenset({"rug", "carpet", "mat"})
"""Words of labels of things that lie flat on the floor: they hide nothing, and what stands on them is on the floor."""

LOWER_SHARE = 0.1
"""The lower end of a mask: the columns that reach into this lowest share of its height."""

REACH_SHARE = 1 / 180
"""How far below it another mask may begin, as a share of the picture's height: the gap between sloppy masks."""


def is_flat(label: str) -> bool:
    """Whether a label names something that lies flat on the floor."""
    return any(word in FLAT_LABELS for word in label.split())


def contact_shares(item: Instance, instances: Sequence[Instance]) -> dict[int, float]:
    """Share of an object's lower end under which each other object begins, by index; those above 0 only."""
    below = lower_contact(item.mask)
    total = max(int(below.sum()), 1)
    shares = {j: float((below & other.mask).sum()) / total for j, other in enumerate(instances) if other is not item}
    return {j: share for j, share in shares.items() if share > 0.0}


def mouth_share(vessel: Mask, item: Mask) -> float:
    """Share of the columns of a vessel's upper end over which another object begins, 0..1.

    Contents begin within a tenth of the vessel's height above it: stems and dark mouths are in neither mask.
    """
    over = lower_contact(vessel[::-1], reach_px=round(LOWER_SHARE * int(vessel.any(axis=1).sum())))[::-1]
    return float((over & item).any(axis=0).sum()) / max(float(over.any(axis=0).sum()), 1.0)


def lower_contact(mask: Mask, reach_px: int = 0) -> Mask:
    """Pixels right below the lower end of a mask: under those columns that reach into its lowest tenth.

    Args:
        mask: the object.
        reach_px: how far down they go, if more than the gap between sloppy masks.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return np.zeros_like(mask)
    height = mask.shape[0]
    depth = max(3, round(LOWER_SHARE * (int(rows[-1]) - int(rows[0]))))
    reach = max(2, reach_px, round(REACH_SHARE * height))
    lowest = height - 1 - np.argmax(mask[::-1], axis=0)
    columns = np.flatnonzero(mask.any(axis=0) & (lowest >= rows[-1] - depth))
    below = np.zeros_like(mask)
    for step in range(1, reach + 1):
        inside = lowest[columns] + step < height
        below[lowest[columns][inside] + step, columns[inside]] = True
    return below & ~mask
