"""Which pixels may hide an object: those of whatever may stand before it."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from regen3d.align.support import carriers
from regen3d.align.support_words import is_flat
from regen3d.types import Instance, Mask

BORDER_PX = 2
"""Width of the strip along the picture's border: the mask of a cut object is uncertain there."""

SURE_BEHIND = 0.02
"""What ends higher in the picture by this share of its height is behind; with less, nobody knows."""


def occluders(instances: Sequence[Instance]) -> dict[str, Mask]:
    """For each object the pixels where it may be hidden.

    On one floor, what ends lower in the picture stands nearer. What is carried stands as near as its carrier does, and
    before it. Where the order is not sure the pixels are ignored: a wrong "cannot be hidden here" costs a pose, a
    wrong "may be hidden" only evidence.
    """
    carrier = carriers(instances)
    ends = {item.name: float(item.box[3]) for item in instances}
    roots = {item.name: _root(item.name, carrier) for item in instances}
    tolerance = SURE_BEHIND * instances[0].mask.shape[0] if instances else 0.0

    def may_hide(other: Instance, item: Instance) -> bool:
        if other is item or is_flat(other.label) or carrier.get(item.name) == other.name:
            return False
        ahead = ends[roots[other.name]] - ends[roots[item.name]]
        if roots[other.name] != roots[item.name]:
            return ahead >= -tolerance
        return (other.name in carrier and ends[other.name] >= ends[item.name] - tolerance) or item.name not in carrier

    return {item.name: _ignore(item, [o.mask for o in instances if may_hide(o, item)]) for item in instances}


def _root(name: str, carrier: dict[str, str]) -> str:
    """The lowest object of the pile that an object stands on."""
    seen = {name}
    while name in carrier and carrier[name] not in seen:
        name = carrier[name]
        seen.add(name)
    return name


def _ignore(item: Instance, nearer: Sequence[Mask]) -> Mask:
    """The pixels of nearer objects, and the picture's border where the object is cut."""
    ignore = np.zeros_like(item.mask)
    for mask in nearer:
        ignore |= mask
    if item.is_truncated:
        ignore |= _touched_border(item.mask)
    return ignore & ~item.mask


def _touched_border(mask: Mask) -> Mask:
    """The part of the picture's border strip that is near the mask."""
    strip = np.zeros_like(mask)
    strip[:BORDER_PX] = strip[-BORDER_PX:] = True
    strip[:, :BORDER_PX] = strip[:, -BORDER_PX:] = True
    return strip & ndimage.binary_dilation(mask, iterations=4 * BORDER_PX)
