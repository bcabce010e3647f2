"""Moving objects out of walls and out of each other, by small horizontal steps."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.align.penetration import CarvedSolid, Overlap, carve, overlap
from regen3d.align.placed import PlacedObject, bounds_along, noted, shifted, world_vertices
from regen3d.align.planes import SIDES, room_side
from regen3d.align.support_words import is_flat
from regen3d.frames import rotation_about_y
from regen3d.types import RoomLayout

LARGEST_PUSH_M = 0.2
"""An object farther than this outside a wall, or deeper in another one, contradicts it; it is left, with a note."""

TOLERANCE_M = 0.005
"""Objects that reach into each other by less are left: half of what is visible as a fault."""

SLACK_M = 1e-4
"""Added to a way out, so that rounding leaves nothing inside."""

ROUNDS = 8
"""Of separating all pairs: chains of chairs against a wall need about as many as there are chairs."""

ALONG = 0.2
"""Largest cosine between a wall's normal and a way along the wall."""

Items = dict[str, PlacedObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """What does not change while objects are moved."""

    solids: Mapping[str, CarvedSolid]
    layout: RoomLayout | None
    fixed: Set[str]


def push_inside(item: PlacedObject, layout: RoomLayout) -> PlacedObject:
    """Shift an object on the floor out of the walls that it reaches into, if it does so by little."""
    if item.alignment.support != "floor":
        return item
    push, too_large = _push(item, layout)
    if not push.any():
        return item
    if too_large or np.abs(push).max() > LARGEST_PUSH_M:
        return noted(item, f"it reaches {100.0 * np.abs(push).max():.0f} cm into a wall; room and pose disagree")
    return shifted(item, rotation_about_y(layout.yaw_rad) @ push)


def separate(items: Items, layout: RoomLayout | None, fixed: Set[str] = frozenset()) -> Items:
    """Move objects apart that reach into each other, and with each what it carries.

    Each of a pair goes half of the shortest way; what hangs goes along its wall or not at all, and what would be pushed
    into a wall that the picture shows leaves the whole way to the other, and so does what is `fixed`. Objects and what
    carries them, and rugs, are no pairs.
    """
    room = _Room(solids={name: carve(item.mesh) for name, item in items.items()}, layout=layout, fixed=fixed)
    start, stuck = dict(items), set()
    for _ in range(ROUNDS):
        moved = False
        for first, second in _pairs(items):
            found = overlap(items[first], items[second], (room.solids[first], room.solids[second]))
            if found is None or found.depth_m <= TOLERANCE_M or (first, second) in stuck:
                continue
            separated = _separated(items, (first, second), found, room)
            if _is_far(separated, start, (first, second)):
                stuck.add((first, second))
            else:
                items, moved = separated, True
        if not moved:
            break
    return _report(items, room.solids)


def _report(items: Items, solids: Mapping[str, CarvedSolid]) -> Items:
    """Notes on what still reaches into each other."""
    for first, second in _pairs(items):
        found = overlap(items[first], items[second], (solids[first], solids[second]))
        if found is not None and found.depth_m > 2.0 * TOLERANCE_M:
            sentence = f"it reaches {100.0 * found.depth_m:.0f} cm into {second}: one of the two poses is off"
            items = {**items, first: noted(items[first], sentence)}
    return items


def _pairs(items: Items) -> list[tuple[str, str]]:
    """All pairs that must not meet: neither carries the other, and neither lies flat."""
    names = [name for name, item in items.items() if not is_flat(item.instance.label)]
    pairs = [(first, second) for k, first in enumerate(names) for second in names[k + 1 :]]
    return [pair for pair in pairs if not (pair[0] in _below(pair[1], items) or pair[1] in _below(pair[0], items))]


def _below(name: str, items: Items) -> list[str]:
    """What carries an object, what carries that, and so on."""
    chain: list[str] = []
    while name in items and name not in chain:
        chain.append(name)
        name = items[name].alignment.support
    return chain[1:]


def _separated(items: Items, pair: tuple[str, str], found: Overlap, room: _Room) -> Items:
    """The objects with a pair moved apart on the shortest way that is open to one of them."""
    first, second = pair
    for exact in found.ways:
        way = exact * (1.0 + SLACK_M / max(float(np.linalg.norm(exact)), SLACK_M))
        shares = np.array([_can_move(items[first], way, room), _can_move(items[second], -way, room)])
        if shares.any():
            shares = shares / shares.sum()
            items = carried_along(items, first, shares[0] * way, room.fixed)
            return carried_along(items, second, -shares[1] * way, room.fixed)
    return items


def carried_along(items: Items, name: str, step: Float[np.ndarray, " 3"], fixed: Set[str] = frozenset()) -> Items:
    """The objects with one of them moved, and everything that stands on it but for what is fixed."""
    if not step.any():
        return items
    return {
        other: shifted(item, step) if other not in fixed and (other == name or name in _below(other, items)) else item
        for other, item in items.items()
    }


def _can_move(item: PlacedObject, way: Float[np.ndarray, " 3"], room: _Room) -> float:
    """1 if an object may go a way, else 0."""
    if item.name in room.fixed:
        return 0.0
    if item.alignment.support in ("wall", "ceiling", "free"):
        return float(
            item.alignment.support == "ceiling" or _is_along_wall(item, way / np.linalg.norm(way), room.layout)
        )
    if room.layout is None:
        return 1.0
    push, _ = _push(shifted(item, way), room.layout)
    before, _ = _push(item, room.layout)
    return float(np.abs(push).sum() <= np.abs(before).sum() + 1e-9)


def _is_along_wall(item: PlacedObject, direction: Float[np.ndarray, " 3"], layout: RoomLayout | None) -> bool:
    """Whether a direction leads along the wall that is nearest to an object."""
    if layout is None:
        return False
    vertices = world_vertices(item)
    walls = [room_side(layout, face) for face in SIDES if face.startswith("wall")]
    nearest = min(walls, key=lambda wall: abs(((vertices - wall.origin) @ wall.normal).min()))
    return abs(float(nearest.normal @ direction)) <= ALONG


def _is_far(items: Items, start: Items, pair: Sequence[str]) -> bool:
    """Whether either of a pair has come too far from where it was, or neither has moved."""
    here = [items[name].alignment.world_from_object.translation for name in pair]
    there = [start[name].alignment.world_from_object.translation for name in pair]
    return any(float(np.linalg.norm(a - b)) > LARGEST_PUSH_M for a, b in zip(here, there, strict=True))


def _push(item: PlacedObject, layout: RoomLayout) -> tuple[Float[np.ndarray, " 3"], bool]:
    """The way out of the walls in the room's axes, and whether the object is larger than the room."""
    low, high = bounds_along(item, rotation_about_y(layout.yaw_rad))
    # Only walls that the picture shows push: an assumed one knows less than the object's own outline.
    least = np.array([layout.bounds_min[0] if "wall_left" in layout.seen else -np.inf, -np.inf, -np.inf])
    least[2] = layout.bounds_min[2] if "wall_back" in layout.seen else -np.inf
    greatest = np.array([layout.bounds_max[0] if "wall_right" in layout.seen else np.inf, np.inf, np.inf])
    greatest[2] = layout.bounds_max[2] if "wall_front" in layout.seen else np.inf
    push = np.maximum(least - low, 0.0) - np.maximum(high - greatest, 0.0)
    return push, bool((high - low > greatest - least).any())
