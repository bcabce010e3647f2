"""How much of its own mask the true mesh of an object covers once it is turned about its axis, where it stands.

Run: python -m benchmarks.turned_truth --data "$REGEN3D_DATA/scenes" --objects dining_room/plant

Of a palm no two fronds are alike, so that the right plant with its fronds elsewhere covers little of the mask. A
template, which cannot know every frond, cannot be asked for more.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import trimesh

from benchmarks.choice import chosen
from benchmarks.tables import table
from benchmarks.truth import load_truth, scene_folders
from regen3d.frames import rotation_about_y, transform
from regen3d.metrics.masks import mask_iou
from regen3d.render.raster import rasterize

TURNS_DEG = (0, 15, 45, 90, 135, 180)
"""By which the mesh is turned."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row an object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turned_truth", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of scenes with truth")
    parser.add_argument("--objects", required=True, help="SCENE/NAME with commas between them")
    options = parser.parse_args(arguments)
    rows = [(name, *(f"{iou:.2f}" for iou in turned(options.data, name))) for name in options.objects.split(",")]
    print(table("Silhouette IoU of the true mesh, turned", ("object", *(f"{turn} deg" for turn in TURNS_DEG)), rows))
    return 0


def turned(data: Path, name: str) -> list[float]:
    """IoU after each of `TURNS_DEG`.

    Raises:
        SystemExit: there is no such scene, or no such object in it; see `chosen`.
    """
    scene, _, wanted = name.partition("/")
    truth = load_truth(scene_folders(data, scene)[0])
    objects = {item.name: item for item in truth.objects}
    item = objects[chosen(wanted, list(objects), f"object in '{scene}'")[0]]
    mesh = trimesh.load_scene(truth.folder / "meshes" / f"{item.name}.glb", process=False).to_mesh()
    axis = item.bounds.mean(axis=0) * [1, 0, 1]
    found = []
    for turn in TURNS_DEG:
        vertices = (np.asarray(mesh.vertices) - axis) @ rotation_about_y(np.radians(turn)).T + axis
        seen = transform(truth.camera.camera_from_world, vertices)
        drawn = rasterize(seen, np.asarray(mesh.faces), truth.camera.intrinsics, truth.camera.hw).face >= 0
        found.append(mask_iou(drawn, item.mask))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
