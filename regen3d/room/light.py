"""Light on a straightened surface."""

import cv2
import numpy as np
from jaxtyping import Float

from regen3d.types import Mask

WORK_PX = 256
"""Longer side at which smooth fields are computed."""
SHADOW_REACH = 0.1
"""Contact shadows end within this share of the surface's longer side from the object."""
FIT_PX = 96
"""Longer side at which light is fitted."""
TONE = 0.03
"""Blur, as a share of the longer side, of what light is fitted to: grain and small tiles average out."""
ABOVE_FLOOR, ABOVE_WALL = 0.95, 0.8
"""Weight of what is brighter than the light next to objects; what is darker has the rest. Furniture takes light from a
floor all round it and from a wall in few places: over five rendered rooms 0.8 for both leaves floors 13 to 27 of 255
too dark, 0.95 for both makes walls up to 16 too bright in blue."""
STIFF = 0.005
"""What a slope of the light costs, per texel: keeps light even where little of the surface is seen. From 0.003 to 0.01
the light that is found in five rendered rooms gets 0.3 dB worse in the mean."""
ROUNDS = 12
"""Rounds of reweighting."""


def resized(values: np.ndarray, longest: int) -> np.ndarray:
    """The array as float32 with its longer side at most `longest`, area-averaged."""
    height, width = values.shape[:2]
    factor = min(longest / max(height, width), 1.0)
    size = max(round(width * factor), 2), max(round(height * factor), 2)
    return cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def spread(values: np.ndarray, weight: np.ndarray, finest: float) -> np.ndarray:
    """Weighted mean of the surroundings of every texel, continued smoothly to where the weight is zero.

    Normalised Gaussian blurs from coarse to fine: each texel takes the finest one that knows enough of its
    surroundings.

    Args:
        values: "h w" or "h w c", of any value where `weight` is zero.
        weight: "h w", 0..1; not all zero.
        finest: sigma of the finest blur as a share of the longer side; every coarser one is twice as wide.

    Returns:
        float32 of the shape of `values`.
    """
    height, width = weight.shape
    layers = values.reshape(height, width, -1) * weight[..., None]
    small = resized(np.concatenate([layers, weight[..., None]], axis=2), WORK_PX)
    total = small.sum(axis=(0, 1))
    result = np.broadcast_to(total[:-1] / max(float(total[-1]), 1e-6), (*small.shape[:2], layers.shape[2]))
    for sigma in [finest * 2.0**k for k in range(5, -1, -1) if finest * 2.0**k <= 0.5]:
        level = _blur(small, sigma * max(small.shape[:2]))
        mass = level[..., -1:]
        # A level counts fully once a fifth of its window is known.
        trust = np.clip(mass / 0.2, 0.0, 1.0)
        result = trust * level[..., :-1] / np.maximum(mass, 1e-6) + (1.0 - trust) * result
    grown = cv2.resize(result.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return grown.reshape(values.shape)


def _blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur that counts what lies outside as unknown, at a resolution that fits its width."""
    height, width = values.shape[:2]
    step = max(int(sigma / 4), 1)
    size = max(width // step, 2), max(height // step, 2)
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(sigma / step, 0.3), borderType=cv2.BORDER_CONSTANT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def distance_from(mask: Mask) -> np.ndarray:
    """Distance "h w" of every texel to the mask, as a share of the longer side; 1 and more where it is empty."""
    if not mask.any():
        return np.full(mask.shape, 1.0, np.float32)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3) / max(mask.shape)


def slow_light(texture: Float[np.ndarray, "h w 3"], usual: Mask, hole: Mask, wall: bool) -> np.ndarray:
    """Light "h w 3" on the surface as it would be without objects, at least 1 of 255.

    A quadric in the logarithm of each channel. Objects only take light away, further round them than any shadow is
    seen to reach: next to them the light runs along the upper bound of what is seen, away from them through its middle.

    Args:
        texture: colours 0..255.
        usual: texels whose colour speaks for the surface.
        hole: texels that an object hides.
        wall: whether the surface is upright; see `ABOVE_WALL`.
    """
    tone = resized(spread(texture, usual, TONE), FIT_PX)
    seen = resized(usual, FIT_PX)
    near = resized(distance_from(hole), FIT_PX) < SHADOW_REACH
    at = seen > min(0.5, float(seen.max()) / 2)
    basis = _quadric(seen.shape)
    terms, logs, mass = basis[at], np.log(np.maximum(tone[at], 1.0)), seen[at].astype(np.float64)
    above = np.where(near[at], ABOVE_WALL if wall else ABOVE_FLOOR, 0.5)
    calm = STIFF * mass.sum() * np.diag([0.0] + [1.0] * (basis.shape[2] - 1))
    weight, fit = mass, np.zeros((basis.shape[2], 3))
    for _ in range(ROUNDS):
        weighted = terms * weight[:, None]
        fit = np.linalg.solve(terms.T @ weighted + calm, weighted.T @ logs)
        rest = (logs - terms @ fit).mean(axis=1)
        # Huber's weights: 1.5 times the median deviation is the spread of a normal distribution.
        wide = 3.0 * np.median(np.abs(rest)) + 1e-3
        weight = mass * np.where(rest > 0, above, 1.0 - above) * np.minimum(wide / np.maximum(np.abs(rest), 1e-9), 1.0)
    # A quadric runs away where nothing holds it: nowhere is it brighter or darker than somewhere in view.
    seen_logs = terms @ fit
    logs = np.clip(_quadric(usual.shape) @ fit, seen_logs.min(axis=0), seen_logs.max(axis=0))
    return np.clip(np.exp(logs), 1.0, 255.0).astype(np.float32)


def _quadric(hw: tuple[int, ...]) -> Float[np.ndarray, "h w 6"]:
    """Monomials up to the second order over a surface whose longer side runs from -1/2 to 1/2."""
    y, x = ((np.arange(n) + 0.5 - n / 2) / max(hw) for n in hw)
    x, y = np.meshgrid(x, y)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def mottle(pattern: np.ndarray, usual: Mask) -> np.ndarray:
    """Uneven tone "h w 3" of a surface that has no large pattern; 1 on one that has.

    Plaster and carpet vary softly: that variation is continued like light. Tiles of the same size are left alone.
    """
    fine = np.clip(spread(pattern, usual, 0.03), 0.2, 5.0)
    contrast = float(np.std(np.log(fine.mean(axis=2)[usual])))
    # Painted walls have a contrast of 0.02 to 0.05, parquet of 0.1, a chequered floor of 0.4.
    return fine ** np.exp(-((contrast / 0.12) ** 2))
