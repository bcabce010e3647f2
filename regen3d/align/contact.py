"""Where an object's ends touch what the picture shows next to them, column by column.

Columns vote, not pixels: sloppy masks leave gaps of a few pixels, ragged ones lose whole columns, and neither changes
what most columns meet first.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Integer

from regen3d.types import Instance, Mask

LOWER_SHARE = 0.1
"""The lower end of a mask: the columns that reach into this lowest share of its height."""

REACH_SHARE = 1 / 72
"""How far below it another mask may begin, as a share of the picture's height: masks that lost three pixels all round
leave a gap of seven."""


SIDE_SHARE = 3
"""Half of this many widths of a lower end are looked at on each side of it."""

LEAST_COLUMNS = 3
"""Columns of a carrier beside an object that show its outline."""


def lower_end(mask: Mask) -> tuple[Integer[np.ndarray, " c"], Integer[np.ndarray, " c"]]:
    """Columns that reach into the lowest tenth of a mask, and the last row of each."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    depth = max(3, round(LOWER_SHARE * (int(rows[-1]) - int(rows[0]))))
    lowest = mask.shape[0] - 1 - np.argmax(mask[::-1], axis=0)
    columns = np.flatnonzero(mask.any(axis=0) & (lowest >= rows[-1] - depth))
    return columns, lowest[columns]


def contact_shares(item: Instance, instances: Sequence[Instance]) -> dict[int, float]:
    """Share of an object's lower end that each other object is the first to be found under, by index; above 0 only."""
    met = _first_met(item.mask, instances, reach_of(item.mask))
    counts = np.bincount(met[met >= 0], minlength=len(instances)) / max(len(met), 1)
    return {j: float(share) for j, share in enumerate(counts) if share > 0.0 and instances[j] is not item}


def enclosed_shares(item: Instance, instances: Sequence[Instance]) -> dict[int, float]:
    """The same for those that are found above its upper end, too, as a bookcase round what stands in it."""
    below = contact_shares(item, instances)
    flipped = [Instance(name=o.name, label=o.label, score=o.score, mask=o.mask[::-1]) for o in instances]
    index = next(j for j, other in enumerate(instances) if other is item)
    above = contact_shares(flipped[index], flipped)
    return {j: min(share, above[j]) for j, share in below.items() if j in above}


def reach_of(mask: Mask) -> int:
    """How many pixels below an end another mask may begin."""
    return max(2, round(REACH_SHARE * mask.shape[0]))


def _first_met(mask: Mask, instances: Sequence[Instance], reach: int) -> Integer[np.ndarray, " c"]:
    """Which other object each column of the lower end meets first on its way down; -1 for none."""
    columns, lowest = lower_end(mask)
    rows = lowest[:, None] + np.arange(1, reach + 1)
    inside = rows < mask.shape[0]
    rows = np.minimum(rows, mask.shape[0] - 1)
    first = np.full(len(columns), reach + 1)
    met = np.full(len(columns), -1)
    for j, other in enumerate(instances):
        if other.mask is mask:
            continue
        there = other.mask[rows, columns[:, None]] & inside
        distance = np.where(there.any(axis=1), np.argmax(there, axis=1), reach + 1)
        met[distance < first] = j
        first = np.minimum(first, distance)
    return met


def free_columns(item: Instance, instances: Sequence[Instance]) -> Bool[np.ndarray, " c"]:
    """Which columns of an object's lower end meet no other object, and are not at the picture's border."""
    _, lowest = lower_end(item.mask)
    reach = reach_of(item.mask)
    return (_first_met(item.mask, instances, reach) < 0) & (lowest + 2 < item.mask.shape[0])


def sink_share(mask: Mask, carrier: Mask) -> float | None:
    """How far below the carrier's upper outline its first pixels under an object are, as a share of the picture.

    The outline is that of the columns to both sides of the object's lower end. It is 0 where the object ends at the
    outline, because it is behind, and above that where the picture shows a surface on which it stands. None where the
    carrier is to be seen on neither side.
    """
    columns, lowest = lower_end(mask)
    if columns.size == 0:
        return None
    rows = np.minimum(lowest[:, None] + np.arange(1, reach_of(mask) + 1), mask.shape[0] - 1)
    there = carrier[rows, columns[:, None]]
    met = (lowest + 1 + np.argmax(there, axis=1))[there.any(axis=1)]
    width = max(4, SIDE_SHARE * int(columns[-1] - columns[0] + 1) // 2)
    sides = np.s_[max(columns[0] - width, 0) : columns[0]], np.s_[columns[-1] + 1 : columns[-1] + 1 + width]
    tops = [np.argmax(side, axis=0)[side.any(axis=0)] for side in (carrier[:, window] for window in sides)]
    outline = [float(np.median(top)) for top in tops if len(top) >= LEAST_COLUMNS]
    if not outline or not len(met):
        return None
    return (float(np.median(met)) - float(np.mean(outline))) / mask.shape[0]


def mouth_share(vessel: Mask, item: Mask) -> float:
    """Share of the columns of a vessel's upper end over which another object begins, 0..1.

    Contents begin within a tenth of the vessel's height above it: stems and dark mouths are in neither mask.
    """
    columns, first = lower_end(vessel[::-1])
    if columns.size == 0:
        return 0.0
    reach = max(reach_of(vessel), round(LOWER_SHARE * int(vessel.any(axis=1).sum())))
    rows = np.minimum(first[:, None] + np.arange(1, reach + 1), vessel.shape[0] - 1)
    return float(item[::-1][rows, columns[:, None]].any(axis=1).mean())
