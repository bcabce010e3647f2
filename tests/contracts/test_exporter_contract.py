"""What every exporter of scenes keeps: a scene that is written and read by another program is the same scene."""

import importlib.util
import io
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from regen3d.errors import ConfigError
from regen3d.export.formats import FORMATS, write_format
from regen3d.export.scene import ExportScene, SceneObject
from regen3d.export.settings import ExportSettings
from regen3d.frames import intrinsics_from_focal, rotation_about_y
from regen3d.light.base import SceneLight
from regen3d.types import Camera, Mesh, Room, RoomLayout, Similarity
from tests.synthetic.blender import seen_by_blender

NAMES = {"chair-1", "coffee-table-1"}
SIDES = {"floor", "wall_left"}


@dataclass(frozen=True)
class ReadNode:
    """One node with geometry, as another program sees it."""

    world_corners: np.ndarray
    """Positions of the corners of every face, world frame, metres, Y up."""
    uv: np.ndarray
    """Texture coordinates of the same corners, origin at the lower left."""
    texture: np.ndarray
    roughness: float
    metallic: float
    world_from_mesh: np.ndarray | None = None
    """None for formats that know no transforms."""
    extras: dict = field(default_factory=dict)


@dataclass(frozen=True)
class ReadScene:
    nodes: dict[str, ReadNode]
    world_from_camera: np.ndarray
    """OpenCV frame."""
    vfov_deg: float
    aspect: float
    extras: dict = field(default_factory=dict)


def random_mesh(seed: int) -> Mesh:
    rng = np.random.default_rng(seed)
    return Mesh(
        vertices=rng.uniform(-1, 1, (12, 3)),
        faces=np.stack([rng.permutation(12)[:3] for _ in range(20)]),
        uv=rng.uniform(0, 1, (12, 2)),
        texture=rng.integers(0, 256, (8 + seed, 16, 3), dtype=np.uint8),
        roughness=0.25 + 0.05 * seed,
        metallic=0.1 * (seed % 4),
    )


def wedge(seed: int) -> Mesh:
    """A convex solid with a texture that lies anyhow."""
    rng = np.random.default_rng(seed)
    solid = trimesh.creation.box((1.0, 0.5 + seed, 0.4)) if seed % 2 else trimesh.creation.cone(0.5, 1.0, sections=7)
    return replace(
        random_mesh(seed),
        vertices=np.array(solid.vertices),
        faces=np.array(solid.faces),
        uv=rng.uniform(0, 1, (len(solid.vertices), 2)),
    )


def example_light() -> SceneLight:
    harmonics = np.zeros((9, 3))
    harmonics[0], harmonics[1] = 0.8, 0.3
    return SceneLight(
        environment=np.random.default_rng(5).uniform(0.1, 3.0, (8, 16, 3)).astype(np.float32),
        harmonics=harmonics,
        direction=np.array([0.0, 1.0, 0.0]),
        key_position=np.array([0.2, 2.3, -1.0]),
        key_intensity=np.array([1.0, 0.9, 0.7]),
        error=0.1,
    )


def example_objects() -> tuple[SceneObject, ...]:
    return tuple(
        SceneObject(
            name=name,
            mesh=wedge(seed),
            world_from_object=Similarity(
                rotation=rotation_about_y(0.7 * seed), translation=np.array([seed, 0.1, -3.0]), scale=0.5 + seed
            ),
            extras={"label": "chair", "provenance": {"licence": "MIT", "seed": seed}},
        )
        for seed, name in enumerate(["chair-1", "coffee-table-1"])
    )


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
    return Camera(
        intrinsics=intrinsics_from_focal(70.0, (96, 72)), width=96, height=72, world_from_camera=world_from_camera
    )


def example_scene(objects: tuple[SceneObject, ...] | None = None) -> ExportScene:
    return ExportScene(
        name="room 1",
        objects=example_objects() if objects is None else objects,
        room=example_room(),
        camera=example_camera(),
        photo=np.random.default_rng(4).integers(0, 256, (72, 96, 3), dtype=np.uint8),
        light=example_light(),
    )


def corners(mesh: Mesh, world_from_mesh: np.ndarray) -> np.ndarray:
    points = mesh.vertices[mesh.faces]
    return points @ world_from_mesh[:3, :3].T + world_from_mesh[:3, 3]


