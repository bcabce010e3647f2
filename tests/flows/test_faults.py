"""What goes wrong stays small: one object, one try, one sentence."""

import html
import json
import shutil
import time
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from prefect import flow

from regen3d.config import SceneRequest
from regen3d.errors import ConfigError, InputError, StageError, StoreUnavailableError
from regen3d.export import obj
from regen3d.export.formats import BLENDER_PYTHON
from regen3d.export.settings import ExportSettings
from regen3d.fingerprint import run_key
from regen3d.manifest import StageCall, StageEntry
from regen3d.runs import find_run
from regen3d.store import Store
from regen3d.types import Instance
from tasks import assemble
from tasks.progress import Progress
from tasks.stage import SceneContext, stage_task
from tasks.work import Stage, StageWork
from tests.flows.conftest import FinishedScene, reconstruct
from tests.synthetic.files import write_inputs
from tests.synthetic.room import SyntheticRoom


def test_boxes_become_exactly_the_given_objects_and_an_impossible_one_does_not_fail_them(
    prefect_server: None, synthetic_inputs: Path, tmp_path: Path
) -> None:
    boxes = json.loads((synthetic_inputs / "boxes.json").read_text())["boxes"]
    # One of two objects that claim the same pixels is left with none.
    boxes.append(next(box for box in boxes if box["label"] == "cabinet"))
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    scene = reconstruct(
        SceneRequest(
            image=str(synthetic_inputs / "image.png"), out=str(tmp_path / "out"), boxes=str(tmp_path / "boxes.json")
        )
    )
    assert sorted(entry.label for entry in scene.manifest.objects) == sorted(box["label"] for box in boxes)
    planned = [item for item in scene.events if isinstance(item, Progress) and item.event == "planned"]
    assert len(planned) == 3 * len(boxes)
    assert [entry.status for entry in scene.manifest.objects].count("ok") == len(boxes) - 1
    failed = next(entry for entry in scene.manifest.objects if entry.status == "failed")
    assert failed.reason is not None
    assert "empty" in failed.reason
    assert scene.manifest.status == "partial"
    assert (scene.out / "scene.glb").is_file()
    assert failed.reason in html.unescape((scene.out / "report.html").read_text())


def test_an_object_without_a_mesh_gets_a_box_in_its_place(furnished_scene: FinishedScene) -> None:
    entry = next(entry for entry in furnished_scene.manifest.stages if entry.call.stage == "assemble")
    call = entry.call.model_copy(update={"params": {**entry.call.params, "failed": {"cabinet-1": "generate: no idea"}}})
    store = Store(furnished_scene.request.store_uri)
    assembly = assemble.compute(StageWork(call=call, store=store))
    by_name = {item.instance.name: item for item in assembly.objects}
    stand_in, true = by_name["cabinet-1"], furnished_scene.manifest.objects
    assert (stand_in.status, stand_in.kind, stand_in.reason) == ("placeholder", "placeholder", "generate: no idea")
    assert stand_in.placed is not None
    fitted = next(item for item in true if item.name == "cabinet-1")
    place = np.array(fitted.world_from_object)[:3, 3]
    assert np.linalg.norm(stand_in.placed.alignment.world_from_object.translation - place) < 0.5
    assert all(item.status == "ok" for name, item in by_name.items() if name != "cabinet-1")


