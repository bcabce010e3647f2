"""The room box that explains a picture: search, the step over the skirting board, and an honest confidence."""

import numpy as np
from jaxtyping import Bool, Float

from regen3d.room.evidence import Evidence
from regen3d.room.search import (
    EDGE_SIDES,
    FAR,
    FRONT,
    BoxWeights,
    colour_gain,
    edge_support,
    line_conflict,
    refine_boxes,
    sample_boxes,
    score_boxes,
    side_labels,
)
from regen3d.types import BELIEVABLE, Face, RoomLayout

STARTS = 4000
"""Random boxes; a quarter as many misplace a wall in one of five rendered rooms, twice as many find no better ones."""
DEPTH = 0.7
"""How far an object reaches beyond the point where it touches the floor, camera heights: 1.05 m for a lens at 1.5 m,
the depth of a table or a sofa."""
_SIDES: tuple[Face, ...] = ("floor", "ceiling", "wall_back", "wall_left", "wall_right")
_PARAMETER: tuple[int, ...] = (3, 0, 1, 2)
"""Parameter of the box behind each of `_SIDES` after the floor."""
_USUAL = np.array([2.5, 0.6, 0.6, 0.67])
"""Where sides stand that the picture does not show, at least: camera heights; the ceiling is then at 2.5 m."""


def find_layout(evidence: Evidence, yaw_rad: float, height_m: float, camera_confidence: float, seed: int) -> RoomLayout:
    """The box that explains the evidence best.

    Args:
        evidence: of `regen3d.room.evidence.gather_evidence`.
        yaw_rad: of the room's axes in the world frame.
        height_m: of the optical centre above the floor, metres; the box scales with it.
        camera_confidence: 0..1; a box is no more believable than its camera.
        seed: for the search.

    Returns:
        The box. A side that no pixel shows is put just out of view and is not in `seen`.
    """
    rng, weights = np.random.default_rng(seed), BoxWeights()
    boxes = sample_boxes(evidence, STARTS, rng)
    order = np.argsort(-score_boxes(evidence, boxes, weights, 4.0))
    box, _ = refine_boxes(evidence, boxes[order[:16]], weights, rng)
    box = _drop_idle_sides(evidence, box, weights)
    box = _step_over_skirting(evidence, box)
    seen = _seen(evidence, box)
    confidence = min(box_confidence(evidence, box), camera_confidence)
    box = _place_unseen(evidence, box)
    if confidence < BELIEVABLE:
        box = _clear_of_objects(evidence, box)
    return RoomLayout(
        yaw_rad=yaw_rad,
        bounds_min=np.array([-box[1], 0.0, -box[0]]) * height_m,
        bounds_max=np.array([box[2], 1.0 + box[3], FRONT]) * height_m,
        seen=seen,
        confidence=confidence,
    )


def _drop_idle_sides(evidence: Evidence, box: Float[np.ndarray, " 4"], weights: BoxWeights) -> Float[np.ndarray, " 4"]:
    """Send a side out of view unless it explains something: each more side explains a little by chance.

    A wall whose line on the floor lies open and shows no edge has to explain more.
    """
    for side in (3, 1, 2):
        edge = EDGE_SIDES.index((side, -1)) if side != 3 else None
        on, off = (0.0, 0.0) if edge is None else (part[0, edge] for part in edge_support(evidence, box[None], 2.0))
        enough = 0.03 + weights.line * max(float(off - on), 0.0)
        without = box.copy()
        without[side] = FAR
        scores = score_boxes(evidence, np.stack([box, without]), weights, 1.5)
        box = without if scores[1] > scores[0] - enough else box
    return box