class ExporterContract(ABC):
    """Tests that a format inherits."""

    format: str
    settings = ExportSettings()
    keeps_transforms = True
    keeps_extras = True
    repeats_itself = True

    @classmethod
    @abstractmethod
    def read(cls, folder: Path) -> ReadScene: ...

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        known = next(known for known in FORMATS if known.name == cls.format)
        if not known.is_available:
            pytest.skip(f"the format {cls.format} needs {known.package}")
        return cls.written(example_scene(), tmp_path_factory.mktemp(cls.format))

    @pytest.fixture(scope="class")
    @classmethod
    def scene(cls, folder: Path) -> ReadScene:
        return cls.read(folder)

    @classmethod
    def written(cls, scene: ExportScene, folder: Path) -> Path:
        for path, content in write_format(cls.format, scene, cls.settings).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder

    def test_every_object_and_side_is_a_node_of_its_name(self, scene: ReadScene):
        assert set(scene.nodes) == NAMES | SIDES

    def test_everything_stands_where_it_stood(self, scene: ReadScene):
        for item in example_objects():
            node = scene.nodes[item.name]
            np.testing.assert_allclose(node.world_corners, corners(item.mesh, item.world_from_object.matrix), atol=1e-4)
            if self.keeps_transforms:
                assert node.world_from_mesh is not None
                np.testing.assert_allclose(node.world_from_mesh, item.world_from_object.matrix, atol=1e-4)
        for side, mesh in example_room().parts.items():
            np.testing.assert_allclose(scene.nodes[side].world_corners, mesh.vertices[mesh.faces], atol=1e-4)

    def test_textures_lie_where_they_lay(self, scene: ReadScene):
        for item in example_objects():
            node = scene.nodes[item.name]
            np.testing.assert_allclose(node.uv, item.mesh.uv[item.mesh.faces], atol=1e-5)
            np.testing.assert_array_equal(node.texture, item.mesh.texture)
        for side, mesh in example_room().parts.items():
            assert scene.nodes[side].texture.shape == mesh.texture.shape

    def test_materials_are_kept(self, scene: ReadScene):
        meshes = {item.name: item.mesh for item in example_objects()} | dict(example_room().parts)
        for name, mesh in meshes.items():
            assert scene.nodes[name].roughness == pytest.approx(mesh.roughness, abs=1e-3)
            assert scene.nodes[name].metallic == pytest.approx(mesh.metallic, abs=1e-3)

    def test_the_camera_stands_and_looks_as_before(self, scene: ReadScene):
        camera = example_camera()
        np.testing.assert_allclose(scene.world_from_camera, camera.world_from_camera, atol=1e-4)
        assert scene.vfov_deg == pytest.approx(np.degrees(2 * np.arctan(36 / 70)), abs=1e-3)
        assert scene.aspect == pytest.approx(96 / 72, abs=1e-3)

    def test_provenance_is_kept(self, scene: ReadScene):
        if not self.keeps_extras:
            pytest.skip(f"{self.format} carries no data of others")
        assert scene.extras["scene"] == "room 1"
        for item in example_objects():
            assert scene.nodes[item.name].extras == item.extras

    def test_equal_scenes_give_equal_bytes(self, folder: Path):
        if not self.repeats_itself:
            pytest.skip(f"{self.format} files carry the time")
        again = write_format(self.format, example_scene(), self.settings)
        assert {path: (folder / path).read_bytes() for path in again} == again

    def test_an_empty_room_is_a_scene(self, folder: Path, tmp_path: Path):
        assert set(self.read(self.written(example_scene(()), tmp_path)).nodes) == SIDES

    def test_a_name_that_the_scene_needs_is_refused(self, folder: Path):
        taken = (SceneObject(name="room", mesh=random_mesh(1), world_from_object=POSE, extras={}),)
        with pytest.raises(ConfigError, match="'room'"):
            write_format(self.format, example_scene(taken), self.settings)


POSE = Similarity(rotation=np.eye(3), translation=np.zeros(3), scale=1.0)


def read_gltf(path: Path, document: dict) -> ReadScene:
    scene = trimesh.load_scene(path, process=False)
    extras = {node["name"]: node.get("extras", {}) for node in document["nodes"]}
    nodes = {}
    for name in scene.graph.nodes_geometry:
        world_from_mesh, geometry = scene.graph[name]
        mesh = scene.geometry[geometry]
        nodes[name] = ReadNode(
            world_from_mesh=world_from_mesh,
            world_corners=mesh.vertices[mesh.faces] @ world_from_mesh[:3, :3].T + world_from_mesh[:3, 3],
            uv=mesh.visual.uv[mesh.faces],
            texture=np.array(mesh.visual.material.baseColorTexture),
            roughness=mesh.visual.material.roughnessFactor,
            metallic=mesh.visual.material.metallicFactor,
            extras=extras[name],
        )
    perspective = document["cameras"][0]["perspective"]
    return ReadScene(
        nodes=nodes,
        # glTF cameras look along -Z with +Y up.
        world_from_camera=scene.graph["camera"][0] @ np.diag([1.0, -1.0, -1.0, 1.0]),
        vfov_deg=float(np.degrees(perspective["yfov"])),
        aspect=perspective["aspectRatio"],
        extras=document["asset"].get("extras", {}),
    )


