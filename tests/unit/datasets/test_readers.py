"""Readers bring every data set into our frames, and say what is wrong with one that cannot be read."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from regen3d.datasets.registry import chosen_scenes, open_dataset
from regen3d.datasets.truth import TrueScene, read_triangles
from regen3d.errors import ConfigError
from regen3d.frames import transform, yaw_of
from regen3d.inputs.image import read_image
from regen3d.metrics.boxes import bounds_iou, bounds_of
from tests.synthetic.dataset import moved_world, write_front3d, write_rendered
from tests.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory, synthetic_room: SyntheticRoom) -> Path:
    root = tmp_path_factory.mktemp("rendered")
    write_rendered(synthetic_room, root / "parlour", moved_world())
    return root


@pytest.fixture(scope="module")
def front3d(tmp_path_factory: pytest.TempPathFactory, synthetic_room: SyntheticRoom) -> Path:
    return write_front3d(synthetic_room, tmp_path_factory.mktemp("front3d"))


@pytest.fixture(params=["rendered", "front3d"])
def scene(request: pytest.FixtureRequest) -> TrueScene:
    reader = open_dataset(request.getfixturevalue(request.param))
    return reader.read(reader.names()[0])


def test_camera_and_world_are_ours(scene: TrueScene, synthetic_room: SyntheticRoom) -> None:
    assert np.allclose(scene.camera.intrinsics, synthetic_room.camera.intrinsics)
    assert np.allclose(scene.camera.world_from_camera, synthetic_room.camera.world_from_camera, atol=1e-6)


def test_a_true_scene_through_both_worlds_overlaps_itself(scene: TrueScene, synthetic_room: SyntheticRoom) -> None:
    for item, true in zip(scene.objects, synthetic_room.objects, strict=True):
        surface = scene.surface(item)
        ours = transform(scene.camera.world_from_camera, surface.vertices)
        assert bounds_iou(bounds_of(ours), bounds_of(_placed(true))) == pytest.approx(1.0, abs=1e-5)
        there = transform(scene.native_from_world, ours)
        back = transform(np.linalg.inv(scene.native_from_world), there)
        assert bounds_iou(bounds_of(back), bounds_of(_placed(true))) == pytest.approx(1.0, abs=1e-5)
        assert there[:, 1].min() == pytest.approx(ours[:, 1].min(), abs=1e-6)


def _placed(true) -> np.ndarray:
    return transform(true.world_from_object.matrix, true.mesh.vertices)


def test_masks_and_picture_belong_together(scene: TrueScene, synthetic_room: SyntheticRoom) -> None:
    for item, instance in zip(scene.objects, synthetic_room.instances, strict=True):
        assert item.label == instance.label
        assert np.array_equal(item.mask, instance.mask)
    assert read_image(scene.image).pixels.shape == synthetic_room.image.shape


def test_rendered_rooms_know_how_objects_stand(rendered: Path, synthetic_room: SyntheticRoom) -> None:
    scene = open_dataset(rendered).read("parlour")
    for item, true in zip(scene.objects, synthetic_room.objects, strict=True):
        assert item.support == true.support
        assert item.yaw_rad == pytest.approx(yaw_of(true.world_from_object.rotation))
        assert item.canonical is not None
        placed = transform(item.canonical.world_from_object.matrix, _vertices(item.canonical.path))
        assert np.allclose(bounds_of(placed), bounds_of(_placed(true)), atol=1e-5)
    orders = {item.label: item.symmetry for item in scene.objects}
    assert orders == {"cabinet": 2, "chair": 1, "table": 2, "vase": None}


def _vertices(path: Path) -> np.ndarray:
    return read_triangles(path)[0]


def test_slivers_are_left_out(rendered: Path, tmp_path: Path, synthetic_room: SyntheticRoom) -> None:
    from PIL import Image

    shutil.copytree(rendered / "parlour", tmp_path / "parlour")
    path = tmp_path / "parlour" / "instances.png"
    index = np.array(Image.open(path))
    rows, columns = np.nonzero(index == 2)
    index[rows[399:], columns[399:]] = 0
    Image.fromarray(index).save(path)
    names = [item.name for item in open_dataset(tmp_path).read("parlour").objects]
    assert names == [item.name for item in synthetic_room.objects if item.name != "chair-1"]


@pytest.mark.parametrize("missing", ["camera.json", "instances.png", "instances.json"])
def test_a_scene_without_a_file_is_named(rendered: Path, tmp_path: Path, missing: str) -> None:
    shutil.copytree(rendered / "parlour", tmp_path / "parlour")
    (tmp_path / "parlour" / missing).unlink()
    with pytest.raises(ConfigError, match=missing):
        open_dataset(tmp_path).read("parlour")


def test_a_missing_mesh_is_named_when_it_is_wanted(rendered: Path, tmp_path: Path) -> None:
    shutil.copytree(rendered / "parlour", tmp_path / "parlour")
    (tmp_path / "parlour" / "meshes" / "chair-1.glb").write_bytes(b"glTF")
    scene = open_dataset(tmp_path).read("parlour")
    chair = next(item for item in scene.objects if item.name == "chair-1")
    with pytest.raises(ConfigError, match=r"chair-1\.glb"):
        scene.surface(chair)


def test_only_the_last_thousand_rooms_are_the_test_set(front3d: Path, tmp_path: Path) -> None:
    shutil.copytree(front3d, tmp_path / "all")
    for kind in ("RENDER", "SCENE"):
        (tmp_path / "all" / f"3D-FRONT-TEST-{kind}").rename(tmp_path / "all" / f"3D-FRONT-{kind}")
    rooms = [f"house/Hall-{k}" for k in range(1004)] + ["house/Kitchen-1"]
    furniture = json.loads((front3d / "midi_test_furniture_ids.json").read_text())
    (tmp_path / "all" / "midi_test_room_ids.json").unlink()
    (tmp_path / "all" / "midi_room_ids.json").write_text(json.dumps(rooms))
    (tmp_path / "all" / "midi_furniture_ids.json").write_text(json.dumps([[]] * 1004 + furniture))
    reader = open_dataset(tmp_path / "all")
    assert len(reader.names()) == 1000
    assert reader.names()[0] == "house.Hall-5"
    assert len(reader.read("house.Kitchen-1").objects) == 4


def test_what_is_no_data_set_is_refused(rendered: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="no scenes"):
        open_dataset(tmp_path)
    with pytest.raises(ConfigError, match=r"no scene 'attic'.*parlour"):
        chosen_scenes(open_dataset(rendered), ["attic"])
    assert chosen_scenes(open_dataset(rendered), []) == ("parlour",)
