"""Putting aligned objects into one room: inside the walls, on what carries them, off each other."""

from collections.abc import Sequence, Set
from dataclasses import replace

import numpy as np

from regen3d.align.apart import Items, push_inside, separate
from regen3d.align.confidence import ambiguity, pose_confidence
from regen3d.align.diagnostics import mask_iou, silhouette
from regen3d.align.occlusion import occluders
from regen3d.align.placed import PlacedObject, noted
from regen3d.align.resting import off_the_floor, put_on, put_on_rug
from regen3d.align.support import support_order
from regen3d.align.support_words import is_flat
from regen3d.types import Alignment, Camera, Mask, ObjectView, RoomLayout

LARGEST_LOSS = 0.2
"""Nothing is moved where its mask IoU would fall by more than this: the picture knows better where it stands."""


def settle(
    placed: Sequence[PlacedObject], camera: Camera, layout: RoomLayout | None, fixed: Set[str] = frozenset()
) -> list[Alignment]:
    """Make the objects of a scene stand where they can.

    Objects on the floor are pushed inside the room. Objects on others are scaled about the camera's centre, which keeps
    their silhouettes, until their base meets the surface below; the same for the thickness of rugs. Then pairs that
    reach into each other go apart by small steps, each taking along what stands on it. What cannot be done is left as
    it was, with a sentence in `notes`, and so is said which poses may be wrong.

    Args:
        placed: the objects.
        camera: the camera, in the world frame.
        layout: the room; None where its walls are not believable.
        fixed: names of objects that stay exactly as they are, whatever the others do.

    Returns:
        One alignment for each object, in the order given.
    """
    ignored = occluders([item.instance for item in placed])
    views = {item.name: _view(item, camera, ignored[item.instance.name]) for item in placed}
    items = {item.name: item for item in placed}
    if layout is not None:
        items = {n: item if n in fixed else _inside(item, layout, views[n]) for n, item in items.items()}
    items = _stood(items, camera, fixed)
    items = _kept(items, _stood_again(separate(items, layout, fixed), items, camera, fixed), views)
    judged = [(_judged(items[item.name], item, views[item.name]), views[item.name]) for item in placed]
    settled = [_sure(alignment, view) for alignment, view in judged]
    return [item.alignment if item.name in fixed else new for item, new in zip(placed, settled, strict=True)]


def _inside(item: PlacedObject, layout: RoomLayout, view: ObjectView) -> PlacedObject:
    """The object out of the walls, unless its mask says that it stands there."""
    pushed = push_inside(item, layout)
    if _judged(pushed, item, view).mask_iou < item.alignment.mask_iou - LARGEST_LOSS:
        return noted(item, "it reaches into a wall, and its mask says that it stands there")
    return pushed


def _stood(items: Items, camera: Camera, fixed: Set[str]) -> Items:
    """Every object on what carries it, from the floor upwards."""
    items = dict(items)
    rugs = [item for item in items.values() if is_flat(item.instance.label)]
    for name in support_order({name: item.alignment.support for name, item in items.items()}):
        if name in fixed:
            continue
        item = items[name]
        below = items.get(item.alignment.support)
        if below is not None:
            items[name] = put_on(item, below, camera)
        elif item.alignment.support == "wall":
            items[name] = off_the_floor(item, camera)
        elif item.alignment.support == "floor" and not is_flat(item.instance.label):
            for rug in rugs:
                items[name] = put_on_rug(items[name], rug, camera)
    return items


def _stood_again(items: Items, before: Items, camera: Camera, fixed: Set[str]) -> Items:
    """Those that were moved against what carries them, on it again."""
    items = dict(items)
    for name in support_order({name: item.alignment.support for name, item in items.items()}):
        below = None if name in fixed else items.get(items[name].alignment.support)
        if below is not None and not np.allclose(_way(name, items, before), _way(below.name, items, before)):
            rests = put_on_rug if is_flat(below.instance.label) else put_on
            items[name] = rests(items[name], below, camera)
    return items


def _way(name: str, items: Items, before: Items) -> np.ndarray:
    """How far an object was moved."""
    return items[name].alignment.world_from_object.translation - before[name].alignment.world_from_object.translation


def _kept(before: Items, after: Items, views: dict[str, ObjectView]) -> Items:
    """The separated objects, if no mask suffers much from it; else all as they were before."""
    moved = [name for name in before if _way(name, after, before).any()]
    worse = [name for name in moved if _iou(after[name], views[name]) < _iou(before[name], views[name]) - LARGEST_LOSS]
    if not worse:
        return after
    sentence = "it reaches into another object, and the masks say that both stand there"
    return {name: noted(item, sentence) if name in worse else item for name, item in before.items()}


def _view(item: PlacedObject, camera: Camera, ignore: Mask) -> ObjectView:
    """What the object's mask is compared under."""
    image = np.zeros((*camera.hw, 3), dtype=np.uint8)
    return ObjectView(instance=item.instance, image=image, ignore=ignore, camera=camera)


def _iou(item: PlacedObject, view: ObjectView) -> float:
    """Mask IoU of the object as it stands."""
    return mask_iou(view, silhouette(item.mesh, item.alignment.world_from_object, view.camera))


def _judged(item: PlacedObject, before: PlacedObject, view: ObjectView) -> Alignment:
    """The alignment with its mask IoU measured again where the object moved."""
    if item.alignment.world_from_object is before.alignment.world_from_object:
        return item.alignment
    return replace(item.alignment, mask_iou=_iou(item, view))


def _sure(alignment: Alignment, view: ObjectView) -> Alignment:
    """The alignment with how sure it is, and a note where that is not much."""
    confidence = pose_confidence(alignment, view)
    sentence = ambiguity(alignment, confidence)
    notes = alignment.notes if sentence is None else (*alignment.notes, sentence)
    return replace(alignment, confidence=confidence, notes=notes)
