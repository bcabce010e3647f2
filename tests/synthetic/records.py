"""A small finished scene in a store, made without running anything."""

import numpy as np

from regen3d import codec
from regen3d.manifest import (
    CameraEntry,
    Diagnostics,
    ImageEntry,
    Manifest,
    ObjectEntry,
    Provenance,
    RoomEntry,
    RunEntry,
    StageCall,
    StageEntry,
)
from regen3d.store import Store
from tests.synthetic.room import SyntheticRoom


def finished_scene(store: Store, room: SyntheticRoom) -> Manifest:
    """A manifest whose values, inputs, meshes and exports are all in the store."""
    image = codec.put_value(store, room.image)
    view = codec.put_value(store, room.view("chair-1"))
    calls = {
        "segment": (StageCall(stage="segment", adapter="embedded").with_inputs(image=image), room.instances),
        "plate": (StageCall(stage="plate", adapter="embedded").with_inputs(image=image), room.plate),
        "geometry": (StageCall(stage="geometry", adapter="embedded"), room.camera),
        "room": (StageCall(stage="room"), room.layout),
        "isolate": (StageCall(stage="isolate"), (view,)),
        "align": (
            StageCall(stage="align", object="chair-1", seed=3).with_inputs(view=view),
            room.objects[1].world_from_object,
        ),
    }
    entries = tuple(
        StageEntry(
            call=call,
            value=codec.put_value(store, value),
            provenance=Provenance(
                adapter=call.adapter or "regen3d", model=name, revision="1", licence="MIT", seed=call.seed, key="0" * 64
            ),
            seconds=1.5,
            reused=False,
        )
        for name, (call, value) in calls.items()
    )
    value_of = {entry.call.stage: entry.value for entry in entries}
    return Manifest(
        regen3d="0.0.0",
        scene="room",
        status="whole",
        profile="embedded",
        adapters={"segment": "embedded"},
        seed=0,
        image=ImageEntry(name="room.png", pixels=image, width=room.camera.width, height=room.camera.height),
        camera=_camera(room),
        room=_room(room),
        background=value_of["room"],
        plate=value_of["plate"],
        objects=(_chair(store, room),),
        stages=entries,
        exports={"scene.glb": store.put_bytes(b"glTF" + bytes(40), ".glb")},
        store=store.uri,
        run=RunEntry(id="1", started="2025-01-01T00:00:00+00:00", seconds=9.0, host="here", versions={"numpy": "2"}),
    )


def _camera(room: SyntheticRoom) -> CameraEntry:
    return CameraEntry(
        intrinsics=room.camera.intrinsics.tolist(),
        world_from_camera=room.camera.world_from_camera.tolist(),
        hfov_deg=room.camera.hfov_deg,
        height_m=float(room.camera.position[1]),
        confidence=1.0,
    )


def _room(room: SyntheticRoom) -> RoomEntry:
    return RoomEntry(
        yaw_deg=float(np.degrees(room.layout.yaw_rad)),
        bounds_min=room.layout.bounds_min.tolist(),
        bounds_max=room.layout.bounds_max.tolist(),
        seen=sorted(room.layout.seen),
        confidence=1.0,
        believable=True,
        scale_source="Known.",
    )


def _chair(store: Store, room: SyntheticRoom) -> ObjectEntry:
    item, instance = room.objects[1], room.instances[1]
    return ObjectEntry(
        name=item.name,
        label=item.label,
        score=1.0,
        status="ok",
        box=instance.box,
        truncated=False,
        kind="chair",
        support="floor",
        world_from_object=item.world_from_object.matrix.tolist(),
        size_m=np.ptp(item.mesh.vertices, axis=0).tolist(),
        mesh=codec.put_value(store, item.mesh),
        diagnostics=Diagnostics(mask_iou=1.0, contact_gap_m=0.0, point_residual_m=None, runner_up_margin=0.2),
    )
