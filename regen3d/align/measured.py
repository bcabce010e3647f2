"""What measured points say where two objects meet: how high an end is, and whether what begins below it is nearer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer

from regen3d.align.contact import lower_end, reach_of
from regen3d.frames import transform
from regen3d.types import Camera, Mask, PointMap

LEAST_CONFIDENCE = 0.35
"""Points below are guesses: an estimator that stands objects up as planes where their masks end gives 0.3 at most."""

SKIPPED_SHARE = 1 / 240
"""Rows next to an outline that are not read, as a share of the picture's height: depth there mixes both sides."""

READ_SHARE = 1 / 72
"""Rows that are read beyond those."""

LEAST_COLUMNS = 3
"""Columns with points on both sides that make a measurement."""

LEVEL_QUANTILE = 0.8
"""Of the heights below a contact: above most of a front face, below the strays of the object itself."""

LEAST_DROP_M = 0.3
"""A level surface less than this below the eye is seen too flatly: two centimetres of its height are a tenth of the
distance at which a ray meets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPoints:
    """Points of a picture that are measured, not assumed."""

    world: Float[np.ndarray, "h w 3"]
    """World frame, metres."""
    usable: Bool[np.ndarray, "h w"]
    """Where they can be trusted."""
    camera: Camera
    """In the world frame."""


def measured_points(points: PointMap | None, camera: Camera) -> MeasuredPoints | None:
    """The metric points of a map that are worth believing; None where there is no such map."""
    if points is None or points.scale != "metric":
        return None
    usable = points.valid & (points.confidence >= LEAST_CONFIDENCE)
    world = transform(camera.world_from_camera, points.points)
    return MeasuredPoints(world=world, usable=usable, camera=camera)


def end_height(mask: Mask, measured: MeasuredPoints) -> float | None:
    """Height above the floor of an object's lower end, metres; None where too few points show it."""
    columns, lowest = lower_end(mask)
    heights = _heights_above(mask, measured, columns, lowest)
    seen = heights[np.isfinite(heights)]
    return float(np.median(seen)) if len(seen) >= LEAST_COLUMNS else None


def depth_step(mask: Mask, carrier: Mask, measured: MeasuredPoints) -> float | None:
    """How far an object's lower end is behind what the picture shows below it, as a share of its distance.

    About 0 where it stands on the other, whose surface right below the contact is taken for level and extended to it;
    more where the other one only hides it. None where too few points show both, or the surface is above the eye.
    """
    columns, lowest = lower_end(mask)
    height = mask.shape[0]
    begins = carrier[_rows(lowest + 1, reach_of(mask), height), columns[:, None]].any(axis=1)
    columns, lowest = columns[begins], lowest[begins]
    top = _heights_above(mask, measured, columns, lowest) - measured.camera.position[1]
    below = _rows(lowest + 1 + round(SKIPPED_SHARE * height), reach_of(mask) + round(READ_SHARE * height), height)
    # Under a narrow edge the front of the carrier follows: the level is that of its highest points.
    level = _heights(measured, carrier, (below, columns), LEVEL_QUANTILE) - measured.camera.position[1]
    seen = np.isfinite(top) & np.isfinite(level)
    seen[seen] &= (top[seen] < -LEAST_DROP_M) & (level[seen] < -LEAST_DROP_M)
    return float(np.median(1.0 - level[seen] / top[seen])) if seen.sum() >= LEAST_COLUMNS else None


def _heights_above(
    mask: Mask, measured: MeasuredPoints, columns: Integer[np.ndarray, " c"], lowest: Integer[np.ndarray, " c"]
) -> Float[np.ndarray, " c"]:
    """Height of an object right above each column's last row, metres above the floor; NaN where nothing is known."""
    skipped, read = max(1, round(SKIPPED_SHARE * len(mask))), max(2, round(READ_SHARE * len(mask)))
    return _heights(measured, mask, (_rows(lowest + 1 - skipped - read, read, len(mask)), columns), 0.5)


def _rows(first: Integer[np.ndarray, " c"], count: int, height: int) -> Integer[np.ndarray, "c n"]:
    """`count` rows from each first one on, within the picture."""
    return np.clip(first[:, None] + np.arange(count), 0, height - 1)


def _heights(
    measured: MeasuredPoints,
    mask: Mask,
    pixels: tuple[Integer[np.ndarray, "c n"], Integer[np.ndarray, " c"]],
    quantile: float,
) -> Float[np.ndarray, " c"]:
    """A quantile of a mask's heights in each column's rows; NaN where it has no points there."""
    rows, columns = pixels[0], np.broadcast_to(pixels[1][:, None], pixels[0].shape)
    used = mask[rows, columns] & measured.usable[rows, columns]
    found, some = np.full(len(rows), np.nan), used.any(axis=1)
    heights = np.where(used, measured.world[rows, columns, 1], np.nan)
    if some.any():
        found[some] = np.nanquantile(heights[some], quantile, axis=1)
    return found
