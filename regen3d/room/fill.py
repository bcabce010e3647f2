"""Fill the unknown part of a straightened surface: slow light and repeating pattern apart."""

import cv2
import numpy as np
from jaxtyping import Float

from regen3d.types import Mask


def fill_surface(texture: Float[np.ndarray, "h w 3"], known: Mask) -> Float[np.ndarray, "h w 3"]:
    """The texture with its unknown texels invented; known texels are kept.

    Args:
        texture: colours 0..255, of any value where not `known`.
        known: texels that the picture shows; at least one.
    """
    if known.all():
        return texture
    light = spread_light(texture, known)
    pattern = np.where(known[..., None], texture / light, 1.0)
    filled = fill_pattern(pattern, known)
    return np.where(known[..., None], texture, np.clip(filled * light, 0.0, 255.0))


def spread_light(texture: Float[np.ndarray, "h w 3"], known: Mask) -> Float[np.ndarray, "h w 3"]:
    """Slow variation of the colours, continued smoothly over unknown texels; at least 1.

    Normalised Gaussian blurs from fine to coarse: each texel takes the finest one that knows enough of its
    surroundings.
    """
    longest = max(known.shape)
    weight = known.astype(np.float32)
    values = (texture * known[..., None]).astype(np.float32)
    light = np.broadcast_to(texture[known].mean(axis=0).astype(np.float32), texture.shape)
    for sigma in longest * np.array([0.4, 0.2, 0.1, 0.05]):
        mass = _blur(weight, sigma)
        level = _blur(values, sigma) / np.maximum(mass, 1e-6)[..., None]
        # A level counts once a fifth of its window is known.
        trust = np.clip(mass / 0.2, 0.0, 1.0)[..., None]
        light = trust * level + (1.0 - trust) * light
    return np.maximum(light, 1.0).astype(np.float64)


def _blur(values: Float[np.ndarray, "h w *c"], sigma: float) -> Float[np.ndarray, "h w *c"]:
    """Gaussian blur that counts what lies outside as unknown, at a resolution that fits the width."""
    step = max(int(sigma / 4), 1)
    height, width = values.shape[:2]
    size = max(width // step, 2), max(height // step, 2)
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_CONSTANT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def fill_pattern(pattern: Float[np.ndarray, "h w 3"], known: Mask) -> Float[np.ndarray, "h w 3"]:
    """Continue a pattern of mean 1 over unknown texels."""
    coded = np.clip(pattern * 110.0, 0, 255).astype(np.uint8)
    return cv2.inpaint(coded, (~known).astype(np.uint8), 5, cv2.INPAINT_TELEA).astype(np.float64) / 110.0
