"""How near camera, metres and room box of a picture come, on the rooms as they are and on variants of them.

Run: python -m benchmarks.camera --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--masks true|none] [--json FILE]
     [--variants "as it is,rolled"]

The rooms' cameras are alike, so a constant would look good on them. Variants change what a constant cannot follow:
pictures cropped off-centre (the principal point leaves the middle), rolled by five degrees, halved, cropped about the
middle (a longer lens), and drawn anew from a camera that stands lower or higher. Beside our errors stand those of the
best constant: the one camera, in picture widths and degrees, that is best for all rows of that variant's own kind, and
for all rows together; the one height in metres; and the one depth map, in camera heights, that is the median of all
true ones, resized.
"""

import argparse
import json
import statistics
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from benchmarks.tables import table
from benchmarks.truth import Truth, load_truth, scene_folders
from benchmarks.viewpoints import drawn, raised
from models.geometry.metres import ScaleRequest, in_metres
from regen3d.frames import gravity_in_camera
from regen3d.metrics.camera import angle_deg
from regen3d.room.depth import room_points, scene_points
from regen3d.room.solve import solve_room
from regen3d.types import Geometry, Instance

LEAST_KEPT, MOST_KEPT = 0.66, 0.84
"""Share of width and height that crops keep; each takes its own, so that no constant fits them all."""
CROPS = {
    "crop left top": (0.0, 0.0),
    "crop right top": (1.0, 0.0),
    "crop left bottom": (0.0, 1.0),
    "crop right bottom": (1.0, 1.0),
    "crop middle": (0.5, 0.5),
}
"""Where in the picture a crop lies: shares of what is cut away that are cut at the left and at the top."""
LEAST_MOVED_M, MOST_MOVED_M = 0.3, 0.6
"""By how much cameras stand lower or higher; each takes its own, so that no constant fits them all."""
MOVES = {"from lower": -1.0, "from higher": 1.0}
"""Which way the camera of a drawn picture was moved."""
VARIANTS = ("as it is", *CROPS, "rolled", "halved", *MOVES)
"""Names of what is made of a picture."""
ROLL_DEG = 5.0
"""Turn about the optical axis."""
DEPTH_WH = (64, 48)
"""Size of the depth maps of which the best constant one is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A picture and what is true of its camera."""

    image: UInt8[np.ndarray, "h w 3"]
    """The picture."""
    masks: tuple[np.ndarray, ...]
    """Visible masks of its objects."""
    intrinsics: Float[np.ndarray, "3 3"]
    """True K in its pixels."""
    down: Float[np.ndarray, " 3"]
    """True gravity, camera frame."""
    labels: tuple[str, ...]
    """What each object is."""
    height_m: float
    """True height of the camera."""
    depth: Float[np.ndarray, "h w"]
    """True depth of the empty room, metres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One picture's errors."""

    scene: str
    """Name of the scene."""
    variant: str
    """What was done to the picture."""
    focal_error: float
    """Relative, signed."""
    gravity_error_deg: float
    """Angle to true gravity."""
    centre_error: float
    """Distance of the principal points in picture widths."""
    height_error: float
    """Relative, signed; of the camera's height in metres, and so of the scale."""
    depth_error: float
    """Mean relative error of the empty room's depth, at the true height of the camera."""
    height_m: float
    """True height of the camera."""
    confidence: float
    """Of the camera."""
    seconds: float
    """CPU seconds."""
    focal: float
    """True focal length in picture widths."""
    down: tuple[float, float, float]
    """True gravity."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.camera", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--masks", choices=("true", "none"), default="true", help="what the camera search is told")
    parser.add_argument("--variants", help="names with commas between them; default: all")
    parser.add_argument("--json", help="file for all numbers")
    options = parser.parse_args(arguments)
    wanted = options.variants.split(",") if options.variants else list(VARIANTS)
    if set(wanted) - set(VARIANTS):
        parser.error(f"--variants takes {', '.join(VARIANTS)}")
    rows, maps = [], []
    for folder in scene_folders(Path(options.data), options.scenes):
        truth = load_truth(folder)
        for name in wanted:
            view = variant(truth, name)
            rows.append(_measure(truth.name, name, view, options.masks))
            maps.append(cv2.resize(view.depth / view.height_m, DEPTH_WH, interpolation=cv2.INTER_AREA))
    print(_scene_table(rows), _summary(rows, maps), sep="\n")
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(row) for row in rows], indent=2), encoding="utf-8")
    return 0


def variant(truth: Truth, name: str) -> View:
    """The picture itself or what is made of it.

    Args:
        truth: the room.
        name: one of `VARIANTS`.
    """
    share = zlib.crc32((truth.name + name).encode()) % 1000 / 1000  # the same in every run
    if name in MOVES:
        return _moved(truth, MOVES[name] * (LEAST_MOVED_M + (MOST_MOVED_M - LEAST_MOVED_M) * share))
    plain, kept = _plain(truth), LEAST_KEPT + (MOST_KEPT - LEAST_KEPT) * share
    if name in CROPS:
        return _cropped(plain, CROPS[name], kept)
    if name == "rolled":
        return _rolled(plain, kept)
    return _halved(plain) if name == "halved" else plain


def _plain(truth: Truth) -> View:
    with Image.open(truth.folder / "image.png") as picture:
        image = np.array(picture.convert("RGB"))
    return View(
        image=np.asarray(image, np.uint8),
        masks=tuple(item.mask for item in truth.objects),
        intrinsics=truth.camera.intrinsics,
        down=gravity_in_camera(truth.camera),
        labels=tuple(item.label for item in truth.objects),
        height_m=float(truth.camera.position[1]),
        depth=np.load(truth.folder / "background_depth.npy").astype(np.float64),
    )


def _moved(truth: Truth, by_m: float) -> View:
    camera = raised(truth, by_m)
    seen = drawn(truth, camera)
    return View(
        image=seen.image,
        masks=tuple(seen.index == k for k in range(len(truth.objects))),
        intrinsics=camera.intrinsics,
        down=gravity_in_camera(camera),
        labels=tuple(item.label for item in truth.objects),
        height_m=float(camera.position[1]),
        depth=seen.empty_depth,
    )


def _cropped(view: View, place: tuple[float, float], kept: float) -> View:
    height, width = view.image.shape[:2]
    w, h = round(kept * width), round(kept * height)
    x, y = round(place[0] * (width - w)), round(place[1] * (height - h))
    shift = np.array([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]])
    part = np.s_[y : y + h, x : x + w]
    return replace(
        view,
        image=np.ascontiguousarray(view.image[part]),
        masks=tuple(np.ascontiguousarray(mask[part]) for mask in view.masks),
        intrinsics=shift @ view.intrinsics,
        depth=np.ascontiguousarray(view.depth[part]),
    )


def _rolled(view: View, kept: float) -> View:
    """Turned about the optical axis, then cropped about the middle so that no corner is empty."""
    height, width = view.image.shape[:2]
    c, s = np.cos(np.radians(ROLL_DEG)), np.sin(np.radians(ROLL_DEG))
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    move = view.intrinsics @ turn @ np.linalg.inv(view.intrinsics)
    # OpenCV's pixel centres are whole numbers, ours are at a half.
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    warp = np.linalg.inv(half) @ move @ half
    image = cv2.warpPerspective(view.image, warp, (width, height), flags=cv2.INTER_CUBIC)
    masks = [
        cv2.warpPerspective(mask.astype(np.uint8), warp, (width, height), flags=cv2.INTER_NEAREST) > 0
        for mask in view.masks
    ]
    # A turn about the optical axis leaves the depth along it as it is.
    depth = cv2.warpPerspective(view.depth, warp, (width, height), flags=cv2.INTER_NEAREST)
    whole = replace(
        view, image=np.asarray(image, np.uint8), masks=tuple(masks), down=turn @ view.down, depth=np.asarray(depth)
    )
    return _cropped(whole, (0.5, 0.5), kept)


def _halved(view: View) -> View:
    height, width = view.image.shape[:2]
    size = (width // 2, height // 2)
    return replace(
        view,
        image=np.asarray(cv2.resize(view.image, size, interpolation=cv2.INTER_AREA), np.uint8),
        masks=tuple(
            cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for mask in view.masks
        ),
        intrinsics=np.diag([0.5, 0.5, 1.0]) @ view.intrinsics,
        depth=np.asarray(cv2.resize(view.depth, size, interpolation=cv2.INTER_NEAREST)),
    )


def _measure(scene: str, variant: str, view: View, masks: str) -> Row:
    started = time.process_time()
    kept = [k for k, mask in enumerate(view.masks) if masks == "true" and mask.any()]
    instances = tuple(Instance(name=f"object-{k}", label=view.labels[k], score=1.0, mask=view.masks[k]) for k in kept)
    objects = [item.mask for item in instances]
    solved = solve_room(view.image, objects, None, 0)
    camera = solved.camera
    geometry = Geometry(
        camera=camera,
        image_points=scene_points(camera, solved.layout, objects),
        plate_points=room_points(camera, solved.layout),
        layout=solved.layout,
        confidence=solved.confidence,
    )
    metric = in_metres(geometry, ScaleRequest(image=view.image, instances=instances))
    found = geometry.plate_points.points[..., 2] * view.height_m / camera.position[1]
    off = np.abs(found / view.depth - 1.0)
    seconds = time.process_time() - started
    width = view.image.shape[1]
    return Row(
        scene=scene,
        variant=variant,
        focal_error=float(camera.intrinsics[0, 0] / view.intrinsics[0, 0] - 1.0),
        gravity_error_deg=angle_deg(gravity_in_camera(camera), view.down),
        centre_error=float(np.linalg.norm(camera.intrinsics[:2, 2] - view.intrinsics[:2, 2]) / width),
        height_error=float(metric.camera.position[1] / view.height_m - 1.0),
        depth_error=float(off.mean()),
        height_m=view.height_m,
        confidence=solved.confidence,
        seconds=seconds,
        focal=float(view.intrinsics[0, 0] / width),
        down=tuple(float(x) for x in view.down),  # pyright: ignore[reportArgumentType]
    )


def _scene_table(rows: Sequence[Row]) -> str:
    headings = ("scene / variant", "focal err", "gravity err", "centre err", "height err", "depth err", "CPU s")
    cells = [
        (
            f"{row.scene} / {row.variant}",
            f"{100 * row.focal_error:+.1f} %",
            f"{row.gravity_error_deg:.2f} deg",
            f"{100 * row.centre_error:.1f} %",
            f"{100 * row.height_error:+.1f} %",
            f"{100 * row.depth_error:.1f} %",
            f"{row.seconds:.1f}",
        )
        for row in rows
    ]
    return table("Cameras (centre: principal point, in picture widths)", headings, cells)


def _summary(rows: Sequence[Row], maps: Sequence[np.ndarray]) -> str:
    best = "best constant"
    headings = ("variant", "focal", best, "gravity", best, "centre", "height", best, "room depth", best)
    kinds = {name.split(" ")[0] if name.startswith("crop") and "middle" not in name else name for name in _names(rows)}
    groups = {kind: [k for k, row in enumerate(rows) if _kind(row) == kind] for kind in sorted(kinds)}
    if set(MOVES) < _names(rows):
        groups["at three heights"] = [k for k, row in enumerate(rows) if row.variant in ("as it is", *MOVES)]
    groups["all"] = list(range(len(rows)))
    cells = []
    for name, members in groups.items():
        group, depths = [rows[k] for k in members], [maps[k] for k in members]
        focal, gravity = _best_constant(group)
        cells.append(
            (
                "crops off-centre" if name == "crop" else name,
                f"{100 * statistics.median(abs(row.focal_error) for row in group):.1f} %",
                f"{100 * focal:.1f} %",
                f"{statistics.median(row.gravity_error_deg for row in group):.2f} deg",
                f"{gravity:.2f} deg",
                f"{100 * statistics.median(row.centre_error for row in group):.1f} %",
                f"{100 * statistics.median(abs(row.height_error) for row in group):.1f} %",
                f"{100 * _best_height(group):.1f} %",
                f"{100 * statistics.median(row.depth_error for row in group):.1f} %",
                f"{100 * _best_depth(depths):.1f} %",
            )
        )
    return table("Medians, beside those of the best constant camera of each group", headings, cells)


def _names(rows: Sequence[Row]) -> set[str]:
    return {row.variant for row in rows}


def _kind(row: Row) -> str:
    return "crop" if row.variant.startswith("crop") and "middle" not in row.variant else row.variant


def _best_constant(rows: Sequence[Row]) -> tuple[float, float]:
    """Median errors of the constant with the least median error, picked among the rows' own true values."""
    focals = np.array([row.focal for row in rows])
    downs = np.array([row.down for row in rows])
    focal = min(float(np.median(np.abs(guess / focals - 1.0))) for guess in focals)
    angles = np.degrees(np.arccos(np.clip(downs @ downs.T, -1.0, 1.0)))
    return focal, float(np.median(angles, axis=1).min())


def _best_height(rows: Sequence[Row]) -> float:
    """Median error of the constant height with the least one, picked among the rows' own true values."""
    heights = np.array([row.height_m for row in rows])
    return min(float(np.median(np.abs(guess / heights - 1.0))) for guess in heights)


def _best_depth(maps: Sequence[np.ndarray]) -> float:
    """Median error of the constant depth map: the median of all true ones, pixel by pixel."""
    stack = np.stack(maps)
    return float(np.median(np.abs(np.median(stack, axis=0) / stack - 1.0).mean(axis=(1, 2))))


if __name__ == "__main__":
    raise SystemExit(main())
