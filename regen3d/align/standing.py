"""Which object another one stands on, as masks, measured points and labels have it."""

from regen3d.align.contact import contact_shares, enclosed_shares, mouth_share, sink_share
from regen3d.align.measured import depth_step, end_height
from regen3d.align.support_evidence import SupportEvidence
from regen3d.align.support_words import (
    CONTENTS,
    EITHER,
    GROUNDED,
    HANGING,
    OVERHEAD,
    SEATS,
    SOFT,
    TABLETOP,
    VESSELS,
    is_flat,
    is_grounded,
    is_standing,
    words_of,
)
from regen3d.types import Instance

CONTACT_SHARE = 0.3
"""Of an object's lower end that has to rest in another mask; ends of vases and lamps are partly over the edge."""

UNSURE_SHARE = 0.5
"""The same where the labels do not say that one stands on the other."""

LEAST_SINK = 1 / 270
"""And there the contact is this far inside the other's outline, as a share of the picture's height: 1/180 and more on
five rendered rooms for what stands on things, under 1/600 for a lamp and a cabinet behind them."""

LARGEST_STEP = 0.06
"""Measured, what stands on another one is at most this far behind its level, as a share of the distance: -0.01 at most
on five rendered rooms with noisy points, where what was only hidden was 0.28 behind and more."""

LEAST_STEP = -0.25
"""And at most this far before it, else it hangs before it: -0.12 there, on surfaces that show their fronts."""

ON_FLOOR_M = 0.12
"""What is measured to end this low stands on the floor, or on a rug."""


def find_carrier(item: Instance, evidence: SupportEvidence, *, is_off_floor: bool) -> str | None:
    """The object that carries this one as far as picture and points show, or must where it cannot be on the floor."""
    instances = evidence.instances
    if is_flat(item.label) or is_standing(item) or words_of(item) & OVERHEAD or _is_on_floor(item, evidence):
        return None
    shares = contact_shares(item, instances)
    inside = enclosed_shares(item, instances)
    able = {}
    for j, other in enumerate(instances):
        if _holds(other, item):
            able[j] = 1.0
        elif j in shares and _is_able(other) and _carries(other, item, evidence, (shares[j], is_off_floor)):
            # What stands in a shelf has the shelf all round: more than a lower end can say.
            able[j] = shares[j] + inside.get(j, 0.0)
    return instances[max(able, key=lambda j: able[j])].name if able else None


def _is_able(carrier: Instance) -> bool:
    """Whether anything stands on an object, going by its label."""
    return not is_flat(carrier.label) and not words_of(carrier) & (HANGING | OVERHEAD)


def _carries(carrier: Instance, item: Instance, evidence: SupportEvidence, found: tuple[float, bool]) -> bool:
    """Whether an object stands on another one, given the share of its end above it and whether it is off the floor."""
    share, is_off_floor = found
    step = None if evidence.measured is None else depth_step(item.mask, carrier.mask, evidence.measured)
    if step is not None:
        return share >= CONTACT_SHARE and LEAST_STEP <= step <= LARGEST_STEP
    if is_grounded(item):
        return False
    words = words_of(carrier)
    if words & SEATS:
        return share >= CONTACT_SHARE and bool(words_of(item) & SOFT)
    if words & GROUNDED and not words_of(item) & EITHER:
        return share >= CONTACT_SHARE
    sink = sink_share(item.mask, carrier.mask)
    inside = (sink is None or sink >= LEAST_SINK) and _width(item) <= _width(carrier)
    return share >= UNSURE_SHARE and (is_off_floor or inside or bool(words_of(item) & TABLETOP))


def _holds(vessel: Instance, item: Instance) -> bool:
    """Whether an object is what stands in a vessel: over its mouth, and not further down behind it."""
    if not (words_of(vessel) & VESSELS and words_of(item) & CONTENTS) or vessel is item:
        return False
    middle = 0.5 * (vessel.box[1] + vessel.box[3])
    return item.box[3] <= middle and mouth_share(vessel.mask, item.mask) >= UNSURE_SHARE


def _is_on_floor(item: Instance, evidence: SupportEvidence) -> bool:
    """Whether points show an object's lower end on the floor."""
    height = None if evidence.measured is None else end_height(item.mask, evidence.measured)
    return height is not None and height <= ON_FLOOR_M


def _width(item: Instance) -> int:
    """Width of the mask's box in pixels."""
    return item.box[2] - item.box[0]
