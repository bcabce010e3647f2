"""The estimated light of rooms: does a room in the colours of its materials, under that light, look like its picture?

Run: python -m benchmarks.light --data "$REGEN3D_DATA/scenes" [--scenes a,b]

Masks are the true ones; camera, room, plate and light are estimated. "photographed" is the room with the light in its
textures against the true picture of the empty room, "relit" the room with that light taken off and the estimated nine
harmonics put on, "light" what the second loses against the first. All are mean differences as a share of the picture's
mean, in linear numbers. "direction" is how far the direction of most light is off, where the scene's lamps and windows
are known; the last row has its root mean square.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from benchmarks.tables import number, table
from benchmarks.truth import Truth, load_truth, scene_folders
from regen3d.light.albedo import side_albedo
from regen3d.light.estimate import estimate_light
from regen3d.light.linear import to_linear
from regen3d.light.shading import lit_picture
from regen3d.metrics.camera import angle_deg
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
    direction_deg: float
    """Between the estimated direction of most light and the true one; NaN where nobody knows it."""
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
        (
            row.scene,
            f"{row.photographed:.3f}",
            f"{row.relit:.3f}",
            f"{row.light:.3f}",
            f"{row.direction_deg:.0f}",
            f"{row.seconds:.1f}",
        )
        for row in rows
    ]
    headings = ("scene", "photographed", "relit", "light", "direction, degrees", "CPU s")
    cells.append(("root mean square", "", "", "", _root_mean_square([row.direction_deg for row in rows]), ""))
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
        direction_deg=angle_deg(
            solved.camera.world_from_camera[:3, :3].T @ light.direction,
            truth.camera.world_from_camera[:3, :3].T @ true_direction(truth.folder / "scene.json"),
        ),
        seconds=seconds,
    )


def true_direction(description: Path) -> Float[np.ndarray, " 3"]:
    """Unit vector from the middle of a room towards where most of its light comes from, world frame.

    Lamps are squares that shine down, in watts; windows shine evenly into the room, in watts a square metre. Light that
    walls reflect is left out. NaN where the scene has no such description.
    """
    if not description.is_file():
        return np.full(3, np.nan)
    document = json.loads(description.read_text(encoding="utf-8"))
    (width, depth, height), room = document["room"]["size"], document["room"]
    middle, total = np.array([width / 2, height / 2, -depth / 2]), np.zeros(3)
    for lamp in document["lights"]:
        x, y, z = lamp["pos"]
        across, along = np.eye(3)[0] * lamp["size"], np.eye(3)[2] * lamp["size"]
        total += lamp["power"] * _arriving(middle, np.array([x, z, -y]), (across, along), np.array([0.0, -1.0, 0.0]))
    for window in room["windows"]:
        rise, centre = window["sill"] + window["height"] / 2, window["center"]
        place, inwards = {
            "west": ([0.0, rise, -centre], [1.0, 0.0, 0.0]),
            "east": ([width, rise, -centre], [-1.0, 0.0, 0.0]),
            "north": ([centre, rise, -depth], [0.0, 0.0, 1.0]),
            "south": ([centre, rise, 0.0], [0.0, 0.0, -1.0]),
        }[window["wall"]]
        across = np.abs(np.cross([0.0, 1.0, 0.0], inwards)) * window["width"]
        edges = across, np.array([0.0, window["height"], 0.0])
        power = room["window_power"] * window["width"] * window["height"]
        total += power * _arriving(middle, np.array(place), edges, np.array(inwards))
    return total / np.linalg.norm(total)


def _arriving(
    at: np.ndarray, centre: np.ndarray, edges: tuple[np.ndarray, np.ndarray], normal: np.ndarray
) -> Float[np.ndarray, " 3"]:
    """Light of a matt rectangle at a point, with its direction; up to a factor that all rectangles share."""
    steps = np.stack(np.meshgrid(*2 * [np.linspace(-0.45, 0.45, 10)]), axis=-1).reshape(-1, 2)
    towards = centre + steps @ np.stack(edges) - at
    square = (towards**2).sum(axis=1, keepdims=True)
    unit = towards / np.sqrt(square)
    return (unit * np.maximum(-(unit @ normal), 0.0)[:, None] / square).mean(axis=0)


def _root_mean_square(angles_deg: Sequence[float]) -> str:
    known = [angle for angle in angles_deg if not math.isnan(angle)]
    return number(float(np.sqrt(np.mean(np.square(known)))) if known else None, ".0f")


def _difference(ours: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(ours - exact).mean() / exact.mean())


def _picture(path: Path) -> Rgb:
    return np.array(Image.open(path).convert("RGB"))


if __name__ == "__main__":
    raise SystemExit(main())
