"""Lays an answered object over the picture, so that its visible part falls on what the picture shows."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

COARSE, FINE = 64, 160
"""Longer side in pixels of the two searches."""
COLOUR_SPREAD = 0.25
"""RGB difference (0..1) that lets a place count e^-0.5: answers are brighter or darker by a tenth as a rule."""
STRAY = 0.05
"""What a factor e of scale costs, so that of equal places the expected one wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the picture knows of the object, in pixels of the panel."""

    visible: Bool[np.ndarray, "h w"]
    """Where it is seen."""
    unknown: Bool[np.ndarray, "h w"]
    """Where it may be hidden: behind nearer objects, and outside the picture."""
    colours: Float[np.ndarray, "h w 3"]
    """The picture, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Pixel p of the answer belongs at `scale * p + (dx, dy)` of the panel as it was asked."""

    scale: float
    """Positive."""
    dx: float
    """Panel pixels."""
    dy: float
    """Panel pixels."""
    score: float
    """Overlap and likeness in colour, 0..1."""


def place(
    alpha: Float[np.ndarray, "h w"], colours: Float[np.ndarray, "h w 3"], target: Target, reach: float
) -> Placement:
    """Scale and shift under which an answer explains the visible part best.

    Args:
        alpha: of the answer, 0..1, of the target's size.
        colours: of the answer, 0..1.
        target: what the picture shows.
        reach: scales from 1 / reach to reach are tried, reach >= 1.
    """
    steps = max(int(np.ceil(np.log(reach) / np.log(1.06))), 1)
    rough = _search(alpha, colours, target, COARSE, np.exp(np.linspace(-1.0, 1.0, 2 * steps + 1) * np.log(reach)))
    return _search(alpha, colours, target, FINE, rough.scale * 1.02 ** np.arange(-2.0, 3.0))


def _search(
    alpha: Float[np.ndarray, "h w"],
    colours: Float[np.ndarray, "h w 3"],
    target: Target,
    side: int,
    scales: Float[np.ndarray, " n"],
) -> Placement:
    shrink = min(side / max(alpha.shape), 1.0)
    hw = max(round(alpha.shape[0] * shrink), 2), max(round(alpha.shape[1] * shrink), 2)
    visible = _shrunk(target.visible.astype(np.float64), hw)
    free = _shrunk((~target.visible & ~target.unknown).astype(np.float64), hw)
    seen = _shrunk(target.colours, hw) * visible[..., None]
    known = np.dstack([visible, free, (seen**2).sum(axis=2) / np.maximum(visible, 1e-6), seen])
    best = Placement(scale=1.0, dx=0.0, dy=0.0, score=-1.0)
    for scale in scales:
        size = max(round(hw[0] * scale), 2), max(round(hw[1] * scale), 2)
        a, c = _shrunk(alpha, size), _shrunk(colours, size)
        score = _scores(known, a, c) - STRAY * abs(np.log(scale))
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, column] > best.score:
            shift = _unwrapped(int(column), hw[1], score.shape[1]), _unwrapped(int(row), hw[0], score.shape[0])
            true = size[1] / hw[1]
            best = Placement(scale=true, dx=shift[0] / shrink, dy=shift[1] / shrink, score=float(score[row, column]))
    return best


def _scores(
    known: Float[np.ndarray, "h w 6"], alpha: Float[np.ndarray, "n m"], colours: Float[np.ndarray, "n m 3"]
) -> Float[np.ndarray, "H W"]:
    """Score of every cyclic shift: IoU outside what is unknown, times likeness in colour; sums by FFT."""
    shape = known.shape[0] + alpha.shape[0], known.shape[1] + alpha.shape[1]
    told = np.fft.rfft2(known, s=shape, axes=(0, 1))
    mine = np.dstack([alpha, alpha * (colours**2).sum(axis=2), alpha[..., None] * colours])
    made = np.conj(np.fft.rfft2(mine, s=shape, axes=(0, 1)))
    products = [
        told[..., 0] * made[..., 0],
        told[..., 1] * made[..., 0],
        told[..., 2] * made[..., 0] + told[..., 0] * made[..., 1] - 2.0 * (told[..., 3:] * made[..., 2:]).sum(axis=2),
    ]
    shared, spilt, error = (np.fft.irfft2(product, s=shape) for product in products)
    iou = shared / (known[..., 0].sum() + np.maximum(spilt, 0.0))
    mean_square = np.maximum(error, 0.0) / np.maximum(3.0 * shared, 1e-3)
    return iou * np.exp(-0.5 * mean_square / COLOUR_SPREAD**2)


def _shrunk(values: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
    way = cv2.INTER_AREA if hw[0] < values.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, hw[::-1], interpolation=way))


def _unwrapped(shift: int, size: int, period: int) -> int:
    """A cyclic shift as one to the left where it lies beyond the target."""
    return shift if shift < size else shift - period
