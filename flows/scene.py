"""One picture in, one scene out: the wiring of the stages."""

import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import cast

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.keys import provide_keys
from flows.objects import Outcomes, Shared, place_again, start_object
from flows.orphans import watch_over
from flows.review import reviewed, told_at_rest
from models.choice import check_choice, check_ready
from models.licences import Permission
from regen3d.config import SceneRequest, adapters_of
from regen3d.corrections import with_corrections
from regen3d.errors import InputError
from regen3d.export.report import shortfalls
from regen3d.export.settings import ExportSettings
from regen3d.fingerprint import run_key
from regen3d.manifest import Manifest, StageEntry
from regen3d.redo import calls_of, one_change
from regen3d.remote import local_inputs
from regen3d.runs import find_run, newest, undone
from regen3d.store import Store
from tasks.assemble import assemble
from tasks.credentials import use_block
from tasks.execution.executor import cancelling
from tasks.export import export
from tasks.geometry import geometry
from tasks.ingest import SceneInputs, check_mesh_names, read_inputs
from tasks.isolate import IsolatedObject, isolate, isolated_objects
from tasks.plate import plate
from tasks.record import RunFacts, finish_scene, shows_room
from tasks.report import report
from tasks.room import room
from tasks.segment import segment
from tasks.shown_progress import progress_shown
from tasks.stage import SceneContext
from tasks.summary import publish_summary
from tasks.walls import wall_fit, walls

LONGEST_MESSAGE = 1000
"""Letters of a state's message that tables and notifications still show."""


@flow(
    name="reconstruct-scene",
    flow_run_name="{request.name}",
    on_running=[watch_over],
)
def reconstruct_scene(request: SceneRequest) -> Manifest:
    """Turn one picture into a scene and write its folder.

    Raises:
        InputError: the picture, or another thing that the request names, cannot be used, or shows neither objects
            nor a room.
        WeightsMissingError: a model that runs in this process has no weights here.
    """
    with told_at_rest(), progress_shown(), local_inputs(request) as given:
        manifest = _reconstruct(given, request)
    publish_summary(manifest, request.out)
    return ended(manifest)


def ended(manifest: Manifest) -> Manifest:
    """The answer of a flow: the manifest, which a scene with something missing wraps in the state `Partial`."""
    if manifest.status == "whole":
        return manifest
    message = " ".join(shortfalls(manifest))[:LONGEST_MESSAGE]
    # Prefect takes the state, and hands the manifest in it to whoever called the flow.
    return cast("Manifest", Completed(name="Partial", message=message, data=manifest))


def _reconstruct(request: SceneRequest, original: SceneRequest) -> Manifest:
    """The scene of a request whose files are local; `original` is the same with the addresses that were given."""
    started, request = time.time(), with_corrections(request)
    use_block()
    adapters = adapters_of(request.profile, request.overrides)
    permission = Permission(allow_noncommercial=request.allow_noncommercial, territory=request.territory)
    check_choice(adapters, request.options, permission)
    if request.execution == "local":
        asked = {stage: name for stage, name in adapters.items() if stage not in request.given}
        provide_keys(asked)
        check_ready(asked, request.options)
    context = SceneContext(
        store=request.store_uri,
        adapters=adapters,
        options=request.options,
        seed=request.seed,
        execution=request.place,
    )
    corrected = find_run(Store(context.store), run_key(request))
    if corrected is not None and corrected.missing_formats:
        with one_change(Store(context.store), corrected):
            return formats_again(context, newest(Store(context.store), corrected), request, started)
    lost = undone(Path(request.out), None)
    if lost:
        get_run_logger().warning("'%s' gets a scene without what was redone there: %s", request.out, ", ".join(lost))
    if request.pause_after is not None:
        request = reviewed(context, request, find_objects)
    key, inputs = run_key(request), read_inputs(request)
    shared = perceive(context, inputs)
    objects = isolated_objects(context, shared["isolate"])
    if not objects and not shows_room(context, shared["room"]):
        raise InputError(
            f"'{inputs.image_name}' shows neither objects nor a room that could be found: "
            "give a photograph of a room with its floor in view, or help with --boxes, --masks or --camera"
        )
    check_mesh_names(inputs.meshes, [item.name for item in objects])
    with cancelling(context.execution):
        runs = [start_object(context, inputs, item, shared) for item in objects]
        outcomes = {run.name: run.wait() for run in runs}
        shared |= correct_walls(context, inputs, shared, outcomes)
        outcomes |= place_again(context, shared, outcomes)
    shared["assemble"] = put_together(context, inputs, shared, outcomes, objects)
    shared["export"] = write_files(context, inputs, shared, outcomes, request.export)
    shared["report"] = report(
        context,
        context.call("report").with_inputs(image=inputs.image),
        {name: shared[name] for name in ("segment", "plate", "geometry", "room", "assemble")},
    )
    facts = RunFacts(
        request=request,
        asked=original.model_dump(mode="json"),
        scene=inputs.name,
        image=inputs.entry,
        notes=inputs.notes,
        started=started,
        id=str(flow_run.id),
        # A file that was saved during the run belongs to another answer: nobody shall find this one.
        key=key if run_key(request) == key else uuid.uuid4().hex,
    )
    entries = [*shared.values(), *(entry for entries, _ in outcomes.values() for entry in entries.values())]
    return finish_scene(context, facts, entries)


