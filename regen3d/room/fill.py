"""Fill the unknown part of a straightened surface: slow light and repeating pattern apart.

Every unknown texel copies a known one at a shift under which the surface repeats; which shift, is decided by how well
each agrees along the rim of the hole. So tiles, planks and skirting boards go on.
"""

import cv2
import numpy as np
from jaxtyping import Float

from regen3d.room.boards import board_tone, level_boards
from regen3d.room.light import (
    SHADOW_REACH,
    distance_from,
    mottle,
    resized,
    slow_light,
    spread,
)
from regen3d.room.material import busy_texels, odd_share, odd_texels, rugs
from regen3d.room.offsets import pick_shifts, shift_mask, shifted
from regen3d.room.shade import cast_shade, shaded_texels, shadow_texels
from regen3d.types import Mask

MATCH_PX = 256
"""Longer side at which shifts are found and compared."""
LABEL_PX = 96
"""Longer side at which shifts are assigned to texels."""
SHIFTS = 18
"""Shifts tried a pass; time grows in proportion."""
FRAME = 0.03
"""Width of a window's frame and sill as a share of the surface's longer side (12 cm on a wall of 4 m)."""
UNSHADED = 0.02
"""Shade up to this share of the light is left: it is less than a step that the eye sees."""
PASSES = 3
"""A texel too far from every source copies one that was filled in the pass before."""


def fill_surface(
    texture: Float[np.ndarray, "h w 3"], known: Mask, hole: Mask, wall: bool
) -> tuple[Float[np.ndarray, "h w 3"], Mask]:
    """The texture with its unknown texels invented.

    Args:
        texture: colours 0..255, of any value where not `known`.
        known: texels that the picture shows; at least one.
        hole: texels that objects hide, none of them `known`; shadows next to them are filled, too, and shade is lit.
        wall: whether rows are level lines of a wall, so that a board along one of them goes on.

    Returns:
        The filled texture, and the texels of it that are as the picture shows them.
    """
    odd = odd_texels(texture, known, hole, wall)
    # Frames and glow belong to the window: what is near odd parts is not copied.
    salient = busy_texels(texture, known)
    usual = known & (distance_from(odd) > FRAME) & ~salient
    if not usual.any():
        usual = known
    light = _open_light(texture, usual, hole, wall)
    rug, covered = (np.zeros_like(odd), np.zeros_like(odd)) if wall else rugs(odd, known, texture / light)
    glow = odd & ~rug
    if glow.any() and not wall:
        # Glare on a floor fades out over metres: it is light, whatever colour it has.
        light = slow_light(texture, usual | glow, hole, wall)
    shadow = shadow_texels(texture / light, known, hole)
    kept, source, glow = known & ~shadow, usual & ~shadow, glow & ~shadow
    if kept.all() or not source.any():
        return np.where(kept[..., None], texture, light), kept
    shade = cast_shade(texture / light, source, hole)
    lit = texture / shade
    if wall:
        shaded = shaded_texels(lit / light, source, hole)
        if (source & ~shaded).any():
            # What is brighter in some channel, or not close, may be a thing on the wall: it is not copied, but stays.
            dim = ((lit / light).max(axis=2) < 1.0) & (distance_from(hole) < 0.5 * SHADOW_REACH)
            source, kept = source & ~shaded, kept & ~(shaded & dim & ~glow & ~salient)
        light = _with_windows(lit, glow, light)
    filled = _fill_material(lit, source, ~kept, light)
    if rug.any():
        tone = np.maximum(spread(lit, rug, 0.03), 1.0)
        filled = np.where(covered[..., None], _fill_material(lit, rug, covered & ~kept, tone), filled)
    same = kept & (np.abs(shade - 1.0).max(axis=2) < UNSHADED)
    return np.where(same[..., None], texture, np.where(kept[..., None], np.minimum(lit, 255.0), filled)), same


def _open_light(texture: np.ndarray, usual: Mask, hole: Mask, wall: bool) -> np.ndarray:
    """Light "h w 3" on the surface without objects, with the boards along a wall."""
    if not wall:
        return slow_light(texture, usual, hole, wall)
    boards, step = level_boards(texture, usual)
    bare = usual & (boards < 0.5)[:, None]
    light = slow_light(texture, bare if bare.any() else usual, hole, wall)
    return light * board_tone(texture / light, usual, boards, step)