def test_a_format_that_fails_costs_neither_the_scene_nor_the_others(
    furnished_scene: FinishedScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(furnished_scene.out / "store", out / "store")
    export = ExportSettings(formats=("blend", "obj", "gltf"))
    request = furnished_scene.request.model_copy(update={"out": str(out), "store": None, "export": export})
    monkeypatch.setenv(BLENDER_PYTHON, "nowhere/python")
    with monkeypatch.context() as broken:
        # What a library stumbles over is no error of ours.
        broken.setattr(obj, "write", lambda scene, settings: {}["chair-1"])
        manifest = reconstruct(request).manifest
    assert manifest.status == "partial"
    assert manifest.missing_formats.keys() == {"blend", "obj"}
    assert "nowhere/python" in manifest.missing_formats["blend"]
    assert manifest.missing_formats["obj"] == "KeyError: 'chair-1'"
    assert {"scene.glb", "gltf/scene.gltf", "report.html"} <= manifest.exports.keys()
    assert all((out / path).is_file() for path in manifest.exports)
    report = html.unescape((out / "report.html").read_text())
    assert all(f"The format {name} was not written: {why}" in report for name, why in manifest.missing_formats.items())
    # Where the library stumbled is in the run's log.
    assert_logged(manifest.run.id, "the format obj was not written", "Traceback", "in <lambda>")
    # It is no answer for ever: the next run tries again, and nothing but that.
    assert find_run(Store(request.store_uri), run_key(request)) is None
    again = reconstruct(request).manifest
    assert again.missing_formats.keys() == {"blend"}
    assert (out / "obj/chair-1.obj").is_file()
    assert {entry.call.stage for entry in again.stages if not entry.reused} == {"export"}


def assert_logged(run: str, *texts: str) -> None:
    """One line of the run's log has all of these; lines arrive some time after they were written."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(run)]))
    deadline = time.monotonic() + 60
    with get_client(sync_client=True) as client:
        while True:
            lines = [log.message for log in client.read_logs(log_filter=wanted)]
            if any(all(text in line for text in texts) for line in lines):
                return
            assert time.monotonic() < deadline, lines
            time.sleep(0.5)


def test_an_empty_room_is_a_whole_scene(
    prefect_server: None, synthetic_empty_room: SyntheticRoom, tmp_path: Path
) -> None:
    folder = write_inputs(synthetic_empty_room, tmp_path / "given").parent
    request = SceneRequest(
        image=str(folder / "image.png"), out=str(tmp_path / "out"), camera=str(folder / "camera.json")
    )
    manifest = reconstruct(request).manifest
    assert manifest.objects == ()
    assert manifest.status == "whole"
    assert any("empty room" in note for note in manifest.notes)


def test_neither_objects_nor_room_is_bad_input(prefect_server: None, tmp_path: Path) -> None:
    Image.new("RGB", (320, 240), (140, 130, 120)).save(tmp_path / "fog.png")
    with pytest.raises(InputError, match="neither objects nor a room"):
        reconstruct(SceneRequest(image=str(tmp_path / "fog.png"), out=str(tmp_path / "out")))
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_mesh_for_an_unknown_object_is_refused_by_name(
    prefect_server: None, synthetic_inputs: Path, tmp_path: Path
) -> None:
    import trimesh

    trimesh.creation.box((1, 1, 1)).export(tmp_path / "mine.glb")
    request = _request(synthetic_inputs, tmp_path / "out").model_copy(
        update={"meshes": {"throne-1": str(tmp_path / "mine.glb")}}
    )
    with pytest.raises(ConfigError, match=r"throne-1.*chair-1"):
        reconstruct(request)


def test_only_resource_errors_are_tried_again(prefect_server: None, tmp_path: Path) -> None:
    tries: list[str] = []

    def heals(_: StageWork) -> Instance:
        tries.append("resource")
        if tries.count("resource") < 2:
            raise StoreUnavailableError("the store is away for a moment")
        return Instance(name="a-1", label="a", score=1.0, mask=np.ones((9, 9), dtype=bool))

    def never(_: StageWork) -> Instance:
        tries.append("stage")
        raise StageError("this cannot be done")

    @flow
    def both() -> tuple[StageEntry, str]:
        good = stage_task(Stage(name="room", produces=Instance, compute=heals))(context, StageCall(stage="room"))
        bad = stage_task(Stage(name="align", produces=Instance, compute=never)).submit(
            context, StageCall(stage="align", object="chair-1")
        )
        bad.wait()
        return good, str(bad.state.result(raise_on_failure=False).instance)

    context = SceneContext(store=str(tmp_path), adapters={}, seed=0)
    entry, instance = both()
    assert not entry.reused
    assert instance == "chair-1"
    assert (tries.count("resource"), tries.count("stage")) == (2, 1)


def _request(folder: Path, out: Path) -> SceneRequest:
    return SceneRequest(
        image=str(folder / "image.png"),
        out=str(out),
        masks=str(folder / "masks"),
        camera=str(folder / "camera.json"),
    )
