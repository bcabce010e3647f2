"""From the depth of a network to the answer of an estimator: one frame for both clouds, gravity, scale, room box."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from models.base import GeometryRequest
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import gravity_in_camera, pixel_centers, unproject, world_from_gravity
from regen3d.room.from_points import floor_from_points, height_along
from regen3d.room.given import with_layout
from regen3d.room.solve import CAMERA_HEIGHT_M, solve_camera
from regen3d.types import Camera, Geometry, KnownCamera, PointMap, Scale

FOV_TOLERANCE_DEG = 5.0
"""From here on it is said that a network took the lens for another than the user knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthMap:
    """Depth of one picture, at its own size."""

    depth: Float[np.ndarray, "h w"]
    """Along the optical axis."""
    valid: Bool[np.ndarray, "h w"]
    """Pixels whose depth is finite, positive and off depth edges."""
    confidence: Float[np.ndarray, "h w"]
    """0..1."""

    def times(self, factor: float) -> "DepthMap":
        """The same depth in other units."""
        return replace(self, depth=self.depth * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthPair:
    """What a network says of a picture and its empty room, seen by one camera."""

    intrinsics: Float[np.ndarray, "3 3"]
    """K in pixels of the picture, as the network estimates it."""
    image: DepthMap
    """Of the picture."""
    plate: DepthMap
    """Of the empty room, in the units of `image`."""
    scale: Scale
    """What a unit of both means."""
    confidence: float
    """0..1 for the camera."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""


def geometry_of(pair: DepthPair, request: GeometryRequest) -> Geometry:
    """Camera, point maps and room box of a request from the depth that a network gave.

    Lens, gravity and height that are known, or that the plate handed on, are kept; depths are rescaled to the known
    height, and metric then. Relative depths are scaled to a camera 1.5 m above the floor, and stay relative.
    """
    intrinsics, notes = _intrinsics(pair, request)
    image_points = _points(pair.image, intrinsics, pair.scale)
    plate_points = _points(pair.plate, intrinsics, pair.scale)
    gravity, height, floor_notes = _floor(plate_points, intrinsics, request)
    known_height = _known_height(request)
    target = known_height or (CAMERA_HEIGHT_M if pair.scale == "relative" else height)
    scale: Scale = "metric" if known_height else pair.scale
    if scale == "relative":
        notes = (*notes, f"Depth is relative: lengths assume a camera {CAMERA_HEIGHT_M} m above the floor.")
    world_from_camera = request.camera.world_from_camera if request.camera else world_from_gravity(gravity, target)
    geometry = Geometry(
        camera=Camera(
            intrinsics=intrinsics,
            width=request.image.shape[1],
            height=request.image.shape[0],
            world_from_camera=world_from_camera,
        ),
        image_points=_rescaled(image_points, target / height, scale),
        plate_points=_rescaled(plate_points, target / height, scale),
        layout=request.layout if request.camera else None,
        confidence=pair.confidence,
        scale_source="Metres come from the depth network." if pair.scale == "metric" and not known_height else "",
        notes=(*pair.notes, *notes, *floor_notes),
    )
    return geometry if geometry.layout else with_layout(geometry, request.image, request.objects, request.seed)


def clear_of(request: GeometryRequest) -> Bool[np.ndarray, "h w"]:
    """Pixels that show the room in the picture too, not an object."""
    clear = np.ones(request.image.shape[:2], dtype=bool)
    for mask in request.objects:
        clear &= ~mask
    return clear


def known_intrinsics(request: GeometryRequest) -> Float[np.ndarray, "3 3"] | None:
    """K of the camera that the plate handed on, else the user's, else None."""
    if request.camera is not None:
        return request.camera.intrinsics
    return request.known_camera.intrinsics if request.known_camera else None


def horizontal_fov_deg(intrinsics: Float[np.ndarray, "3 3"], width: int) -> float:
    """Horizontal field of view in degrees of a picture of that width."""
    focal, centre = intrinsics[0, 0], intrinsics[0, 2]
    return float(np.degrees(np.arctan2(centre, focal) + np.arctan2(width - centre, focal)))


def _known_height(request: GeometryRequest) -> float | None:
    if request.camera is not None:
        return float(request.camera.position[1])
    return request.known_camera.height_m if request.known_camera else None


def _intrinsics(pair: DepthPair, request: GeometryRequest) -> tuple[Float[np.ndarray, "3 3"], tuple[str, ...]]:
    known = known_intrinsics(request)
    if known is None:
        return pair.intrinsics, ()
    width = request.image.shape[1]
    given, found = horizontal_fov_deg(known, width), horizontal_fov_deg(pair.intrinsics, width)
    if abs(given - found) < FOV_TOLERANCE_DEG:
        return known, ()
    return known, (
        f"The lens is known to see {given:.0f} degrees; the network took it for one of {found:.0f} degrees.",
    )


def _points(depth: DepthMap, intrinsics: Float[np.ndarray, "3 3"], scale: Scale) -> PointMap:
    safe = np.where(depth.valid, depth.depth, 0.0)
    points = unproject(intrinsics, pixel_centers(safe.shape), safe)
    confidence = np.where(depth.valid, np.clip(depth.confidence, 0.0, 1.0), 0.0)
    return PointMap(points=points, valid=depth.valid, confidence=confidence, scale=scale)


def _rescaled(points: PointMap, factor: float, scale: Scale) -> PointMap:
    return replace(points, points=points.points * factor, scale=scale)


def _floor(
    plate: PointMap, intrinsics: Float[np.ndarray, "3 3"], request: GeometryRequest
) -> tuple[Float[np.ndarray, " 3"], float, tuple[str, ...]]:
    """Gravity, and the height of the lens above the floor in the map's units."""
    gravity = request.known_camera.gravity if request.known_camera else None
    if request.camera is not None:
        gravity = gravity_in_camera(request.camera)
    if gravity is not None:
        return gravity, height_along(plate, gravity), ()
    try:
        return (*floor_from_points(plate, request.seed), ())
    except DegenerateGeometryError:
        height_px, width_px = request.image.shape[:2]
        lens = KnownCamera(intrinsics=intrinsics, width=width_px, height=height_px)
        camera, _ = solve_camera(request.image, request.objects, lens, request.seed)
        gravity = gravity_in_camera(camera)
        note = "The points show no floor: gravity comes from the lines of the picture, the floor is the lowest point."
        return gravity, height_along(plate, gravity), (note,)
