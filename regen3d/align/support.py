"""What each object stands on or hangs on: the support forest of a scene.

What the picture measures decides first: which mask begins under an object's lower end, and, where there are measured
points, whether that is level with the end or nearer. Labels are the prior for what is left open. An object that can
stand neither on another one nor on the floor hangs, from the side of the room that is behind its upper end.
"""

from collections.abc import Mapping, Sequence

from regen3d.align.hanging import is_off_floor, room_support
from regen3d.align.measured import measured_points
from regen3d.align.standing import find_carrier
from regen3d.align.support_evidence import SupportEvidence
from regen3d.types import Camera, Instance, Mask, PointMap, RoomLayout


def infer_supports(
    instances: Sequence[Instance], camera: Camera, layout: RoomLayout | None, points: PointMap | None = None
) -> dict[str, str]:
    """What carries each object: `floor`, `wall`, `ceiling`, or the name of the object below it.

    What stands on a rug is said to stand on the floor.

    Args:
        instances: the objects; masks do not overlap.
        camera: the camera, world frame.
        layout: the room box, where it is known.
        points: a point for each pixel; metric ones that an estimator is sure of are used.
    """
    evidence = SupportEvidence(
        instances=instances, camera=camera, layout=layout, measured=measured_points(points, camera)
    )
    below = _carriers(evidence)
    lifted = {item.name for item in instances if item.name not in below and is_off_floor(item, evidence)}
    for item in instances:
        if item.name in lifted:
            _add(below, item, find_carrier(item, evidence, is_off_floor=True))
    return {item.name: below.get(item.name) or room_support(item, evidence, item.name in lifted) for item in instances}


def with_given(found: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Supports as found, but for those that the user gave; where the two make a ring, what was found gives way.

    Args:
        found: object -> support, of every object.
        given: the same of some; no ring of their own.
    """
    supports = {**found, **given}
    for name in found:
        if name not in given and _leads_to(name, supports[name], supports):
            supports[name] = "floor"
    return supports


def paper_supports(instances: Sequence[Instance], floor: Mask | None) -> dict[str, str]:
    """The published rule: `floor` where an object's box in the picture meets that of the visible floor, else `free`."""
    if floor is None or not floor.any():
        return {item.name: "free" for item in instances}
    ground = Instance(name="floor", label="floor", score=1.0, mask=floor).box
    boxes = {item.name: item.box for item in instances}
    return {name: "floor" if _boxes_meet(box, ground) else "free" for name, box in boxes.items()}


def carriers(instances: Sequence[Instance]) -> dict[str, str]:
    """For each object that visibly stands on another one, the name of that one; no chain of them is closed."""
    return _carriers(SupportEvidence(instances=instances, camera=None, layout=None, measured=None))


def support_order(supports: dict[str, str]) -> list[str]:
    """Names such that everything comes after what carries it."""
    depth = {name: _chain_length(name, supports) for name in supports}
    return sorted(supports, key=lambda name: depth[name])


def _carriers(evidence: SupportEvidence) -> dict[str, str]:
    below: dict[str, str] = {}
    for item in evidence.instances:
        _add(below, item, find_carrier(item, evidence, is_off_floor=False))
    return below


def _add(below: dict[str, str], item: Instance, carrier: str | None) -> None:
    """Enter what carries an object, unless that closes a ring."""
    if carrier is not None and not _leads_to(item.name, carrier, below):
        below[item.name] = carrier


def _leads_to(name: str, start: str, below: Mapping[str, str]) -> bool:
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


def _boxes_meet(one: tuple[int, int, int, int], two: tuple[int, int, int, int]) -> bool:
    """Whether two boxes share a pixel."""
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
