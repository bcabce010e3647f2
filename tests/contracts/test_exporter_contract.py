"""What every exporter of scenes keeps: a scene that is written and read is the same scene."""

import io
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import pytest
import trimesh

from regen3d.export.glb import SceneObject, scene_glb
from regen3d.frames import rotation_about_y
from regen3d.types import Camera, Mesh, Room, RoomLayout, Similarity


@dataclass(frozen=True)
class ReadNode:
    """One node with geometry, as another program sees it."""

    world_from_mesh: np.ndarray
    corners: np.ndarray
    """Positions of the corners of every face, in the frame of the node."""
    uv: np.ndarray
    """Texture coordinates of the same corners, origin at the lower left."""
    texture: np.ndarray
    extras: dict


@dataclass(frozen=True)
class ReadScene:
    nodes: dict[str, ReadNode]
    world_from_camera: np.ndarray
    """OpenCV frame."""
    vfov_deg: float
    extras: dict


def random_mesh(seed: int) -> Mesh:
    rng = np.random.default_rng(seed)
    return Mesh(
        vertices=rng.uniform(-1, 1, (12, 3)),
        faces=np.stack([rng.permutation(12)[:3] for _ in range(20)]),
        uv=rng.uniform(0, 1, (12, 2)),
        texture=rng.integers(0, 256, (8 + seed, 16, 3), dtype=np.uint8),
    )


def example_objects() -> list[SceneObject]:
    return [
        SceneObject(
            name=name,
            mesh=random_mesh(seed),
            world_from_object=Similarity(
                rotation=rotation_about_y(0.7 * seed), translation=np.array([seed, 0.1, -3.0]), scale=0.5 + seed
            ),
            extras={"label": "chair", "provenance": {"licence": "MIT", "seed": seed}},
        )
        for seed, name in enumerate(["chair-1", "coffee-table-1"])
    ]


def example_room() -> Room:
    layout = RoomLayout(
        yaw_rad=0.0,
        bounds_min=np.zeros(3),
        bounds_max=np.ones(3),
        seen=frozenset({"floor"}),
        confidence=1.0,
    )
    return Room(layout=layout, parts={"floor": random_mesh(7), "wall_left": random_mesh(8)}, scale_source="Given.")


def example_camera() -> Camera:
    pitch = np.radians(-12)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = np.array(
        [[1, 0, 0], [0, -np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), -np.cos(pitch)]]
    )
    world_from_camera[1, 3] = 1.4
    intrinsics = np.array([[700.0, 0, 480], [0, 700, 360], [0, 0, 1]])
    return Camera(intrinsics=intrinsics, width=960, height=720, world_from_camera=world_from_camera)


class ExporterContract(ABC):
    """Tests that a format inherits."""

    @abstractmethod
    def write(self, objects: list[SceneObject], room: Room, camera: Camera, extras: dict) -> bytes: ...

    @abstractmethod
    def read(self, content: bytes) -> ReadScene: ...

    @pytest.fixture
    def scene(self) -> ReadScene:
        return self.read(self.write(example_objects(), example_room(), example_camera(), {"regen3d": "1"}))

    def test_every_object_and_side_is_a_node_of_its_name(self, scene: ReadScene):
        assert set(scene.nodes) == {"chair-1", "coffee-table-1", "floor", "wall_left"}

    def test_objects_keep_their_own_frame_and_pose(self, scene: ReadScene):
        for item in example_objects():
            node = scene.nodes[item.name]
            np.testing.assert_allclose(node.world_from_mesh, item.world_from_object.matrix, atol=1e-9)
            np.testing.assert_allclose(node.corners, item.mesh.vertices[item.mesh.faces], atol=1e-6)

    def test_sides_are_in_the_world_frame(self, scene: ReadScene):
        for side, mesh in example_room().parts.items():
            np.testing.assert_allclose(scene.nodes[side].world_from_mesh, np.eye(4), atol=1e-12)
            np.testing.assert_allclose(scene.nodes[side].corners, mesh.vertices[mesh.faces], atol=1e-6)

    def test_textures_lie_where_they_lay(self, scene: ReadScene):
        for item in example_objects():
            node = scene.nodes[item.name]
            np.testing.assert_allclose(node.uv, item.mesh.uv[item.mesh.faces], atol=1e-6)
            np.testing.assert_array_equal(node.texture, item.mesh.texture)
        for side, mesh in example_room().parts.items():
            assert scene.nodes[side].texture.shape == mesh.texture.shape

    def test_the_camera_stands_and_looks_as_before(self, scene: ReadScene):
        camera = example_camera()
        np.testing.assert_allclose(scene.world_from_camera, camera.world_from_camera, atol=1e-9)
        assert scene.vfov_deg == pytest.approx(np.degrees(2 * np.arctan(360 / 700)))

    def test_provenance_is_kept(self, scene: ReadScene):
        assert scene.extras == {"regen3d": "1"}
        for item in example_objects():
            assert scene.nodes[item.name].extras == item.extras

    def test_equal_scenes_give_equal_bytes(self):
        first, second = (
            self.write(example_objects(), example_room(), example_camera(), {"regen3d": "1"}) for _ in range(2)
        )
        assert first == second

    def test_an_empty_room_is_a_scene(self):
        scene = self.read(self.write([], example_room(), example_camera(), {}))
        assert set(scene.nodes) == {"floor", "wall_left"}


class TestGlb(ExporterContract):
    def write(self, objects: list[SceneObject], room: Room, camera: Camera, extras: dict) -> bytes:
        return scene_glb(objects, room, camera, extras)

    def read(self, content: bytes) -> ReadScene:
        scene = trimesh.load_scene(io.BytesIO(content), file_type="glb", process=False)
        document = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
        extras = {node["name"]: node.get("extras", {}) for node in document["nodes"]}
        nodes = {}
        for name in scene.graph.nodes_geometry:
            world_from_mesh, geometry = scene.graph[name]
            mesh = scene.geometry[geometry]
            nodes[name] = ReadNode(
                world_from_mesh=world_from_mesh,
                corners=mesh.vertices[mesh.faces],
                uv=mesh.visual.uv[mesh.faces],
                texture=np.array(mesh.visual.material.baseColorTexture),
                extras=extras[name],
            )
        # glTF cameras look along -Z with +Y up.
        world_from_camera = scene.graph["camera"][0] @ np.diag([1.0, -1.0, -1.0, 1.0])
        vfov_deg = float(np.degrees(document["cameras"][0]["perspective"]["yfov"]))
        return ReadScene(
            nodes=nodes,
            world_from_camera=world_from_camera,
            vfov_deg=vfov_deg,
            extras=document["asset"].get("extras", {}),
        )
