"""One object of a finished scene again, and the scene put together anew round it."""

import time
import uuid
from pathlib import Path

import numpy as np
from prefect import flow
from prefect.runtime import flow_run

from flows.keys import provide_keys
from flows.orphans import watch_over
from flows.scene import ended
from models.base import Segmentation
from regen3d import codec
from regen3d.config import OBJECT_STAGES, SceneRequest
from regen3d.errors import ConfigError
from regen3d.fingerprint import derive_seed
from regen3d.inputs.image import Picture
from regen3d.inputs.labels import clean_label
from regen3d.inputs.mask_pixels import silhouette, to_working
from regen3d.manifest import HAND_MADE, Manifest, StageCall, StageEntry
from regen3d.redo import RedoRequest, call_again, calls_of, check_object, mended, new_seed, one_change
from regen3d.remote import local_file
from regen3d.runs import find_manifest, newest
from regen3d.store import Ref, Store
from regen3d.types import Mask
from tasks.align import align
from tasks.assemble import assemble
from tasks.complete import complete
from tasks.credentials import use_block
from tasks.export import export
from tasks.generate import generate
from tasks.isolate import isolate, isolated_objects
from tasks.record import RunFacts, finish_scene
from tasks.report import report
from tasks.segment import segment
from tasks.shown_progress import progress_shown
from tasks.stage import SceneContext
from tasks.summary import publish_summary


@flow(name="redo-object", flow_run_name="{request.name}", on_running=[watch_over])
def redo_object(request: RedoRequest) -> Manifest:
    """Make one object again and put the scene together; whatever fails, the scene stays as it was.

    Raises:
        ConfigError: the store knows no such scene, it has no such object, or mask and label cannot be used.
    """
    use_block()
    store = Store(request.store)
    named = find_manifest(store, request.run)
    if named is None:
        raise ConfigError(f"the store '{request.store}' knows no scene of the run '{request.run}'")
    with one_change(store, named):
        manifest = _redone(request, named)
    publish_summary(manifest, request.out)
    return ended(manifest)


def _redone(request: RedoRequest, named: Manifest) -> Manifest:
    """The scene that a run made, as it stands by now, with the object made again."""
    started, old = time.time(), newest(Store(request.store), named)
    check_object(old, request.object)
    context = SceneContext(store=request.store, adapters=old.adapters, seed=old.seed, execution=request.execution.here)
    if context.execution.name == "local":
        provide_keys({stage: name for stage, name in old.adapters.items() if stage in OBJECT_STAGES})
    with progress_shown():
        shared = dict(calls_of(old).shared)
        if request.mask is not None or request.label is not None:
            shared |= _seen_anew(context, request, old)
        entries = _made_again(context, request, old, shared)
        shared["assemble"] = _put_together(context, request, old, shared, entries)
        shared["export"] = _files_again(context, request, old, shared, entries["generate"])
        upstream = {name: shared[name] for name in ("segment", "plate", "geometry", "room", "assemble")}
        shared["report"] = report(context, _plain(calls_of(old).shared["report"].call), upstream)
        others = [entry for entry in old.stages if entry.call.object not in (None, request.object)]
        reused = [entry.model_copy(update={"reused": True}) for entry in others]
        return finish_scene(context, _facts(request, old, started), [*_told(shared, old), *entries.values(), *reused])


def _told(shared: dict[str, StageEntry], old: Manifest) -> list[StageEntry]:
    """The scene's own calls, with those that were not asked again marked so."""
    before = calls_of(old).shared
    return [
        entry.model_copy(update={"reused": True}) if entry is before[stage] else entry
        for stage, entry in shared.items()
    ]


def _plain(call: StageCall) -> StageCall:
    """A call without the inputs of an earlier redo."""
    return call.model_copy(update={"inputs": {name: ref for name, ref in call.inputs.items() if name != "before"}})


def _seen_anew(context: SceneContext, request: RedoRequest, old: Manifest) -> dict[str, StageEntry]:
    """Segmentation and isolation with one object as the user says that it is."""
    store, before = Store(request.store), calls_of(old).shared
    known = codec.get_value(store, before["segment"].value, Segmentation)
    mask = None if request.mask is None else _read_mask(store, request, old)
    label = None if request.label is None else clean_label(request.label, "--label")
    instances = tuple(
        mended(instance, mask, label) if instance.name == request.object else instance for instance in known.instances
    )
    value = Segmentation(instances=instances, floor=known.floor, notes=known.notes)
    call = before["segment"].call.by_hand(codec.put_value(store, value))
    seen = {"segment": segment(context, call)}
    call = _plain(before["isolate"].call)
    call = call.model_copy(update={"params": {**call.params, "only": request.object}})
    # Furniture may have moved the walls since.
    call = call.with_inputs(before=before["isolate"].value, room=before["room"].value)
    seen["isolate"] = isolate(context, call, {"segmentation": seen["segment"]})
    return seen


