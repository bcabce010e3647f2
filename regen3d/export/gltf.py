"""Scenes as glTF 2.0 in parts: a text file that people and version control read, its buffer and its pictures."""

import json
from collections.abc import Iterator
from typing import Any

from regen3d.export.glb import scene_glb
from regen3d.export.look import with_look
from regen3d.export.scene import ExportScene
from regen3d.export.settings import ExportSettings

FOLDER = "gltf"
"""Where the parts lie; paths inside the file are relative to it."""

_HEADER, _CHUNK, _ALIGNED = 12, 8, 4
"""Sizes in a GLB file, and what offsets into the buffer are multiples of."""


def write(scene: ExportScene, settings: ExportSettings) -> dict[str, bytes]:
    """The scene of `scene.glb` as `gltf/scene.gltf`, `scene.bin` and `textures/`.

    Raises:
        ConfigError: two nodes would have the same name.
        InvalidMeshError: a mesh has no faces, or numbers that are not finite.
    """
    return unpacked(scene_glb(with_look(scene, settings.look)))


def unpacked(glb: bytes) -> dict[str, bytes]:
    """The parts of a binary glTF file: path -> content."""
    length = int.from_bytes(glb[_HEADER : _HEADER + 4], "little")
    tree: dict[str, Any] = json.loads(glb[_HEADER + _CHUNK : _HEADER + _CHUNK + length])
    buffer = glb[_HEADER + 2 * _CHUNK + length :]
    views, files = tree["bufferViews"], {}
    for texture in tree["textures"]:
        image = tree["images"][texture["source"]]
        view = views[image.pop("bufferView")]
        name = next(_users(tree, tree["textures"].index(texture)))
        image["uri"] = f"textures/{name}.{'jpg' if image['mimeType'] == 'image/jpeg' else 'png'}"
        files[f"{FOLDER}/{image['uri']}"] = _slice(buffer, view)
    kept = sorted({accessor["bufferView"] for accessor in tree["accessors"]})
    packed, new_views = bytearray(), []
    for index in kept:
        content = _slice(buffer, views[index])
        new_views.append({**views[index], "byteOffset": len(packed)})
        packed += content + bytes(-len(content) % _ALIGNED)
    for accessor in tree["accessors"]:
        accessor["bufferView"] = kept.index(accessor["bufferView"])
    tree["bufferViews"] = new_views
    tree["buffers"] = [{"uri": "scene.bin", "byteLength": len(packed)}]
    files[f"{FOLDER}/scene.bin"] = bytes(packed)
    files[f"{FOLDER}/scene.gltf"] = json.dumps(tree, indent=1).encode()
    return files


def _slice(buffer: bytes, view: dict[str, Any]) -> bytes:
    start = view.get("byteOffset", 0)
    return buffer[start : start + view["byteLength"]]


def _users(tree: dict[str, Any], texture: int) -> Iterator[str]:
    """Names of the materials that wear a texture."""
    for material in tree["materials"]:
        if material["pbrMetallicRoughness"]["baseColorTexture"]["index"] == texture:
            yield material["name"]
