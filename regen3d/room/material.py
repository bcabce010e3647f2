"""What a straightened surface is made of: its own material, and what lies on it or hangs there.

Rugs, pictures, shelves, windows and glare are "odd": they must not be copied into holes, nor taken for light.
"""

import cv2
import numpy as np
from jaxtyping import Float

from regen3d.room.light import WORK_PX, distance_from, resized, spread
from regen3d.types import Mask

ALIKE = 12.0
"""A clear difference of colour (CIE Lab, brightness weighted as in `_colour_distance`)."""
BUSY = 3.0
"""Contrast (standard deviation of a channel, 0..100) above twice the usual one that marks a picture."""
CANDIDATES = 8
"""Colours tried as the surface's own."""
CONTRADICTED = 0.1
"""A rug is no rectangle if more of the rectangle round it than this share shows bare floor."""


def odd_texels(texture: Float[np.ndarray, "h w 3"], known: Mask, hole: Mask, wall: bool) -> Mask:
    """Texels whose neighbourhood differs in colour from the material that the surface is made of.

    Args:
        texture: colours 0..255, of any value where not `known`.
        known: texels that the picture shows.
        hole: texels that objects hide; what lies near them says best what they hide.
        wall: whether a narrow strip along the upper or lower edge is a board, rather than a part of what goes on.
    """
    seen = resized(known, WORK_PX) > 0.5
    small, near = resized(texture, WORK_PX), distance_from(resized(hole, WORK_PX) > 0.5) < 0.2
    if not seen.any():
        return np.zeros_like(known)
    # Blown-out texels are a window or a lamp more often than a wall, unless hardly anything else is there.
    dull = seen & (small.min(axis=2) < 220)
    around = next((mask for mask in (seen & near & dull, dull) if mask.sum() >= 0.1 * seen.sum()), seen)
    # A finer look finds the edges of a window; the coarser one keeps a chequered floor from being half odd.
    fine, coarse = (_lab(spread(small, seen, sigma)) for sigma in (0.015, 0.05))
    own = _own_material(coarse, seen & dull if dull.any() else seen)
    # Where most is of one material, its shades count, too: light falls unevenly.
    reference = around if 2 * (own & around).sum() >= around.sum() else own
    fine, coarse = (_distance(colours, np.median(colours[reference], axis=0)) for colours in (fine, coarse))
    # A surface of several colours widens the bound by itself.
    bound = float(np.clip(3.0 * np.median(coarse[around]), ALIKE, 20.0))
    odd = seen & (fine > bound) & (coarse > 0.6 * bound)
    # Skirting boards, pipes and frames are narrow and go on: only what is as wide as a door panel is odd.
    return known & _enlarged(_opened(odd | ~seen, 0.05, (0 if wall else 1, 1)) & odd, known.shape)


def busy_texels(texture: Float[np.ndarray, "h w 3"], known: Mask) -> Mask:
    """Texels in parts with far more contrast than is usual on the surface: pictures, shelves, lamps."""
    seen = resized(known, WORK_PX) > 0.5
    if not seen.any():
        return np.zeros_like(known)
    small = resized(texture, WORK_PX) / 2.55
    variance = spread(small**2, seen, 0.015) - spread(small, seen, 0.015) ** 2
    contrast = np.sqrt(np.maximum(variance, 0.0)).max(axis=2)
    busy = seen & (contrast > 2.0 * np.median(contrast[seen]) + BUSY)
    # A picture has calm parts inside; skirting boards are narrow and go on.
    closed = cv2.morphologyEx(busy.astype(np.uint8), cv2.MORPH_CLOSE, _square(0.08)) > 0
    return known & _enlarged(_opened(closed, 0.1, (0, 0)), known.shape)


def _opened(mask: Mask, width: float, outside: tuple[int, int]) -> Mask:
    """What of a mask is at least so wide, as a share of `WORK_PX`.

    Args:
        mask: on the working grid.
        width: of a square that fits into what stays.
        outside: whether the mask goes on (1) or not (0) beyond the upper and lower, and beyond the other two edges.
    """
    kernel, pad = _square(width), len(_square(width))
    level = np.pad(mask.astype(np.uint8), ((0, 0), (pad, pad)), constant_values=outside[1])
    around = np.pad(level, ((pad, pad), (0, 0)), constant_values=outside[0])
    return cv2.morphologyEx(around, cv2.MORPH_OPEN, kernel)[pad:-pad, pad:-pad] > 0


