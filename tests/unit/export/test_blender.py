"""Blender sees what the photograph shows, through the camera that took it."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d.errors import StageError
from regen3d.export.blender.process import in_blender
from regen3d.export.formats import BLENDER_PYTHON, find_format, write_format
from regen3d.export.scene import ExportScene, SceneObject
from regen3d.export.settings import ExportSettings
from tests.synthetic.blender import seen_by_blender
from tests.synthetic.room import SyntheticRoom

needs_blender = pytest.mark.skipif(not find_format("blend").is_available, reason="needs bpy")


def scene_of(room: SyntheticRoom) -> ExportScene:
    objects = tuple(
        SceneObject(name=item.name, mesh=item.mesh, world_from_object=item.world_from_object, extras={})
        for item in room.objects
    )
    return ExportScene(name="room", objects=objects, room=room.room, camera=room.camera, photo=room.image)


def shifted(scene: ExportScene, pixels: int) -> ExportScene:
    """The scene as a crop of the photograph shows it whose principal point lies off its middle."""
    intrinsics = scene.camera.intrinsics.copy()
    intrinsics[0, 2] -= pixels
    camera = replace(scene.camera, intrinsics=intrinsics, width=scene.camera.width - pixels)
    return replace(scene, camera=camera, photo=scene.photo[:, pixels:])


def squeezed(scene: ExportScene, factor: float) -> ExportScene:
    """The scene in pixels that are higher than wide."""
    width = round(factor * scene.camera.width)
    step = np.diag([width / scene.camera.width, 1.0, 1.0])
    camera = replace(scene.camera, intrinsics=step @ scene.camera.intrinsics, width=width)
    photo = np.array(Image.fromarray(scene.photo).resize((width, camera.height), Image.Resampling.BOX))
    return replace(scene, camera=camera, photo=photo)


@needs_blender
def test_the_view_of_the_camera_lies_over_the_photograph(synthetic_room: SyntheticRoom) -> None:
    scene = squeezed(shifted(scene_of(synthetic_room), 80), 0.8)
    files = in_blender(scene, "baked", {"render": "view.png"}, samples=4)
    view = np.array(Image.open(io.BytesIO(files["view.png"])).convert("RGB")).astype(float)
    photo = scene.photo.astype(float)
    assert view.shape == photo.shape
    # The photograph has noise of 1.5; edges of the two renderers differ by half a pixel.
    difference = np.abs(view - photo)
    assert np.median(difference) < 4.0
    assert difference.mean() < 6.0
    # The same picture moved by three pixels fits clearly worse: it is in its place, not only alike.
    assert difference.mean() < 0.7 * np.abs(np.roll(view, 3, axis=1) - photo).mean()


@needs_blender
def test_the_room_is_hidden_as_one_and_nothing_else_with_it(synthetic_room: SyntheticRoom, tmp_path: Path) -> None:
    files = write_format("blend", scene_of(synthetic_room), ExportSettings())
    (tmp_path / "scene.blend").write_bytes(files["scene.blend"])
    collections = seen_by_blender(tmp_path / "scene.blend")["collections"]
    assert {name: set(nodes) for name, nodes in collections.items()} == {"room": {"room", *synthetic_room.parts}}


def test_a_blender_that_does_not_run_is_one_sentence(
    synthetic_room: SyntheticRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BLENDER_PYTHON, "nowhere/python")
    with pytest.raises(StageError, match="nowhere/python"):
        write_format("blend", scene_of(synthetic_room), ExportSettings())
