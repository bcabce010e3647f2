"""Cabinets, shelves and pictures by their fronts: the most convincing rectangles that stand parallel to a wall."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float

from models.segmentation.fronts import Fronts, find_fronts, standing_distance
from models.segmentation.leftovers import SMALLEST, Find
from models.segmentation.straight import FACING, View, straighten
from models.segmentation.surfaces import Backdrop
from regen3d.room.solve import SolvedRoom
from regen3d.types import Face, Mask, Rgb

# fmt: off
WEIGHTS = np.array([8.85, 0.33, 1.54, 0.76, 1.01, 2.49, 0.03, 1.02])
"""What firmness, the four contrasts (least first), unity, log of the area (at distance 1) and strangeness count:
logistic regression on the 250,000 rectangles of five rendered rooms, a good one being the front of an object. With the
weights of four rooms the fifth room's fronts are found as well."""
# fmt: on
BIAS = -10.33
"""Log odds at zero."""
CONVINCING = 1.5
"""Least log odds of a front. Once parts of known things are left out, false ones come to 1.3 over five rendered rooms,
true ones to 1.7 and more."""
TRIED = 600
"""Fronts of each view that are considered."""
SHARED = 0.3
"""Part of a front that another one, or a known thing, may cover."""
LIKE_ROOM = 0.04
"""What is less strange than this is a bare piece of wall or floor between things."""
BARE = 0.3
"""The same for what is enclosed by known things over more than ENCLOSED of its outline."""
ENCLOSED = 0.4
"""See BARE: a gap between things has all its edges from them."""
OPEN = 0.25
"""Part by which rim and rest of a front differ, from which on it has open shelves."""
FRAMED = 0.15
"""The same from which on a front on a wall is a picture: wall cupboards come to 0.08, pictures to 0.2 and more."""
PICTURE_ABOVE, PICTURE_HIGH = 0.4, 0.9
"""Pictures begin so far above the floor and are at most so high, camera heights."""
LARGER = 2.0
"""By how much less convincing a larger front round open shelves may be than one of their compartments."""
RIM = 0.2
"""Greatest width of a picture's frame, as part of the shorter side within."""
HALVES = 1.5
"""By how much less convincing than a front both its halves may be so that it is taken for two, side by side."""
MEETING = 0.01
"""Distance, as part of the picture's longer side, at which the edges of two fronts at a corner are one."""
DEPTHS = np.linspace(0.0, 0.6, 13)
"""Depths of furniture in camera heights, up to 0.9 m."""
SOLID = 0.35
"""Strangeness from which on a pixel beside a front speaks for a side of the same thing."""
DOOR = 0.25
"""Height above the floor, camera heights, below which what lies in the wall is a door or bare wall."""
NEAR_WALL = 0.85
"""Part of the wall's distance from which on a front may lie in it: walls are known to a tenth or so."""
TALL = 0.6
"""Height in camera heights, 0.9 m, from which on open shelves are a bookshelf."""
NMS_SIDE = 240
"""Longest side at which masks of fronts are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Front:
    """One rectangle of a view."""

    view: View
    wall: float
    box: Float[np.ndarray, " 4"]
    odds: float
    frame: float

    @property
    def area(self) -> float:
        """Pixels of the view."""
        return float((self.box[2:] - self.box[:2]).prod())

    @property
    def distance(self) -> float:
        """Of its plane, camera heights: where its lower side meets the floor, or at the wall."""
        below = self.view.origin[1] - self.box[3] / self.view.zoom
        return min(float(standing_distance(np.array([below]))[0]), self.wall)

    @property
    def stands(self) -> bool:
        """Whether it stands on the floor clear of the wall; what does not hangs or lies flat on the wall."""
        below = self.view.origin[1] - self.box[3] / self.view.zoom
        return float(standing_distance(np.array([below]))[0]) < 0.97 * self.wall

    @property
    def is_door(self) -> bool:
        """Whether it lies at the wall, or nearly, and reaches down to the floor, or nearly."""
        below = self.view.origin[1] - self.box[3] / self.view.zoom
        return bool(self.distance > NEAR_WALL * self.wall and 1.0 + below * self.distance < DOOR)

    def corners(self, depth: float = 0.0) -> Float[np.ndarray, "4 2"]:
        """Its corners in the picture, or those of the same rectangle further back by a depth in camera heights."""
        x0, y0, x1, y1 = self.box
        points = self.view.rays(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])) * self.distance
        return self.view.project(points + np.array([0.0, 0.0, depth]))

    def mask(self, hw: tuple[int, int], depth: float = 0.0, scale: float = 1.0) -> Mask:
        """The pixels of a block so deep behind it, in the picture at a scale."""
        points = np.concatenate([self.corners(), self.corners(depth)]) * scale
        hull = cv2.convexHull(np.round(points * 16).astype(np.int32))
        return cv2.fillConvexPoly(np.zeros(hw, np.uint8), hull, 1, cv2.LINE_8, 4) > 0


def find_furniture(image: Rgb, room: SolvedRoom, backdrop: Backdrop, known: Mask) -> list[Find]:
    """Fronts that convince, most convincing first, each with the block behind it.

    Args:
        image: the picture.
        room: its camera and room box.
        backdrop: the room behind it.
        known: pixels of what was found already.
    """
    pool = [front for face in FACING for front in _view_fronts(image, room, backdrop, face)]
    pool.sort(key=lambda front: -front.odds)
    scale = NMS_SIDE / max(image.shape[:2])
    hw = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    taken = cv2.resize(known.astype(np.float32), hw[::-1], interpolation=cv2.INTER_AREA) > 0.5
    odd = cv2.resize(backdrop.strange, hw[::-1], interpolation=cv2.INTER_AREA)
    least = SMALLEST * image.shape[0] * image.shape[1]
    chosen: list[_Front] = []
    for front in pool:
        if front.odds < CONVINCING:
            break
        large = cv2.contourArea(front.corners().astype(np.float32)) >= least
        if not (large and _is_free(front.mask(hw, scale=scale), taken, odd, BARE if front.is_door else LIKE_ROOM)):
            continue
        for part in _parts(_whole(front, pool), pool):
            chosen.append(part)
            taken = taken | part.mask(hw, scale=scale)
    groups = _at_corners(chosen, MEETING * max(image.shape[:2]))
    return [_find(group, image.shape[:2], odd, taken, scale) for group in groups]


def _is_free(mask: Mask, taken: Mask, odd: Float[np.ndarray, "h w"], least: float) -> bool:
    """Whether a front is neither a part of a known thing nor a gap between known things nor less strange than asked."""
    if not mask.any() or (mask & taken).sum() > SHARED * mask.sum():
        return False
    ring = (cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~mask
    enclosed = ring.any() and (ring & taken).sum() > ENCLOSED * ring.sum()
    return bool(odd[mask].mean() > (BARE if enclosed else least))


def _find(group: list[_Front], hw: tuple[int, int], odd: Float[np.ndarray, "h w"], taken: Mask, scale: float) -> Find:
    """The block behind a front, or behind two that meet at a corner."""
    main = max(group, key=lambda front: front.area)
    small = np.any([front.mask(odd.shape, scale=scale) for front in group], axis=0)
    depth = _depth(main, odd, taken & ~small, scale) if len(group) == 1 else 0.0
    mask = np.any([front.mask(hw, depth) for front in group], axis=0)
    label = _label(main) if len(group) == 1 else _label(main).replace("picture", "cabinet")
    return Find(label=label, score=float(1.0 / (1.0 + np.exp(-main.odds))), mask=mask)


def _view_fronts(image: Rgb, room: SolvedRoom, backdrop: Backdrop, face: Face) -> list[_Front]:
    """The most convincing rectangles of the view of one wall."""
    view = straighten(image, room, face)
    if view is None:
        return []
    wall = _wall_distance(room, face)
    fronts = find_fronts(view, wall, backdrop.colours)
    odds = _odds(fronts, view, backdrop)
    best = np.argsort(-odds, kind="stable")[:TRIED]
    return [
        _Front(view=view, wall=wall, box=fronts.boxes[k], odds=float(odds[k]), frame=float(fronts.frame[k]))
        for k in best
    ]


def _wall_distance(room: SolvedRoom, face: Face) -> float:
    """Distance of a wall from the camera in camera heights."""
    low, high = room.layout.bounds_min, room.layout.bounds_max
    distance = {"wall_back": -low[2], "wall_left": -low[0], "wall_right": high[0]}[face]
    return max(float(distance / room.camera.position[1]), 0.1)


def _odds(fronts: Fronts, view: View, backdrop: Backdrop) -> Float[np.ndarray, " n"]:
    """Log odds that each rectangle is the front of an object."""
    if len(fronts.boxes) == 0:
        return np.zeros(0)
    contrast = np.sort(np.nan_to_num(fronts.contrast, nan=0.5), axis=1)
    strange = view.warp(backdrop.strange) * view.valid
    sums, seen = (
        np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1) for values in (strange, view.valid.astype(float))
    )
    x0, y0, x1, y1 = fronts.boxes.astype(int).T
    mass, shown = (s[y1, x1] - s[y0, x1] - s[y1, x0] + s[y0, x0] for s in (sums, seen))
    size = np.log(np.maximum(shown, 1.0) / view.zoom**2)
    features = [fronts.firmness, *contrast.T, fronts.unity, size, mass / np.maximum(shown, 1.0)]
    return np.nan_to_num(np.stack(features, axis=1)) @ WEIGHTS + BIAS


def _whole(front: _Front, pool: list[_Front]) -> _Front:
    """The front round open shelves of which a front may be a compartment, or the frame round it on a wall."""
    for other in pool:
        rim = (front.box - other.box) * [1.0, 1.0, -1.0, -1.0]
        framed = (rim >= 3).all() and (rim <= RIM * (front.box[2:] - front.box[:2]).min()).all()
        if framed and not front.stands and other.view is front.view and other.odds > front.odds - LARGER:
            return replace(other, frame=1.0)
    if front.frame < OPEN:
        return front
    best = front
    for other in pool:
        gaps = np.abs(other.box - front.box)
        holds = (other.box[:2] <= front.box[:2] + 3).all() and (other.box[2:] >= front.box[2:] - 3).all()
        if other.view is front.view and other.odds > front.odds - LARGER and holds and (gaps < 4).sum() >= 2:
            best = max(best, other, key=lambda item: item.odds + np.log(item.area))
    return best


def _parts(front: _Front, pool: list[_Front]) -> list[_Front]:
    """A closed front, or the two beside one another that it consists of, if those convince as well."""
    if front.frame >= OPEN:
        return [front]
    alike = [item for item in pool if item.view is front.view and item.odds > front.odds - HALVES]
    for left in alike:
        if (np.abs(left.box - front.box)[[0, 1, 3]] > 4).any() or left.box[2] > front.box[2] - 20:
            continue
        for right in alike:
            meets = abs(right.box[0] - left.box[2]) < 8
            if meets and (np.abs(right.box - front.box)[[1, 2, 3]] <= 4).all():
                return [left, right]
    return [front]


def _at_corners(fronts: list[_Front], near: float) -> list[list[_Front]]:
    """Fronts, those together that face different walls and share an upright edge."""
    groups: list[list[_Front]] = []
    for front in fronts:
        for group in groups:
            other = group[0]
            if len(group) == 1 and other.view is not front.view and _share_edge(front, other, near):
                group.append(front)
                break
        else:
            groups.append([front])
    return groups


def _share_edge(one: _Front, other: _Front, near: float) -> bool:
    """Whether the right edge of one front is the left edge of the other in the picture."""
    a, b = one.corners(), other.corners()
    pairs = ((a[[1, 2]], b[[0, 3]]), (a[[0, 3]], b[[1, 2]]))
    return any(bool((np.linalg.norm(p - q, axis=1) < near).all()) for p, q in pairs)


def _depth(front: _Front, strange: Float[np.ndarray, "h w"], others: Mask, scale: float) -> float:
    """Depth of the block that has the most strange and the fewest ordinary pixels beside its front."""
    if not front.stands:
        return 0.0
    base = front.mask(strange.shape, scale=scale)
    gains = []
    for depth in DEPTHS:
        beside = front.mask(strange.shape, float(depth), scale) & ~base
        gains.append(float((strange[beside] - SOLID).sum() - (beside & others).sum()))
    return float(DEPTHS[int(np.argmax(gains))])


def _label(front: _Front) -> str:
    """What a front is: on the wall a picture when it has a frame, else storage, open or closed."""
    below = front.view.origin[1] - front.box[3] / front.view.zoom
    high = (front.box[3] - front.box[1]) / front.view.zoom * front.distance
    above = 1.0 + below * front.distance
    if not front.stands and front.frame >= FRAMED and above > PICTURE_ABOVE and high < PICTURE_HIGH:
        return "picture"
    return "bookshelf" if front.frame >= OPEN and high > TALL else "cabinet"
