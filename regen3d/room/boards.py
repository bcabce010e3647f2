"""Skirting boards and rails: narrow level strips that run along a whole wall."""

import numpy as np
from jaxtyping import Float

from regen3d.room.light import resized
from regen3d.types import Mask

BOARD_PX = 160
"""Longer side at which boards are looked for: a skirting board of 8 cm on a wall of 4 m is three rows."""
LEAST_SEEN = 0.04
"""Part of a row, at least, that shows the wall."""
FAINTEST = 0.06
"""Logarithm of the tone up to which a strip is no board."""
LIT = 0.75
"""Quantile of a board's tone along the wall that is taken for it without the shade of objects."""


def level_boards(
    texture: Float[np.ndarray, "h w 3"], usual: Mask
) -> tuple[Float[np.ndarray, " h"], Float[np.ndarray, "h 3"]]:
    """How surely each row of a wall is one of a board, 0..1, and the logarithm of its tone beside the wall next to it.

    Each column is compared with itself above and below, so that neither light nor shade along the wall counts; where
    an object covers the wall on one side of a row, that row's column tells nothing.

    Args:
        texture: colours 0..255.
        usual: texels whose colour speaks for the wall.
    """
    mass = resized(usual, BOARD_PX)
    small = resized(np.where(usual[..., None], texture, 0.0), BOARD_PX) / np.maximum(mass, 1e-3)[..., None]
    seen = mass > 0.5
    logs = np.where(seen[..., None], np.log(np.maximum(small, 1.0)), np.nan)
    # A board is narrow: what stays after taking off the middle tone of a quarter of the wall round it.
    reach = len(logs) // 8 + 1
    windows = _windows(logs, reach, np.nan)
    # Beyond the edges of the wall nothing hides it.
    shown = _windows(seen[..., None].astype(np.float64), reach, 1.0)[..., 0, :]
    clear = np.minimum(shown[..., :reach].sum(axis=-1), shown[..., reach + 1 :].sum(axis=-1)) > reach // 2
    enough = np.isfinite(windows[..., 0, :]).sum(axis=-1) > reach // 2
    judged = seen & clear & enough
    share, step = np.zeros(len(logs)), np.zeros((len(logs), 3))
    for row in np.flatnonzero(judged.mean(axis=1) > LEAST_SEEN):
        values = logs[row, judged[row]] - np.nanmedian(windows[row, judged[row]], axis=-1)
        step[row] = np.median(values, axis=0)
        stray = 1.5 * float(np.median(np.abs(values - step[row]), axis=0).max())
        strength = float(np.abs(step[row]).max())
        # Sure where the row strays by a third of its tone or less, none from a half on.
        share[row] = np.clip(3.0 - 6.0 * stray / max(strength, 1e-6), 0.0, 1.0) * (strength > FAINTEST)
    places = (np.arange(len(usual)) + 0.5) * len(logs) / len(usual) - 0.5
    rows = np.arange(len(logs))
    return np.interp(places, rows, share), np.stack([np.interp(places, rows, step[:, c]) for c in range(3)], axis=1)


def board_tone(
    pattern: Float[np.ndarray, "h w 3"],
    usual: Mask,
    share: Float[np.ndarray, " h"],
    step: Float[np.ndarray, "h 3"],
) -> Float[np.ndarray, "h 1 3"]:
    """Tone of the boards of a wall without the shade of objects, beside the wall's; 1 on rows that are none.

    The tone that is seen is too dark where all of a board lies in shade, and the step from the wall above is too high,
    since a wall darkens towards its foot more than a board does: the middle of both is taken.

    Args:
        pattern: texture over the light of the wall.
        usual: texels whose colour speaks for the wall.
        share: how surely a row is one of a board; `level_boards`.
        step: its tone beside the wall next to it; `level_boards`.
    """
    tone = np.zeros((len(pattern), 1, 3))
    for row in np.flatnonzero((share > 0.0) & usual.any(axis=1)):
        logs = np.log(np.clip(pattern[row, usual[row]], 0.05, 20.0))
        tone[row, 0] = share[row] * (np.quantile(logs, LIT, axis=0) + step[row]) / 2
    return np.exp(tone)


def _windows(values: np.ndarray, reach: int, beyond: float) -> np.ndarray:
    """The rows up to so many above and below each row, "h w c 2reach+1"."""
    ends = np.pad(values, ((reach, reach), (0, 0), (0, 0)), constant_values=beyond)
    return np.lib.stride_tricks.sliding_window_view(ends, 2 * reach + 1, axis=0)
