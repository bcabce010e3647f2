"""Walls that furniture corrects in the middle of a run: the room is built anew, and what hangs on them goes along."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prefect import flow

from flows.objects import Outcomes, Shared, place_again
from flows.scene import correct_walls
from models.base import Plate
from regen3d import codec
from regen3d.align.planes import room_side
from regen3d.align.proportions import proportioned
from regen3d.config import SceneRequest, adapters_of
from regen3d.frames import transform
from regen3d.manifest import Provenance, StageCall, StageEntry
from regen3d.store import Store
from regen3d.types import Alignment, Asset, Room
from tasks.ingest import read_inputs
from tasks.stage import SceneContext
from tests.synthetic.room import SyntheticRoom

WRONG_M = 0.36
"""How far behind its place the lines have the wall: so far that points outvote them without two backs in line."""

SUPPORTS = {"cabinet-1": "floor", "chair-1": "floor", "table-1": "floor", "vase-1": "wall"}
"""The vase hangs, for once."""


def finished(store: Store, call: StageCall, value: Any) -> StageEntry:
    provenance = Provenance(
        adapter=call.adapter or "regen3d", model="test", revision="1", licence="MIT", seed=0, key="0" * 64
    )
    kept = codec.put_value(store, value)
    return StageEntry(call=call, value=kept, provenance=provenance, seconds=0.0, reused=False)


def perceived(store: Store, room: SyntheticRoom, wrong_m: float) -> Shared:
    image = codec.put_value(store, room.image)
    layout = replace(room.layout, bounds_min=room.layout.bounds_min - np.array([0.0, 0.0, wrong_m]))
    plate = finished(
        store, StageCall(stage="plate"), Plate(image=room.plate, filled=np.zeros(room.camera.hw, dtype=bool))
    )
    geometry = finished(store, StageCall(stage="geometry"), replace(room.geometry, layout=layout))
    call = StageCall(stage="room").with_inputs(image=image, plate=plate.value, geometry=geometry.value)
    return {"plate": plate, "geometry": geometry, "room": finished(store, call, replace(room.room, layout=layout))}


def placed(store: Store, room: SyntheticRoom, shared: Shared) -> Outcomes:
    outcomes: Outcomes = {}
    for item in room.objects:
        asset = finished(
            store, StageCall(stage="generate", object=item.name), Asset(mesh=item.mesh, scale="metric", kind="true")
        )
        pose = Alignment(
            world_from_object=item.world_from_object,
            support=SUPPORTS[item.name],
            mask_iou=1.0,
            contact_gap_m=0.0,
            point_residual_m=0.0,
            runner_up_margin=1.0,
        )
        call = StageCall(stage="align", object=item.name, params={"support": SUPPORTS[item.name]}).with_inputs(
            view=codec.put_value(store, room.view(item.name)),
            asset=asset.value,
            geometry=shared["geometry"].value,
            room=shared["room"].value,
        )
        outcomes[item.name] = {"generate": asset, "align": finished(store, call, pose)}, None
    return outcomes


@pytest.mark.parametrize("wrong_m", [0.0, WRONG_M])
def test_a_wall_in_the_wrong_place_is_moved_and_what_hangs_on_it_goes_along(
    wrong_m: float, synthetic_room: SyntheticRoom, synthetic_inputs: Path, prefect_server: None, tmp_path: Path
) -> None:
    request = SceneRequest(image=str(synthetic_inputs / "image.png"), out=str(tmp_path))
    context = SceneContext(store=request.store_uri, adapters=adapters_of("embedded", {}), seed=0)
    store = Store(context.store)
    shared = perceived(store, synthetic_room, wrong_m)
    outcomes = placed(store, synthetic_room, shared)
    # A stage that failed has no place that could say anything.
    outcomes["chair-1"] = {}, "generate: it failed"

    @flow
    def corrected() -> tuple[Shared, Outcomes]:
        found = {**shared, **correct_walls(context, read_inputs(request), shared, outcomes)}
        return found, place_again(context, found, outcomes)

    found, again = corrected()
    if not wrong_m:
        assert found["room"] is shared["room"]
        assert again == {}
        return
    room = codec.get_value(store, found["room"].value, Room)
    assert room.layout.bounds_min[2] == pytest.approx(synthetic_room.layout.bounds_min[2], abs=0.04)
    assert any("wall back was moved in by 3" in note for note in room.notes)
    (wall,) = (mesh.vertices for face, mesh in room.parts.items() if face == "wall_back")
    plane = room_side(room.layout, "wall_back")
    assert np.abs((wall - plane.origin) @ plane.normal).max() < 1e-6
    assert again.keys() == {"vase-1"}
    entries, reason = again["vase-1"]
    assert reason is None
    assert entries["align"].call.inputs["room"] == found["room"].value
    pose = codec.get_value(store, entries["align"].value, Alignment)
    vase = next(item.mesh for item in synthetic_room.objects if item.name == "vase-1")
    stands = transform(pose.world_from_object.matrix, proportioned(vase, pose.proportions).vertices)
    gaps = (stands - plane.origin) @ plane.normal
    assert gaps.min() == pytest.approx(0.0, abs=1e-3)
