"""The truth as a user would hand it over: the files that stand in for stages which are not judged."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from PIL import Image

from regen3d.datasets.truth import TrueScene
from regen3d.errors import ConfigError
from regen3d.export.camera_file import camera_json
from regen3d.export.overlay import mask_sheet
from regen3d.frames import pixel_centers, unproject
from regen3d.inputs.image import read_image
from regen3d.types import Instance


def given_name(name: str) -> str:
    """A true object's name as it is in a scene made from its mask."""
    return "-".join(name.lower().replace("_", " ").split())


def truth_as_input(scene: TrueScene, oracle: Sequence[str], folder: Path) -> dict[str, Any]:
    """Write what stands in for stages, and say so as fields of a `SceneRequest`.

    Args:
        scene: the truth.
        oracle: some of `regen3d.evaluation.request.ORACLES`.
        folder: where files go that the data set does not have in this form.

    Raises:
        ConfigError: the data set does not know what is asked for.
    """
    given: dict[str, Any] = {}
    folder.mkdir(parents=True, exist_ok=True)
    if "masks" in oracle:
        given["masks"] = str(_masks(scene, folder / "masks"))
    if "camera" in oracle or "geometry" in oracle:
        # Points have no meaning without the camera that sees them.
        given["camera"] = str(_camera(scene, folder / "camera.json"))
    if "plate" in oracle:
        given["plate"] = str(_there(scene, scene.plate, "plate", "no picture of the empty room"))
    if "geometry" in oracle:
        given["points"] = str(scene.points or _points(scene, folder / "points.npz"))
    if "meshes" in oracle:
        given["meshes"] = _meshes(scene)
    return given


def truth_picture(scene: TrueScene, path: Path) -> Path:
    """Write the picture with the true mask and name of every object that is scored."""
    image = read_image(scene.image).pixels
    objects = [Instance(name=item.name, label=item.label, score=1.0, mask=item.mask) for item in scene.objects]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask_sheet(image, objects)).save(path)
    return path


def _masks(scene: TrueScene, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    index = np.zeros(scene.camera.hw, dtype=np.uint8)
    objects = []
    for k, item in enumerate(scene.objects, start=1):
        index[item.mask] = k
        objects.append({"id": k, "label": item.label, "name": given_name(item.name)})
    Image.fromarray(index).save(folder / "instances.png")
    (folder / "instances.json").write_text(json.dumps({"objects": objects}), encoding="utf-8")
    return folder


def _camera(scene: TrueScene, path: Path) -> Path:
    path.write_bytes(camera_json(scene.camera))
    return path


def _points(scene: TrueScene, path: Path) -> Path:
    points = _unprojected(scene, _there(scene, scene.depth, "geometry", "no depth"))
    if scene.plate_depth is None:
        np.savez(path, K=scene.camera.intrinsics, points=points)
    else:
        background = _unprojected(scene, scene.plate_depth)
        np.savez(path, K=scene.camera.intrinsics, points=points, background_points=background)
    return path


def _unprojected(scene: TrueScene, depth: Path) -> Float32[np.ndarray, "h w 3"]:
    rays = pixel_centers(scene.camera.hw)
    return unproject(scene.camera.intrinsics, rays, np.load(depth).astype(np.float64)).astype(np.float32)


def _meshes(scene: TrueScene) -> dict[str, str]:
    meshes = {given_name(item.name): str(item.canonical.path) for item in scene.objects if item.canonical is not None}
    if len(meshes) < len(scene.objects):
        raise ConfigError(
            f"{scene.name}: the data set has canonical meshes of {len(meshes)} of {len(scene.objects)} objects; "
            "leave meshes out of --oracle"
        )
    return meshes


def _there(scene: TrueScene, path: Path | None, oracle: str, missing: str) -> Path:
    if path is None:
        raise ConfigError(f"{scene.name}: the data set has {missing}; leave {oracle} out of --oracle")
    return path