def _with_windows(texture: np.ndarray, glow: Mask, light: np.ndarray) -> np.ndarray:
    """The light of a wall, and that of its windows and doors where those go on."""
    if not glow.any():
        return light
    share = odd_share(glow)[..., None]
    return share * spread(texture, glow, 0.01) + (1.0 - share) * light


def _fill_material(texture: np.ndarray, source: Mask, wanted: Mask, light: np.ndarray) -> np.ndarray:
    """One material's colours on the wanted texels: its pattern, copied from the source, under its light."""
    light = light * mottle(texture / light, source)
    pattern = np.where(source[..., None], texture / light, 1.0).astype(np.float32)
    for _ in range(PASSES):
        pattern, source = _fill_pass(pattern, source, wanted)
        # A few stray texels are well served by plain light.
        if (wanted & ~source).sum() < 0.001 * source.size:
            break
    return np.clip(pattern * light, 0.0, 255.0)


def _fill_pass(pattern: np.ndarray, known: Mask, wanted: Mask) -> tuple[np.ndarray, Mask]:
    """Copy from known texels wherever some shift finds one; returns the pattern and what is filled now."""
    mass = resized(known, MATCH_PX)
    source = mass > 0.99
    small = resized(np.where(known[..., None], pattern, 0.0), MATCH_PX) / np.maximum(mass, 1e-3)[..., None]
    if source.sum() < 64:
        return pattern, known
    shifts, errors = pick_shifts(small, source, ~source & (resized(wanted, MATCH_PX) > 0), SHIFTS)
    if len(shifts) == 0:
        return pattern, known
    costs = _shift_costs(small, source, shifts, errors)
    return _compose(pattern, (known, wanted & ~known), shifts * (known.shape[0] / source.shape[0]), costs)


def _shift_costs(small: np.ndarray, source: Mask, shifts: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Cost "k h w" of copying under each shift, at `LABEL_PX`; huge where there is no source."""
    tone = spread(small, source, 0.02)
    costs = []
    for shift, error in zip(shifts.tolist(), errors, strict=True):
        offset = int(shift[0]), int(shift[1])
        there = shift_mask(source, offset)
        both = resized(there & source, LABEL_PX)
        differs = ((small - shifted(small, offset)) ** 2).sum(axis=2) * (there & source)
        rim = spread(resized(differs, LABEL_PX) / np.maximum(both, 1e-3), np.maximum(both, 1e-6), 0.03)
        # A rug under a table goes on as a rug: the tone expected from the rim counts, up to a bound.
        other = np.minimum(((tone - shifted(tone, offset)) ** 2).sum(axis=2), 0.3)
        cost = rim + 0.5 * error + resized(other, LABEL_PX)
        costs.append(np.where(resized(there, LABEL_PX) > 0.5, cost, 1e3))
    return np.stack(costs)


def _compose(
    pattern: np.ndarray, masks: tuple[Mask, Mask], shifts: np.ndarray, costs: np.ndarray
) -> tuple[np.ndarray, Mask]:
    """Blend the copies of known texels under the shifts that win onto the open ones, over a narrow seam."""
    known, wanted = masks
    height, width = known.shape
    grown = np.stack([cv2.resize(cost.astype(np.float32), (2 * LABEL_PX, 2 * LABEL_PX)) for cost in costs])
    label = cv2.resize(grown.argmin(axis=0).astype(np.int16), (width, height), interpolation=cv2.INTER_NEAREST)
    label[~wanted] = -1
    total, mass = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    for index in np.unique(label[label >= 0]):
        share = cv2.GaussianBlur((label == index).astype(np.float32), (0, 0), max(height, width) / 300)
        rows, columns = np.nonzero((share > 0.05) & wanted)
        from_rows, from_columns = rows + round(float(shifts[index, 0])), columns + round(float(shifts[index, 1]))
        inside = (from_rows >= 0) & (from_rows < height) & (from_columns >= 0) & (from_columns < width)
        rows, columns, from_rows, from_columns = (part[inside] for part in (rows, columns, from_rows, from_columns))
        weight = share[rows, columns] * known[from_rows, from_columns]
        total[rows, columns] += weight[:, None] * pattern[from_rows, from_columns]
        mass[rows, columns] += weight
    filled = mass > 0
    result = np.where(filled[..., None], total / np.maximum(mass, 1e-6)[..., None], pattern)
    return result, known | filled
