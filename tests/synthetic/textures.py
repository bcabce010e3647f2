"""Procedural textures: planks, walls with a skirting board, grain, glaze. Row 0 is the top, as in a PNG."""

import numpy as np
from jaxtyping import Float, UInt8

TEXELS_PER_M = 160
"""As fine as the picture sees the floor in the middle of the room."""

Texture = UInt8[np.ndarray, "th tw 3"]


def planks(width_m: float, length_m: float, rng: np.random.Generator) -> Texture:
    """Floor boards 14 cm wide that run along the length, with joints and a tone of their own."""
    rows, columns = _texels(length_m), _texels(width_m)
    x = (np.arange(columns) + 0.5) / TEXELS_PER_M
    y = (np.arange(rows) + 0.5) / TEXELS_PER_M
    board = (x / 0.14).astype(int)
    start = rng.uniform(0, 1.2, board.max() + 1)[board]
    piece = ((y[:, None] + start[None]) / 1.2).astype(int)
    tone = rng.uniform(0.86, 1.1, (board.max() + 1, piece.max() + 1))[board[None], piece]
    joint = (np.mod(x, 0.14) < 0.006)[None] | (np.mod(y[:, None] + start[None], 1.2) < 0.006)
    value = tone * _smooth_noise((rows, columns), 3, rng, 0.04) * np.where(joint, 0.55, 1.0)
    return _tinted(value, (168, 126, 84))


def wall(width_m: float, height_m: float, rng: np.random.Generator, brightness: float) -> Texture:
    """Plain paint, darker towards the sides, with a white skirting board of 9 cm."""
    rows, columns = _texels(height_m), _texels(width_m)
    x = (np.arange(columns) + 0.5) / columns
    above = height_m - (np.arange(rows) + 0.5) / TEXELS_PER_M
    value = (0.9 + 0.4 * x * (1 - x))[None] * _smooth_noise((rows, columns), 40, rng, 0.008) * brightness
    painted = _tinted(value, (196, 200, 188)).astype(float)
    board = (
        _tinted(value, (238, 236, 230)).astype(float) * np.where(np.abs(above - 0.08) < 0.006, 0.7, 1.0)[:, None, None]
    )
    return np.where((above < 0.09)[:, None, None], board, painted).astype(np.uint8)


def ceiling(width_m: float, length_m: float, rng: np.random.Generator) -> Texture:
    """White paint with faint clouds."""
    shape = _texels(length_m), _texels(width_m)
    return _tinted(_smooth_noise(shape, 60, rng, 0.01), (232, 232, 228))


def box_sides(color: tuple[int, int, int], light: tuple[float, ...], rng: np.random.Generator) -> Texture:
    """A column of bands with a fine grain, one for each brightness, each 32 texels high, the first at the bottom."""
    bands = [_smooth_noise((32, 256), 4, rng, 0.05) * factor for factor in reversed(light)]
    return _tinted(np.concatenate(bands), color)


def glaze(color: tuple[int, int, int]) -> Texture:
    """Shading round a turned body: u is the angle, lit from one side."""
    angle = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    return _tinted(np.tile(0.72 + 0.28 * np.cos(angle - 0.6), (16, 1)), color)


def _texels(length_m: float) -> int:
    return round(length_m * TEXELS_PER_M)


def _smooth_noise(
    shape: tuple[int, int], cell: int, rng: np.random.Generator, sigma: float
) -> Float[np.ndarray, "r c"]:
    """One plus noise of that standard deviation on a grid of cells, bilinear between them."""
    coarse = 1 + sigma * rng.standard_normal((shape[0] // cell + 2, shape[1] // cell + 2))
    row, column = np.arange(shape[0]) / cell, np.arange(shape[1]) / cell
    i, j = row.astype(int), column.astype(int)
    down, right = (row - i)[:, None], (column - j)[None]
    upper = coarse[np.ix_(i, j)] * (1 - right) + coarse[np.ix_(i, j + 1)] * right
    lower = coarse[np.ix_(i + 1, j)] * (1 - right) + coarse[np.ix_(i + 1, j + 1)] * right
    return upper * (1 - down) + lower * down


def _tinted(value: Float[np.ndarray, "r c"], color: tuple[int, int, int]) -> Texture:
    return np.clip(value[..., None] * np.array(color), 0, 255).astype(np.uint8)
