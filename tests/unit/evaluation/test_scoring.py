"""The truth gets full marks, and every fault that is put into it is seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d.datasets.registry import open_dataset
from regen3d.datasets.truth import TrueScene
from regen3d.evaluation.found import FoundObject, FoundScene, found_in, open_scene
from regen3d.evaluation.perception import detection
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.scoring import ScoreSettings, score_scene
from regen3d.frames import rotation_about_y, transform
from regen3d.metrics.protocols.base import PlacedMesh
from regen3d.store import Store
from regen3d.types import Similarity
from tests.synthetic.dataset import moved_world, write_rendered
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom

SETTINGS = ScoreSettings(samples=2000, drop=False)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory, synthetic_room: SyntheticRoom) -> TrueScene:
    root = tmp_path_factory.mktemp("scenes")
    write_rendered(synthetic_room, root / "parlour", moved_world())
    return open_dataset(root).read("parlour")


@pytest.fixture(scope="module")
def perfect(truth: TrueScene, synthetic_room: SyntheticRoom) -> FoundScene:
    """What a run without any fault would leave."""
    objects = []
    for item, instance in zip(synthetic_room.objects, synthetic_room.instances, strict=True):
        pose = Similarity.of_matrix(synthetic_room.camera.camera_from_world @ item.world_from_object.matrix)
        objects.append(
            placed(
                FoundObject(name=item.name, label=item.label, mask=instance.mask, amodal=item.amodal), item.mesh, pose
            )
        )
    return FoundScene(
        objects=tuple(objects), camera=truth.camera, room=synthetic_room.room, plate=synthetic_room.plate, seconds=1.0
    )


def placed(item: FoundObject, mesh, pose: Similarity) -> FoundObject:
    surface = PlacedMesh(name=item.name, vertices=transform(pose.matrix, mesh.vertices), faces=mesh.faces)
    return replace(item, mesh=mesh, camera_from_object=pose, surface=surface)


def changed(scene: FoundScene, name: str, matrix: np.ndarray, truth: TrueScene) -> FoundScene:
    """The scene with one object moved by a similarity of the world."""
    in_camera = truth.camera.camera_from_world @ matrix @ truth.camera.world_from_camera
    objects = []
    for item in scene.objects:
        assert item.mesh is not None
        assert item.camera_from_object is not None
        pose = Similarity.of_matrix(in_camera @ item.camera_from_object.matrix)
        objects.append(placed(item, item.mesh, pose) if item.name == name else item)
    return replace(scene, objects=tuple(objects))


def values_of(result: SceneResult, name: str) -> dict[str, float]:
    return next(item.values for item in result.objects if item.name == name)


def test_truth_gets_full_marks(perfect: FoundScene, truth: TrueScene) -> None:
    result = score_scene(perfect, truth, SETTINGS)
    assert (result.scene, result.status) == ("parlour", "scored")
    for key in ("recall", "precision", "ap50", "ap", "recall_all"):
        assert result.values[key] == pytest.approx(1.0), key
    for key in ("focal_error", "gravity_error_deg", "height_error_m", "floor_depth_error", "room_depth_error"):
        assert result.values[key] == pytest.approx(0.0, abs=2e-3), key
    assert result.values["room_side_accuracy"] > 0.98
    assert result.values["plate_psnr_db"] == 100.0
    assert result.values["plate_ssim"] == pytest.approx(1.0)
    assert ("plate_lpips" in result.values) != any(note.startswith("No LPIPS: ") for note in result.notes)
    assert any(item.values.get("hidden_iou") == 1.0 for item in result.objects)
    for item in result.objects:
        assert item.matched == item.name
        for key in ("mask_iou", "boundary_f", "amodal_iou", "box_iou_room", "box_iou_own", "box_iou_scaled"):
            assert item.values[key] == pytest.approx(1.0, abs=1e-5), (item.name, key)
        assert item.values["base_error_m"] == pytest.approx(0.0, abs=1e-5)
        # Two thousand samples of a table lie two centimetres apart.
        assert item.values["chamfer_m"] < 0.03


def test_a_moved_object_is_off_by_as_much(perfect: FoundScene, truth: TrueScene) -> None:
    matrix = np.eye(4)
    matrix[:3, 3] = [0.3, 0.1, -0.4]
    values = values_of(score_scene(changed(perfect, "chair-1", matrix, truth), truth, SETTINGS), "chair-1")
    assert values["base_error_m"] == pytest.approx(0.5, abs=1e-5)
    assert values["base_height_error_m"] == pytest.approx(0.1, abs=1e-5)
    assert values["box_iou_room"] < 0.2
    assert values["mask_iou"] == 1.0


def test_a_turned_object_has_its_own_box_turned(perfect: FoundScene, truth: TrueScene) -> None:
    chair = next(item for item in perfect.objects if item.name == "chair-1")
    assert chair.camera_from_object is not None
    middle = transform(truth.camera.world_from_camera, chair.camera_from_object.translation)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_about_y(np.radians(30.0))
    matrix[:3, 3] = middle - matrix[:3, :3] @ middle
    values = values_of(score_scene(changed(perfect, "chair-1", matrix, truth), truth, SETTINGS), "chair-1")
    # Two squares that share their middle, 30 degrees apart, have 0.85 of each in common.
    assert values["box_iou_own"] == pytest.approx(0.732, abs=0.01)
    assert values["base_error_m"] < 1e-5


def test_the_pose_of_a_given_mesh_is_compared_modulo_symmetry(truth: TrueScene) -> None:
    from regen3d.inputs.meshes import read_mesh_glb

    turned = {}
    for item in truth.objects:
        assert item.canonical is not None
        pose = Similarity.of_matrix(truth.camera.camera_from_world @ item.canonical.world_from_object.matrix)
        half_turn = replace(pose, rotation=pose.rotation @ rotation_about_y(np.pi), scale=1.1 * pose.scale)
        found = placed(FoundObject(name=item.name, mask=item.mask), read_mesh_glb(item.canonical.path), half_turn)
        turned[item.name] = replace(found, by_hand=True)
    scene = FoundScene(objects=tuple(turned.values()), camera=truth.camera)
    result = score_scene(scene, truth, SETTINGS)
    errors = {item.name: item.values["rotation_error_deg"] for item in result.objects}
    assert errors == pytest.approx({"cabinet-1": 0.0, "chair-1": 180.0, "table-1": 0.0, "vase-1": 0.0}, abs=1e-4)
    assert all(item.values["scale_ratio"] == pytest.approx(1.1, rel=1e-4) for item in result.objects)


def test_what_is_missing_counts_as_missing(perfect: FoundScene, truth: TrueScene) -> None:
    fewer = replace(perfect, objects=perfect.objects[:2])
    result = score_scene(fewer, truth, SETTINGS)
    missing = [item for item in result.objects if item.matched is None]
    assert [item.name for item in missing] == ["table-1", "vase-1"]
    assert all(item.values["box_iou_own"] == 0.0 and item.values["mask_iou"] == 0.0 for item in missing)
    assert result.values["recall_all"] == 0.5
    empty = score_scene(replace(perfect, objects=()), truth, SETTINGS)
    assert empty.values["recall_all"] == 0.0
    assert all(item.matched is None for item in empty.objects)


def test_another_system_is_scored_by_its_meshes_alone(perfect: FoundScene, truth: TrueScene) -> None:
    surfaces = tuple(replace(each, name=f"node_{k}") for k, each in enumerate(perfect.surfaces))
    result = score_scene(found_in(surfaces), truth, SETTINGS)
    assert [item.matched for item in result.objects] == ["node_0", "node_1", "node_2", "node_3"]
    assert all(item.values["box_iou_room"] == pytest.approx(1.0, abs=1e-5) for item in result.objects)
    assert "recall" not in result.values
    assert "focal_error" not in result.values
    assert result.values["watertight"] == 1.0
    assert result.values["floating_share"] == 0.0


def test_rugs_and_slivers_are_no_mistakes(perfect: FoundScene, truth: TrueScene) -> None:
    renamed = replace(truth, objects=(replace(truth.objects[0], label="rug"), *truth.objects[1:]))
    values = detection(perfect.objects, renamed)
    assert values["precision"] == 1.0
    assert values["recall_rugs_and_pictures"] == 1.0
    crumb = np.zeros_like(truth.objects[0].mask)
    crumb[:5, :5] = True
    with_crumb = (*perfect.objects, FoundObject(name="crumb-1", mask=crumb, score=0.9))
    assert detection(with_crumb, truth)["precision"] == 1.0
    block = np.zeros_like(crumb)
    block[:120, :120] = True
    with_block = (*perfect.objects, FoundObject(name="block-1", mask=block, score=0.9))
    counted = sum(item.mask.mean() >= 0.01 for item in truth.objects)
    assert detection(with_block, truth)["precision"] == pytest.approx(counted / (counted + 1))


def test_what_stands_stays_and_what_floats_falls(perfect: FoundScene, truth: TrueScene) -> None:
    up = np.eye(4)
    up[1, 3] = 0.4
    result = score_scene(changed(perfect, "chair-1", up, truth), truth, replace(SETTINGS, drop=True))
    assert {item.name: item.values["stable"] for item in result.objects} == pytest.approx(
        {"cabinet-1": 1.0, "chair-1": 0.0, "table-1": 1.0, "vase-1": 1.0}
    )
    assert values_of(result, "chair-1")["fall_m"] == pytest.approx(0.4, abs=0.15)
    assert result.values["stable_share"] == 0.75
    assert result.values["floating_share"] == 0.25


def test_faults_of_the_camera_are_seen(perfect: FoundScene, truth: TrueScene) -> None:
    true = truth.camera
    intrinsics = np.diag([1.2, 1.2, 1.0]) @ true.intrinsics
    intrinsics[:2, 2] = true.intrinsics[:2, 2]
    high = true.world_from_camera.copy()
    high[1, 3] *= 1.1
    values = score_scene(replace(perfect, camera=replace(true, intrinsics=intrinsics)), truth, SETTINGS).values
    assert values["focal_error"] == pytest.approx(0.2)
    values = score_scene(replace(perfect, camera=replace(true, world_from_camera=high)), truth, SETTINGS).values
    assert values["height_error_m"] == pytest.approx(0.15)
    assert values["floor_depth_error"] == pytest.approx(0.1)


def test_a_scene_of_another_scale_is_whole_at_the_true_height(perfect: FoundScene, truth: TrueScene) -> None:
    low = truth.camera.world_from_camera.copy()
    low[1, 3] *= 0.8
    objects = []
    for item in perfect.objects:
        assert item.mesh is not None
        assert item.camera_from_object is not None
        objects.append(
            placed(item, item.mesh, Similarity.of_matrix(np.diag([0.8] * 3 + [1]) @ item.camera_from_object.matrix))
        )
    small = replace(perfect, objects=tuple(objects), camera=replace(truth.camera, world_from_camera=low))
    for item in score_scene(small, truth, SETTINGS).objects:
        assert item.values["box_iou_room"] < 0.3
        assert item.values["box_iou_scaled"] == pytest.approx(1.0, abs=1e-5)


def test_a_finished_scene_is_opened_as_it_stands(synthetic_room: SyntheticRoom, tmp_path: Path) -> None:
    from regen3d import codec

    store = Store(str(tmp_path))
    manifest = finished_scene(store, synthetic_room)
    mask = store.put_bytes(codec.png_bytes(synthetic_room.instances[1].mask), ".png")
    plate = store.put_bytes(codec.png_bytes(synthetic_room.plate), ".png")
    manifest = manifest.model_copy(
        update={
            "background": codec.put_value(store, synthetic_room.room),
            "exports": {"masks/chair-1.png": mask, "plate.png": plate},
        }
    )
    found = open_scene(manifest, store, (synthetic_room.camera.width, synthetic_room.camera.height))
    (chair,) = found.objects
    true = synthetic_room.objects[1]
    expected = transform(synthetic_room.camera.camera_from_world @ true.world_from_object.matrix, true.mesh.vertices)
    assert chair.surface is not None
    assert np.allclose(chair.surface.vertices, expected)
    assert np.array_equal(chair.mask, synthetic_room.instances[1].mask)
    assert np.array_equal(found.plate, synthetic_room.plate)
    assert chair.facts == {"render_iou": 1.0, "contact_gap_m": 0.0}
    assert not chair.by_hand


def test_masks_of_a_reduced_picture_are_brought_to_its_size(synthetic_room: SyntheticRoom, tmp_path: Path) -> None:
    from regen3d import codec

    store = Store(str(tmp_path))
    manifest = finished_scene(store, synthetic_room)
    small = np.array(Image.fromarray(synthetic_room.instances[1].mask).resize((240, 180)))
    refs = {"masks/chair-1.png": store.put_bytes(codec.png_bytes(small), ".png")}
    refs["plate.png"] = store.put_bytes(codec.png_bytes(synthetic_room.plate), ".png")
    manifest = manifest.model_copy(update={"background": codec.put_value(store, synthetic_room.room), "exports": refs})
    found = open_scene(manifest, store, (480, 360))
    assert found.objects[0].mask is not None
    assert found.objects[0].mask.shape == (360, 480)
