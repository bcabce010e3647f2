"""Masks mended by clicks and boxes: GrabCut that knows all other objects, or SAM where its weights are here.

A click changes what is connected to it and nothing else, so that one more never undoes what was right before.
"""

from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from models.devices import device_of
from models.registry import SAM
from models.segmentation.grabcut import Target, cut_out, grab
from models.weights import locate
from regen3d.editor.cutting import Cutter, Marks
from regen3d.errors import WeightsMissingError
from regen3d.export.annotate import inmost_point
from regen3d.types import Mask, Rgb

if TYPE_CHECKING:
    from models.segmentation.sam import Sam

WORKING_SIDE = 480
"""Longest side of the crop in which is cut: a click is answered in 0.1 to 0.3 s on one core."""
WINDOW = 0.22
"""Half side of what is looked at round a click, as part of the picture's longer side: most furniture fits twice."""
TOUCH = 0.006
"""Radius of what surely belongs to a click, as part of the picture's longer side."""
LIKE = 9.0
"""Steps of CIE Lab, in OpenCV's 8 bits, over which colour spreads from a click: a shaded cushion, no edge."""
SEED = 0
"""Of GrabCut's colour models: the same clicks give the same mask."""


class GrabCutter:
    """Cuts by the colours of the picture alone; implements `regen3d.editor.cutting.Cutter`."""

    name = "GrabCut"

    def cut(self, marks: Marks) -> Mask:
        """See `Cutter.cut`."""
        found = marks.mask
        if marks.box is not None:
            target = Target(label=marks.label, box=np.array(marks.box, dtype=np.float64))
            found = cut_out(marks.image, [target], SEED)[0].mask & ~marks.others
        if not (marks.on or marks.beside):
            return found
        return _clicked(marks, found)


class SamCutter:
    """Cuts with SAM; implements `regen3d.editor.cutting.Cutter`. Clicks change no more than with `GrabCutter`."""

    name = "SAM"

    def __init__(self, sam: "Sam") -> None:
        """Cut with a loaded model."""
        self._sam = sam

    def cut(self, marks: Marks) -> Mask:
        """See `Cutter.cut`."""
        found = marks.mask
        if marks.box is not None:
            found = self._sam.cut(marks.image, [marks.box], 1)[0] & ~marks.others
        if not (marks.on or marks.beside):
            return found
        hw = (found.shape[0], found.shape[1])
        on, beside = discs(marks.on, hw), discs(marks.beside, hw)
        # What is known of the object is told by a point in its middle, where no click says more.
        middle = () if marks.on or not found.any() else (inmost_point(found),)
        seen = self._sam.cut_at(marks.image, [((*marks.on, *middle), marks.beside)])[0]
        added = _touching((seen & ~found & ~marks.others) | on, on)
        removed = _touching((found & ~seen) | beside, beside)
        return ((found | added) & ~removed) | on & ~beside


def best_cutter() -> Cutter:
    """SAM where its package and weights are here, else GrabCut."""
    try:
        folder = locate(SAM["huge"], "grounded-sam")
        from models.segmentation.sam import Sam
    except (WeightsMissingError, ImportError):
        return GrabCutter()
    return SamCutter(Sam(folder, device_of("auto")))


def discs(points: tuple[tuple[float, float], ...], hw: tuple[int, int]) -> Mask:
    """What surely lies under points: a small disc round each."""
    drawn = np.zeros(hw, np.uint8)
    for x, y in points:
        centre = (min(hw[1] - 1, int(x)), min(hw[0] - 1, int(y)))
        cv2.circle(drawn, centre, max(1, round(TOUCH * max(hw))), 1, -1)
    return drawn > 0


def _clicked(marks: Marks, known: Mask) -> Mask:
    """The mask with what clicks add to it and without what they take away."""
    hw = known.shape
    on, beside = discs(marks.on, hw), discs(marks.beside, hw)
    # Somebody who points at another object's pixel wants it: the others are then in question, too.
    taken = marks.others if not (on & marks.others).any() else np.zeros_like(known)
    x0, y0, x1, y1 = _window(marks, known)
    part = np.s_[y0:y1, x0:x1]
    cut = _cut(marks.image[part], _trimap(marks.image[part], known[part], taken[part], on[part], beside[part]))
    found = np.zeros_like(known)
    found[part] = cut
    added = _touching((found & ~known) | on, on)
    removed = _touching((known & ~found) | beside, beside)
    return ((known | added) & ~removed & ~taken) | on & ~beside


def _window(marks: Marks, known: Mask) -> tuple[int, int, int, int]:
    """What is looked at: the object so far, and the surroundings of every click; (x0, y0, x1, y1), end exclusive."""
    height, width = known.shape
    reach = WINDOW * max(height, width)
    points = np.array([*marks.on, *marks.beside], dtype=np.float64)
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    if known.any():
        rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
        margin = 0.25 * reach
        low = np.minimum(low, [columns[0] - margin, rows[0] - margin])
        high = np.maximum(high, [columns[-1] + 1 + margin, rows[-1] + 1 + margin])
    x0, y0 = np.clip(low, 0, [width - 1, height - 1]).astype(int).tolist()
    x1, y1 = np.clip(high, [x0 + 1, y0 + 1], [width, height]).astype(int).tolist()
    return x0, y0, x1, y1


def _trimap(image: Rgb, known: Mask, taken: Mask, on: Mask, beside: Mask) -> UInt8[np.ndarray, "h w"]:
    """Where the object surely is and is not, and where the colours round clicks say so."""
    trimap = np.full(known.shape, cv2.GC_PR_BGD, np.uint8)
    trimap[known] = cv2.GC_PR_FGD
    trimap[_spread(image, on)] = cv2.GC_PR_FGD
    trimap[_spread(image, beside)] = cv2.GC_PR_BGD
    inner = cv2.erode(known.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    if not beside.any():
        trimap[inner] = cv2.GC_FGD
    border = np.ones_like(known)
    border[2:-2, 2:-2] = False
    trimap[border & ~known] = cv2.GC_BGD
    trimap[taken | beside] = cv2.GC_BGD
    trimap[on] = cv2.GC_FGD
    return trimap


def _spread(image: Rgb, seeds: Mask) -> Mask:
    """Pixels that are connected to seeds and coloured like them."""
    lab = cv2.cvtColor(cv2.GaussianBlur(np.ascontiguousarray(image), (5, 5), 0), cv2.COLOR_RGB2Lab)
    _, _, _, centres = cv2.connectedComponentsWithStats(seeds.astype(np.uint8))
    filled = np.zeros((image.shape[0] + 2, image.shape[1] + 2), np.uint8)
    flags = 8 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    for x, y in centres[1:].astype(int).tolist():
        cv2.floodFill(lab, filled, (x, y), 0, (2 * LIKE, LIKE, LIKE), (2 * LIKE, LIKE, LIKE), flags)
    return filled[1:-1, 1:-1] > 0


def _cut(image: Rgb, trimap: UInt8[np.ndarray, "h w"]) -> Mask:
    """GrabCut at the working size."""
    height, width = trimap.shape
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    marked = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
    cut = grab(small, marked, SEED)
    soft: Float[np.ndarray, "h w"] = cv2.resize(cut.astype(np.float32), (width, height))
    return soft > 0.5


def _touching(mask: Mask, seeds: Mask) -> Mask:
    """The parts of a mask that hold a seed."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8))
    numbers = np.unique(np.asarray(parts)[seeds & mask])
    return np.isin(parts, numbers[numbers > 0])
