"""Blender's side: a script for a Python that has `bpy`; it imports nothing of this project and reads its job in a file.

The job is a JSON document: `glb` (the scene), `photo`, `environment`, `camera` (K, width, height), `sides` (names of
the room's sides), `bounds` (least and greatest corner of the floor, and its yaw), `emit` (show colours as they are,
whatever the light), and the files to write: `blend`, `fbx`, `render`.
"""

import json
import math
import sys
from pathlib import Path

import bpy  # pyright: ignore[reportMissingImports]

SENSOR_MM = 36.0


def main(job_path: str) -> None:
    """Do one job."""
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=job["glb"])
    scene = bpy.context.scene
    _gather_room(scene, job["sides"])
    _set_camera(scene, job)
    if "key-light" in bpy.data.objects:
        # The environment has its light already.
        bpy.data.objects["key-light"].hide_render = True
        bpy.data.objects["key-light"].hide_viewport = True
    if job.get("environment"):
        _set_environment(scene, job["environment"])
        _add_shadow_catcher(scene, job["bounds"])
    # Colours on the screen are those of the files, as on the photograph.
    scene.view_settings.view_transform = "Standard"
    scene.render.engine = "CYCLES"
    if job.get("fbx"):
        _write_fbx(job["fbx"])
    if job.get("emit"):
        for material in bpy.data.materials:
            _shine(material)
    if job.get("blend"):
        bpy.ops.file.pack_all()
        bpy.ops.wm.save_as_mainfile(filepath=job["blend"], compress=True)
    if job.get("render"):
        _render(scene, job["render"], job.get("samples", 16))


def _gather_room(scene, sides: list[str]) -> None:
    """The room in a collection of its own, which hides it at one click: a parent that is hidden leaves its children."""
    room = bpy.data.collections.new("room")
    scene.collection.children.link(room)
    for name in ("room", *sides):
        node = bpy.data.objects[name]
        for collection in node.users_collection:
            collection.objects.unlink(node)
        room.objects.link(node)
        if name in sides:
            _let_light_through(node)


def _let_light_through(side) -> None:
    """The environment shines from outside: walls that stop it would leave the room black."""
    side.visible_shadow = False
    side.visible_diffuse = False
    side.visible_glossy = False


def _set_camera(scene, job: dict) -> None:
    node = bpy.data.objects["camera"]
    camera, (width, height) = node.data, (job["camera"]["width"], job["camera"]["height"])
    (focal_x, _, centre_x), (_, focal_y, centre_y), _ = job["camera"]["K"]
    camera.sensor_fit = "HORIZONTAL"
    camera.sensor_width = SENSOR_MM
    camera.sensor_height = SENSOR_MM * height * focal_x / focal_y / width
    camera.lens = focal_x * SENSOR_MM / width
    camera.shift_x = (width / 2 - centre_x) / width
    camera.shift_y = (centre_y - height / 2) * focal_x / focal_y / width
    camera.clip_start, camera.clip_end = 0.01, 1000.0
    camera.show_background_images = True
    backdrop = camera.background_images.new()
    backdrop.image = bpy.data.images.load(job["photo"])
    backdrop.alpha = 0.5
    scene.camera = node
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    # Blender takes no aspect below one.
    scene.render.pixel_aspect_x = max(focal_y / focal_x, 1.0)
    scene.render.pixel_aspect_y = max(focal_x / focal_y, 1.0)


def _set_environment(scene, picture: str) -> None:
    world = bpy.data.worlds.new("environment")
    scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    place, turn = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
    texture, background = nodes.new("ShaderNodeTexEnvironment"), nodes.new("ShaderNodeBackground")
    output = nodes.new("ShaderNodeOutputWorld")
    texture.image = bpy.data.images.load(picture)
    # The picture has glTF's +Z in its middle, which is Blender's -Y; Blender's own layout has +X there.
    turn.inputs["Rotation"].default_value[2] = math.pi / 2
    links.new(place.outputs["Generated"], turn.inputs["Vector"])
    links.new(turn.outputs["Vector"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], background.inputs["Color"])
    links.new(background.outputs["Background"], output.inputs["Surface"])


def _add_shadow_catcher(scene, bounds: dict) -> None:
    """The floor once more, off: turned on in place of the room, it lays the shadows on the photograph."""
    (x0, z0), (x1, z1) = bounds["low"], bounds["high"]
    mesh = bpy.data.meshes.new("shadow-catcher")
    # glTF's (x, 0, z) is Blender's (x, -z, 0).
    mesh.from_pydata([(x0, -z1, 0.0), (x1, -z1, 0.0), (x1, -z0, 0.0), (x0, -z0, 0.0)], [], [(0, 1, 2, 3)])
    catcher = bpy.data.objects.new("shadow-catcher", mesh)
    catcher.rotation_euler[2] = bounds["yaw_rad"]
    catcher.is_shadow_catcher = True
    catcher.hide_render = catcher.hide_viewport = True
    scene.collection.objects.link(catcher)


def _shine(material) -> None:
    """Show a material's colour as it is: it gives off its texture's light and reflects none."""
    if not material.use_nodes:
        return
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
    if surface is None or not surface.inputs["Base Color"].links:
        return
    colour = surface.inputs["Base Color"].links[0].from_socket
    links.new(colour, surface.inputs["Emission Color"])
    surface.inputs["Emission Strength"].default_value = 1.0
    links.remove(surface.inputs["Base Color"].links[0])
    surface.inputs["Base Color"].default_value = (0.0, 0.0, 0.0, 1.0)
    surface.inputs["Specular IOR Level"].default_value = 0.0


def _write_fbx(path: str) -> None:
    for image in bpy.data.images:
        if image.packed_file is not None:
            # FBX takes its pictures from files.
            image.filepath_raw = str(Path(path).with_name(f"{image.name}.png"))
            image.file_format = "PNG"
            image.save()
    bpy.ops.export_scene.fbx(
        filepath=path,
        # Blender 5.0's own importer stumbles over lights.
        object_types={"EMPTY", "CAMERA", "MESH"},
        apply_scale_options="FBX_SCALE_ALL",
        axis_forward="-Z",
        axis_up="Y",
        path_mode="COPY",
        embed_textures=True,
        bake_anim=False,
        use_custom_props=True,
    )


def _render(scene, path: str, samples: int) -> None:
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0 if scene.world is None else 4
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main(sys.argv[-1])
