"""What Blender sees in a file, as JSON: a script for a Python that has `bpy`; it imports nothing of this project."""

import json
import sys
from pathlib import Path

import bpy


def surface_of(node):
    return next(item for item in node.data.materials[0].node_tree.nodes if item.type == "BSDF_PRINCIPLED")


def picture_of(surface, folder: Path, name: str) -> str:
    for socket in ("Base Color", "Emission Color"):
        for link in surface.inputs[socket].links:
            image = link.from_node.image
            image.filepath_raw, image.file_format = str(folder / f"read-{name}.png"), "PNG"
            image.save()
            return image.filepath_raw
    raise SystemExit(f"{name} wears no picture")


def read_mesh(node, folder: Path) -> dict:
    mesh, surface = node.data, surface_of(node)
    layer = mesh.uv_layers[0].data
    extras = {key: node[key].to_dict() if hasattr(node[key], "to_dict") else node[key] for key in node.keys()}  # noqa: SIM118 - a node is no dictionary
    return {
        "matrix": [list(row) for row in node.matrix_world],
        "corners": [[list(mesh.vertices[vertex].co) for vertex in face.vertices] for face in mesh.polygons],
        "uv": [[list(layer[loop].uv) for loop in face.loop_indices] for face in mesh.polygons],
        "picture": picture_of(surface, folder, node.name),
        "roughness": surface.inputs["Roughness"].default_value,
        "metallic": surface.inputs["Metallic"].default_value,
        "extras": {key: value for key, value in extras.items() if isinstance(value, str | int | float | dict)},
        "hidden": node.hide_render,
    }


def main(path: str, out: str) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if path.endswith(".blend"):
        bpy.ops.wm.open_mainfile(filepath=path)
    else:
        # The importer that is not a sibling of the exporter.
        bpy.ops.wm.fbx_import(filepath=path)
    bpy.context.view_layer.update()
    folder = Path(out).parent
    camera = next(node for node in bpy.data.objects if node.type == "CAMERA")
    meshes = {
        node.name: read_mesh(node, folder) for node in bpy.data.objects if node.type == "MESH" and node.data.materials
    }
    document = {
        "meshes": meshes,
        "camera": {
            "matrix": [list(row) for row in camera.matrix_world],
            "lens": camera.data.lens,
            "sensor": [camera.data.sensor_width, camera.data.sensor_height],
            "backdrops": [bool(item.image.packed_file) for item in camera.data.background_images],
        },
        "scene": {
            key: value
            for node in bpy.data.objects
            if node.name == "scene"
            for key, value in node.items()
            if isinstance(value, str)
        },
        "collections": {item.name: [node.name for node in item.objects] for item in bpy.data.collections},
        "images": [image.filepath for image in bpy.data.images if image.packed_file is None and image.source == "FILE"],
    }
    Path(out).write_text(json.dumps(document), encoding="utf-8")


main(*sys.argv[-2:])
