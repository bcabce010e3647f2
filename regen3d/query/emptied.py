"""Reads an answered empty room: same camera, furniture gone, and unchanged wherever nothing stood."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from regen3d.query.verdict import gains
from regen3d.query.window import Window, sample
from regen3d.types import Mask, Rgb

RoomReason = Literal["other camera", "furniture left", "other room"]
"""Why the picture of an empty room is refused."""

ROOM_SENTENCES: dict[RoomReason, str] = {
    "other camera": "its lines are not those of the picture",
    "furniture left": "objects are still there",
    "other room": "its colours are not those of the picture where nothing was to change",
}
"""The reasons for people."""

SIDE = 256
"""Longer side in pixels at which answers are compared."""
LINES = 0.45
"""Least correlation of edge strength outside the objects: repainted photos keep 0.6 and more, other views under 0.3."""
CHANGED = 0.06
"""RGB difference (0..1) below which an object's pixels count as unchanged: noise and recoding stay under 0.04."""
STILL = 0.6
"""Share of unchanged pixels from which an object counts as left."""
TONES = 0.15
"""Greatest median RGB difference (0..1) outside the objects after a common gain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptiedRoom:
    """What an answer gave."""

    image: Rgb | None
    """The picture with its hole filled, equal to the picture outside the hole; None where it is refused."""
    reasons: tuple[RoomReason, ...]
    """Why; empty: it is accepted."""

    @property
    def sentence(self) -> str:
        """The reasons in words."""
        return "; ".join(ROOM_SENTENCES[reason] for reason in self.reasons) or "accepted"


def read_empty_room(
    answer: UInt8[np.ndarray, "ah aw 3"], window: Window, image: Rgb, objects: Sequence[Mask], hole: Mask
) -> EmptiedRoom:
    """Check an answer and paste its hole into the picture.

    Args:
        answer: of any size, with the content of the asked canvas.
        window: where the asked canvas lies in the picture; `step` is per pixel of a canvas as wide as the answer.
        image: the picture.
        objects: what was to go.
        hole: what may change.
    """
    height, width = image.shape[:2]
    back = Window(x=-window.x / window.step, y=-window.y / window.step, step=1.0 / window.step)
    found = sample(answer, back, (height, width), fill=255)
    shrink = min(SIDE / max(height, width), 1.0)
    hw = max(round(height * shrink), 8), max(round(width * shrink), 8)
    true, made = _small(image, hw), _small(found, hw)
    kept = ~_small_mask(hole, hw)
    made *= gains(made, true, kept)
    reasons: list[RoomReason] = []
    if _line_agreement(true, made, kept) < LINES:
        reasons.append("other camera")
    if np.median(np.linalg.norm(made - true, axis=2)[kept] if kept.any() else 0.0) > TONES:
        reasons.append("other room")
    if any(_is_left(true, made, _small_mask(mask, hw), kept) for mask in objects):
        reasons.append("furniture left")
    if reasons:
        return EmptiedRoom(image=None, reasons=tuple(reasons))
    tint = gains(_small(found, hw), true, kept)
    result = image.copy()
    result[hole] = np.clip(found[hole] * tint, 0.0, 255.0).astype(np.uint8)
    return EmptiedRoom(image=result, reasons=())


def _line_agreement(
    true: Float[np.ndarray, "h w 3"], made: Float[np.ndarray, "h w 3"], kept: Bool[np.ndarray, "h w"]
) -> float:
    """Correlation of edge strength where nothing was to change; 1 where the picture has no edges there."""
    # Two pixels from the hole, whose border is an edge of one picture only.
    inner = cv2.erode(kept.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    a, b = _edges(true)[inner], _edges(made)[inner]
    if a.size == 0 or a.std() < 1e-3:
        return 1.0
    return float(((a - a.mean()) * (b - b.mean())).mean() / max(float(a.std() * b.std()), 1e-9))


def _edges(picture: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    grey = cv2.GaussianBlur(picture.mean(axis=2), (0, 0), 1.5)
    return np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1))


def _is_left(
    true: Float[np.ndarray, "h w 3"],
    made: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    kept: Bool[np.ndarray, "h w"],
) -> bool:
    """Whether an object's pixels did not change, though they differ from what lies round it."""
    if not mask.any():
        return False
    ring = (cv2.dilate(mask.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0) & kept
    around = np.median(true[ring], axis=0) if ring.any() else np.ones(3)
    telling = mask & (np.linalg.norm(true - around, axis=2) > 3.0 * CHANGED)
    # An object of the wall's own colour cannot be told from the wall.
    if telling.sum() < 0.3 * mask.sum():
        return False
    same = np.linalg.norm(made - true, axis=2) < np.sqrt(3.0) * CHANGED
    return float(same[telling].mean()) > STILL


def _small(picture: Rgb, hw: tuple[int, int]) -> Float[np.ndarray, "sh sw 3"]:
    return np.asarray(cv2.resize(picture, hw[::-1], interpolation=cv2.INTER_AREA), dtype=np.float64) / 255.0


def _small_mask(mask: Mask, hw: tuple[int, int]) -> Bool[np.ndarray, "sh sw"]:
    return np.asarray(cv2.resize(mask.astype(np.uint8), hw[::-1], interpolation=cv2.INTER_NEAREST)) > 0