def _step_over_skirting(evidence: Evidence, box: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 4"]:
    """Bring walls forward from the upper edge of the skirting board to its foot.

    Both edges are straight, parallel and as long as the wall, so the search may hold on to either. Taking a board of
    height s (camera heights) for the floor puts a wall at d / (1 - s): a second line at a common factor 1 - s that has
    most of the first one's support is the foot.
    """
    # Boards are 3 to 15 cm high for a lens at 1.5 m.
    factors = np.arange(0.9, 0.98, 0.0025)
    for sides in ((0, 1, 2, 3), (1,), (2,), (0,)):
        held = [side for side in sides if box[side] < FAR]
        edges = [k for k, pair in enumerate(EDGE_SIDES) if pair[1] == -1 and pair[0] in held]
        if not edges:
            continue
        tries = np.tile(box, (len(factors) + 1, 1))
        tries[1:, held] *= factors[:, None]
        support = edge_support(evidence, tries, 1.5)[0]
        floor = support[:, edges].sum(axis=1)
        best = 1 + int(floor[1:].argmax())
        # A line of its own, not the flank of the first one: nothing lies two per cent to either side.
        beside = floor[[max(best - 8, 1), min(best + 8, len(factors))]].max()
        if floor[best] > max(0.35 * floor[0], 2.5 * beside, 0.03) and support[best].sum() > 0.7 * support[0].sum():
            box = tries[best]
    return box


def _shares(evidence: Evidence, box: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 5"]:
    """Share of the clear cells on each of `_SIDES`."""
    if len(evidence.grid_rays) == 0:
        return np.zeros(5)
    return np.bincount(side_labels(evidence.grid_rays, box[None])[0], minlength=5) / len(evidence.grid_rays)


def _seen(evidence: Evidence, box: Float[np.ndarray, " 4"]) -> frozenset[Face]:
    shares = _shares(evidence, box)
    finite = np.append(True, box[list(_PARAMETER)] < FAR)
    visible: Bool[np.ndarray, " 5"] = (shares > 0.004) & finite
    return frozenset(face for face, shown in zip(_SIDES, visible, strict=True) if shown)


def _place_unseen(evidence: Evidence, box: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 4"]:
    """Put sides that are out of view just beyond what the picture shows, within the size of a dwelling."""
    if box[0] >= FAR:
        box = np.array([_USUAL[0], *box[1:]])
    reach = np.abs(_hits(evidence, box)).max(axis=0)
    limit = np.array([FAR, 4.0, 4.0, 1.5])
    placed = np.clip(np.array([box[0], reach[0], reach[1], reach[2]]) * 1.02, _USUAL, limit)
    return np.where(box >= FAR, placed, box)


def _clear_of_objects(evidence: Evidence, box: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 4"]:
    """Put assumed walls behind all that stands on the floor, and the ceiling above it, so that none cuts an object."""
    if len(evidence.contacts) == 0:
        return box
    x, z = evidence.contacts.T
    beyond = np.array([-z.min(), -x.min(), x.max()]) + DEPTH
    highest = max(float(box[3]), float(_USUAL[3]))
    return np.array([*np.maximum(box[:3], beyond), highest])


def _hits(evidence: Evidence, box: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "p 3"]:
    """How far left, right and up rays over the whole picture get on the back wall and the floor."""
    height, width = evidence.clear.shape
    u, v = np.meshgrid(np.linspace(0, width, 33), np.linspace(0, height, 25))
    pixels = np.stack([u, v, np.ones_like(u)], axis=-1).reshape(-1, 3)
    rays = pixels @ np.linalg.inv(evidence.intrinsics).T @ evidence.camera_from_room
    back = np.where(rays[:, 2] < -1e-6, box[0] / np.maximum(-rays[:, 2], 1e-6), np.inf)
    down = np.where(rays[:, 1] < -1e-6, 1.0 / np.maximum(-rays[:, 1], 1e-6), np.inf)
    steps = np.minimum(back, down)
    ends = np.where(np.isfinite(steps), steps, 0.0)[:, None] * rays
    return np.stack([np.minimum(ends[:, 0], 0), np.maximum(ends[:, 0], 0), np.maximum(ends[:, 1], 0)], axis=1)


def box_confidence(evidence: Evidence, box: Float[np.ndarray, " 4"]) -> float:
    """How far the box can be believed, 0..1, from what its edges and sides explain."""
    on, off = (part.sum() for part in edge_support(evidence, box[None], 2.0))
    along = float(on / max(on + off, 1e-6))
    gain = float(colour_gain(evidence, box[None])[0])
    conflict = float(line_conflict(evidence, box[None])[0] / max(evidence.weights.sum(), 1e-6))
    # A third of the width in found edges is what a corner between two bare walls shows.
    length = float(np.clip(on / 0.3, 0.0, 1.0))
    return float(np.clip(length * (0.5 * along + 1.2 * gain + 0.3 - conflict), 0.0, 1.0))
