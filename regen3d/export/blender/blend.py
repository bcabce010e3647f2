"""Scenes as Blender files: set up at the photograph's camera, with the photograph behind and the light around."""

from regen3d.export.blender.process import in_blender
from regen3d.export.scene import ExportScene
from regen3d.export.settings import ExportSettings


def write(scene: ExportScene, settings: ExportSettings) -> dict[str, bytes]:
    """`scene.blend`, with all its pictures inside.

    Raises:
        ConfigError: two nodes would have the same name, or the look needs a light that was not estimated.
        StageError: Blender failed.
    """
    return in_blender(scene, settings.look, {"blend": "scene.blend"})