def gltf_document(folder: Path, format: str) -> tuple[Path, dict]:
    if format == "gltf":
        return folder / "gltf/scene.gltf", json.loads((folder / "gltf/scene.gltf").read_bytes())
    content = (folder / "scene.glb").read_bytes()
    return folder / "scene.glb", json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])


class TestGlb(ExporterContract):
    format = "glb"

    @classmethod
    def read(cls, folder: Path) -> ReadScene:
        return read_gltf(*gltf_document(folder, cls.format))

    def test_the_light_is_a_light_of_the_format(self, folder: Path):
        _, document = gltf_document(folder, self.format)
        light = document["extensions"]["KHR_lights_punctual"]["lights"][0]
        node = next(node for node in document["nodes"] if node["name"] == "key-light")
        place = np.array(node["matrix"]).reshape(4, 4).T[:3, 3] if "matrix" in node else np.array(node["translation"])
        np.testing.assert_allclose(place, example_light().key_position, atol=1e-6)
        assert light["type"] == "point"
        np.testing.assert_allclose(
            np.array(light["color"]) * light["intensity"], example_light().key_intensity, atol=1e-6
        )


class TestGltf(TestGlb):
    format = "gltf"


class TestObj(ExporterContract):
    format = "obj"
    keeps_transforms = False
    keeps_extras = False

    @classmethod
    def read(cls, folder: Path) -> ReadScene:
        nodes = {}
        for path in sorted((folder / "obj").glob("*.obj")):
            # Kept apart: trimesh would merge vertices across the seams.
            mesh = trimesh.load_mesh(path, process=False, maintain_order=True)
            material = mesh.visual.material
            numbers = dict(
                line.split(maxsplit=1) for line in path.with_suffix(".mtl").read_text().splitlines() if " " in line
            )
            nodes[path.stem] = ReadNode(
                world_corners=mesh.vertices[mesh.faces],
                uv=mesh.visual.uv[mesh.faces],
                texture=np.array(material.image),
                roughness=float(numbers["Pr"]),
                metallic=float(numbers["Pm"]),
            )
        camera = json.loads((folder / "obj/camera.json").read_bytes())
        from regen3d.frames import world_from_gravity

        return ReadScene(
            nodes=nodes,
            world_from_camera=world_from_gravity(np.array(camera["gravity"]), camera["height_m"]),
            vfov_deg=float(np.degrees(2 * np.arctan2(camera["height"] / 2, camera["K"][1][1]))),
            aspect=camera["width"] / camera["height"] * camera["K"][1][1] / camera["K"][0][0],
        )


class TestUsd(ExporterContract):
    format = "usd"
    root = "usd/scene.usda"

    @classmethod
    def read(cls, folder: Path) -> ReadScene:
        from pxr import Usd, UsdGeom

        stage = Usd.Stage.Open(str(folder / cls.root))
        up = np.eye(4) if UsdGeom.GetStageUpAxis(stage) == "Y" else Z_UP
        camera = UsdGeom.Camera(stage.GetPrimAtPath("/World/Cameras/camera"))
        seen = camera.GetCamera(Usd.TimeCode.Default())
        pose = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(camera.GetPrim())).T
        nodes = [cls._node(prim, up) for prim in stage.Traverse() if _is_drawn(prim)]
        return ReadScene(
            nodes=dict(nodes),
            world_from_camera=up.T @ pose @ np.diag([1.0, -1.0, -1.0, 1.0]),
            vfov_deg=seen.GetFieldOfView(seen.FOVVertical),
            aspect=seen.aspectRatio,
            extras=stage.GetDefaultPrim().GetCustomDataByKey("regen3d"),
        )

    @classmethod
    def _node(cls, prim, up: np.ndarray) -> tuple[str, ReadNode]:
        from pxr import Kind, Usd, UsdGeom, UsdShade

        mesh, cache = UsdGeom.Mesh(prim), UsdGeom.XformCache()
        asset = prim
        while Usd.ModelAPI(asset).GetKind() != Kind.Tokens.component:
            asset = asset.GetParent()
        place = up.T @ np.array(cache.GetLocalToWorldTransform(prim)).T @ up
        points = np.array(mesh.GetPointsAttr().Get(), dtype=float) @ up[:3, :3]
        index = np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
        uv = np.array(UsdGeom.PrimvarsAPI(prim).GetPrimvar("st").Get())
        surface = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0].ComputeSurfaceSource()[0]
        colour = UsdShade.Shader(surface.GetInput("diffuseColor").GetConnectedSource()[0].GetPrim())
        return prim.GetDisplayName(), ReadNode(
            world_corners=points[index] @ place[:3, :3].T + place[:3, 3],
            world_from_mesh=place,
            uv=uv[index],
            texture=_picture(colour.GetInput("file").Get().resolvedPath),
            roughness=surface.GetInput("roughness").Get(),
            metallic=surface.GetInput("metallic").Get(),
            extras=asset.GetCustomDataByKey("regen3d"),
        )


