"""sRGB as files have it, and numbers that light adds up in (IEC 61966-2-1)."""

import numpy as np
from jaxtyping import Float, UInt8

_BYTES = np.arange(256) / 255.0
_TABLE = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4)


def to_linear(color: UInt8[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Linear 0..1 of 8-bit sRGB."""
    return _TABLE[color]


def to_srgb(linear: Float[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n"]:
    """8-bit sRGB of linear numbers; what lies outside 0..1 is clipped."""
    value = np.clip(linear, 0.0, 1.0)
    curved = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.rint(255.0 * curved).astype(np.uint8)
