"""The values that cross stages: frozen dataclasses of numpy arrays, shapes checked in the test run.

Frames and units are those of `regen3d.frames`. A value never changes; `dataclasses.replace` makes a new one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8

Scale = Literal["metric", "relative"]
"""What a unit of length means: metres, or an unknown multiple of them."""

Face = Literal["floor", "ceiling", "wall_back", "wall_front", "wall_left", "wall_right"]
"""A side of the room box: -Y, +Y, -Z, +Z, -X, +X of the room's own axes."""

BELIEVABLE = 0.5
"""Confidence from which a room box is relied on: a close-up scored 0.15, five rendered rooms 0.73 and more."""

Rgb = UInt8[np.ndarray, "h w 3"]
"""A picture: sRGB, 8 bit, row 0 at the top."""

Mask = Bool[np.ndarray, "h w"]
"""True where the pixel belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A pinhole camera without distortion, and where it stands."""

    intrinsics: Float[np.ndarray, "3 3"]
    """K in pixels: `u = fx * x / z + cx`, pixel centres at +0.5."""
    width: int
    """Picture width in pixels."""
    height: int
    """Picture height in pixels."""
    world_from_camera: Float[np.ndarray, "4 4"]
    """Rigid transform from the OpenCV camera frame to the world frame, metres."""

    @property
    def hw(self) -> tuple[int, int]:
        """Picture size as (height, width)."""
        return self.height, self.width

    @property
    def camera_from_world(self) -> Float[np.ndarray, "4 4"]:
        """Inverse of `world_from_camera`."""
        return np.linalg.inv(self.world_from_camera)

    @property
    def position(self) -> Float[np.ndarray, " 3"]:
        """Optical centre in the world frame, metres."""
        return self.world_from_camera[:3, 3]

    @property
    def hfov_deg(self) -> float:
        """Horizontal field of view in degrees, from the left border to the right one."""
        focal, centre = self.intrinsics[0, 0], self.intrinsics[0, 2]
        return float(np.degrees(np.arctan2(centre, focal) + np.arctan2(self.width - centre, focal)))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCamera:
    """What the user knows of the camera; what is None is estimated."""

    intrinsics: Float[np.ndarray, "3 3"]
    """K in pixels of the picture."""
    width: int
    """Picture width in pixels."""
    height: int
    """Picture height in pixels."""
    gravity: Float[np.ndarray, " 3"] | None = None
    """Direction of gravity (down) in the camera frame, unit length."""
    height_m: float | None = None
    """Height of the optical centre above the floor, metres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """A uniform scale, a rotation and a translation: `x -> scale * rotation @ x + translation`."""

    rotation: Float[np.ndarray, "3 3"]
    """Proper rotation."""
    translation: Float[np.ndarray, " 3"]
    """Metres when the target frame is the world."""
    scale: float
    """Positive; target units per source unit."""

    @classmethod
    def of_matrix(cls, matrix: Float[np.ndarray, "4 4"]) -> "Similarity":
        """The parts of a homogeneous matrix that is a similarity."""
        scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
        return cls(rotation=matrix[:3, :3] / scale, translation=matrix[:3, 3], scale=scale)

    @property
    def matrix(self) -> Float[np.ndarray, "4 4"]:
        """The homogeneous matrix."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.scale * self.rotation
        matrix[:3, 3] = self.translation
        return matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One object as the picture shows it."""

    name: str
    """Unique in the scene, `LABEL-N` in lower case with hyphens, safe as a file name: `coffee-table-1`."""
    label: str
    """What it is, in lower case: `coffee table`."""
    score: float
    """Confidence in 0..1; 1 for what the user gave."""
    mask: Mask
    """Visible pixels of the object in the picture."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Bounds of the mask as (x0, y0, x1, y1) in pixels, end exclusive; zeros where the mask is empty."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        if rows.size == 0:
            return 0, 0, 0, 0
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    @property
    def is_truncated(self) -> bool:
        """Whether the mask touches the border of the picture."""
        return bool(self.mask[0].any() or self.mask[-1].any() or self.mask[:, 0].any() or self.mask[:, -1].any())


