"""What objects do to the light of a straightened surface: shadows where they touch it, shade all round them."""

import cv2
import numpy as np

from regen3d.room.light import SHADOW_REACH, distance_from, spread
from regen3d.types import Mask

SHADOW_DARK = 0.9
"""A surface darker than this share of its usual brightness, next to an object, may lie in its shadow."""
EVEN_BLURS = (0.03, 0.06, 0.12)
"""Blurs, as shares of the longer side, in which shade is looked for: finer than most shade, up to wider than tiles."""
EVEN = 0.06
"""Spread of the logarithm of a blurred tone up to which it is even: plaster and carpet come to 0.02 to 0.05."""
ORDINARY = 0.3
"""Quantile of the tone away from objects from which on a surface is in no shade."""


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


def cast_shade(pattern: np.ndarray, usual: Mask, hole: Mask) -> np.ndarray:
    """Share "h w 3", at most 1, of its light that objects leave to a surface next to them; 1 elsewhere.

    Args:
        pattern: texture over the light without objects, "h w 3".
        usual: texels whose colour speaks for the surface.
        hole: texels that an object hides.
    """
    distance = distance_from(hole)
    away = usual & (distance > SHADOW_REACH)
    ample = away.sum() > 0.05 * usual.sum()
    tone = _even_tone(pattern, usual, away if ample else usual)
    # What is ordinary away from objects is no shade.
    ordinary = np.quantile(tone[away], ORDINARY, axis=0) if ample else 1.0
    fade = np.clip(2.0 - distance / SHADOW_REACH, 0.0, 1.0)[..., None]
    shade = np.minimum(tone / ordinary, 1.0) ** fade
    return np.where(usual[..., None], shade, 1.0)


def _even_tone(pattern: np.ndarray, usual: Mask, judge: Mask) -> np.ndarray:
    """Tone of a surface in the finest blur that leaves it even where it is judged: that tells shade from tiles."""
    for sigma in EVEN_BLURS[:-1]:
        tone = np.clip(spread(pattern, usual, sigma), 0.2, 5.0)
        if float(np.std(np.log(tone.mean(axis=2)[judge]))) < EVEN:
            return tone
    return np.clip(spread(pattern, usual, EVEN_BLURS[-1]), 0.2, 5.0)
