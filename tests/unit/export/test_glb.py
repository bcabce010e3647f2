import dataclasses
import io
import json

import numpy as np
import pytest
import trimesh

from regen3d.errors import ConfigError, InvalidMeshError
from regen3d.export.glb import background_glb, object_glb, scene_glb
from regen3d.export.scene import ExportScene, SceneObject
from regen3d.frames import upright
from regen3d.types import Camera, Mesh, Room


def document(glb: bytes) -> dict:
    length = int.from_bytes(glb[12:16], "little")
    return json.loads(glb[20 : 20 + length])


def placed(name: str, mesh: Mesh) -> SceneObject:
    pose = upright(yaw_rad=0.4, translation=np.array([0.3, 0.0, -2.0]), scale=0.8)
    return SceneObject(name=name, mesh=mesh, world_from_object=pose, extras={"label": name})


def scene_of(objects: list[SceneObject], room: Room, camera: Camera) -> ExportScene:
    photo = np.zeros((camera.height, camera.width, 3), dtype=np.uint8)
    return ExportScene(name="test", objects=tuple(objects), room=room, camera=camera, photo=photo)


def test_an_object_is_one_node_with_its_material(red_box: Mesh):
    mesh = dataclasses.replace(red_box, roughness=0.3, metallic=0.9)
    tree = document(object_glb("chair-1", mesh, {"licence": "MIT"}))
    assert [(node["name"], node["extras"]) for node in tree["nodes"]] == [("chair-1", {"licence": "MIT"})]
    material = tree["materials"][0]
    assert (material["name"], material["doubleSided"]) == ("chair-1", True)
    assert material["pbrMetallicRoughness"]["roughnessFactor"] == 0.3
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0.9
    assert set(tree["meshes"][0]["primitives"][0]["attributes"]) == {"POSITION", "NORMAL", "TEXCOORD_0"}
    assert tree["images"][0]["mimeType"] == "image/png"


def test_room_sides_are_single_sided_jpegs_in_the_world_frame(room: Room):
    glb = background_glb(room)
    tree = document(glb)
    assert sorted(node["name"] for node in tree["nodes"]) == ["floor", "wall_back"]
    assert not any(material["doubleSided"] for material in tree["materials"])
    assert {image["mimeType"] for image in tree["images"]} == {"image/jpeg"}
    read = trimesh.load_scene(io.BytesIO(glb), file_type="glb")
    np.testing.assert_allclose(read.bounds, [room.layout.bounds_min, room.layout.bounds_max], atol=1e-6)


def test_the_scene_is_a_tree(red_box: Mesh, blue_box: Mesh, room: Room, camera: Camera):
    objects = [placed("chair-1", red_box), placed("sofa-1", blue_box)]
    tree = document(scene_glb(scene_of(objects, room, camera)))
    nodes = {node["name"]: node for node in tree["nodes"]}
    children = {name: [tree["nodes"][k]["name"] for k in nodes[name].get("children", [])] for name in nodes}
    assert [tree["nodes"][k]["name"] for k in tree["scenes"][0]["nodes"]] == ["scene"]
    assert children["scene"] == ["room", "camera", "chair-1", "sofa-1"]
    assert children["room"] == ["floor", "wall_back"]
    assert nodes["scene"]["extras"] == tree["asset"]["extras"] == {"scene": "test"}
    assert nodes["camera"]["camera"] == 0


def test_the_camera_node_carries_exact_intrinsics(red_box: Mesh, room: Room, camera: Camera):
    tree = document(scene_glb(scene_of([], room, camera)))
    node = next(node for node in tree["nodes"] if node["name"] == "camera")
    assert node["extras"] == {"intrinsics": camera.intrinsics.tolist(), "width": 160, "height": 120}
    perspective = tree["cameras"][0]["perspective"]
    half_height = np.tan(perspective["yfov"] / 2)
    assert half_height * 125.0 == pytest.approx(60.0)
    assert half_height * perspective["aspectRatio"] * 130.0 == pytest.approx(80.0)


@pytest.mark.parametrize("name", ["room", "camera", "floor", "scene"])
def test_a_name_that_the_scene_needs_is_refused(name: str, red_box: Mesh, room: Room, camera: Camera):
    with pytest.raises(ConfigError, match=f"'{name}'"):
        scene_glb(scene_of([placed(name, red_box)], room, camera))


def test_equal_names_are_refused(red_box: Mesh, blue_box: Mesh, room: Room, camera: Camera):
    with pytest.raises(ConfigError, match="rename"):
        scene_glb(scene_of([placed("chair-1", red_box), placed("chair-1", blue_box)], room, camera))


def test_a_mesh_without_faces_is_refused(red_box: Mesh):
    with pytest.raises(InvalidMeshError, match="chair-1"):
        object_glb("chair-1", dataclasses.replace(red_box, faces=np.zeros((0, 3), dtype=np.int64)), {})


def test_a_mesh_that_is_not_finite_is_refused(red_box: Mesh):
    with pytest.raises(InvalidMeshError, match="finite"):
        object_glb("chair-1", dataclasses.replace(red_box, vertices=red_box.vertices * np.nan), {})
