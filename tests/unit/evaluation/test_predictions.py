"""Scenes of other systems: one node an object, in any of the frames, and one clear sentence where a file is bad."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from regen3d.errors import ConfigError
from regen3d.evaluation.predictions import FRAMES, camera_from_file, prediction_path, read_objects
from regen3d.frames import intrinsics_from_focal, transform, world_from_gravity
from regen3d.types import Camera

CAMERA = Camera(
    intrinsics=intrinsics_from_focal(500.0, (640, 480)),
    width=640,
    height=480,
    world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.3]), 1.5),
)
DATASET_FROM_CAMERA = trimesh.transformations.rotation_matrix(0.7, [0, 1, 0], [1, 0, 2]) @ CAMERA.world_from_camera


def box(size: float, place: tuple[float, float, float]) -> trimesh.Trimesh:
    return trimesh.creation.box((size, size, size), trimesh.transformations.translation_matrix(place))


def write(path: Path, meshes: dict[str, trimesh.Trimesh], frame_from_camera: np.ndarray | None = None) -> None:
    scene = trimesh.Scene()
    for name, mesh in meshes.items():
        scene.add_geometry(mesh, node_name=name, geom_name=name, transform=frame_from_camera)
    path.write_bytes(scene.export(file_type="glb"))


@pytest.mark.parametrize("frame", FRAMES)
def test_every_frame_leads_to_the_camera(frame: str, tmp_path: Path) -> None:
    meshes = {"chair-1": box(0.5, (0.2, 0.4, 3.0)), "lamp": box(0.2, (-0.5, 0.0, 2.0))}
    to_file = {
        "camera-opencv": np.eye(4),
        "camera-opengl": np.diag([1.0, -1.0, -1.0, 1.0]),
        "world": CAMERA.world_from_camera,
        "dataset": DATASET_FROM_CAMERA,
    }[frame]
    write(tmp_path / "room.glb", meshes, to_file)
    path = prediction_path(tmp_path, "room")
    found = read_objects(path, camera_from_file(frame, CAMERA, DATASET_FROM_CAMERA))
    assert [item.name for item in found.objects] == ["chair-1", "lamp"]
    assert found.notes == ()
    for item in found.objects:
        np.testing.assert_allclose(item.vertices.min(axis=0), meshes[item.name].bounds[0], atol=1e-6)
        np.testing.assert_allclose(item.vertices.max(axis=0), meshes[item.name].bounds[1], atol=1e-6)
    point = np.array([[0.1, 0.2, 2.0]])
    back = transform(camera_from_file(frame, CAMERA, DATASET_FROM_CAMERA), transform(to_file, point))
    np.testing.assert_allclose(back, point, atol=1e-9)


def test_a_scene_of_our_own_gives_its_objects_without_room_and_camera(tmp_path: Path) -> None:
    scene = trimesh.Scene(base_frame="world")
    for node in ("room", "camera", "table"):
        scene.graph.update(frame_from="scene", frame_to=node)
    scene.graph.update(frame_from="world", frame_to="scene")
    scene.add_geometry(box(4.0, (0, 0, 0)), node_name="floor", geom_name="floor", parent_node_name="room")
    scene.add_geometry(box(0.1, (0, 0, 0)), node_name="leg", geom_name="leg", parent_node_name="table")
    scene.add_geometry(box(0.3, (0, 1, 0)), node_name="top", geom_name="top", parent_node_name="table")
    scene.add_geometry(box(0.5, (1, 0, 0)), node_name="chair", geom_name="chair", parent_node_name="scene")
    (tmp_path / "scene.glb").write_bytes(scene.export(file_type="glb"))
    found = read_objects(tmp_path / "scene.glb", np.eye(4)).objects
    assert {item.name: len(item.faces) for item in found} == {"chair": 12, "table": 24}


@pytest.mark.parametrize("others", [{}, {"vase": box(0.2, (1, 0, 2))}])
def test_a_mesh_of_two_materials_is_one_object(others: dict[str, trimesh.Trimesh], tmp_path: Path) -> None:
    path = tmp_path / "scene.glb"
    write(path, {"sofa": box(1.0, (0, 0, 2)), **others})
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    header, chunks = json.loads(data[20 : 20 + length]), data[20 + length :]
    next(mesh for mesh in header["meshes"] if mesh["name"] == "sofa")["primitives"] *= 2
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    start = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(chunks), len(text), 0x4E4F534A)
    path.write_bytes(start + text + chunks)
    found = {item.name: len(item.faces) for item in read_objects(path, np.eye(4)).objects}
    assert found == {"sofa": 24, **dict.fromkeys(others, 12)}


def test_an_object_that_cannot_be_scored_is_left_out_with_a_note(tmp_path: Path) -> None:
    flat = trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False)
    broken = trimesh.Trimesh(np.full((3, 3), np.inf), [[0, 1, 2]], process=False)
    write(tmp_path / "room.glb", {"chair": box(1.0, (0, 0, 2)), "flat": flat, "far": broken})
    found = read_objects(tmp_path / "room.glb", np.eye(4))
    assert [item.name for item in found.objects] == ["chair"]
    assert sorted(found.notes) == [
        "room.glb: 'far' has vertices that are not finite, and is left out.",
        "room.glb: 'flat' has no area, and is left out.",
    ]


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "empty"), (b"solid stl", "not a GLB"), (b"glTF\x02\x00\x00\x00rest", "damaged")]
)
def test_a_bad_file_is_one_clear_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "room.glb").write_bytes(content)
    with pytest.raises(ConfigError, match=says) as error:
        read_objects(tmp_path / "room.glb", np.eye(4))
    assert "\n" not in str(error.value)


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    write(tmp_path / "room.glb", {"chair": box(1.0, (0, 0, 2)), "vase": box(0.2, (1, 0, 2))})
    data = (tmp_path / "room.glb").read_bytes()
    for length in (30, len(data) // 2, len(data) - 40):
        (tmp_path / "room.glb").write_bytes(data[:length])
        with pytest.raises(ConfigError, match="damaged"):
            read_objects(tmp_path / "room.glb", np.eye(4))


def test_an_unknown_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="camera-opengl"):
        camera_from_file("blender", CAMERA, DATASET_FROM_CAMERA)
