"""Where the walls are, once furniture stands: backs line up along walls, and points of the empty room lie on them.

Lines of a picture place a wall to a centimetre, or they are those of something else (a worktop, a skirting board). What
stands on the floor is placed to a centimetre without any wall, so the two can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float

from regen3d.align.planes import SIDES, room_side, seen_walls
from regen3d.align.polish import WALL_SLACK_M
from regen3d.room.box import FACES, box_image
from regen3d.types import Camera, Face, PointMap, RoomLayout, WallFit

WALLS: tuple[Face, ...] = tuple(face for face in SIDES if face.startswith("wall"))
"""The upright sides of a room."""

TELLING_IOU = 0.9
"""Mask IoU from which a pose says where a wall is: with true meshes nearly all have more, clean and spoiled."""

REACH_M = 0.4
"""How far a wall is moved at most."""

LINES_NATS = 4.0
"""Logarithm of the odds that the lines have a wall right, within LINES_SPREAD_M: four walls of five in rendered rooms,
and those that are wrong lie anywhere within metres."""

LINES_SPREAD_M = 0.02
"""Error of walls that the lines have right."""

TOUCH_NATS = 2.6
"""Logarithm of the odds that a second back in line with the first stands against the wall and is not there by chance:
half of the furniture does, and of what is within REACH_M of a place on either side one of 27 is in line with it."""

TOUCH_M = 0.015
"""Distance of a back that stands against a wall."""

SKIRTING_M = 0.015
"""What is left between a wall and a back that stands against it."""

PIERCE_NATS = 4.5
"""What it costs at most that an object reaches through the wall: more than the lines say, for of 61 poses that explain
their masks, clean and spoiled, two are off by more than 10 cm, and one wall of five is."""

PIERCE_SPREAD_M = 0.03
"""Error of where a back is: meshes of wrong proportions and ragged masks leave 1 to 5 cm."""

POINT_SPREAD = 0.025
"""Error of a wall's distance by the points on it, as a share of that distance: learned depth errs smoothly."""

NEAREST_SHARE = 0.5
"""Of the camera's distance from a wall, that a wall keeps at least: the camera stands in the room."""

LEAST_POINTS = 2000
"""Pixels of a wall from which its points are asked."""

BLOCK_PX = 8
"""Side of the blocks over which points are averaged before their slope is taken: single ones are too noisy for it."""

FACING_COSINE = np.cos(np.radians(30.0))
"""Between the normal of a wall and that of a surface that may be it."""


def without_walls(layout: RoomLayout) -> RoomLayout:
    """The room box with walls that keep nothing in: wrong ones would push what stands along them."""
    return replace(layout, seen=layout.seen.difference(WALLS))


def fit_walls(
    layout: RoomLayout,
    bodies: Mapping[str, tuple[Float[np.ndarray, "_ 3"], float]],
    camera: Camera,
    background: PointMap | None,
) -> WallFit:
    """Correct the walls of a room by what stands in it, placed as if there were no walls.

    Args:
        layout: the box that the lines show.
        bodies: vertices (world frame) and mask IoU of each object that stands on the floor, by name; those that do not
            explain their masks say nothing of walls, but are kept before them.
        camera: the camera.
        background: points of the empty room; only metric ones are used.

    Returns:
        The corrected box, and which of the objects reach behind its walls.
    """
    telling = [body for body, iou in bodies.values() if iou >= TELLING_IOU]
    shifts = _shifts(layout, telling, camera, background)
    low, high = layout.bounds_min.copy(), layout.bounds_max.copy()
    for face, shift in shifts.items():
        axis, sign = SIDES[face]
        (low if sign > 0 else high)[axis] += sign * shift
    corrected = replace(layout, bounds_min=low, bounds_max=high)
    walls = seen_walls(corrected)
    depths = {name: 0.0 if walls is None else walls.beyond(body[None])[0] for name, (body, _) in bodies.items()}
    behind = tuple(name for name, depth in depths.items() if depth > WALL_SLACK_M)
    return WallFit(layout=corrected, shifts_m=shifts, displaced=behind)


