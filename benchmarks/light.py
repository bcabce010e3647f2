"""The estimated light of rooms: does a room in the colours of its materials, under that light, look like its picture?

Run: python -m benchmarks.light --data "$REGEN3D_DATA/scenes" [--scenes a,b]

Masks are the true ones; camera, room, plate and light are estimated. "photographed" is the room with the light in its
textures against the true picture of the empty room, "relit" the room with that light taken off and the estimated nine
harmonics put on, "light" what the second loses against the first. All are mean differences as a share of the picture's
mean, in linear numbers.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.tables import table
from benchmarks.truth import Truth, load_truth, scene_folders
from regen3d.light.albedo import side_albedo
from regen3d.light.estimate import estimate_light
from regen3d.light.linear import to_linear
from regen3d.light.shading import lit_picture
from regen3d.render.scene import PlacedMesh, render
from regen3d.room.plate import fill_room, hole_mask
from regen3d.room.solve import solve_room
from regen3d.room.surfaces import room_meshes
from regen3d.types import Rgb, Room


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scene."""

    scene: str
    """Its name."""
    photographed: float
    """The textured room against the true empty picture."""
    relit: float
    """The relightable room under its light against the same."""
    light: float
    """The relightable room against the textured one."""
    seconds: float
    """CPU seconds of the estimate."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.light", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    options = parser.parse_args(arguments)
    rows = [measure(load_truth(folder)) for folder in scene_folders(Path(options.data), options.scenes)]
    cells = [
        (row.scene, f"{row.photographed:.3f}", f"{row.relit:.3f}", f"{row.light:.3f}", f"{row.seconds:.1f}")
        for row in rows
    ]
    headings = ("scene", "photographed", "relit", "light", "CPU s")
    print(table("Mean difference as a share of the picture's mean", headings, cells))
    return 0


def measure(truth: Truth) -> Row:
    """Estimate the light of one room and light it."""
    image, true = (_picture(truth.folder / name) for name in ("image.png", "background.png"))
    masks = [item.mask for item in truth.objects]
    solved = solve_room(image, masks, None, 0)
    plate, _ = fill_room(image, hole_mask(masks, solved.camera.hw), solved.camera, solved.layout)
    parts = room_meshes(plate, solved.camera, solved.layout)
    room = Room(layout=solved.layout, parts=parts, scale_source="Assumed.")
    started = time.process_time()
    light = estimate_light(plate, solved.camera, room, [])
    seconds = time.process_time() - started
    sides = [PlacedMesh(mesh=mesh, world_from_mesh=np.eye(4)) for mesh in parts.values()]
    bare = [PlacedMesh(mesh=side_albedo(mesh, light), world_from_mesh=np.eye(4)) for mesh in parts.values()]
    relit = lit_picture(bare, solved.camera, light.harmonics)
    baked, exact = to_linear(render(sides, solved.camera).color), to_linear(true)
    return Row(
        scene=truth.name,
        photographed=_difference(baked, exact),
        relit=_difference(relit, exact),
        light=light.error,
        seconds=seconds,
    )


def _difference(ours: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(ours - exact).mean() / exact.mean())


def _picture(path: Path) -> Rgb:
    return np.array(Image.open(path).convert("RGB"))


if __name__ == "__main__":
    raise SystemExit(main())
