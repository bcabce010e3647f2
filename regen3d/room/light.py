"""Light on a straightened surface, and the shadows round objects."""

import cv2
import numpy as np
from jaxtyping import Float
from scipy.ndimage import median_filter

from regen3d.types import Mask

WORK_PX = 256
"""Longer side at which smooth fields are computed."""
SHADOW_REACH = 0.1
"""Contact shadows end within this share of the surface's longer side from the object."""
SHADOW_DARK = 0.9
"""A surface darker than this share of its usual brightness, next to an object, may lie in its shadow."""


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


def slow_light(texture: Float[np.ndarray, "h w 3"], usual: Mask, hole: Mask) -> np.ndarray:
    """Light "h w 3" on the surface as it is away from objects, at least 1 of 255.

    Args:
        texture: colours 0..255.
        usual: texels whose colour speaks for the surface.
        hole: texels that an object hides; its shadow falls near them.
    """
    # Texels near an object still count a little, for surfaces that show nothing else.
    weight = usual * np.clip(distance_from(hole) / SHADOW_REACH, 0.02, 1.0) ** 2
    return np.maximum(spread(texture, weight, 0.08), 1.0)


def mottle(pattern: np.ndarray, usual: Mask) -> np.ndarray:
    """Uneven tone "h w 3" of a surface that has no large pattern; 1 on one that has.

    Plaster and carpet vary softly: that variation is continued like light. Tiles of the same size are left alone.
    """
    fine = np.clip(spread(pattern, usual, 0.03), 0.2, 5.0)
    contrast = float(np.std(np.log(fine.mean(axis=2)[usual])))
    # Painted walls have a contrast of 0.02 to 0.05, parquet of 0.1, a chequered floor of 0.4.
    return fine ** np.exp(-((contrast / 0.12) ** 2))


def shadow_texels(pattern: np.ndarray, known: Mask, hole: Mask) -> Mask:
    """Known texels that lie in the contact shadow of a hole.

    A shadow is a dark patch that touches the hole's surroundings and ends there; a dark patch that goes on beyond
    (a rug, a doormat) is none.

    Args:
        pattern: texture over slow light, "h w 3", about 1 on an even surface.
        known: texels that the picture shows.
        hole: texels that an object hides.
    """
    near = distance_from(hole) < SHADOW_REACH
    tone = spread(pattern, known, 0.015)
    brightness = tone.mean(axis=2)
    # A rug has a hue of its own; a shadow dims every channel.
    dim = tone.max(axis=2) < 0.95
    # A surface that has such dark parts far from objects, too, wears a pattern: only what is darker still is shadow.
    away = brightness[known & ~near]
    floor = float(np.quantile(away, 0.03)) if away.size else 1.0
    dark = known & dim & (brightness < (SHADOW_DARK if floor > 0.6 else 0.95 * floor))
    count, labels = cv2.connectedComponents(dark.astype(np.uint8))
    total = np.bincount(labels.ravel(), minlength=count)
    inside = np.bincount(labels[near], minlength=count) >= 0.8 * np.maximum(total, 1)
    inside[0] = False
    return inside[labels.astype(np.intp)]


def shaded_texels(pattern: np.ndarray, usual: Mask, hole: Mask) -> Mask:
    """Texels near a hole whose tone is off: half shadow, reflected colour and rests of objects, not to be copied."""
    tone = np.abs(np.log(np.clip(spread(pattern, usual, 0.01), 0.05, 20.0))).max(axis=2)
    near = distance_from(hole) < SHADOW_REACH
    # Tiles and stripes differ among themselves: what is ordinary away from objects is not off.
    away = tone[usual & ~near]
    return near & (tone > max(0.1, float(np.quantile(away, 0.95)) if away.size else 0.0))


def level_trim(pattern: np.ndarray, usual: Mask) -> np.ndarray:
    """Tone "h 1 3" of rows that stand out and are alike along their whole length: skirting boards, rails; else 1."""
    profile, stray = np.zeros((len(pattern), 3)), np.full(len(pattern), np.inf)
    logs = np.log(np.clip(pattern, 0.05, 20.0))
    for row in np.flatnonzero(usual.mean(axis=1) > 0.04):
        values = logs[row, usual[row]]
        profile[row] = np.median(values, axis=0)
        stray[row] = 1.5 * np.median(np.abs(values - profile[row]))
    # A board is narrow: what stays after taking off the middle tone of a quarter of the wall round it.
    tone = profile - median_filter(profile, size=(len(profile) // 4 + 1, 1), mode="constant")
    strength = np.abs(tone).max(axis=1)
    # Taken over whole where the row strays by a third of its tone or less, not at all from a half on; a tone of less
    # than 6 % is no board.
    share = np.clip(3.0 - 6.0 * stray / np.maximum(strength, 1e-6), 0.0, 1.0) * (strength > 0.06)
    return np.exp(share[:, None] * tone)[:, None]
