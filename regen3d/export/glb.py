"""Scenes as glTF 2.0 in one binary file: what Blender, Maya, Houdini, Unreal, Unity and browsers open.

glTF's world is ours (right-handed, Y up, metres); its cameras look along -Z with +Y up. Nodes keep their transforms,
so every object stays editable in its own frame.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

import regen3d
from regen3d.errors import InvalidMeshError
from regen3d.export.detail import levels
from regen3d.export.look import with_look
from regen3d.export.normals import shade
from regen3d.export.packing import packed
from regen3d.export.scene import ExportScene, check_names
from regen3d.export.settings import ExportSettings
from regen3d.light.base import SceneLight
from regen3d.types import Camera, Mesh, Room

if TYPE_CHECKING:
    from trimesh import Scene, Trimesh

GLTF_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
"""Turns a camera frame that looks along +Z with y down into one that looks along -Z with y up, and back."""

NEAR_M = 0.01
"""Near plane of the exported camera: nothing of a room is nearer."""

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, FLOAT_BYTES = 34962, 34963, 4
"""glTF's names for vertex and index data, and the size of a vertex's number."""

JPEG_QUALITY = 92
"""Of room textures: they are resampled photographs, where this is a fifth of a PNG and shows no difference."""

PNG_COMPRESSION = 3
"""zlib level of object textures: the file of level 6 is 4 % smaller and takes three times as long."""


def write(scene: ExportScene, settings: ExportSettings) -> dict[str, bytes]:
    """The whole scene, every object in its own frame, the empty room, and the levels of detail that are asked for.

    Raises:
        ConfigError: two nodes would have the same name, or the program that packs vertices is missing.
        InvalidMeshError: a mesh has no faces, or numbers that are not finite.
    """
    shown = with_look(scene, settings.look)
    files = {"scene.glb": scene_glb(shown), "background.glb": background_glb(shown.room)}
    for item in shown.objects:
        files[f"objects/{item.name}.glb"] = object_glb(item.name, item.mesh, item.extras)
        for level, mesh in enumerate(levels(item.mesh, settings.lods), start=1):
            files[f"objects/{item.name}.lod{level}.glb"] = object_glb(item.name, mesh, item.extras)
    return {path: packed(content, settings.compress) for path, content in files.items()}


def object_glb(name: str, mesh: Mesh, extras: dict[str, Any]) -> bytes:
    """One object in its own frame: a single node named after it.

    Raises:
        InvalidMeshError: the mesh has no faces, or numbers that are not finite.
    """
    scene = _new_scene()
    _add_mesh(scene, name, _object_mesh(name, mesh), parent="world")
    return _write(scene, _with_extras({name: extras}))


def background_glb(room: Room) -> bytes:
    """The empty room in the world frame: one node a side, named `floor`, `wall_back`, ..., seen from inside.

    Raises:
        InvalidMeshError: a side has no faces, or numbers that are not finite.
    """
    scene = _new_scene()
    _add_room(scene, room, parent="world")
    return _write(scene, _with_extras({}))


def scene_glb(scene: ExportScene) -> bytes:
    """The whole scene in the world frame.

    The root node `scene` has the children `room` (with one child a side), `camera`, one node an object, named as the
    object and carrying its similarity, and `key-light` where light was estimated (KHR_lights_punctual; one candela is
    one unit of the picture times a square metre). glTF cameras know no principal point: the node `camera` carries the
    exact intrinsics as extras.

    Raises:
        ConfigError: two nodes would have the same name.
        InvalidMeshError: a mesh has no faces, or numbers that are not finite.
    """
    check_names(scene)
    tree_scene = _new_scene()
    tree_scene.graph.update(frame_from="world", frame_to="scene")
    tree_scene.graph.update(frame_from="scene", frame_to="room")
    _add_room(tree_scene, scene.room, parent="room")
    camera = scene.camera
    world_from_gltf = camera.world_from_camera @ GLTF_FROM_OPENCV
    tree_scene.graph.update(frame_from="scene", frame_to="camera", matrix=world_from_gltf)
    if scene.light is not None:
        place = np.eye(4)
        place[:3, 3] = scene.light.key_position
        tree_scene.graph.update(frame_from="scene", frame_to="key-light", matrix=place)
    for item in scene.objects:
        mesh = _object_mesh(item.name, item.mesh)
        _add_mesh(tree_scene, item.name, mesh, parent="scene", matrix=item.world_from_object.matrix)
    with_extras = _with_extras({"scene": scene.extras, **{item.name: item.extras for item in scene.objects}})

    def complete(tree: dict[str, Any]) -> None:
        with_extras(tree)
        tree["asset"]["extras"] = scene.extras
        nodes = {node["name"]: node for node in tree["nodes"]}
        tree["cameras"] = [_gltf_camera(camera)]
        nodes["camera"]["camera"] = 0
        nodes["camera"]["extras"] = {
            "intrinsics": camera.intrinsics.tolist(),
            "width": camera.width,
            "height": camera.height,
        }
        if scene.light is not None:
            _add_light(tree, nodes["key-light"], scene.light)

    return _write(tree_scene, complete)


def _add_light(tree: dict[str, Any], node: dict[str, Any], light: SceneLight) -> None:
    strength = float(light.key_intensity.max())
    if strength <= 0.0:
        return
    colour = (light.key_intensity / strength).tolist()
    lights = [{"type": "point", "name": "key-light", "color": colour, "intensity": strength}]
    tree.setdefault("extensions", {})["KHR_lights_punctual"] = {"lights": lights}
    tree["extensionsUsed"] = sorted({*tree.get("extensionsUsed", []), "KHR_lights_punctual"})
    node["extensions"] = {"KHR_lights_punctual": {"light": 0}}


@dataclass(frozen=True, slots=True)
class _EncodedPicture:
    """A picture that is a file already, in the place of the Pillow image that trimesh would encode in its own way."""

    content: bytes
    format: str

    def save(self, file: io.BytesIO, format: str) -> None:
        """Write the file as it is."""
        file.write(self.content)


def _encode(texture: UInt8[np.ndarray, "th tw 3"], format: str) -> _EncodedPicture:
    buffer = io.BytesIO()
    options = {"quality": JPEG_QUALITY, "subsampling": 0} if format == "JPEG" else {"compress_level": PNG_COMPRESSION}
    Image.fromarray(texture).save(buffer, format=format, **options)
    return _EncodedPicture(buffer.getvalue(), format)


def _object_mesh(name: str, mesh: Mesh) -> "Trimesh":
    # Generated surfaces may be open or thin: seen from both sides, they show no holes.
    return _as_trimesh(name, mesh, picture_format="PNG", double_sided=True)


def _as_trimesh(name: str, mesh: Mesh, *, picture_format: str, double_sided: bool) -> "Trimesh":
    from trimesh import Trimesh
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    if len(mesh.faces) == 0 or not (np.isfinite(mesh.vertices).all() and np.isfinite(mesh.uv).all()):
        raise InvalidMeshError(f"the mesh of '{name}' has no faces or is not finite: generate it again")
    shaded = shade(mesh)
    material = PBRMaterial(
        name=name,
        baseColorTexture=_encode(mesh.texture, picture_format),
        roughnessFactor=float(mesh.roughness),
        metallicFactor=float(mesh.metallic),
        doubleSided=double_sided,
    )
    return Trimesh(
        vertices=mesh.vertices[shaded.source],
        faces=shaded.faces,
        vertex_normals=shaded.normals,
        visual=TextureVisuals(uv=mesh.uv[shaded.source], material=material),
        process=False,
    )


def _new_scene() -> "Scene":
    from trimesh import Scene

    return Scene(base_frame="world")


def _add_mesh(scene: "Scene", name: str, mesh: "Trimesh", *, parent: str, matrix: np.ndarray | None = None) -> None:
    scene.add_geometry(mesh, node_name=name, geom_name=name, parent_node_name=parent, transform=matrix)


def _add_room(scene: "Scene", room: Room, *, parent: str) -> None:
    for side in sorted(room.parts):
        mesh = _as_trimesh(side, room.parts[side], picture_format="JPEG", double_sided=False)
        _add_mesh(scene, side, mesh, parent=parent)


def _gltf_camera(camera: Camera) -> dict[str, Any]:
    focal_x, focal_y = float(camera.intrinsics[0, 0]), float(camera.intrinsics[1, 1])
    perspective = {
        "yfov": 2.0 * float(np.arctan2(0.5 * camera.height, focal_y)),
        "aspectRatio": (camera.width / focal_x) / (camera.height / focal_y),
        "znear": NEAR_M,
    }
    return {"name": "camera", "type": "perspective", "perspective": perspective}


def _with_extras(extras: dict[str, dict[str, Any]]) -> Callable[[dict[str, Any]], None]:
    """A last touch to the glTF document: who wrote it, and what the nodes carry, by node name."""

    def complete(tree: dict[str, Any]) -> None:
        tree["asset"]["generator"] = f"regen3d {regen3d.__version__}"
        _describe_buffers(tree)
        for node in tree["nodes"]:
            if extras.get(node["name"]):
                node["extras"] = extras[node["name"]]

    return complete


def _describe_buffers(tree: dict[str, Any]) -> None:
    """Say what each buffer is for, as viewers that upload them unread want to know."""
    for mesh in tree["meshes"]:
        mesh.pop("extras", None)
        for primitive in mesh["primitives"]:
            indices = tree["accessors"][primitive["indices"]]
            tree["bufferViews"][indices["bufferView"]]["target"] = ELEMENT_ARRAY_BUFFER
            for attribute in primitive["attributes"].values():
                accessor = tree["accessors"][attribute]
                stride = FLOAT_BYTES * int(accessor["type"].removeprefix("VEC"))
                tree["bufferViews"][accessor["bufferView"]] |= {"target": ARRAY_BUFFER, "byteStride": stride}


def _write(scene: "Scene", complete: Callable[[dict[str, Any]], None]) -> bytes:
    from trimesh.exchange.gltf import export_glb

    return export_glb(scene, include_normals=True, tree_postprocessor=complete)
