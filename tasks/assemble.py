"""Assemble: every object at its place in the room, and the light that falls on them."""

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Literal

from models.base import Segmentation
from regen3d import codec
from regen3d.align.proportions import proportioned
from regen3d.align.settle import PlacedObject, settle
from regen3d.light.base import SceneLight
from regen3d.light.estimate import estimate_light
from regen3d.render.scene import PlacedMesh
from regen3d.types import Alignment, Asset, Camera, Geometry, Instance, ObjectView, Room
from tasks.artifacts import Preview
from tasks.placeholder import placeholder
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembledObject:
    """One object of the finished scene."""

    instance: Instance
    """What the picture shows of it."""
    status: Literal["ok", "placeholder", "failed"]
    """`failed` objects stand nowhere."""
    reason: str | None
    """Why it is not `ok`."""
    kind: str | None
    """What mesh was made."""
    placed: PlacedObject | None
    """Its mesh and where it stands."""
    notes: tuple[str, ...]
    """What was assumed or fell back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The finished scene."""

    objects: tuple[AssembledObject, ...]
    """In the order of the segmentation."""
    light: SceneLight
    """The light of the room."""


codec.register(PlacedObject, AssembledObject, Assembly, SceneLight)


def compute(work: StageWork) -> Assembly:
    """Objects settled on their supports, and the light that falls on them."""
    camera, room = work.value("geometry", Geometry).camera, work.value("room", Room)
    instances = work.value("segmentation", Segmentation).instances
    only = work.call.params.get("only")
    if only is None:
        objects = _settled([_object(work, instance) for instance in instances], camera, room)
    else:
        # One object was made again: the others stay as they stood.
        before = {item.instance.name: item for item in work.value("before", Assembly).objects}
        objects = [
            _object(work, instance) if instance.name == only else before[instance.name] for instance in instances
        ]
        objects = _settled(objects, camera, room, fixed=before.keys() - {only})
    standing = [item.placed for item in objects if item.placed is not None]
    placed = [PlacedMesh(mesh=item.mesh, world_from_mesh=item.alignment.world_from_object.matrix) for item in standing]
    return Assembly(objects=tuple(objects), light=estimate_light(work.image(), camera, room, placed))


def _object(work: StageWork, instance: Instance) -> AssembledObject:
    name, reason = instance.name, work.call.params["failed"].get(instance.name)
    if reason is not None:
        return _stand_in(instance, reason, placeholder(work.value(f"{name}.view", ObjectView), work.call.seed))
    asset, alignment = work.value(f"{name}.asset", Asset), work.value(f"{name}.alignment", Alignment)
    mesh = proportioned(asset.mesh, alignment.proportions)
    return AssembledObject(
        instance=instance,
        status="ok",
        reason=None,
        kind=asset.kind,
        placed=PlacedObject(name=name, alignment=alignment, mesh=mesh, instance=instance),
        notes=(*asset.notes, *alignment.notes),
    )


def _stand_in(instance: Instance, reason: str, placed: PlacedObject | None) -> AssembledObject:
    return AssembledObject(
        instance=instance,
        status="failed" if placed is None else "placeholder",
        reason=reason,
        kind=None if placed is None else "placeholder",
        placed=placed,
        notes=(),
    )


def _settled(
    objects: list[AssembledObject], camera: Camera, room: Room, fixed: Set[str] = frozenset()
) -> list[AssembledObject]:
    standing = [item.placed for item in objects if item.placed is not None]
    # Walls that are not believable must not push furniture about.
    layout = room.layout if room.layout.believable else None
    alignments = settle(standing, camera, layout, fixed)
    settled = {item.name: alignment for item, alignment in zip(standing, alignments, strict=True)}
    return [
        item
        if item.placed is None or item.placed.name in fixed
        else _moved(item, item.placed, settled[item.placed.name])
        for item in objects
    ]


def _moved(item: AssembledObject, placed: PlacedObject, alignment: Alignment) -> AssembledObject:
    notes = tuple(dict.fromkeys((*item.notes, *alignment.notes)))
    return replace(item, placed=replace(placed, alignment=alignment), notes=notes)


def _preview(value: Assembly, work: StageWork) -> Preview:
    rows = tuple(
        {"object": item.instance.name, "status": item.status, "reason": item.reason or ""} for item in value.objects
    )
    return Preview(table=rows, caption="The scene's objects") if rows else Preview(text="An empty room.")


STAGE = Stage(name="assemble", produces=Assembly, compute=compute, preview=_preview)
assemble = stage_task(STAGE)