class TestUsdSimready(TestUsd):
    settings = ExportSettings(profile="simready")


class TestUsdRelightable(TestUsd):
    """The look that is not shown is there, too: shown again, it is the scene as photographed."""

    settings = ExportSettings(look="relightable", lods=1)

    @classmethod
    def read(cls, folder: Path) -> ReadScene:
        from pxr import Usd

        stage = Usd.Stage.Open(str(folder / cls.root))
        for prim in stage.Traverse():
            if "look" in prim.GetVariantSets().GetNames():
                assert prim.GetVariantSets().GetVariantSelection("look") == "relightable"
                prim.GetVariantSets().SetSelection("look", "baked")
        stage.GetRootLayer().Save()
        return super().read(folder)

    def test_equal_scenes_give_equal_bytes(self, folder: Path):
        """Read above with another look, which was saved: nothing to compare."""


class TestUsdz(TestUsd):
    format = "usdz"
    root = "scene.usdz"


Z_UP = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def _is_drawn(prim) -> bool:
    from pxr import UsdGeom

    if not prim.IsA(UsdGeom.Mesh):
        return False
    image = UsdGeom.Imageable(prim)
    return image.ComputePurpose() == "default" and image.ComputeVisibility() == "inherited"


def _picture(path: str) -> np.ndarray:
    """A picture that may lie inside a package: `scene.usdz[0/photo.png]`."""
    from pxr import Ar

    resolver = Ar.GetResolver()
    content = resolver.OpenAsset(Ar.ResolvedPath(path)).GetBuffer()
    return np.array(Image.open(io.BytesIO(bytes(content))))


class TestBlend(ExporterContract):
    format = "blend"
    file = "scene.blend"
    repeats_itself = False

    @classmethod
    def read(cls, folder: Path) -> ReadScene:
        seen = seen_by_blender(folder / cls.file)
        nodes = {}
        for name, facts in seen["meshes"].items():
            # Blender stands the world and every mesh up: its Z is our Y.
            place = Z_UP.T @ np.array(facts["matrix"]) @ Z_UP
            points = np.array(facts["corners"]) @ Z_UP[:3, :3]
            nodes[name] = ReadNode(
                world_corners=points @ place[:3, :3].T + place[:3, 3],
                world_from_mesh=place,
                uv=np.array(facts["uv"]),
                texture=np.array(Image.open(facts["picture"]).convert("RGB")),
                roughness=facts["roughness"],
                metallic=facts["metallic"],
                extras=facts["extras"],
            )
        camera = seen["camera"]
        width, height = camera["sensor"]
        return ReadScene(
            nodes=nodes,
            world_from_camera=Z_UP.T @ np.array(camera["matrix"]) @ np.diag([1.0, -1.0, -1.0, 1.0]),
            vfov_deg=float(np.degrees(2 * np.arctan2(height / 2, camera["lens"]))),
            aspect=width / height,
            extras=seen["scene"],
        )


class TestFbx(TestBlend):
    format = "fbx"
    file = "scene.fbx"
    keeps_extras = False


def test_every_format_runs_the_contract():
    tested = {kind.format for kind in _concrete(ExporterContract)}
    assert tested == {known.name for known in FORMATS}


def _concrete(kind: type) -> list[type]:
    below = [found for child in kind.__subclasses__() for found in _concrete(child)]
    return [*below, *([kind] if not kind.__abstractmethods__ else [])]


def test_an_unknown_format_is_named():
    with pytest.raises(ConfigError, match="unknown format 'stl'"):
        write_format("stl", example_scene(), ExportSettings())


def test_a_format_whose_package_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pxr" else real(name))
    with pytest.raises(ConfigError, match=r"pip install '\.\[usd\]'"):
        write_format("usd", example_scene(), ExportSettings())
