"""Putting aligned objects into one room: on what carries them, inside the walls, off each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from regen3d.align.diagnostics import mask_iou, silhouette
from regen3d.align.heights import contact_height, height_map
from regen3d.align.occlusion import occluders
from regen3d.align.support import support_order
from regen3d.frames import rotation_about_y, transform
from regen3d.types import Alignment, Camera, Instance, Mesh, ObjectView, RoomLayout, Similarity

CONTACT_TOLERANCE_M = 0.03
"""A base that ends this near a surface stands on it."""

LOWEST_VIEW = 0.95
"""Nothing is lifted above this share of the camera's height: there the lift would shrink it to nothing."""

LARGEST_PUSH_M = 0.2
"""An object farther than this outside a wall contradicts the room box; it is left, and the notes say so."""

LARGEST_LOSS = 0.2
"""Nor is it pushed where its mask IoU would fall by more than this: then the wall is where the picture has it not."""

TOUCHING_M = 0.05
"""Boxes that overlap less than this along one axis are pushed apart; deeper ones are chairs under tables."""

OVERLAP_SHARE = 0.2
"""Boxes overlap when this share of the smaller footprint does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedObject:
    """One object after its alignment."""

    name: str
    """Of the object; unique."""
    alignment: Alignment
    """Where it stands, as if on the floor when another object carries it."""
    mesh: Mesh
    """Object frame."""
    instance: Instance
    """How the picture shows it."""


def settle(placed: Sequence[PlacedObject], camera: Camera, layout: RoomLayout | None) -> list[Alignment]:
    """Make the objects of a scene stand where they can.

    Objects on the floor are pushed inside the room and off each other by small steps. Objects on others are scaled
    about the camera's centre, which keeps their silhouettes, until their base meets the surface below. What cannot be
    done is left as it was, with a sentence in `notes`.

    Returns:
        One alignment for each object, in the order given.
    """
    items = {item.name: item for item in placed}
    ignored = occluders([item.instance for item in placed])
    if layout is not None:
        for item in placed:
            pushed = _push_inside(item, layout)
            iou = _judged(pushed, item, camera, ignored[item.instance.name]).mask_iou
            if iou < item.alignment.mask_iou - LARGEST_LOSS:
                pushed = _noted(item, "it reaches into a wall, and its mask says that it stands there")
            items[item.name] = pushed
    items = _push_apart(items)
    for name in support_order({name: item.alignment.support for name, item in items.items()}):
        below = items.get(items[name].alignment.support)
        if below is not None:
            items[name] = _put_on(items[name], below, camera)
    return [_judged(items[item.name], item, camera, ignored[item.instance.name]) for item in placed]


def _put_on(item: PlacedObject, below: PlacedObject, camera: Camera) -> PlacedObject:
    """Lift an object that was aligned on the floor onto the surface of another one."""
    eye, pose = camera.position, item.alignment.world_from_object
    heights = height_map(transform(below.alignment.world_from_object.matrix, below.mesh.vertices), below.mesh.faces)
    footprint = transform(pose.matrix, item.mesh.vertices) * np.array([1.0, 0.0, 1.0])
    level, gap_m = contact_height(heights, footprint, eye, LOWEST_VIEW)
    if level is None:
        return _noted(item, f"{below.name} is higher than the camera sees; it stays on the floor")
    moved = _moved(item, scaled_about(pose, eye, 1.0 - level / eye[1]), contact_gap_m=0.0 if np.isnan(gap_m) else gap_m)
    if np.isnan(gap_m):
        return _noted(moved, f"it stands as high as {below.name}, but beside it: one of the two poses is off")
    if abs(gap_m) > CONTACT_TOLERANCE_M:
        return _noted(moved, f"its base is {100.0 * gap_m:+.0f} cm off the surface of {below.name}")
    return moved


def scaled_about(pose: Similarity, center: Float[np.ndarray, " 3"], factor: float) -> Similarity:
    """The pose after scaling the world about a point; about the camera's centre no silhouette changes."""
    return Similarity(
        rotation=pose.rotation,
        translation=center + factor * (pose.translation - center),
        scale=pose.scale * factor,
    )


