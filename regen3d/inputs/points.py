"""Depth that the user has: a 3D point for every pixel, from a scanner, a renderer or another estimator."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regen3d.errors import ConfigError, DegenerateGeometryError
from regen3d.frames import world_from_gravity
from regen3d.inputs.image import Picture
from regen3d.room.from_points import floor_from_points
from regen3d.types import Camera, Geometry, KnownCamera, PointMap

MAX_NPZ_BYTES = 2_000_000_000
"""Longest file that is read."""

LEAST_POINTS = 1000
"""Fewer say nothing of a room."""

_ASPECT_TOLERANCE = 0.01  # rounding of a reduced map stays below


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPoints:
    """Point maps of the user, in the size of the working picture."""

    image: PointMap
    """Of the picture."""
    plate: PointMap | None
    """Of the empty room."""
    camera: KnownCamera | None
    """K of the working picture, where the file has one."""


def read_points(path: Path, picture: Picture) -> GivenPoints:
    """The point maps in a file.

    Args:
        path: `.npz` with `points` (h, w, 3) in metres, OpenCV camera frame, and optionally `conf` (h, w),
            `background_points`, `background_conf` for the empty room, and `K` in pixels of the map.
        picture: the picture that the points belong to; the map has its shape, at any resolution.

    Raises:
        ConfigError: the file is missing, damaged, or its arrays cannot be used.
    """
    arrays = _read(path)
    if "points" not in arrays:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise ConfigError(f"{path.name}: there is no array 'points', found {found}; save it with numpy.savez")
    image = _point_map(arrays, "", picture, path.name)
    plate = _point_map(arrays, "background_", picture, path.name) if "background_points" in arrays else None
    if image.valid.sum() < LEAST_POINTS:
        raise ConfigError(
            f"{path.name}: {int(image.valid.sum())} points lie before the camera, at least {LEAST_POINTS} are needed; "
            "give metres in the OpenCV camera frame, z forward"
        )
    return GivenPoints(image=image, plate=plate, camera=_camera(arrays, picture, path.name))


def geometry_of(given: GivenPoints, known: KnownCamera | None, seed: int) -> Geometry:
    """What a geometry estimator would answer: the points under the camera that is known.

    Args:
        given: the point maps.
        known: the camera; what it leaves open comes from the floor that the points show.
        seed: of the search for the floor.

    Raises:
        ConfigError: no camera is known, or its height and tilt neither, and the points show no floor.
    """
    if known is None:
        raise ConfigError("--points needs the camera that sees them; give --camera, or K in the file")
    room = given.plate or given.image
    gravity, height_m = known.gravity, known.height_m
    if gravity is None or height_m is None:
        try:
            found_gravity, found_height_m = floor_from_points(room, seed)
        except DegenerateGeometryError as error:
            raise ConfigError(str(error)) from error
        gravity = found_gravity if gravity is None else gravity
        height_m = found_height_m if height_m is None else height_m
    camera = Camera(
        intrinsics=known.intrinsics,
        width=known.width,
        height=known.height,
        world_from_camera=world_from_gravity(gravity, height_m),
    )
    notes = () if given.plate else ("The points show no empty room: its box was fitted to what stands in it, too.",)
    return Geometry(
        camera=camera,
        image_points=given.image,
        plate_points=room,
        layout=None,
        confidence=1.0,
        scale_source="Metres come from the points that were given.",
        notes=notes,
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise ConfigError(f"{path.name}: there is no such file in {path.parent}; check the path of the points")
    if path.stat().st_size > MAX_NPZ_BYTES:
        raise ConfigError(f"{path.name}: the file is larger than {MAX_NPZ_BYTES / 1e9:.0f} GB; give a smaller map")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path.name}: this is no .npz file that can be read; save it with numpy.savez") from error


def _point_map(arrays: dict[str, np.ndarray], start: str, picture: Picture, source: str) -> PointMap:
    points = _checked(arrays[f"{start}points"], 3, picture, f"{source}: {start}points")
    given = arrays.get(f"{start}conf", np.ones(points.shape[:2], dtype=np.float32))
    confidence = _resized(_checked(given, 2, picture, f"{source}: {start}conf"), picture)
    points = _resized(points, picture)
    valid = np.isfinite(points).all(axis=-1) & (points[..., 2] > 0.0) & np.isfinite(confidence)
    confidence = np.clip(np.where(valid, confidence, 0.0), 0.0, None)
    return PointMap(
        points=np.where(valid[..., None], points, 0.0),
        valid=valid,
        # Estimators count confidence in units of their own; only the order is used.
        confidence=confidence / max(float(confidence.max()), 1e-9),
        scale="metric",
    )


def _checked(array: np.ndarray, axes: int, picture: Picture, source: str) -> np.ndarray:
    shape = "(h, w, 3)" if axes == 3 else "(h, w)"
    if array.ndim != axes or array.shape[2:] not in ((), (3,)) or array.dtype.kind != "f" or 0 in array.shape:
        raise ConfigError(f"{source} is {array.dtype} of shape {array.shape}; give floating-point numbers {shape}")
    ratio = array.shape[1] / array.shape[0] * picture.wh[1] / picture.wh[0]
    if abs(ratio - 1.0) > _ASPECT_TOLERANCE:
        raise ConfigError(
            f"{source} is for a picture of {array.shape[1]} x {array.shape[0]} pixels, but this one has "
            f"{picture.given_wh[0]} x {picture.given_wh[1]}; give the map of the uncropped picture"
        )
    return array


def _resized(array: np.ndarray, picture: Picture) -> np.ndarray:
    """The map in the picture's size; each number stands for the pixels that it covers."""
    width, height = picture.wh
    rows = ((np.arange(height) + 0.5) * array.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * array.shape[1] / width).astype(int)
    return array[np.ix_(rows, columns)].astype(np.float64)


def _camera(arrays: dict[str, np.ndarray], picture: Picture, source: str) -> KnownCamera | None:
    if "K" not in arrays:
        return None
    matrix = np.asarray(arrays["K"], dtype=np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or min(matrix[0, 0], matrix[1, 1]) <= 0.0:
        raise ConfigError(f"{source}: K is no camera matrix; write [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]")
    height, width = arrays["points"].shape[:2]
    intrinsics = np.diag([picture.wh[0] / width, picture.wh[1] / height, 1.0]) @ matrix
    return KnownCamera(intrinsics=intrinsics, width=picture.wh[0], height=picture.wh[1])
