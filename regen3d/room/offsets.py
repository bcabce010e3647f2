"""Shifts under which a surface looks like itself: tiles, planks and stripes repeat.

Source: He and Sun 2012 (statistics of patch offsets), with the statistics taken from the masked autocorrelation.
"""

import cv2
import numpy as np
from jaxtyping import Float, Integer

from regen3d.types import Mask


def shift_error(pattern: Float[np.ndarray, "h w 3"], known: Mask) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared difference between the surface and itself shifted, for every shift at once.

    Returns:
        (error, overlap), each "2h-1 2w-1": entry (h - 1 + dy, w - 1 + dx) belongs to the shift (dy, dx), which takes
        texel x to x + d; `overlap` is the share of the known texels that the comparison rests on.
    """
    height, width = known.shape
    size = _transform_size(known.shape)
    mask = known.astype(np.float32)
    values = ((pattern - pattern[known].mean(axis=0)) * mask[..., None]).astype(np.float32)

    def spectrum(channel: np.ndarray) -> np.ndarray:
        return np.fft.rfft2(channel, size)

    def lags(product: np.ndarray) -> np.ndarray:
        full = np.roll(np.fft.irfft2(product, size), (height - 1, width - 1), axis=(0, 1))
        return full[: 2 * height - 1, : 2 * width - 1]

    mass = spectrum(mask)
    energy = spectrum((values**2).sum(axis=2))
    same = sum(np.abs(spectrum(values[..., c])) ** 2 for c in range(3))
    pairs = lags(mass.conj() * mass)
    squares = np.maximum(lags(energy.conj() * mass + mass.conj() * energy - 2.0 * same), 0.0)
    texels = max(float(mask.sum()), 1.0)
    # A shift that compares few texels is judged as if 5 % more had differed like strangers: small overlaps mislead.
    doubt, stranger = 0.05 * texels, 2.0 * float((values**2).sum()) / texels
    return (squares + doubt * stranger) / np.maximum(pairs + doubt, 1.0), pairs / texels


def _transform_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """The next powers of two that hold every shift without wrapping round."""
    return 1 << (2 * shape[0] - 1).bit_length(), 1 << (2 * shape[1] - 1).bit_length()


def pick_shifts(
    pattern: Float[np.ndarray, "h w 3"], known: Mask, wanted: Mask, count: int
) -> tuple[Integer[np.ndarray, "k 2"], Float[np.ndarray, " k"]]:
    """Shifts (dy, dx) under which the surface agrees with itself and that together reach all wanted texels.

    Greedy: each next shift is the one with the best product of agreement and of wanted texels for which it finds a
    known source, those that have one already counting half as much each time.

    Returns:
        The shifts, and the mean squared difference under each.
    """
    agreement, error = _agreement(pattern, known)
    height, width = known.shape
    level = np.zeros_like(agreement)
    level[height - 1] = agreement[height - 1]
    # How many texels a shift serves varies slowly: a coarse count is enough.
    step = max(round(max(height, width) / 96), 1)
    small = (max(width // step, 2), max(height // step, 2))
    source = cv2.resize(known.astype(np.float32), small, interpolation=cv2.INTER_AREA) > 0.9
    need = cv2.resize(wanted.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    shifts: list[tuple[int, int]] = []
    for turn in range(count):
        # A third of the shifts are level: skirting boards and dados go on at their own height.
        gain = (level if 3 * turn < count else agreement) * cv2.resize(
            _served(need, source), (2 * width - 1, 2 * height - 1)
        ).clip(0)
        row, column = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[row, column] <= 1e-9:
            continue
        shift = int(row) - (height - 1), int(column) - (width - 1)
        shifts.append(shift)
        for field in (agreement, level):
            field[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5] = 0.0
        reached = shift_mask(source, (round(shift[0] * small[1] / height), round(shift[1] * small[0] / width)))
        need = np.where(reached, 0.5 * need, need)
    picked = np.array(shifts, dtype=int).reshape(-1, 2)
    return picked, error[picked[:, 0] + height - 1, picked[:, 1] + width - 1]


def _agreement(pattern: np.ndarray, known: Mask) -> tuple[np.ndarray, np.ndarray]:
    """How well the surface agrees with itself under every shift, 0..1, and the error it stems from."""
    error, overlap = shift_error(pattern, known)
    height, width = known.shape
    rows, columns = np.ogrid[-(height - 1) : height, -(width - 1) : width]
    # Shorter shifts only copy a texel's own surroundings; the bound is far below any tile or plank.
    usable = (overlap > 0.02) & (np.hypot(rows, columns) > 0.03 * max(height, width))
    if not usable.any():
        return np.zeros_like(error), error
    best, typical = np.quantile(error[usable], [0.001, 0.5])
    # Never quite zero: where nothing agrees, any source is better than none.
    agreement = np.maximum(np.exp(-(error - best) / max(0.15 * (typical - best), 1e-4)), 1e-4)
    return np.where(usable, agreement, 0.0), error


def _served(need: np.ndarray, source: Mask) -> np.ndarray:
    """Wanted texels for which each shift finds a source, laid out as in `shift_error`."""
    height, width = source.shape
    size = _transform_size(source.shape)
    product = np.fft.rfft2(need, size).conj() * np.fft.rfft2(source.astype(np.float32), size)
    return np.roll(np.fft.irfft2(product, size), (height - 1, width - 1), axis=(0, 1))[
        : 2 * height - 1, : 2 * width - 1
    ]


def shift_mask(mask: Mask, shift: tuple[int, int]) -> Mask:
    """Texels x for which x + shift lies in the mask."""
    return shifted(mask[..., None], shift)[..., 0]


def shifted(values: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """Values at x + shift for every texel x; zero where that lies outside."""
    height, width = values.shape[:2]
    dy, dx = shift
    result = np.zeros_like(values)
    if abs(dy) < height and abs(dx) < width:
        target = slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0))
        origin = slice(max(dy, 0), height - max(-dy, 0)), slice(max(dx, 0), width - max(-dx, 0))
        result[target] = values[origin]
    return result
