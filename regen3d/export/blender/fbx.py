"""Scenes as FBX, for programs that read nothing better: metres, Y up, pictures inside."""

from regen3d.export.blender.process import in_blender
from regen3d.export.scene import ExportScene
from regen3d.export.settings import ExportSettings


def write(scene: ExportScene, settings: ExportSettings) -> dict[str, bytes]:
    """`scene.fbx`, written by Blender.

    Raises:
        ConfigError: two nodes would have the same name, or the look needs a light that was not estimated.
        StageError: Blender failed.
    """
    return in_blender(scene, settings.look, {"fbx": "scene.fbx"})