def _read_mask(store: Store, request: RedoRequest, old: Manifest) -> Mask:
    pixels = codec.get_value(store, old.image.pixels, np.ndarray)
    with local_file(str(request.mask)) as path:
        painted = silhouette(path)
        # The scene's record has the working picture alone; a mask of the same shape was painted over the one given.
        height, width = painted.shape
        alike = abs(width * old.image.height - height * old.image.width) <= max(old.image.width, old.image.height)
        given = (width, height) if alike else (old.image.width, old.image.height)
        mask = to_working(painted, Picture(pixels=pixels, given_wh=given), path.name)
    if not mask.any():
        raise ConfigError(f"{Path(str(request.mask)).name}: the mask is empty; paint the object white")
    return mask


def _made_again(
    context: SceneContext, request: RedoRequest, old: Manifest, shared: dict[str, StageEntry]
) -> dict[str, StageEntry]:
    """The three calls of the object, with its own seed."""
    name, seed = request.object, new_seed(old, request)
    item = next(item for item in isolated_objects(context, shared["isolate"]) if item.name == name)

    def again(stage: str, **inputs: Ref) -> StageCall:
        call = call_again(old, stage, name, seed=derive_seed(seed, stage, name))
        return call.with_inputs(view=item.view, **inputs)

    entries: dict[str, StageEntry] = {}
    made = calls_of(old).objects[name].get("generate")
    if made is not None and made.call.adapter == HAND_MADE:
        # The user's own mesh needs no picture of the whole object.
        entries["generate"] = generate(context, again("generate"))
    else:
        entries["complete"] = complete(context, again("complete"))
        entries["generate"] = generate(context, again("generate"), {"completion": entries["complete"]})
    last = calls_of(old).objects[name].get("align")
    # As it was asked last, before walls that furniture corrected or without any: the same mesh gets the same place.
    room = shared["room"].value if last is None else last.call.inputs["room"]
    call = again("align", geometry=shared["geometry"].value, room=room)
    call = call.model_copy(update={"params": {**call.params, "support": item.support}})
    entries["align"] = align(context, call, {"asset": entries["generate"]})
    return entries


def _put_together(
    context: SceneContext,
    request: RedoRequest,
    old: Manifest,
    shared: dict[str, StageEntry],
    entries: dict[str, StageEntry],
) -> StageEntry:
    """The scene with the object in its place; every other object stands as it stood."""
    name, before = request.object, calls_of(old).shared["assemble"]
    failed = {key: reason for key, reason in before.call.params["failed"].items() if key != name}
    call = _plain(before.call)
    params = {**call.params, "failed": failed, "only": name}
    call = call.model_copy(update={"params": params}).with_inputs(
        before=before.value, **{f"{name}.view": entries["align"].call.inputs["view"]}
    )
    upstream = {"segmentation": shared["segment"]}
    upstream |= {f"{name}.asset": entries["generate"], f"{name}.alignment": entries["align"]}
    return assemble(context, call, upstream)


def _files_again(
    context: SceneContext, request: RedoRequest, old: Manifest, shared: dict[str, StageEntry], made: StageEntry
) -> StageEntry:
    """The scene's files, in the formats that it had."""
    call = calls_of(old).shared["export"].call
    made_by = {**call.params["made_by"], request.object: made.provenance.model_dump(exclude={"key"})}
    call = call.model_copy(update={"params": {**call.params, "made_by": made_by}})
    return export(context, call, {name: shared[name] for name in ("geometry", "room", "assemble")})


def _facts(request: RedoRequest, old: Manifest, started: float) -> RunFacts:
    image = old.image
    asked = SceneRequest(image=image.name, out=request.out, store=request.store, profile=old.profile, seed=old.seed)
    return RunFacts(
        request=asked,
        # Of scenes that share their answer, this folder's is the one that was corrected.
        asked=None if old.run.request is None else {**old.run.request, "out": request.out},
        scene=old.scene,
        image=image,
        notes=old.notes,
        started=started,
        id=str(flow_run.id),
        key=old.run.key or uuid.uuid4().hex,
        redone=tuple(sorted({*old.run.redone, request.object})),
    )
