"""The benchmark gives the truth full marks, and sees each fault that is put into it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.command import Finished
from benchmarks.scenes import Outcome, main, object_table, scene_table, stage_table
from benchmarks.scores import SceneScore, floor_depth_error, score_scene
from benchmarks.truth import Truth, load_truth, scene_folders
from regen3d import codec
from regen3d.frames import rotation_about_y, transform
from regen3d.metrics.boxes import bounds_of
from regen3d.runs import deliver
from regen3d.store import Store
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom


def write_truth(room: SyntheticRoom, folder: Path, true_from_ours: np.ndarray) -> Truth:
    """The synthetic room as a scene with truth, in a world of its own."""
    folder.mkdir()
    Image.fromarray(room.image).save(folder / "image.png")
    index = sum((k + 1) * item.mask for k, item in enumerate(room.instances))
    Image.fromarray(np.asarray(index, dtype=np.uint8)).save(folder / "instances.png")
    Image.fromarray(room.floor.astype(np.uint8) * 255).save(folder / "floor_mask.png")
    np.save(folder / "depth.npy", room.depth)
    camera = {
        "K": room.camera.intrinsics.tolist(),
        "width": room.camera.width,
        "height": room.camera.height,
        "camera_to_world": (true_from_ours @ room.camera.world_from_camera).tolist(),
    }
    (folder / "camera.json").write_text(json.dumps(camera), encoding="utf-8")
    entries = []
    for k, (item, instance) in enumerate(zip(room.objects, room.instances, strict=True)):
        bounds = bounds_of(transform(true_from_ours @ item.world_from_object.matrix, item.mesh.vertices))
        entries.append(
            {
                "id": k + 1,
                "name": item.name,
                "category": item.label,
                "bbox_world_min": bounds[0].tolist(),
                "bbox_world_max": bounds[1].tolist(),
                "truncated": False,
                "visible_pixels": int(instance.mask.sum()),
            }
        )
    (folder / "instances.json").write_text(json.dumps({"objects": entries}), encoding="utf-8")
    return load_truth(folder)


def write_scene(room: SyntheticRoom, out: Path, **changes: object) -> None:
    """A finished scene that holds the chair alone, as it is or changed."""
    store = Store(str(out / "store"))
    manifest = finished_scene(store, room)
    mask = store.put_bytes(codec.png_bytes(room.instances[1].mask), ".png")
    manifest = manifest.model_copy(update={"exports": {"masks/chair-1.png": mask}, **changes})
    deliver(store, manifest, out)


@pytest.fixture(scope="module")
def true_from_ours() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_about_y(0.7)
    matrix[:3, 3] = [3.0, 0.0, -2.0]
    return matrix


@pytest.fixture
def truth(tmp_path: Path, synthetic_room: SyntheticRoom, true_from_ours: np.ndarray) -> Truth:
    return write_truth(synthetic_room, tmp_path / "truth", true_from_ours)


def test_truth_gets_full_marks(tmp_path: Path, truth: Truth, synthetic_room: SyntheticRoom) -> None:
    write_scene(synthetic_room, tmp_path / "out")
    score = score_scene(truth, tmp_path / "out")
    assert score.found == 1
    assert score.surplus == ()
    assert score.focal_error == pytest.approx(0.0)
    assert score.gravity_error_deg == pytest.approx(0.0, abs=1e-6)
    assert score.height_error_m == pytest.approx(0.0)
    assert score.floor_depth_error == pytest.approx(0.0, abs=1e-6)
    chair = next(item for item in score.objects if item.name == "chair-1")
    assert (chair.found_as, chair.mask_iou) == ("chair-1", 1.0)
    assert chair.box_iou == pytest.approx(1.0)
    assert chair.scaled_box_iou == pytest.approx(1.0)
    assert chair.centre_error_m == pytest.approx(0.0, abs=1e-9)
    assert chair.size_ratio == pytest.approx(1.0)
    for item in score.objects:
        assert item is chair or (item.found_as, item.mask_iou, item.box_iou) == (None, 0.0, 0.0)


def test_every_fault_is_seen(tmp_path: Path, truth: Truth, synthetic_room: SyntheticRoom) -> None:
    manifest = finished_scene(Store(str(tmp_path / "other")), synthetic_room)
    camera = manifest.camera
    high = np.array(camera.world_from_camera)
    high[1, 3] *= 1.1
    intrinsics = np.array(camera.intrinsics)
    intrinsics[[0, 1], [0, 1]] *= 1.2
    moved = np.array(manifest.objects[0].world_from_object)
    moved[0, 3] += 0.3
    write_scene(
        synthetic_room,
        tmp_path / "out",
        camera=camera.model_copy(update={"world_from_camera": high.tolist(), "intrinsics": intrinsics.tolist()}),
        objects=(manifest.objects[0].model_copy(update={"world_from_object": moved.tolist()}),),
    )
    score = score_scene(truth, tmp_path / "out")
    assert score.focal_error == pytest.approx(0.2)
    assert score.height_error_m == pytest.approx(0.15)
    assert score.floor_depth_error > 0.05
    chair = score.objects[1]
    # The world hangs from the camera: 0.3 m to the side, and 0.15 m down with the floor.
    assert chair.centre_error_m == pytest.approx(np.hypot(0.3, 0.15), abs=1e-6)
    assert 0.0 < chair.box_iou < 0.6
    assert chair.size_ratio == pytest.approx(1.0)


def test_a_scene_of_another_scale_is_whole_at_the_true_height(
    tmp_path: Path, truth: Truth, synthetic_room: SyntheticRoom
) -> None:
    manifest = finished_scene(Store(str(tmp_path / "other")), synthetic_room)
    zoom = np.diag([0.8, 0.8, 0.8, 1.0])
    high = np.array(manifest.camera.world_from_camera)
    high[1, 3] *= 0.8
    placed = (zoom @ np.array(manifest.objects[0].world_from_object)).tolist()
    write_scene(
        synthetic_room,
        tmp_path / "out",
        camera=manifest.camera.model_copy(update={"world_from_camera": high.tolist()}),
        objects=(manifest.objects[0].model_copy(update={"world_from_object": placed}),),
    )
    chair = score_scene(truth, tmp_path / "out").objects[1]
    assert chair.box_iou < 0.3
    assert chair.scaled_box_iou == pytest.approx(1.0)
    assert chair.size_ratio == pytest.approx(0.8)


def test_a_higher_camera_makes_the_floor_farther_by_as_much(truth: Truth, synthetic_room: SyntheticRoom) -> None:
    from dataclasses import replace

    matrix = synthetic_room.camera.world_from_camera.copy()
    matrix[1, 3] *= 1.1
    assert floor_depth_error(replace(synthetic_room.camera, world_from_camera=matrix), truth) == pytest.approx(0.1)


def test_objects_without_a_mesh_have_no_box(tmp_path: Path, truth: Truth, synthetic_room: SyntheticRoom) -> None:
    manifest = finished_scene(Store(str(tmp_path / "other")), synthetic_room)
    failed = {"mesh": None, "world_from_object": None, "diagnostics": None, "kind": None, "reason": "align: no pose"}
    write_scene(synthetic_room, tmp_path / "out", objects=(manifest.objects[0].model_copy(update=failed),))
    chair = score_scene(truth, tmp_path / "out").objects[1]
    assert (chair.kind, chair.mask_iou, chair.box_iou, chair.centre_error_m) == ("align: no pose", 1.0, 0.0, None)


def test_tables_hold_every_scene_object_and_stage(tmp_path: Path, truth: Truth, synthetic_room: SyntheticRoom) -> None:
    write_scene(synthetic_room, tmp_path / "out")
    score: SceneScore = score_scene(truth, tmp_path / "out")
    run = Finished(code=0, seconds=12.0, peak_mb=900.0)
    crashed = Outcome(scene="attic", run=Finished(code=1, seconds=1.0, peak_mb=9.0), score=None)
    outcomes = [Outcome(scene="room", run=run, score=score), crashed]
    scenes = scene_table(outcomes).splitlines()
    assert [line.split()[0] for line in scenes[4:]] == ["room", "attic"]
    assert "1/4" in scenes[4]
    objects = object_table(outcomes)
    assert all(item.name in objects for item in truth.objects)
    assert "align" in stage_table(outcomes)


def test_scenes_are_found_by_name(tmp_path: Path, truth: Truth) -> None:
    assert [folder.name for folder in scene_folders(tmp_path, None)] == ["truth"]
    with pytest.raises(SystemExit, match="no scene attic"):
        scene_folders(tmp_path, "truth,attic")


def test_slivers_are_not_scored(tmp_path: Path, truth: Truth) -> None:
    path = truth.folder / "instances.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["objects"][3]["visible_pixels"] = 399
    path.write_text(json.dumps(document), encoding="utf-8")
    assert [item.name for item in load_truth(truth.folder).objects] == ["cabinet-1", "chair-1", "table-1"]


def test_unknown_truth_cannot_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", "x", "--given", "masks,poses"])
    assert "--given takes masks, camera, plate" in capsys.readouterr().err


def test_shared_scenes_are_what_they_say(data_root: Path) -> None:
    for folder in scene_folders(data_root / "scenes", None):
        truth = load_truth(folder)
        assert truth.objects, folder.name
        points = transform(truth.camera.world_from_camera, _points(truth))
        assert np.abs(points[truth.floor][:, 1]).max() < 0.02, folder.name
        for item in truth.objects:
            inside = points[item.mask]
            assert (inside > item.bounds[0] - 0.02).all(), item.name
            assert (inside < item.bounds[1] + 0.02).all(), item.name


def _points(truth: Truth) -> np.ndarray:
    from regen3d.frames import pixel_centers, unproject

    return unproject(truth.camera.intrinsics, pixel_centers(truth.camera.hw), truth.depth)