def _shifts(
    layout: RoomLayout, bodies: Sequence[Float[np.ndarray, "_ 3"]], camera: Camera, background: PointMap | None
) -> dict[Face, float]:
    """How far each wall moves into the room to where lines, backs and points agree best; those that stay left out."""
    metric = background if background is not None and background.scale == "metric" else None
    ratios = {} if metric is None else _depth_ratios(layout, camera, metric)
    shifts: dict[Face, float] = {}
    for face in WALLS:
        plane = room_side(layout, face)
        gaps = np.array([float(((body - plane.origin) @ plane.normal).min()) for body in bodies])
        far = float((camera.position - plane.origin) @ plane.normal)
        measured = far * (1.0 - ratios[face]) if face in ratios else None
        shifts[face] = _best_shift(gaps, face in layout.seen, measured, POINT_SPREAD * far)
        if shifts[face] > (1.0 - NEAREST_SHARE) * far:
            shifts[face] = 0.0
    return {face: shift for face, shift in shifts.items() if shift != 0.0}


def _best_shift(gaps: Float[np.ndarray, " n"], seen: bool, measured: float | None, spread: float) -> float:
    """How far a wall moves into the room, metres.

    Args:
        gaps: distance of each object's back from the wall; negative behind it.
        seen: whether the lines show the wall.
        measured: the shift that the points ask for, None where they do not show the wall.
        spread: standard deviation of that.
    """
    if not seen and measured is None:
        return 0.0
    wanted = [0.0, *gaps, *([] if measured is None else [measured])]
    shifts = np.array([shift for shift in wanted if abs(shift) <= REACH_M])
    off = gaps[None] - shifts[:, None]
    # The first back says nothing: a shift that suits it is always tried.
    score = TOUCH_NATS * np.maximum((np.abs(off) < TOUCH_M).sum(axis=1) - 1, 0)
    score -= np.minimum(0.5 * (np.minimum(off + TOUCH_M, 0.0) / PIERCE_SPREAD_M) ** 2, PIERCE_NATS).sum(axis=1)
    if seen:
        score += LINES_NATS * np.exp(-0.5 * (shifts / LINES_SPREAD_M) ** 2)
    if measured is not None:
        score -= 0.5 * ((shifts - measured) / spread) ** 2
    best = shifts[int(np.argmax(score))]
    if abs(best) <= 3.0 * LINES_SPREAD_M:
        return 0.0
    # Of several backs along a wall the deepest one is nearest to it, but for the skirting board.
    touching = gaps[np.abs(gaps - best) < TOUCH_M]
    return float(touching.min() - SKIRTING_M) if len(touching) else float(best)


def _depth_ratios(layout: RoomLayout, camera: Camera, background: PointMap) -> dict[Face, float]:
    """Median of measured over expected depth on each wall that shows enough pixels.

    Only surfaces that face as the wall does count: beyond the corner of a box that is too small, they are another's.
    """
    sides, depth = box_image(camera, layout)
    if not background.valid.any():
        return {}
    blocks = np.s_[BLOCK_PX // 2 :: BLOCK_PX, BLOCK_PX // 2 :: BLOCK_PX]
    trusted = background.valid & (background.confidence >= np.median(background.confidence[background.valid]))
    share = cv2.blur(trusted.astype(np.float64), (BLOCK_PX, BLOCK_PX))
    total = cv2.blur(np.where(trusted[..., None], background.points, 0.0), (BLOCK_PX, BLOCK_PX))
    seen = total[blocks] / np.maximum(share[blocks][..., None], 1e-9)
    normal = np.cross(np.gradient(seen, axis=1), np.gradient(seen, axis=0)) @ camera.world_from_camera[:3, :3].T
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    ratio, sides, full = seen[..., 2] / depth[blocks], sides[blocks], share[blocks] > 0.5
    ratios: dict[Face, float] = {}
    for face in WALLS:
        facing = np.abs(normal @ room_side(layout, face).normal) > FACING_COSINE
        here = (sides == FACES.index(face)) & full & facing
        if here.sum() * BLOCK_PX**2 >= LEAST_POINTS:
            ratios[face] = float(np.median(ratio[here]))
    return ratios
