"""Things that no detector knows: connected parts of the picture that look unlike the room and have an outline.

A shadow or a mistaken wall looks strange, too, but has no edge all round.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from models.segmentation.grabcut import edge_strength, keep_large_components, outline_of
from models.segmentation.surfaces import Backdrop
from regen3d.room.box import FACES
from regen3d.types import Mask, Rgb

STRANGE = 0.5
"""A thing looks at least so unlike its room."""
GAP = 0.004
"""Gaps and necks of a thing up to this part of the picture's longer side are closed, and cut."""
SMALLEST = 0.003
"""Least part of the picture of a thing, or of a front: below are rests of known things and patches of light or wall."""
THICKEST = 0.012
"""Radius of the largest circle in a thing, at least, as part of the longer side: skirting boards are thinner. Where a
thing is narrower between two wider parts, it is cut."""
BRANCH = 2.0
"""How far, in such radii, a thing reaches from its thick parts: a thin strip that goes on from it is the side of
something else."""
SHARPEST = 0.78
"""Mean strength of the edge along a thing's own outline, at least: over five rendered rooms eight of nine things come
to 0.8 and more, shadows and mistaken walls to 0.2 to 0.76."""
OWN = 0.5
"""Part of its outline, at least, that does not run along a known thing."""
FREE = 0.9
"""The same for pictures: what stands on a thing before the wall touches it."""
WHOLE = 0.85
"""Part of its convex hull that a flat thing covers: pictures are rectangles."""
BRIGHT = 88.0
"""Lightness (0..100) from which on a rectangle in a wall is a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """A thing that was found by holding the picture against its room."""

    label: str
    """What it is, as far as its place and shape tell."""
    score: float
    """Confidence in 0..1."""
    mask: Mask
    """Visible pixels."""


def find_leftovers(image: Rgb, backdrop: Backdrop, known: Mask) -> list[Find]:
    """The things that look unlike the room and are not known, largest first.

    Args:
        image: the picture.
        backdrop: the room behind it.
        known: pixels of what was found already.
    """
    radius = max(1, round(GAP * max(image.shape[:2])))
    apart = cv2.dilate(known.astype(np.uint8), _disc(radius)) > 0
    odd = ((backdrop.strange > STRANGE) & ~apart).astype(np.uint8)
    odd = cv2.morphologyEx(cv2.morphologyEx(odd, cv2.MORPH_CLOSE, _disc(radius)), cv2.MORPH_OPEN, _disc(radius))
    odd = _filled(odd > 0) & ~known
    edges = cv2.dilate(edge_strength(image), _disc(2))
    beside = cv2.dilate(known.astype(np.uint8), _disc(radius + 2)) > 0
    lightness = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0] / 2.55
    finds = []
    for mask in _apart(odd, THICKEST * max(odd.shape)):
        outline = outline_of(mask)
        own = outline & ~beside
        if own.sum() < max(1.0, OWN * outline.sum()) or edges[own].mean() < SHARPEST:
            continue
        label = _label(mask, backdrop) if own.sum() > FREE * outline.sum() else "object"
        if label != "picture" or np.median(lightness[mask]) < BRIGHT:
            score = float(edges[own].mean() * backdrop.strange[mask].mean())
            finds.append(Find(label=label, score=score, mask=mask))
    return finds


def _apart(odd: Mask, radius: float) -> list[Mask]:
    """The connected parts of a mask that are large and thick enough, cut at their necks, largest first."""
    depth = cv2.distanceTransform(np.pad(odd, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    _, cores = cv2.connectedComponents((depth > radius).astype(np.uint8))
    _, parts = cv2.connectedComponents(odd.astype(np.uint8), connectivity=4)
    if not cores.any():
        return []
    # Every pixel goes to the nearest core, which has to be a core of its own part.
    distance, nearest = cv2.distanceTransformWithLabels(
        (cores == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_CCOMP
    )
    masks = []
    for core in range(1, int(cores.max()) + 1):
        place = cores == core
        own = (parts == parts[place][0]) & (nearest == nearest[place][0]) & (distance < BRANCH * radius)
        mask = keep_large_components(own)
        if mask.sum() >= SMALLEST * mask.size:
            masks.append(np.asarray(mask))
    return sorted(masks, key=lambda mask: -int(mask.sum()))


def _label(mask: Mask, backdrop: Backdrop) -> str:
    """A full rectangle within the walls is a picture."""
    on_wall = ~np.isin(backdrop.side[mask], [FACES.index("floor"), FACES.index("ceiling")])
    hull = cv2.convexHull(np.argwhere(mask).astype(np.int32))
    full = mask.sum() > WHOLE * max(float(cv2.contourArea(hull)), 1.0)
    quad = float(cv2.contourArea(hull)) > WHOLE * _area_of_quadrilateral(hull)
    return "picture" if on_wall.all() and full and quad else "object"


def _area_of_quadrilateral(hull: np.ndarray) -> float:
    """Area of the least upright or turned rectangle round a convex hull."""
    return float(np.prod(cv2.minAreaRect(hull.astype(np.float32))[1]))


def _filled(mask: Mask) -> Bool[np.ndarray, "h w"]:
    """A mask without holes."""
    padded = np.pad(mask, 1).astype(np.uint8)
    cv2.floodFill(padded, np.zeros((padded.shape[0] + 2, padded.shape[1] + 2), np.uint8), (0, 0), 2)
    return (padded != 2)[1:-1, 1:-1]


def _disc(radius: int) -> UInt8[np.ndarray, "k k"]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
