"""One call from a picture to its camera and its room box."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from regen3d.frames import world_from_gravity, yaw_of
from regen3d.room.evidence import gather_evidence
from regen3d.room.layout import find_layout
from regen3d.room.lines import detect_segments, room_segments, segment_lengths, stretch_contrast
from regen3d.room.vanishing import Manhattan, find_manhattan
from regen3d.types import Camera, KnownCamera, Mask, Rgb, RoomLayout

CAMERA_HEIGHT_M = 1.5
"""Prior for the height of the lens: pictures of rooms are taken at the chest or the eye of someone who stands."""
WORKING_SIDE_PX = 960
"""Longer pictures are halved down to this: segments gain nothing from more pixels."""
PALE = 1.0
"""Picture widths of line; a room that shows fewer is white in white and is looked at with more contrast. Always doing
so finds lines in plaster and carpet and loses one room in five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedRoom:
    """Camera and room box of one picture."""

    camera: Camera
    """In pixels of the picture, in the world frame."""
    layout: RoomLayout
    """In the frame of `camera`."""
    confidence: float
    """0..1 for the camera."""
    notes: tuple[str, ...]
    """What was assumed and why."""


def solve_room(image: Rgb, objects: Sequence[Mask], known: KnownCamera | None, seed: int) -> SolvedRoom:
    """Find the camera and the room box of a picture.

    Args:
        image: the picture.
        objects: visible mask of each object; without them furniture is taken for walls more often.
        known: what the user knows of the camera, in pixels of the picture; its numbers are kept.
        seed: for every random choice.
    """
    scale = min(1.0, WORKING_SIDE_PX / max(image.shape[:2]))
    small, masks = shrink(image, scale), [shrink_mask(mask, scale) for mask in objects]
    segments, of_room, manhattan = _directions(small, masks, _rescaled(known, scale), seed)
    camera, yaw = _camera(manhattan, image.shape[:2], known, scale)
    evidence = gather_evidence(small, masks, segments[of_room], replace(manhattan, axes=manhattan.axes[of_room]))
    layout = find_layout(evidence, yaw, float(camera.position[1]), manhattan.confidence, seed)
    return SolvedRoom(
        camera=camera,
        layout=layout,
        confidence=_own_confidence(manhattan, known),
        notes=(*manhattan.notes, *_layout_notes(layout)),
    )


def solve_camera(image: Rgb, objects: Sequence[Mask], known: KnownCamera | None, seed: int) -> tuple[Camera, float]:
    """The camera of `solve_room` and the confidence in it, without the search for the room box; same arguments."""
    scale = min(1.0, WORKING_SIDE_PX / max(image.shape[:2]))
    masks = [shrink_mask(mask, scale) for mask in objects]
    manhattan = _directions(shrink(image, scale), masks, _rescaled(known, scale), seed)[2]
    camera, _ = _camera(manhattan, (image.shape[0], image.shape[1]), known, scale)
    return camera, _own_confidence(manhattan, known)


def _own_confidence(manhattan: Manhattan, known: KnownCamera | None) -> float:
    """Certain where the user gave lens and gravity."""
    return 1.0 if known is not None and known.gravity is not None else manhattan.confidence


def _directions(
    image: Rgb, masks: Sequence[Mask], known: KnownCamera | None, seed: int
) -> tuple[Float[np.ndarray, "n 4"], Bool[np.ndarray, " n"], Manhattan]:
    """Segments of a picture, which of them belong to the room, and the directions that they run in."""
    height, width = image.shape[:2]
    segments, of_room = _segments(image, masks)
    # Furniture mostly stands square to the walls: its lines help, but those of the room come first.
    manhattan = find_manhattan(segments, np.where(of_room, 1.0, 0.6), (width, height), known, seed)
    return segments, of_room, manhattan


def _segments(image: Rgb, masks: Sequence[Mask]) -> tuple[Float[np.ndarray, "n 4"], Bool[np.ndarray, " n"]]:
    """Segments of a picture, and which of them belong to the room."""
    height, width = image.shape[:2]
    covered = np.any(np.stack(masks), axis=0) if masks else np.zeros((height, width), bool)
    segments = detect_segments(image, 0.025 * width)
    of_room = room_segments(segments, covered, round(0.006 * width))
    if segment_lengths(segments[of_room]).sum() < PALE * width:
        segments = detect_segments(stretch_contrast(image), 0.025 * width)
        of_room = room_segments(segments, covered, round(0.006 * width))
    return segments, of_room


def shrink(image: Rgb, scale: float) -> UInt8[np.ndarray, "sh sw 3"]:
    """The picture at a scale of at most 1, area-averaged."""
    if scale >= 1.0:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def shrink_mask(mask: Mask, scale: float) -> Bool[np.ndarray, "sh sw"]:
    """The mask at a scale of at most 1; a pixel belongs where any of it did."""
    if scale >= 1.0:
        return mask
    return cv2.resize(mask.astype(np.float32), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) > 0.01


def _rescaled(known: KnownCamera | None, scale: float) -> KnownCamera | None:
    if known is None:
        return None
    intrinsics = np.diag([scale, scale, 1.0]) @ known.intrinsics
    return replace(known, intrinsics=intrinsics, width=round(known.width * scale), height=round(known.height * scale))


def _camera(manhattan: Manhattan, hw: tuple[int, int], known: KnownCamera | None, scale: float) -> tuple[Camera, float]:
    """The camera in the world frame and the yaw of the room's axes there."""
    height_m = known.height_m if known is not None and known.height_m is not None else CAMERA_HEIGHT_M
    gravity = known.gravity if known is not None else None
    # Found directions carry the noise of rounding: what is known stays the same to the last bit, whatever is masked.
    down = -manhattan.camera_from_room[:, 1] if gravity is None else gravity
    world_from_camera = world_from_gravity(down, height_m)
    intrinsics = np.diag([1 / scale, 1 / scale, 1.0]) @ manhattan.intrinsics if known is None else known.intrinsics
    camera = Camera(intrinsics=intrinsics, width=hw[1], height=hw[0], world_from_camera=world_from_camera)
    return camera, yaw_of(world_from_camera[:3, :3] @ manhattan.camera_from_room)


def _layout_notes(layout: RoomLayout) -> tuple[str, ...]:
    if not layout.believable:
        return ("The picture does not show a room box that can be believed: walls and ceiling are assumed.",)
    hidden = [name.replace("_", " ") for name in ("wall_left", "wall_right", "ceiling") if name not in layout.seen]
    return (f"Not in view and therefore assumed: {', '.join(hidden)}.",) if hidden else ()
