"""Isolate: what is known of each object on its own: its mask, what may hide it, what carries it.

From here on every object goes its own way; a change to one object's mask leaves the others' results in the store.
"""

from dataclasses import dataclass

from models.base import Segmentation
from regen3d import codec
from regen3d.align.occlusion import occluders
from regen3d.align.support import infer_supports, paper_supports, with_given
from regen3d.manifest import StageEntry
from regen3d.room.box import bare_floor
from regen3d.store import Ref, Store
from regen3d.types import Geometry, ObjectView, Room
from tasks.artifacts import Preview
from tasks.stage import SceneContext, stage_task
from tasks.work import Stage, StageWork


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolatedObject:
    """One object, ready for the stages that run once an object."""

    name: str
    """Its name."""
    view: Ref
    """Its `ObjectView`."""
    support: str
    """`floor`, `wall`, `ceiling`, or the name of the object below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """All objects of a scene."""

    objects: tuple[IsolatedObject, ...]
    """In the order of the segmentation."""


codec.register(IsolatedObject, Isolation)


def compute(work: StageWork) -> Isolation:
    """One view an object; where the call names one alone, the others stay as they were before."""
    only = work.call.params.get("only")
    if only is not None:
        before = work.value("before", Isolation).objects
        new = next(item for item in _isolated(work) if item.name == only)
        return Isolation(objects=tuple(new if item.name == only else item for item in before))
    return Isolation(objects=_isolated(work))


def _isolated(work: StageWork) -> tuple[IsolatedObject, ...]:
    segmentation, geometry = work.value("segmentation", Segmentation), work.value("geometry", Geometry)
    instances, camera = segmentation.instances, geometry.camera
    supports = with_given(_supports(work, segmentation, geometry), work.call.params.get("supports", {}))
    hidden = occluders(instances)
    image = work.image()
    objects = []
    for instance in instances:
        view = ObjectView(instance=instance, image=image, ignore=hidden[instance.name], camera=camera)
        ref = codec.put_value(work.store, view)
        objects.append(IsolatedObject(name=instance.name, view=ref, support=supports[instance.name]))
    return tuple(objects)


def _supports(work: StageWork, segmentation: Segmentation, geometry: Geometry) -> dict[str, str]:
    layout = work.value("room", Room).layout
    if work.call.params.get("support") == "paper":
        floor = segmentation.floor
        if floor is None:
            floor = bare_floor(geometry.camera, layout, (item.mask for item in segmentation.instances))
        return paper_supports(segmentation.instances, floor)
    return infer_supports(segmentation.instances, geometry.camera, layout, geometry.image_points)


def isolated_objects(context: SceneContext, entry: StageEntry) -> tuple[IsolatedObject, ...]:
    """The objects that a finished call found."""
    return codec.get_value(Store(context.store), entry.value, Isolation).objects


def _preview(value: Isolation, work: StageWork) -> Preview:
    rows = tuple({"object": item.name, "stands on": item.support} for item in value.objects)
    return Preview(table=rows, caption="What carries what") if rows else Preview(text="No objects.")


STAGE = Stage(name="isolate", produces=Isolation, compute=compute, preview=_preview)
isolate = stage_task(STAGE)
