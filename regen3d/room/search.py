"""Search for the room box: thousands of boxes are scored at once, the best are refined.

A box is four lengths in camera heights, seen from the camera at the origin of the room's axes with the floor at
y = -1: back (-z), left (-x), right (x), top (y of the ceiling above the camera), all positive. A side out of view is
simply far away (`FAR`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer

from regen3d.frames import project
from regen3d.room.evidence import Evidence

FAR = 30.0
"""Camera heights; no picture of a room shows a side at this distance."""
FRONT = 0.35
"""Where the wall behind the camera is put, camera heights."""
SAMPLES = 48
"""Points along each edge of the box."""

# One row an edge: the room axis along which it runs, and its ends as (x, y, z) choices, where x is left (0) or
# right (1), y floor (0) or ceiling (1), z back (0) or front (1).
_EDGES = (
    (0, (0, 0, 0), (1, 0, 0)),
    (0, (0, 1, 0), (1, 1, 0)),
    (1, (0, 0, 0), (0, 1, 0)),
    (1, (1, 0, 0), (1, 1, 0)),
    (2, (0, 0, 0), (0, 0, 1)),
    (2, (1, 0, 0), (1, 0, 1)),
    (2, (0, 1, 0), (0, 1, 1)),
    (2, (1, 1, 0), (1, 1, 1)),
)
EDGE_SIDES = ((0, -1), (0, 3), (0, 1), (0, 2), (1, -1), (2, -1), (1, 3), (2, 3))
"""Parameters (0 back, 1 left, 2 right, 3 top, -1 floor) whose sides meet in each edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxWeights:
    """What the evidence counts: tuned on synthetic rooms, then held against rendered ones.

    Doubling `miss` loses a rendered room whose floor line is half hidden; half or twice `colour` changes nothing there.
    """

    line: float = 0.6
    """Per picture width of box edge that lies on a segment of its direction."""
    miss: float = 0.12
    """Per picture width of visible box edge that lies on none."""
    colour: float = 1.0
    """For the share of the colours' entropy that the sides explain."""
    conflict: float = 0.6
    """Per picture width of segment on a side that it stands square to, where it cannot lie. Where furniture is not yet
    known, half of it takes a kitchen's cabinet fronts for its walls (`benchmarks.segmentation`)."""
    contact: float = 0.5
    """For the share of objects that would stand outside."""


def sample_boxes(evidence: Evidence, count: int, rng: np.random.Generator) -> Float[np.ndarray, "h 4"]:
    """Boxes whose sides pass through segments of the picture, some sides out of view."""
    lines, axes, weights = evidence.lines, evidence.axes, evidence.weights
    floor, above = lines[:, 1] < -0.02, lines[:, 1] > 0.02
    drop = np.where(floor, -1.0 / np.minimum(lines[:, 1], -1e-6), 0.0)
    ground_x, ground_z = lines[:, 0] * drop, -lines[:, 2] * drop
    slope = lines[:, 0] / np.maximum(-lines[:, 2], 1e-6)
    ahead = (axes == 1) & (lines[:, 2] < -0.05)

    def draw(values: Float[np.ndarray, " n"], usable: Bool[np.ndarray, " n"], misses: float) -> Float[np.ndarray, " h"]:
        """Values at segments drawn by length; NaN for a share of misses, or where none is usable."""
        if not usable.any():
            return np.full(count, np.nan)
        share = weights * usable
        drawn = rng.choice(values, size=count, p=share / share.sum())
        return np.where(rng.random(count) < misses, np.nan, drawn)

    back = draw(ground_z, floor & (axes == 0) & (ground_z > 0.3), 0.25)
    sides = []
    for sign in (-1.0, 1.0):
        wall = draw(sign * ground_x, floor & (axes == 2) & (sign * ground_x > 0.15), 0.35)
        corner = draw(sign * slope, ahead & (sign * slope > 0.02), 0.3)
        # The corner's bearing ties side and back wall: whichever is known gives the other.
        back = np.where(np.isnan(back), wall / corner, back)
        sides.append(np.where(rng.random(count) < 0.5, corner * back, wall))
    back = np.where(np.isnan(back), np.exp(rng.uniform(np.log(1.0), np.log(6.0), count)), back)
    rise_back = draw(lines[:, 1] / np.maximum(-lines[:, 2], 1e-6), above & (axes == 0) & (lines[:, 2] < -0.05), 0.3)
    top = np.where(rng.random(count) < 0.5, np.nan, rise_back * back)
    boxes = np.stack([back, sides[0], sides[1], top], axis=1)
    return clip_boxes(np.where(np.isnan(boxes), FAR, boxes))


def clip_boxes(boxes: Float[np.ndarray, "h 4"]) -> Float[np.ndarray, "h 4"]:
    """Boxes with sides at believable distances."""
    # A ceiling lower than 0.3 camera heights above the lens (1.95 m for a lens at 1.5 m) is no room.
    return np.clip(boxes, [0.6, 0.15, 0.15, 0.3], FAR)