def _push_inside(item: PlacedObject, layout: RoomLayout) -> PlacedObject:
    """Shift an object on the floor out of the walls that it reaches into, if it does so by little."""
    if item.alignment.support != "floor":
        return item
    world_from_room = rotation_about_y(layout.yaw_rad)
    low, high = _bounds(item, world_from_room)
    # Only walls that the picture shows push: an assumed one knows less than the object's own outline.
    least = np.array([layout.bounds_min[0] if "wall_left" in layout.seen else -np.inf, -np.inf, -np.inf])
    least[2] = layout.bounds_min[2] if "wall_back" in layout.seen else -np.inf
    greatest = np.array([layout.bounds_max[0] if "wall_right" in layout.seen else np.inf, np.inf, np.inf])
    greatest[2] = layout.bounds_max[2] if "wall_front" in layout.seen else np.inf
    push = np.maximum(least - low, 0.0) - np.maximum(high - greatest, 0.0)
    if not push.any():
        return item
    if np.abs(push).max() > LARGEST_PUSH_M or (high - low > greatest - least).any():
        return _noted(item, f"it reaches {100.0 * np.abs(push).max():.0f} cm into a wall; room and pose disagree")
    return _shifted(item, world_from_room @ push)


def _push_apart(items: dict[str, PlacedObject]) -> dict[str, PlacedObject]:
    """Separate pairs on the floor whose boxes overlap a little, each by half."""
    items = dict(items)
    standing = [name for name, item in items.items() if item.alignment.support == "floor"]
    for k, first in enumerate(standing):
        for second in standing[k + 1 :]:
            step = _separation(_bounds(items[first], np.eye(3)), _bounds(items[second], np.eye(3)))
            if step.any():
                items[first] = _shifted(items[first], -0.5 * step)
                items[second] = _shifted(items[second], 0.5 * step)
    return items


def _separation(
    first: tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]],
    second: tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]],
) -> Float[np.ndarray, " 3"]:
    """The shortest horizontal way that takes the second box off the first; zero where nothing is to be done."""
    step = np.zeros(3)
    overlap = np.minimum(first[1], second[1]) - np.maximum(first[0], second[0])
    smaller = min(float(np.prod((high - low)[[0, 2]])) for low, high in (first, second))
    if (overlap <= 0.0).any() or overlap[0] * overlap[2] < OVERLAP_SHARE * smaller:
        return step
    axis = 0 if overlap[0] < overlap[2] else 2
    if overlap[axis] <= TOUCHING_M:
        towards = (second[0] + second[1] - first[0] - first[1])[axis]
        step[axis] = overlap[axis] if towards >= 0.0 else -overlap[axis]
    return step


def _bounds(
    item: PlacedObject, world_from_axes: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Least and greatest corner along the axes given."""
    points = transform(item.alignment.world_from_object.matrix, item.mesh.vertices) @ world_from_axes
    return points.min(axis=0), points.max(axis=0)


def _shifted(item: PlacedObject, step: Float[np.ndarray, " 3"]) -> PlacedObject:
    """The object moved by a step in the world frame."""
    pose = item.alignment.world_from_object
    return _moved(item, replace(pose, translation=pose.translation + step), contact_gap_m=item.alignment.contact_gap_m)


def _moved(item: PlacedObject, pose: Similarity, *, contact_gap_m: float) -> PlacedObject:
    """The object in another pose."""
    return replace(item, alignment=replace(item.alignment, world_from_object=pose, contact_gap_m=contact_gap_m))


def _noted(item: PlacedObject, sentence: str) -> PlacedObject:
    """The object with one more sentence for the report."""
    return replace(item, alignment=replace(item.alignment, notes=(*item.alignment.notes, sentence)))


def _judged(item: PlacedObject, before: PlacedObject, camera: Camera, ignore: np.ndarray) -> Alignment:
    """The alignment with its mask IoU measured again where the object moved."""
    if item.alignment.world_from_object is before.alignment.world_from_object:
        return item.alignment
    drawn = silhouette(item.mesh, item.alignment.world_from_object, camera)
    image = np.zeros((*camera.hw, 3), dtype=np.uint8)
    view = ObjectView(instance=item.instance, image=image, ignore=ignore, camera=camera)
    return replace(item.alignment, mask_iou=mask_iou(view, drawn))
