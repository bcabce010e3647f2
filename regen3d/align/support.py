"""What each object stands on or hangs on, from masks, labels, camera and room."""

from collections.abc import Sequence

import numpy as np

from regen3d.align.contact import contact_shares, is_flat, mouth_share
from regen3d.frames import floor_point, rotation_about_y
from regen3d.types import Camera, Instance, RoomLayout

HANGING = frozenset({"picture", "painting", "poster", "mirror", "frame", "artwork", "curtain", "blind", "thermostat"})
"""Words of labels that hang on walls unless they visibly stand on something."""

OVERHEAD = frozenset({"chandelier", "pendant", "ceiling"})
"""Words of labels that hang from the ceiling."""

SEATS = frozenset({"sofa", "couch", "loveseat", "armchair", "chair", "bed", "bench", "stool", "ottoman"})
"""Words of labels that carry soft things only: a lamp that ends at a sofa stands behind it."""

SOFT = frozenset({"pillow", "cushion", "blanket", "throw", "toy", "bag", "book", "books", "laptop", "basket", "cat"})
"""Words of labels that may lie on seats."""

VESSELS = frozenset({"vase", "pot", "bowl", "cup", "bottle", "flowerpot", "planter", "jug", "basket", "urn"})
"""Words of labels of what holds contents."""

CONTENTS = frozenset({"plant", "flower", "flowers", "bouquet", "houseplant", "branch", "branches", "fruit"})
"""Words of labels of what vessels hold: it stands out over their mouth on all sides, however wide it is."""

GROUNDED = SEATS | frozenset(
    {"table", "desk", "cabinet", "wardrobe", "closet", "dresser", "nightstand", "sideboard", "bookshelf", "bookcase"}
    | {
        "shelf",
        "refrigerator",
        "fridge",
        "stove",
        "oven",
        "dishwasher",
        "counter",
        "bin",
        "shoes",
        "slippers",
        "bathtub",
    }
)
"""Words of labels that stand on floors: where another mask begins under them, it hides them."""

CONTACT_SHARE = 0.3
"""Of an object's lower end that has to rest in another mask; ends of vases and lamps are partly over the edge."""

EITHER = frozenset({"lamp", "plant", "box", "bag", "basket", "speaker", "fan", "tv", "television"})
"""Words of labels that stand on floors as often as on furniture, and then are hidden by it."""

EITHER_SHARE = 0.9
"""The same for those: on furniture the whole end rests in its mask."""

UNKNOWN_SHARE = 0.5
"""The same for labels that no list names, which may as well stand behind."""

UNKNOWN_WIDTH = 0.6
"""And they are at most this wide, relative to what carries them."""

OUTSIDE_M = 0.3
"""What would stand on the floor this far outside the room hangs on its wall; errors of the room box are smaller."""

FARTHEST_M = 15.0
"""The same where no room box is known: no room is longer."""


def infer_supports(instances: Sequence[Instance], camera: Camera, layout: RoomLayout | None) -> dict[str, str]:
    """What carries each object: `floor`, `wall`, `ceiling`, or the name of the object below it.

    Args:
        instances: the objects; masks do not overlap.
        camera: the camera, world frame.
        layout: the room box, where it is known.
    """
    below = carriers(instances)
    for item in instances:
        if item.name not in below and _is_off_floor(item, camera, layout):
            carrier = _carrier(item, instances, is_off_floor=True)
            if carrier is not None and not _leads_to(item.name, carrier, below):
                below[item.name] = carrier
    return {item.name: below.get(item.name) or _room_support(item, instances, camera, layout) for item in instances}


def carriers(instances: Sequence[Instance]) -> dict[str, str]:
    """For each object that visibly stands on another one, the name of that one; no chain of them is closed."""
    found: dict[str, str] = {}
    for item in instances:
        carrier = _carrier(item, instances)
        if carrier is not None and not _leads_to(item.name, carrier, found):
            found[item.name] = carrier
    return found