def score_boxes(
    evidence: Evidence, boxes: Float[np.ndarray, "h 4"], weights: BoxWeights, sigma_px: float
) -> Float[np.ndarray, " h"]:
    """How well each box explains the picture; only differences mean something."""
    scores = np.zeros(len(boxes))
    for start in range(0, len(boxes), 500):
        part = slice(start, start + 500)
        on, off = edge_support(evidence, boxes[part], sigma_px)
        scores[part] = weights.line * on.sum(axis=1) - weights.miss * off.sum(axis=1)
        scores[part] += weights.colour * colour_gain(evidence, boxes[part])
        scores[part] -= weights.conflict * line_conflict(evidence, boxes[part])
        scores[part] -= weights.contact * _outside(evidence, boxes[part])
    return scores + _prior(boxes)


def _prior(boxes: Float[np.ndarray, "h 4"]) -> Float[np.ndarray, " h"]:
    """Rooms are 2.2 to 3.5 m high for a lens at 1.5 m; sides that nobody sees cost nothing."""
    seen = boxes[:, 3] < FAR
    return np.where(seen, -0.05 * ((np.log(boxes[:, 3]) - np.log(0.75)) / 0.35) ** 2, 0.0)


def _corners(boxes: Float[np.ndarray, "h 4"]) -> Float[np.ndarray, "h 2 2 2 3"]:
    """Corners of each box by (x, y, z) choice, room axes."""
    count = len(boxes)
    corners = np.zeros((count, 2, 2, 2, 3))
    corners[..., 0] = np.stack([-boxes[:, 1], boxes[:, 2]], axis=1)[:, :, None, None]
    corners[..., 1] = np.stack([-np.ones(count), boxes[:, 3]], axis=1)[:, None, :, None]
    corners[..., 2] = np.stack([-boxes[:, 0], np.full(count, FRONT)], axis=1)[:, None, None, :]
    return corners


def edge_points(
    evidence: Evidence, boxes: Float[np.ndarray, "h 4"]
) -> tuple[Float[np.ndarray, "h 8 s 2"], Float[np.ndarray, "h 8"]]:
    """Points spread evenly over the part of each box edge inside the picture, and that part's length in pixels."""
    corners = _corners(boxes) @ evidence.camera_from_room.T
    ends = np.stack([np.stack([corners[:, *a], corners[:, *b]], axis=1) for _, a, b in _EDGES], axis=1)
    near = 0.05
    depth = ends[..., 2]
    # Cut what lies behind the camera: move that end along the edge to the near plane.
    move = np.clip(
        (near - depth) / np.where(np.abs(depth[..., ::-1] - depth) < 1e-9, 1e-9, depth[..., ::-1] - depth), 0, 1
    )
    ends = ends + np.where(depth < near, move, 0.0)[..., None] * (ends[:, :, ::-1] - ends)
    pixels = project(evidence.intrinsics, np.where(ends[..., 2:] < near * 0.99, np.nan, ends))
    start, along = pixels[:, :, 0], pixels[:, :, 1] - pixels[:, :, 0]
    height, width = evidence.clear.shape
    enter, leave = _clip(start, along, np.array([width, height], float))
    inside = leave > enter
    length = np.where(inside, (leave - enter) * np.linalg.norm(along, axis=-1), 0.0)
    steps = (np.arange(SAMPLES) + 0.5) / SAMPLES
    fractions = enter[..., None] + (leave - enter)[..., None] * steps
    points = start[:, :, None] + fractions[..., None] * along[:, :, None]
    return np.where(inside[..., None, None], points, 0.0), length


def _clip(
    start: Float[np.ndarray, "h e 2"], along: Float[np.ndarray, "h e 2"], size: Float[np.ndarray, " 2"]
) -> tuple[Float[np.ndarray, "h e"], Float[np.ndarray, "h e"]]:
    """Fractions at which each segment enters and leaves the picture (Liang and Barsky 1984); NaN gives none."""
    safe = np.where(np.abs(along) < 1e-9, 1e-9, along)
    first, second = (0.0 - start) / safe, (size - 1e-6 - start) / safe
    enter = np.maximum(np.minimum(first, second).max(axis=-1), 0.0)
    leave = np.minimum(np.maximum(first, second).min(axis=-1), 1.0)
    missing = np.isnan(enter) | np.isnan(leave)
    return np.where(missing, 1.0, enter), np.where(missing, 0.0, leave)


