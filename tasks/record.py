"""The end of a run: manifest and report written down, the scene's folder delivered."""

import importlib.metadata
import math
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regen3d import __version__, codec
from regen3d.config import STAGES, SceneRequest
from regen3d.export.light_files import estimates
from regen3d.export.report import ReportPictures, report_html
from regen3d.light.base import DIRECTION_SPREAD_DEG, ESTIMATED, SceneLight
from regen3d.manifest import (
    CameraEntry,
    Diagnostics,
    ImageEntry,
    LightEntry,
    Manifest,
    ObjectEntry,
    RoomEntry,
    RunEntry,
    StageEntry,
)
from regen3d.runs import deliver, is_corrected, keep_manifest, keep_run
from regen3d.store import Ref, Store
from regen3d.types import Geometry, Room
from tasks.assemble import AssembledObject, Assembly
from tasks.export import Exported
from tasks.report import picture_files
from tasks.stage import SceneContext

_PACKAGES = ("numpy", "opencv-python-headless", "prefect", "torch", "trimesh")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run beside its stages."""

    request: SceneRequest
    """What was asked, with files that are local and corrections that were made."""
    asked: dict[str, Any] | None
    """What was asked, as it was asked: a request as JSON, to ask it again; None where nobody knows."""
    scene: str
    """Name of the scene."""
    image: ImageEntry
    """The picture that was given."""
    notes: tuple[str, ...]
    """What is known of the scene before its stages: how the picture was read."""
    started: float
    """Seconds since the epoch."""
    id: str
    """The flow run."""
    key: str
    """Of the question that the scene answers: `regen3d.fingerprint.run_key` of its request, if that still holds."""
    redone: tuple[str, ...] = ()
    """Objects that were made again since the scene was made."""


def shows_room(context: SceneContext, entry: StageEntry) -> bool:
    """Whether a finished room is believable."""
    return codec.get_value(Store(context.store), entry.value, Room).layout.believable


def finish_scene(context: SceneContext, facts: RunFacts, entries: list[StageEntry]) -> Manifest:
    """Write manifest and report, remember the run, deliver the folder.

    Args:
        context: the scene.
        facts: the run.
        entries: the calls that the scene is made of; what a later call of the same stage replaced is left out.

    Returns:
        The manifest as it stands in the scene's folder.
    """
    store = Store(context.store)
    entries = sorted(entries, key=lambda entry: (STAGES.index(entry.call.stage), entry.call.object or ""))
    manifest = _manifest(store, context, facts, entries)
    pictures = codec.get_value(store, _value(entries, "report"), ReportPictures)
    files = {path: codec.png_bytes(picture) for path, picture in picture_files(pictures).items()}
    manifest = _with_files(store, manifest, files)
    scene = manifest.exports.get("scene.glb")
    report = report_html(manifest, pictures, scene and store.get_bytes(scene)).encode()
    manifest = _with_files(store, manifest, {"report.html": report})
    keep_manifest(store, manifest)
    # What failed for want of memory or a program may succeed next time. A correction stands, whatever else failed.
    whole = all(entry.status == "ok" for entry in manifest.objects) and not manifest.missing_formats
    if facts.redone or (whole and not is_corrected(store, facts.key)):
        keep_run(store, facts.key, manifest)
    return deliver(store, manifest, Path(facts.request.out))


def _with_files(store: Store, manifest: Manifest, files: dict[str, bytes]) -> Manifest:
    """The manifest with further files for the scene's folder."""
    kept = {path: store.put_bytes(content, f".{path.rsplit('.', 1)[1]}") for path, content in files.items()}
    return manifest.model_copy(update={"exports": {**manifest.exports, **kept}})


