"""A scene in one of its looks: as photographed, or in the colours of its materials."""

from dataclasses import replace

from regen3d.errors import ConfigError
from regen3d.export.scene import ExportScene
from regen3d.export.settings import Look
from regen3d.light.albedo import object_albedo, side_albedo


def with_look(scene: ExportScene, look: Look) -> ExportScene:
    """The scene with the textures of a look; `baked` is the scene as it is.

    Raises:
        ConfigError: the scene has no light that could be taken off.
    """
    if look == "baked":
        return scene
    if scene.light is None:
        raise ConfigError("the scene's light was never estimated: run the picture again, or export the look 'baked'")
    light = scene.light
    objects = tuple(
        replace(item, mesh=object_albedo(item.mesh, item.world_from_object.matrix, light)) for item in scene.objects
    )
    sides = {side: side_albedo(mesh, light) for side, mesh in scene.room.parts.items()}
    return replace(scene, objects=objects, room=replace(scene.room, parts=sides))