def edge_support(
    evidence: Evidence, boxes: Float[np.ndarray, "h 4"], sigma_px: float
) -> tuple[Float[np.ndarray, "h 8"], Float[np.ndarray, "h 8"]]:
    """Visible length of each box edge that lies on a segment of its direction, and that which does not.

    In picture widths; what objects hide is in neither.
    """
    points, length = edge_points(evidence, boxes)
    columns, rows = points[..., 0].astype(int), points[..., 1].astype(int)
    axis = np.array([edge[0] for edge in _EDGES])[:, None]
    near = np.exp(-0.5 * (evidence.distance[axis, rows, columns] / sigma_px) ** 2)
    clear = evidence.clear[rows, columns]
    unit = length / evidence.clear.shape[1] / SAMPLES
    return (near * clear).sum(axis=-1) * unit, ((1.0 - near) * clear).sum(axis=-1) * unit


def side_labels(rays: Float[np.ndarray, "p 3"], boxes: Float[np.ndarray, "h 4"]) -> Integer[np.ndarray, "h p"]:
    """Side (0 floor, 1 top, 2 back, 3 left, 4 right) of each box that each ray meets."""
    x, y, z = rays.T
    back, left, right, top = (boxes[:, k : k + 1] for k in range(4))
    upward = np.where(y < 0, 1.0 / np.minimum(y, -1e-9), 0.0) + np.where(y > 0, 1.0, 0.0) * top / np.maximum(y, 1e-9)
    side = np.where(x < 0, left, right) / np.maximum(np.abs(x), 1e-9)
    height = np.abs(upward)
    depth = np.where(z < -1e-9, back / np.maximum(-z, 1e-9), np.inf)
    lateral = np.where(x < 0, 3, 4)
    vertical = np.where(y < 0, 0, 1)
    return np.where(depth <= np.minimum(side, height), 2, np.where(side < height, lateral, vertical))


def line_conflict(evidence: Evidence, boxes: Float[np.ndarray, "h 4"]) -> Float[np.ndarray, " h"]:
    """Length of segments, in picture widths, that lie on sides square to their own direction.

    Source: Lee, Hebert and Kanade 2009 (orientation maps).
    """
    square_to = np.array([1, 1, 2, 0, 0])[side_labels(evidence.line_points.reshape(-1, 3), boxes)]
    wrong = (square_to.reshape(len(boxes), *evidence.line_points.shape[:2]) == evidence.axes[:, None]).mean(axis=2)
    return wrong @ evidence.weights


def colour_gain(evidence: Evidence, boxes: Float[np.ndarray, "h 4"]) -> Float[np.ndarray, " h"]:
    """Mutual information of side and colour class over the entropy of the colour classes, 0..1."""
    cells = len(evidence.grid_rays)
    if cells == 0:
        return np.zeros(len(boxes))
    labels = side_labels(evidence.grid_rays, boxes)[:, None] == np.arange(5)[:, None]
    joint = labels.astype(np.float32) @ evidence.grid_colours.astype(np.float32) / cells
    sides, colours = joint.sum(axis=2, keepdims=True), joint.sum(axis=1, keepdims=True)
    ratio = np.where(joint > 0, joint / np.maximum(sides * colours, 1e-12), 1.0)
    entropy = -(colours * np.log(np.maximum(colours, 1e-12))).sum(axis=(1, 2))
    return (joint * np.log(ratio)).sum(axis=(1, 2)) / np.maximum(entropy, 1e-6)


def _outside(evidence: Evidence, boxes: Float[np.ndarray, "h 4"]) -> Float[np.ndarray, " h"]:
    """Share of objects that would stand outside, each counted by how far (full at a third of a camera height)."""
    if len(evidence.contacts) == 0:
        return np.zeros(len(boxes))
    x, z = evidence.contacts[:, 0], evidence.contacts[:, 1]
    beyond = np.stack([-z - boxes[:, 0:1], -x - boxes[:, 1:2], x - boxes[:, 2:3]]).max(axis=0)
    return np.clip(beyond / 0.33, 0.0, 1.0).mean(axis=1)


def refine_boxes(
    evidence: Evidence, boxes: Float[np.ndarray, "h 4"], weights: BoxWeights, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " 4"], float]:
    """Climb from each box by ever smaller random steps; the best box and its score."""
    for sigma_px, spread in ((3.0, 0.08), (3.0, 0.04), (2.0, 0.02), (2.0, 0.01), (1.5, 0.005), (1.5, 0.0025)):
        steps = rng.normal(0.0, spread, (len(boxes), 60, 4)) * (rng.random((len(boxes), 60, 4)) < 0.5)
        steps[:, 0] = 0.0
        tries = clip_boxes((boxes[:, None] * np.exp(steps)).reshape(-1, 4))
        tries = np.where(np.repeat(boxes, 60, axis=0) >= FAR, FAR, tries)
        scores = score_boxes(evidence, tries, weights, sigma_px).reshape(len(boxes), 60)
        boxes = tries.reshape(len(boxes), 60, 4)[np.arange(len(boxes)), scores.argmax(axis=1)]
    scores = score_boxes(evidence, boxes, weights, 1.5)
    return boxes[scores.argmax()], float(scores.max())