def support_order(supports: dict[str, str]) -> list[str]:
    """Names such that everything comes after what carries it."""
    depth = {name: _chain_length(name, supports) for name in supports}
    return sorted(supports, key=lambda name: depth[name])


def _room_support(item: Instance, instances: Sequence[Instance], camera: Camera, layout: RoomLayout | None) -> str:
    """Floor, wall or ceiling, for what no other object carries."""
    if _words(item) & OVERHEAD:
        return "ceiling"
    rests = sum(contact_shares(item, instances).values()) >= CONTACT_SHARE
    hangs = bool(_words(item) & HANGING) or _is_off_floor(item, camera, layout)
    return "wall" if hangs and not rests and not is_flat(item.label) else "floor"


def _carrier(item: Instance, instances: Sequence[Instance], *, is_off_floor: bool = False) -> str | None:
    """The object that visibly carries this one, or must where it cannot stand on the floor."""
    if is_flat(item.label) or _words(item) & (GROUNDED | OVERHEAD):
        return None
    held = {j: 1.0 for j, other in enumerate(instances) if _holds(other, item)}
    shares = contact_shares(item, instances) | held
    able = {j: share for j, share in shares.items() if _can_carry(instances[j], item, share, is_off_floor)}
    return instances[max(able, key=lambda j: able[j])].name if able else None


def _can_carry(carrier: Instance, item: Instance, share: float, is_off_floor: bool) -> bool:
    """Whether an object stands on another one, given how much of its lower end rests in the other's mask."""
    words = _words(carrier)
    if is_flat(carrier.label) or words & (HANGING | OVERHEAD):
        return False
    if _holds(carrier, item):
        return True
    if words & SEATS:
        return share >= CONTACT_SHARE and bool(_words(item) & SOFT)
    if is_off_floor:
        return share >= UNKNOWN_SHARE
    if words & GROUNDED:
        return share >= (EITHER_SHARE if _words(item) & EITHER else CONTACT_SHARE)
    return share >= UNKNOWN_SHARE and _width(item) <= UNKNOWN_WIDTH * _width(carrier)


def _holds(vessel: Instance, item: Instance) -> bool:
    """Whether an object is what stands in a vessel: over its mouth, and not further down behind it."""
    if not (_words(vessel) & VESSELS and _words(item) & CONTENTS) or vessel is item:
        return False
    middle = 0.5 * (vessel.box[1] + vessel.box[3])
    return item.box[3] <= middle and mouth_share(vessel.mask, item.mask) >= UNKNOWN_SHARE


def _is_off_floor(item: Instance, camera: Camera, layout: RoomLayout | None) -> bool:
    """Whether the object's lower end would stand on the floor outside the room."""
    x0, _, x1, y1 = item.box
    if y1 >= camera.height:
        return False
    point = floor_point(camera, np.array([0.5 * (x0 + x1), float(y1)]))
    if not np.isfinite(point).all():
        return True
    if layout is None or not layout.believable:
        return bool(np.linalg.norm(point - camera.position) > FARTHEST_M)
    room = point @ rotation_about_y(layout.yaw_rad)
    low, high = layout.bounds_min - OUTSIDE_M, layout.bounds_max + OUTSIDE_M
    return bool((room[[0, 2]] < low[[0, 2]]).any() or (room[[0, 2]] > high[[0, 2]]).any())


def _leads_to(name: str, start: str, below: dict[str, str]) -> bool:
    """Whether going down from `start` comes to `name`."""
    while start in below and start != name:
        start = below[start]
    return start == name


def _chain_length(name: str, supports: dict[str, str]) -> int:
    """How many objects lie below this one."""
    length, below = 0, supports[name]
    while below in supports and length <= len(supports):
        length, below = length + 1, supports[below]
    return length


def _words(item: Instance) -> set[str]:
    """The words of a label."""
    return set(item.label.replace("-", " ").split())


def _width(item: Instance) -> int:
    """Width of the mask's box in pixels."""
    return item.box[2] - item.box[0]