def formats_again(context: SceneContext, corrected: Manifest, request: SceneRequest, started: float) -> Manifest:
    """A scene as somebody has corrected it, with those of its formats tried again that could not be written."""
    calls = calls_of(corrected).shared
    others = [entry.model_copy(update={"reused": True}) for entry in corrected.stages if entry.call.stage != "export"]
    facts = RunFacts(
        request=request,
        asked=corrected.run.request,
        scene=corrected.scene,
        image=corrected.image,
        notes=corrected.notes,
        started=started,
        id=str(flow_run.id),
        key=str(corrected.run.key),
        redone=corrected.run.redone,
    )
    return finish_scene(context, facts, [export(context, calls["export"].call), *others])


def find_objects(context: SceneContext, inputs: SceneInputs) -> StageEntry:
    """The first stage."""
    params = {"labels": list(inputs.labels), "boxes": list(inputs.boxes)}
    call = context.call("segment", **params).with_inputs(image=inputs.image)
    return segment(context, call.by_hand(inputs.masks))


def perceive(context: SceneContext, inputs: SceneInputs) -> Shared:
    """The stages that look at the whole picture, one after the other."""
    known = {"image": inputs.image} | ({"camera": inputs.camera} if inputs.camera else {})
    shared: Shared = {"segment": find_objects(context, inputs)}
    call = context.call("plate").with_inputs(**known)
    shared["plate"] = plate(context, call.by_hand(inputs.plate), {"segmentation": shared["segment"]})
    seen = {"segmentation": shared["segment"], "plate": shared["plate"]}
    call = context.call("geometry", **inputs.measure).with_inputs(**known)
    shared["geometry"] = geometry(context, call.by_hand(inputs.geometry), seen)
    measured = {"plate": shared["plate"], "geometry": shared["geometry"]}
    shared["room"] = room(context, context.call("room"), measured)
    seen = {"segmentation": shared["segment"], "geometry": shared["geometry"], "room": shared["room"]}
    call = context.call("isolate", **inputs.support).with_inputs(image=inputs.image)
    shared["isolate"] = isolate(context, call, seen)
    return shared


def correct_walls(context: SceneContext, inputs: SceneInputs, shared: Shared, outcomes: Outcomes) -> Shared:
    """Where furniture shows the walls to be; and the room anew, where that is elsewhere."""
    done = {name: entries for name, (entries, reason) in outcomes.items() if reason is None}
    upstream = {"geometry": shared["geometry"], "room": shared["room"]}
    upstream |= {f"{name}.asset": entries["generate"] for name, entries in done.items()}
    upstream |= {f"{name}.alignment": entries["align"] for name, entries in done.items()}
    entry = walls(context, context.call("walls", objects=list(done), **inputs.align), upstream)
    if not wall_fit(context, entry).shifts_m:
        return {"walls": entry}
    again = shared["room"].call.with_inputs(before=shared["room"].value, walls=entry.value)
    return {"walls": entry, "room": room(context, again)}


def put_together(
    context: SceneContext, inputs: SceneInputs, shared: Shared, outcomes: Outcomes, objects: tuple[IsolatedObject, ...]
) -> StageEntry:
    """Assemble the objects that are done, with placeholders for the others."""
    done = {name: entries for name, (entries, reason) in outcomes.items() if reason is None}
    failed = {name: reason for name, (_, reason) in outcomes.items() if reason is not None}
    call = context.call("assemble", failed=failed).with_inputs(image=inputs.image)
    call = call.with_inputs(**{f"{item.name}.view": item.view for item in objects})
    upstream = {"segmentation": shared["segment"], "geometry": shared["geometry"], "room": shared["room"]}
    upstream |= {f"{name}.asset": entries["generate"] for name, entries in done.items()}
    upstream |= {f"{name}.alignment": entries["align"] for name, entries in done.items()}
    return assemble(context, call, upstream)


def write_files(
    context: SceneContext, inputs: SceneInputs, shared: Shared, outcomes: Outcomes, settings: ExportSettings
) -> StageEntry:
    """Write the scene in every format that was asked for."""
    made_by = {
        name: entries["generate"].provenance.model_dump(exclude={"key"})
        for name, (entries, reason) in outcomes.items()
        if reason is None
    }
    chosen = {**asdict(settings), "formats": list(settings.formats)}
    call = context.call("export", scene=inputs.name, made_by=made_by, settings=chosen)
    upstream = {name: shared[name] for name in ("geometry", "room", "assemble")}
    return export(context, call.with_inputs(image=inputs.image), upstream)
