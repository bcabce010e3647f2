"""The picture of the empty room beside the true one, with the objects' true masks: colours, sides and depth.

Run: python -m benchmarks.plate --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--out DIR]

"objects" scores the pixels that the objects cover, "hole" those and the rim that the stage adds to them. `--out` takes
pictures of four parts: the scene, the true empty room, ours, and the difference from the truth round middle grey.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from benchmarks.tables import number, table
from benchmarks.truth import Truth, load_truth, scene_folders
from regen3d.frames import pixel_centers, pixel_rays, transform
from regen3d.metrics.pictures import psnr_db, ssim
from regen3d.room.box import FACES, box_image
from regen3d.room.plate import fill_room, hole_mask
from regen3d.room.solve import SolvedRoom, solve_room
from regen3d.types import Mask, Rgb

NEAR_M = 0.02
"""A point so near to the height of floor or ceiling belongs to it: true depths are rounded to 2 mm."""
LEAST_CEILING = 0.001
"""Share of the picture below which what is level overhead is a window's head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scene."""

    scene: str
    """Its name."""
    objects_db: float | None
    """PSNR over the objects."""
    hole_db: float | None
    """PSNR over the grown hole."""
    similarity: float | None
    """SSIM over the grown hole."""
    sides: float
    """Share of all pixels whose side (floor, wall, ceiling) is right."""
    depth_error: float
    """Mean relative error of the empty room's depth, at the true height of the camera."""
    seconds: float
    """CPU seconds of hole and fill, without the search for the room."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plate", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--out", help="folder for pictures")
    options = parser.parse_args(arguments)
    folders = scene_folders(Path(options.data), options.scenes)
    print(_table([measure(load_truth(folder), Path(options.out) if options.out else None) for folder in folders]))
    return 0


def measure(truth: Truth, out: Path | None) -> Row:
    """Empty one room and compare; pictures go to `out`."""
    image, true = (_picture(truth.folder / name) for name in ("image.png", "background.png"))
    masks = [item.mask for item in truth.objects]
    solved = solve_room(image, masks, None, 0)
    started = time.process_time()
    hole = hole_mask(masks, solved.camera.hw)
    plate, _ = fill_room(image, hole, solved.camera, solved.layout)
    seconds = time.process_time() - started
    if out is not None:
        _draw(out / f"{truth.name}.png", (image, true, plate))
    sides, depth_error = _room_figures(truth, solved)
    return Row(
        scene=truth.name,
        objects_db=psnr_db(plate, true, _union(masks, image)),
        hole_db=psnr_db(plate, true, hole),
        similarity=ssim(plate, true, hole),
        sides=sides,
        depth_error=depth_error,
        seconds=seconds,
    )


def _union(masks: Sequence[Mask], image: Rgb) -> Mask:
    return np.any(np.stack(masks), axis=0) if masks else np.zeros(image.shape[:2], bool)


def _room_figures(truth: Truth, solved: SolvedRoom) -> tuple[float, float]:
    """Share of right sides and mean relative depth error of a solved room."""
    depth = np.load(truth.folder / "background_depth.npy").astype(np.float64)
    sides, found = box_image(solved.camera, solved.layout)
    scale = truth.camera.position[1] / solved.camera.position[1]
    kinds = np.array([("floor", "ceiling").index(face) + 1 if face in ("floor", "ceiling") else 0 for face in FACES])
    right = kinds[sides] == _true_kinds(truth, depth)
    return float(right.mean()), float(np.mean(np.abs(found * scale - depth) / depth))


def _true_kinds(truth: Truth, depth: Float[np.ndarray, "h w"]) -> np.ndarray:
    """0 wall, 1 floor, 2 ceiling by the height of each point above the floor."""
    rays = pixel_rays(truth.camera.intrinsics, pixel_centers(truth.camera.hw))
    height = transform(truth.camera.world_from_camera, rays * depth[..., None])[..., 1]
    # Eight rows down a wall are several centimetres; over a ceiling they change nothing.
    flat = np.abs(height[:-8] - height[8:]) < NEAR_M
    overhead = flat & (height[:-8] > truth.camera.position[1])
    top = np.median(height[:-8][overhead]) if overhead.mean() > LEAST_CEILING else np.inf
    return np.where(height < NEAR_M, 1, np.where(height > top - NEAR_M, 2, 0))


def _picture(path: Path) -> Rgb:
    return np.array(Image.open(path).convert("RGB"))


def _draw(path: Path, pictures: tuple[Rgb, Rgb, Rgb]) -> None:
    image, true, plate = pictures
    difference = np.clip(128 + 1.5 * (plate.astype(int) - true), 0, 255).astype(np.uint8)
    rows = [np.concatenate(pair, axis=1) for pair in ((image, true), (plate, difference))]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows, axis=0)).save(path)


def _table(rows: Sequence[Row]) -> str:
    headings = ("scene", "objects dB", "hole dB", "SSIM", "sides right", "depth AbsRel", "CPU s")
    forms = (".2f", ".2f", ".3f", ".1%", ".1%", ".1f")
    values = [
        (row.scene, (row.objects_db, row.hole_db, row.similarity, row.sides, row.depth_error, row.seconds))
        for row in rows
    ]
    columns = zip(*(each for _, each in values), strict=True)
    middles = [[v for v in column if v is not None] for column in columns]
    for name, of in (("mean", np.mean), ("median", np.median)):
        values.append((name, tuple(float(of(each)) if each else None for each in middles)))  # pyright: ignore
    cells = [(name, *(number(v, form) for v, form in zip(each, forms, strict=True))) for name, each in values]
    return table("Empty rooms (PSNR, SSIM against the room rendered without objects)", headings, cells)


if __name__ == "__main__":
    raise SystemExit(main())
