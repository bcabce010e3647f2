"""What a pose has to explain: the mask in a small crop, the sides of its box, and points of the visible surface."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from regen3d.errors import AlignmentDivergedError
from regen3d.frames import transform
from regen3d.types import Camera, Mask, ObjectView, PointMap, Rgb

COARSE_PX = 96
"""Longest side of the crop on which starts are searched: twice as many pixels cost twice the time."""

FINE_PX = 224
"""Longest side of the crop on which the last poses are polished and compared."""

MARGIN = 0.3
"""Room round the mask's box, as a share of its longer side, so that a pose that is too large shows."""

POINT_COUNT = 80
"""Points of the visible surface that are kept: more change no pose by a centimetre."""

TOUCH_PX = 4
"""An end of the mask may be the end of what hides it where that begins within this many pixels."""

CUT_SHARE = 0.3
"""An end is not the object's own when this share of it is that near to hidden pixels or the picture's border."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The evidence for one object's pose."""

    camera_from_world: Float[np.ndarray, "4 4"]
    """World frame to camera frame."""
    intrinsics: Float[np.ndarray, "3 3"]
    """K of the crop, pixels of the crop."""
    picture: Rgb
    """The crop of the picture."""
    mask: Float[np.ndarray, "h w"]
    """Share of each crop pixel that shows the object, 0..1."""
    weight: Float[np.ndarray, "h w"]
    """Share of each crop pixel that counts, 0..1: what may be hidden does not."""
    box: Float[np.ndarray, " 4"]
    """Bounds (x0, y0, x1, y1) of the mask in crop pixels."""
    reliable: Bool[np.ndarray, " 4"]
    """Which bounds are the object's own; the others are those of the picture or of something nearer."""
    points: Float[np.ndarray, "n 3"]
    """Points of the visible surface, world frame, metres; none where geometry is not metric."""
    points_slide: bool
    """Whether the points are known only up to a scale about the eye: those of what stands on an object but is placed
    as if on the floor."""

    @property
    def hw(self) -> tuple[int, int]:
        """Size of the crop."""
        return self.mask.shape[0], self.mask.shape[1]

    @property
    def eye(self) -> Float[np.ndarray, " 3"]:
        """The camera's centre, world frame."""
        return -self.camera_from_world[:3, :3].T @ self.camera_from_world[:3, 3]

    @property
    def diagonal_px(self) -> float:
        """Diagonal of the mask's box in crop pixels."""
        return float(np.linalg.norm(self.box[2:] - self.box[:2]))


def make_target(
    view: ObjectView, points: Float[np.ndarray, "n 3"], *, points_slide: bool, crop_px: int = COARSE_PX
) -> Target:
    """Gather the evidence for one object on a crop whose longest side has `crop_px` pixels; the rest as in `Target`.

    Raises:
        AlignmentDivergedError: the mask is empty.
    """
    mask = view.instance.mask
    if not mask.any():
        raise AlignmentDivergedError(f"the mask of {view.instance.name} is empty: no pose can explain it")
    hidden = view.ignore & ~mask
    x0, y0, x1, y1 = view.instance.box
    margin = int(np.ceil(MARGIN * max(x1 - x0, y1 - y0))) + 2
    left, top = max(x0 - margin, 0), max(y0 - margin, 0)
    right, bottom = min(x1 + margin, view.camera.width), min(y1 + margin, view.camera.height)
    zoom = min(crop_px / max(right - left, bottom - top), 1.0)
    wh = max(round((right - left) * zoom), 1), max(round((bottom - top) * zoom), 1)
    to_crop = np.array([wh[0] / (right - left), wh[1] / (bottom - top)])
    intrinsics = np.diag([*to_crop, 1.0]) @ (view.camera.intrinsics - np.array([[0, 0, left], [0, 0, top], [0, 0, 0]]))
    window = np.s_[top:bottom, left:right]
    return Target(
        camera_from_world=view.camera.camera_from_world,
        intrinsics=intrinsics,
        picture=cv2.resize(view.image[window], wh, interpolation=cv2.INTER_AREA).astype(np.uint8),
        mask=_shrink(mask[window], wh),
        weight=1.0 - _shrink(hidden[window], wh),
        box=(np.array([x0, y0, x1, y1]) - [left, top, left, top]) * np.tile(to_crop, 2),
        reliable=reliable_sides(mask, hidden),
        points=points,
        points_slide=points_slide,
    )


def visible_points(mask: Mask, points: PointMap, camera: Camera, seed: int) -> Float[np.ndarray, "n 3"]:
    """Trustworthy ones of the metric points on the object's visible surface, world frame."""
    # Depth mixes object and background along outlines: the rim of the mask says nothing.
    rim = max(1, round(0.02 * np.sqrt(mask.sum())))
    inner = ndimage.binary_erosion(mask, iterations=rim) & points.valid
    if inner.sum() < 20:
        inner = mask & points.valid
    if not inner.any():
        return np.zeros((0, 3))
    chosen = np.flatnonzero(inner & (points.confidence >= np.median(points.confidence[inner])))
    rng = np.random.default_rng(seed)
    chosen = rng.choice(chosen, size=min(POINT_COUNT, len(chosen)), replace=False)
    return transform(camera.world_from_camera, points.points.reshape(-1, 3)[chosen].astype(np.float64))


def _shrink(mask: Mask, wh: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
    """Share of each smaller pixel that is true."""
    return cv2.resize(mask.astype(np.float32), wh, interpolation=cv2.INTER_AREA).astype(np.float64)


def reliable_sides(mask: Mask, hidden: Mask) -> Bool[np.ndarray, " 4"]:
    """Whether the mask ends at (left, top, right, bottom) of its box because the object does."""
    padded = np.pad(mask, TOUCH_PX)
    closed = ndimage.binary_dilation(np.pad(hidden, TOUCH_PX, constant_values=True), iterations=TOUCH_PX)
    answers = []
    for turns in (3, 0, 1, 2):
        # Turned so that the side in question is on top; the object's end is then the first rows of the mask.
        turned = np.rot90(padded, turns)
        first = int(np.flatnonzero(turned.any(axis=1))[0])
        end = np.s_[first : first + TOUCH_PX]
        cut = np.rot90(closed, turns)[end][turned[end]].mean()
        answers.append(float(cut) < CUT_SHARE)
    return np.array(answers)
