"""Which pixels may hide an object: those of whatever may stand before it."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from regen3d.types import Instance, Mask

FLAT_LABELS = ("rug", "carpet", "mat")
"""Things that lie flat hide nothing that stands."""

BORDER_PX = 2
"""Width of the strip along the picture's border: the mask of a cut object is uncertain there."""

SURE_BEHIND = 0.02
"""What ends higher in the picture by this share of its height is behind; with less, nobody knows."""


def occluders(instances: Sequence[Instance]) -> dict[str, Mask]:
    """For each object the pixels where it may be hidden.

    On one floor, what ends lower in the picture stands nearer. What stands on something shares its supporter's end;
    the mask that an object's lower end rests in tells the supporter. Where the order is not sure the pixels are
    ignored: a wrong "cannot be hidden here" costs a pose, a wrong "may be hidden" only evidence.
    """
    ends = _floor_ends(instances)
    return {item.name: _ignore_for(k, instances, ends) for k, item in enumerate(instances)}


def _ignore_for(k: int, instances: Sequence[Instance], ends: list[float]) -> Mask:
    """Pixels of the objects that may stand before object k, and the border where it is cut."""
    mask = instances[k].mask
    tolerance = SURE_BEHIND * mask.shape[0]
    ignore = np.zeros_like(mask)
    for j, other in enumerate(instances):
        if j != k and not is_flat(other.label) and ends[j] >= ends[k] - tolerance:
            ignore |= other.mask
    if instances[k].is_truncated:
        ignore |= _touched_border(mask)
    return ignore & ~mask


def is_flat(label: str) -> bool:
    """Whether a label names something that lies flat on the floor."""
    return any(word in FLAT_LABELS for word in label.split())


def _floor_ends(instances: Sequence[Instance]) -> list[float]:
    """Row of each object's lower end on the floor; of what it stands on, where its own end rests in another mask."""
    own = [float(item.box[3]) if not is_flat(item.label) else -np.inf for item in instances]
    ends = list(own)
    for k, item in enumerate(instances):
        for j, share in contact_shares(item, instances).items():
            if share >= 0.3 and not is_flat(instances[j].label):
                ends[k] = max(ends[k], own[j])
    return ends


def contact_shares(item: Instance, instances: Sequence[Instance]) -> dict[int, float]:
    """Share of an object's lower end under which each other object begins, by index; those above 0 only."""
    below = lower_contact(item.mask)
    total = max(int(below.sum()), 1)
    shares = {j: float((below & other.mask).sum()) / total for j, other in enumerate(instances) if other is not item}
    return {j: share for j, share in shares.items() if share > 0.0}


def lower_contact(mask: Mask) -> Mask:
    """Pixels right below the lower end of a mask: under those columns that reach into its lowest tenth."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return np.zeros_like(mask)
    height = mask.shape[0]
    depth = max(3, round(0.1 * (int(rows[-1]) - int(rows[0]))))
    reach = max(2, height // 180)
    lowest = height - 1 - np.argmax(mask[::-1], axis=0)
    columns = np.flatnonzero(mask.any(axis=0) & (lowest >= rows[-1] - depth))
    below = np.zeros_like(mask)
    for step in range(1, reach + 1):
        inside = lowest[columns] + step < height
        below[lowest[columns][inside] + step, columns[inside]] = True
    return below & ~mask


def _touched_border(mask: Mask) -> Mask:
    """The part of the picture's border strip that is near the mask."""
    strip = np.zeros_like(mask)
    strip[:BORDER_PX] = strip[-BORDER_PX:] = True
    strip[:, :BORDER_PX] = strip[:, -BORDER_PX:] = True
    return strip & ndimage.binary_dilation(mask, iterations=4 * BORDER_PX)