@dataclass(frozen=True, slots=True, kw_only=True)
class PointMap:
    """A 3D point for every pixel of a picture."""

    points: Float[np.ndarray, "h w 3"]
    """Camera frame (OpenCV); metres if `scale == "metric"`; zero where not `valid`."""
    valid: Bool[np.ndarray, "h w"]
    """Pixels that have a point."""
    confidence: Float[np.ndarray, "h w"]
    """0..1, higher is better."""
    scale: Scale
    """What a unit means; only metric points enter alignment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomLayout:
    """A box room round the camera, in the world frame."""

    yaw_rad: float
    """Rotation about +Y that takes the room's axes to the world's, in (-pi/4, pi/4]: `wall_back` is what the
    camera looks at."""
    bounds_min: Float[np.ndarray, " 3"]
    """Least corner in the room's axes, metres; y is 0 (the floor)."""
    bounds_max: Float[np.ndarray, " 3"]
    """Greatest corner in the room's axes, metres; y is the height of the ceiling."""
    seen: frozenset[Face]
    """Sides that the picture shows; the others are assumed."""
    confidence: float
    """0..1; see `believable`."""

    @property
    def believable(self) -> bool:
        """Whether walls and floor can be trusted; a scene whose room cannot says so."""
        return self.confidence >= BELIEVABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class WallFit:
    """What furniture says of the walls that it stands along."""

    layout: RoomLayout
    """The room box with its walls corrected."""
    shifts_m: dict[Face, float]
    """How far each wall that is elsewhere than it was moved into the room, metres."""
    displaced: tuple[str, ...]
    """Objects that have to be placed again for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """What one picture says about camera and depth."""

    camera: Camera
    """The camera; its height is metric if the point maps are."""
    image_points: PointMap
    """Of the picture."""
    plate_points: PointMap
    """Of the empty room, in the same camera frame."""
    layout: RoomLayout | None
    """The room box, where the estimator knows one; else the room stage fits it to the points."""
    confidence: float
    """0..1 for the camera."""
    scale_source: str = ""
    """Where metres come from, one sentence; empty where nothing but the camera's height, known or usual, says so."""
    notes: tuple[str, ...] = ()
    """Sentences for the report: what was assumed and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A triangle mesh with one texture."""

    vertices: Float[np.ndarray, "v 3"]
    """Metres, or the generator's units, in the frame that the owner states."""
    faces: Integer[np.ndarray, "f 3"]
    """Vertex indices, counter-clockwise seen from outside."""
    uv: Float[np.ndarray, "v 2"]
    """Texture coordinates, (0, 0) at the lower left of the texture."""
    texture: UInt8[np.ndarray, "th tw 3"]
    """Base colour, sRGB."""
    roughness: float = 0.8
    """0..1, glTF."""
    metallic: float = 0.0
    """0..1, glTF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The empty room: box and textured surfaces."""

    layout: RoomLayout
    """The box."""
    parts: dict[Face, Mesh]
    """One mesh a side, world frame, metres, seen from inside."""
    scale_source: str
    """Where metres come from, one sentence."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectView:
    """Everything that is known of one object before it has a mesh."""

    instance: Instance
    """The object."""
    image: Rgb
    """The whole picture."""
    ignore: Mask
    """Pixels where the object may be hidden: those of nearer objects. They count neither for nor against."""
    camera: Camera
    """The camera, in the world frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedBox:
    """An upright box round an object, found from its silhouette: rough size and pose."""

    size_m: Float[np.ndarray, " 3"]
    """Width (x), height (y), depth (z) in the object's own frame, metres."""
    world_from_object: Similarity
    """Scale 1; the origin of the object frame is the middle of the box's base."""
    iou: float
    """Silhouette IoU outside `ignore`, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeFit:
    """What an object was taken for on the way to its completion, from which its shape can be built without a search."""

    kind: str
    """What it is: `chair`, `lathe`, `box`."""
    template: str
    """Name of the template that is built, as the generator knows it."""
    parameters: Float[np.ndarray, " k"]
    """The template's parameters, in its own units."""
    outline: Float[np.ndarray, "rows columns"] | None
    """What the template is drawn from (a lathe's profile), for those that are drawn."""
    box: FittedBox
    """Where it stands, how large it is, and its silhouette IoU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The whole object on its own, as if nothing stood before it."""

    picture: UInt8[np.ndarray, "ch cw 4"]
    """RGBA crop; alpha is the amodal mask."""
    origin_xy: tuple[int, int]
    """Where the crop's upper left pixel lies in the picture (may be negative)."""
    box: FittedBox | None
    """The box fitted on the way, handed on so that it is not fitted twice."""
    fit: ShapeFit | None = None
    """The shape fitted on the way, likewise; None where none was needed."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A complete mesh of one object in the object frame."""

    mesh: Mesh
    """Object frame: Y up, base at y = 0, centred in x and z, front +Z."""
    scale: Scale
    """Whether the mesh's units are metres."""
    kind: str
    """What was made: `chair`, `lathe`, `box`, a generator's name."""
    pose_hint: Similarity | None = None
    """`world_from_object` under which the mesh was made, where the generator knows one."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where an object stands, and how well that explains the picture."""

    world_from_object: Similarity
    """The pose."""
    support: str
    """`floor`, `wall`, `ceiling`, `free`, or the name of the object below."""
    mask_iou: float
    """Between the rendered mesh and the visible mask, outside `ignore`, 0..1."""
    contact_gap_m: float
    """Height of the lowest point above the support; negative when sunk in."""
    point_residual_m: float | None
    """Median distance from visible points to the mesh; None without points."""
    runner_up_margin: float
    """Score of the best start minus that of the best one that faces elsewhere, 0..1."""
    confidence: float | None = None
    """Calibrated probability that the pose is right, 0..1; None before the scene was settled."""
    proportions: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors along the mesh's own x, y and z that give it the picture's proportions, before the pose."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""