def _square(width: float) -> np.ndarray:
    side = 2 * round(0.5 * width * WORK_PX) + 1
    return np.ones((side, side), np.uint8)


def _enlarged(mask: np.ndarray, hw: tuple[int, ...]) -> np.ndarray:
    return cv2.resize(mask.astype(np.uint8), (hw[1], hw[0]), interpolation=cv2.INTER_NEAREST) > 0


def _lab(colours: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(colours / 255.0, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)


def _distance(lab: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """CIE Lab distance "h w" to a colour; brightness counts half, darkness a quarter.

    Shade darkens a wall more than anything brightens it, save a window.
    """
    difference = lab - centre
    difference[..., 0] *= np.where(difference[..., 0] > 0, 0.5, 0.25)
    return np.linalg.norm(difference, axis=-1)


def _own_material(lab: np.ndarray, seen: Mask) -> Mask:
    """Seen texels of the material that reaches furthest: a floor surrounds its rug, a wall its pictures."""
    rows, columns = np.nonzero(seen)
    order = np.argsort(lab[seen] @ np.array([0.5, 1.0, 0.7], np.float32), kind="stable")
    picks = order[((np.arange(CANDIDATES) + 0.5) / CANDIDATES * len(order)).astype(int)]
    best, own = -1.0, seen
    for centre in lab[rows[picks], columns[picks]]:
        alike = seen & (_distance(lab, centre) < ALIKE)
        hull = cv2.convexHull(np.argwhere(alike).astype(np.int32))
        # How far it reaches counts as much as how much of it there is.
        score = float(alike.sum()) * max(float(cv2.contourArea(hull)), 1.0)
        if score > best:
            best, own = score, alike
    return own


def odd_share(odd: Mask) -> Float[np.ndarray, "h w"]:
    """Share 0..1 by which texels of a wall have the tone of odd parts that go on where the picture does not show them.

    They are upright rectangles: windows and doors.
    """
    share = np.zeros(odd.shape, np.float32)
    for part in _parts(odd):
        rows, columns = np.nonzero(part)
        # Two per cent of the texels may stick out.
        top, bottom = np.quantile(rows, [0.02, 0.98]).astype(int)
        left, right = np.quantile(columns, [0.02, 0.98]).astype(int)
        share[top : bottom + 1, left : right + 1] = 1.0
    return share


def rugs(odd: Mask, known: Mask, pattern: Float[np.ndarray, "h w 3"]) -> tuple[Mask, Mask]:
    """Odd parts of a floor that are rugs, and all texels that those cover, seen or not.

    Glare brightens every channel of the colour; a rug does not. A rug is a rectangle where nothing seen contradicts it,
    else it covers its convex hull.

    Args:
        odd: texels of odd parts.
        known: texels that the picture shows without shadow.
        pattern: texture over the floor's own light.
    """
    seen, covered = np.zeros_like(odd), np.zeros_like(odd)
    for part in _parts(odd):
        if np.median(pattern[part], axis=0).min() < 1.0:
            seen |= part
            covered |= _rug(part, known & ~odd)
    return seen, covered


def _rug(part: Mask, bare: Mask) -> Mask:
    """The texels that a rug covers of which a part is seen: most lie square to the walls, some askew."""
    hull = cv2.convexHull(np.argwhere(part)[:, ::-1].astype(np.float32))[:, 0]
    (left, top), (right, bottom) = hull.min(axis=0), hull.max(axis=0)
    square = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    shapes = [_polygon(corners, part.shape) for corners in (square, cv2.boxPoints(cv2.minAreaRect(hull)), hull)]
    fits = ((shape & bare).sum() < CONTRADICTED * shape.sum() for shape in shapes)
    return next((shape for shape, fit in zip(shapes, fits, strict=True) if fit), shapes[-1])


def _polygon(corners: np.ndarray, hw: tuple[int, ...]) -> Mask:
    return cv2.fillConvexPoly(np.zeros(hw, np.uint8), np.round(corners).astype(np.int32), 1) > 0


def _parts(mask: Mask) -> list[Mask]:
    """Connected parts that are not tiny."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    sizes = np.bincount(labels.ravel(), minlength=count)
    return [labels == part for part in range(1, count) if sizes[part] >= 0.002 * mask.size]
