"""Scenes as Wavefront OBJ: an OBJ, an MTL and a PNG for every object and every side of the room.

OBJ knows neither transforms nor cameras: vertices are in the world frame (metres, Y up), so that files that are
imported together make the scene, and the camera lies beside them as `camera.json`.
"""

import io
from collections.abc import Iterator

import numpy as np

from regen3d import codec
from regen3d.export.camera_file import camera_json
from regen3d.export.look import with_look
from regen3d.export.normals import shade
from regen3d.export.scene import ExportScene, check_names
from regen3d.export.settings import ExportSettings
from regen3d.frames import transform
from regen3d.types import Mesh

FOLDER = "obj"
"""Where the files lie."""


def write(scene: ExportScene, settings: ExportSettings) -> dict[str, bytes]:
    """Three files a mesh, and the camera.

    Raises:
        ConfigError: two meshes would have the same name.
    """
    check_names(scene)
    files = {f"{FOLDER}/camera.json": camera_json(scene.camera)}
    for name, mesh, world_from_mesh in _placed(with_look(scene, settings.look)):
        files[f"{FOLDER}/{name}.obj"] = _obj(name, mesh, world_from_mesh)
        files[f"{FOLDER}/{name}.mtl"] = _mtl(name, mesh)
        files[f"{FOLDER}/{name}.png"] = codec.png_bytes(mesh.texture)
    return files


def _placed(scene: ExportScene) -> Iterator[tuple[str, Mesh, np.ndarray]]:
    for item in scene.objects:
        yield item.name, item.mesh, item.world_from_object.matrix
    for side in sorted(scene.room.parts):
        yield side, scene.room.parts[side], np.eye(4)


def _obj(name: str, mesh: Mesh, world_from_mesh: np.ndarray) -> bytes:
    shaded = shade(mesh)
    # A similarity turns normals as it turns vertices.
    normals = shaded.normals @ world_from_mesh[:3, :3].T
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    out = io.StringIO()
    out.write(f"mtllib {name}.mtl\no {name}\nusemtl {name}\n")
    np.savetxt(out, transform(world_from_mesh, mesh.vertices[shaded.source]), fmt="v %.7f %.7f %.7f")
    np.savetxt(out, mesh.uv[shaded.source], fmt="vt %.7f %.7f")
    np.savetxt(out, normals, fmt="vn %.5f %.5f %.5f")
    corners = np.repeat(shaded.faces + 1, 3, axis=1)
    np.savetxt(out, corners, fmt="f " + " ".join(["%d/%d/%d"] * 3))
    return out.getvalue().encode()


def _mtl(name: str, mesh: Mesh) -> bytes:
    # Pr and Pm are the roughness and metalness that PBR-aware readers of MTL know.
    lines = [
        f"newmtl {name}",
        "Kd 1 1 1",
        f"Pr {mesh.roughness:.3f}",
        f"Pm {mesh.metallic:.3f}",
        f"map_Kd {name}.png",
    ]
    return ("\n".join(lines) + "\n").encode()