def _manifest(store: Store, context: SceneContext, facts: RunFacts, entries: list[StageEntry]) -> Manifest:
    assembly = codec.get_value(store, _value(entries, "assemble"), Assembly)
    room = _room(codec.get_value(store, _value(entries, "room"), Room))
    objects = tuple(_object(store, item) for item in assembly.objects)
    exported = codec.get_value(store, _value(entries, "export"), Exported)
    whole = room.believable and all(entry.status == "ok" for entry in objects) and not exported.missing
    return Manifest(
        regen3d=__version__,
        scene=facts.scene,
        status="whole" if whole else "partial",
        profile=facts.request.profile,
        adapters=context.adapters,
        seed=context.seed,
        image=facts.image,
        camera=_camera(codec.get_value(store, _value(entries, "geometry"), Geometry)),
        room=room,
        background=_value(entries, "room"),
        plate=_value(entries, "plate"),
        light=_light(store, assembly.light, exported),
        objects=objects,
        notes=_notes(facts, entries, room, objects),
        stages=tuple(entries),
        exports=exported.files,
        missing_formats=exported.missing,
        store=context.store,
        run=_run(facts),
    )


def _value(entries: list[StageEntry], stage: str) -> Ref:
    return next(entry.value for entry in entries if entry.call.stage == stage)


def _camera(geometry: Geometry) -> CameraEntry:
    camera = geometry.camera
    return CameraEntry(
        intrinsics=camera.intrinsics.tolist(),
        world_from_camera=camera.world_from_camera.tolist(),
        hfov_deg=camera.hfov_deg,
        height_m=float(camera.position[1]),
        confidence=geometry.confidence,
    )


def _room(room: Room) -> RoomEntry:
    layout = room.layout
    return RoomEntry(
        yaw_deg=math.degrees(layout.yaw_rad),
        bounds_min=layout.bounds_min.tolist(),
        bounds_max=layout.bounds_max.tolist(),
        seen=sorted(layout.seen),
        confidence=layout.confidence,
        believable=layout.believable,
        scale_source=room.scale_source,
    )


def _light(store: Store, light: SceneLight, exported: Exported) -> LightEntry:
    return LightEntry(
        value=codec.put_value(store, light),
        direction=light.direction.tolist(),
        direction_spread_deg=DIRECTION_SPREAD_DEG,
        error=light.error,
        estimated=ESTIMATED,
        files=estimates(exported.files),
    )


def _object(store: Store, item: AssembledObject) -> ObjectEntry:
    known = ObjectEntry(
        name=item.instance.name,
        label=item.instance.label,
        score=item.instance.score,
        status=item.status,
        reason=item.reason,
        box=item.instance.box,
        truncated=item.instance.is_truncated,
        kind=item.kind,
        notes=item.notes,
    )
    if item.placed is None:
        return known
    mesh, alignment = item.placed.mesh, item.placed.alignment
    extent = (mesh.vertices.max(axis=0) - mesh.vertices.min(axis=0)) * alignment.world_from_object.scale
    diagnostics = Diagnostics(
        mask_iou=alignment.mask_iou,
        contact_gap_m=alignment.contact_gap_m,
        point_residual_m=alignment.point_residual_m,
        runner_up_margin=alignment.runner_up_margin,
        confidence=alignment.confidence,
    )
    placed = {
        "support": alignment.support,
        "world_from_object": alignment.world_from_object.matrix.tolist(),
        "size_m": extent.tolist(),
        "mesh": codec.put_value(store, mesh),
        "diagnostics": diagnostics if item.status == "ok" else None,
    }
    return known.model_copy(update=placed)


def _notes(
    facts: RunFacts, entries: list[StageEntry], room: RoomEntry, objects: tuple[ObjectEntry, ...]
) -> tuple[str, ...]:
    notes = [*facts.notes]
    if not objects:
        notes.append("No objects were found: the scene is an empty room.")
    if not room.believable:
        notes.append(f"The room is not believable (confidence {room.confidence:.2f}): walls and scale may be wrong.")
    notes += [note for entry in entries if entry.call.object is None for note in entry.notes]
    return tuple(dict.fromkeys(notes))


def _run(facts: RunFacts) -> RunEntry:
    return RunEntry(
        id=facts.id,
        started=datetime.fromtimestamp(facts.started, UTC).isoformat(timespec="seconds"),
        seconds=round(time.time() - facts.started, 1),
        host=platform.node(),
        key=facts.key,
        redone=facts.redone,
        request=facts.asked,
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
    )
