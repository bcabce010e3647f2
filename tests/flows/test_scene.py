"""The whole flow on the furnished test room: what it writes, what it says, what it does not do twice."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from flows.stage import run_stage_again
from regen3d import codec
from regen3d.config import STAGES
from regen3d.fingerprint import run_key
from regen3d.manifest import Manifest
from regen3d.metrics.masks import mask_iou
from regen3d.runs import find_run
from regen3d.store import Store
from regen3d.types import Alignment, Asset
from tasks.stage import SceneContext
from tests.flows.conftest import FinishedScene, reconstruct
from tests.synthetic.room import SyntheticRoom

COMMAND = str(Path(sys.executable).with_name("regen3d"))


def _finished(scene: FinishedScene, event: str) -> set[tuple[str, str | None]]:
    return {(item.stage, item.object) for item in scene.events if item.event == event}


def test_every_file_of_a_scene_is_written(furnished_scene: FinishedScene) -> None:
    names = [entry.name for entry in furnished_scene.manifest.objects]
    expected = ["scene.glb", "background.glb", "manifest.json", "report.html", "overlay.png", "camera.json"]
    expected += [f"objects/{name}.glb" for name in names] + [f"masks/{name}.png" for name in names]
    assert [path for path in expected if not (furnished_scene.out / path).is_file()] == []
    assert (
        Manifest.model_validate_json((furnished_scene.out / "manifest.json").read_bytes()) == furnished_scene.manifest
    )


def test_the_scene_has_a_node_for_every_object_the_room_and_the_camera(furnished_scene: FinishedScene) -> None:
    content = (furnished_scene.out / "scene.glb").read_bytes()
    length = int.from_bytes(content[12:16], "little")
    tree = json.loads(content[20 : 20 + length])
    nodes = {node["name"] for node in tree["nodes"]}
    assert {entry.name for entry in furnished_scene.manifest.objects} | {"room", "camera"} <= nodes
    assert tree["cameras"][0]["type"] == "perspective"
    scene = trimesh.load_scene(furnished_scene.out / "scene.glb")
    for entry in furnished_scene.manifest.objects:
        assert np.allclose(scene.graph.get(entry.name)[0], entry.world_from_object, atol=1e-5)


def test_objects_stand_where_they_stand_in_truth(furnished_scene: FinishedScene, synthetic_room: SyntheticRoom) -> None:
    truth = {item.name: item for item in synthetic_room.objects}
    distances = []
    for entry in furnished_scene.manifest.objects:
        true_place = truth[entry.name].world_from_object.translation
        distances.append(float(np.linalg.norm(np.array(entry.world_from_object)[:3, 3] - true_place)))
    assert np.median(distances) < 0.25, distances
    assert max(distances) < 0.8, distances


def test_the_rendered_objects_cover_their_masks(furnished_scene: FinishedScene) -> None:
    overlaps = [entry.diagnostics.mask_iou for entry in furnished_scene.manifest.objects if entry.diagnostics]
    assert len(overlaps) == len(furnished_scene.manifest.objects)
    assert np.median(overlaps) > 0.75, overlaps


def test_hand_made_input_wins(furnished_scene: FinishedScene, synthetic_room: SyntheticRoom) -> None:
    assert np.allclose(furnished_scene.manifest.camera.intrinsics, synthetic_room.camera.intrinsics)
    assert furnished_scene.manifest.camera.height_m == pytest.approx(synthetic_room.camera.position[1])
    for instance in synthetic_room.instances:
        written = np.array(Image.open(furnished_scene.out / f"masks/{instance.name}.png"))
        assert mask_iou(written.astype(bool), instance.mask) == 1.0
    made_by = {entry.call.stage: entry.provenance for entry in furnished_scene.manifest.stages}
    assert (made_by["segment"].adapter, made_by["segment"].licence) == ("hand-made", "user")


def test_every_stage_ran_once_and_says_who_made_it(furnished_scene: FinishedScene) -> None:
    assert {entry.call.stage for entry in furnished_scene.manifest.stages} == set(STAGES)
    keys = [entry.provenance.key for entry in furnished_scene.manifest.stages]
    assert len(set(keys)) == len(keys)
    assert all(entry.provenance.licence and entry.provenance.revision for entry in furnished_scene.manifest.stages)


def test_the_answer_is_found_without_a_flow(furnished_scene: FinishedScene) -> None:
    store = Store(furnished_scene.request.store_uri)
    found = find_run(store, run_key(furnished_scene.request))
    assert found is not None
    assert found.digest == furnished_scene.manifest.digest
    assert all(entry.reused for entry in found.stages)


def test_a_second_flow_computes_nothing(furnished_scene: FinishedScene) -> None:
    again = reconstruct(furnished_scene.request)
    assert _finished(again, "finished") == set()
    assert again.manifest.digest == furnished_scene.manifest.digest


def test_a_deleted_artifact_is_made_again_with_what_depends_on_it(
    furnished_scene: FinishedScene, tmp_path: Path
) -> None:
    request, store = _copied(furnished_scene, tmp_path)
    entry = next(entry for entry in furnished_scene.manifest.stages if entry.call.stage == "generate")
    (tmp_path / "scene/store" / entry.value.path).unlink()
    assert find_run(store, run_key(request)) is None
    again = reconstruct(request)
    assert _finished(again, "finished") == {("generate", entry.call.object)}
    assert again.manifest.digest == furnished_scene.manifest.digest
    codec.get_value(store, entry.value, Asset)


def test_a_changed_mesh_redoes_its_object_and_nothing_else(furnished_scene: FinishedScene, tmp_path: Path) -> None:
    request, store = _copied(furnished_scene, tmp_path)
    mesh = trimesh.creation.box((0.5, 0.8, 0.4))
    mesh.export(tmp_path / "mine.glb")
    name = next(entry.name for entry in furnished_scene.manifest.objects if entry.label == "cabinet")
    again = reconstruct(request.model_copy(update={"meshes": {name: str(tmp_path / "mine.glb")}}))
    expected = {("generate", name), ("align", name)}
    expected |= {(stage, None) for stage in ("walls", "assemble", "export", "report")}
    assert _finished(again, "finished") == expected
    entry = next(e for e in again.manifest.stages if e.call.stage == "align" and e.call.object == name)
    assert codec.get_value(store, entry.value, Alignment).mask_iou > 0.6


def _copied(scene: FinishedScene, folder: Path) -> tuple:
    shutil.copytree(scene.out, folder / "scene")
    request = scene.request.model_copy(update={"out": str(folder / "scene")})
    return request, Store(request.store_uri)


def test_a_finished_run_is_answered_without_an_orchestrator(furnished_scene: FinishedScene, tmp_path: Path) -> None:
    request, _ = _copied(furnished_scene, tmp_path)
    (tmp_path / "scene/scene.glb").unlink()
    answer = subprocess.run(
        [COMMAND, "run", request.image, "--masks", request.masks, "--camera", request.camera, "--out", request.out],
        # Whatever would ask a server would fail: nothing listens on the discard port.
        env=os.environ | {"PREFECT_API_URL": "http://127.0.0.1:9/api"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "Nothing to compute" in answer.stdout
    assert (tmp_path / "scene/scene.glb").is_file()


def test_one_stage_runs_again_alone_and_repeats_itself(furnished_scene: FinishedScene) -> None:
    old = [entry for entry in furnished_scene.manifest.stages if entry.call.stage == "align"]
    context = SceneContext(
        store=furnished_scene.request.store_uri,
        adapters=furnished_scene.manifest.adapters,
        seed=furnished_scene.manifest.seed,
    )
    new = run_stage_again(context, [entry.call for entry in old])
    assert [entry.value for entry in new] == [entry.value for entry in old]
    assert not any(entry.reused for entry in new)
