"""Several textured parts become one mesh with one texture."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer, UInt8
from PIL import Image

MAX_ATLAS_PX = 4096
"""Longest side of the texture; graphics cards and exporters of any age take it."""

_MAX_REPEATS = 16  # copies of a repeated texture along one side; beyond it the pattern is finer than a photo shows
_GUTTER_PX = 2  # keeps bilinear sampling inside a tile
_SLACK = 1e-4  # exporters write 1.00001 for the edge of a texture


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedPart:
    """Triangles with a texture."""

    vertices: Float[np.ndarray, "v 3"]
    """Any frame."""
    faces: Integer[np.ndarray, "f 3"]
    """Vertex indices."""
    uv: Float[np.ndarray, "v 2"]
    """(0, 0) at the lower left; beyond 0..1 the texture repeats, except in what `pack` gives."""
    texture: UInt8[np.ndarray, "th tw 3"]
    """sRGB."""


def pack(parts: list[MappedPart]) -> MappedPart:
    """All parts as one, with texture coordinates in 0..1.

    Textures that repeat are laid out as often as they do; equal textures are kept once; where all of them are larger
    than `MAX_ATLAS_PX` they are reduced by a common factor. A single texture that does not repeat is kept as it is.
    """
    unrolled = [_unrolled(part) for part in parts]
    index_of: dict[tuple, int] = {}
    tile_of_part = [index_of.setdefault(_content(part.texture), len(index_of)) for part in unrolled]
    tiles = [unrolled[tile_of_part.index(k)].texture for k in range(len(index_of))]
    if len(tiles) == 1 and max(tiles[0].shape[:2]) <= MAX_ATLAS_PX:
        texture, uvs = tiles[0], [part.uv for part in unrolled]
    else:
        texture, corners, sizes = _lay_out(tiles)
        uvs = [
            _into_tile(part.uv, corners[k], sizes[k], texture.shape[:2])
            for part, k in zip(unrolled, tile_of_part, strict=True)
        ]
    offsets = np.cumsum([0, *(len(part.vertices) for part in unrolled[:-1])])
    return MappedPart(
        vertices=np.concatenate([part.vertices for part in unrolled]),
        faces=np.concatenate([part.faces + offset for part, offset in zip(unrolled, offsets, strict=True)]),
        uv=np.concatenate(uvs),
        texture=texture,
    )


def _content(texture: np.ndarray) -> tuple:
    """Equal for equal textures only."""
    return texture.shape, texture.tobytes()


def _unrolled(part: MappedPart) -> MappedPart:
    """The same look with coordinates in 0..1: triangles move by whole textures, the texture is repeated as needed."""
    corner_uv = part.uv[part.faces]
    low, high = corner_uv.min(axis=1), corner_uv.max(axis=1)
    inside = (low >= -_SLACK) & (high <= 1.0 + _SLACK)
    shift = np.where(inside, 0.0, np.floor(low + _SLACK))
    span = np.ceil((high - shift).max(axis=0) - _SLACK).clip(1)
    repeats = span.clip(max=_MAX_REPEATS).astype(int)  # where fewer than the span, the pattern comes out coarser
    # A vertex that belongs to triangles with different shifts becomes several.
    keys = np.concatenate([part.faces.reshape(-1, 1), np.repeat(shift, 3, axis=0)], axis=1)
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    index = unique[:, 0].astype(np.int64)
    return MappedPart(
        vertices=part.vertices[index],
        faces=inverse.reshape(-1, 3),
        uv=np.clip((part.uv[index] - unique[:, 1:]) / span, 0.0, 1.0),
        texture=_repeated(part.texture, int(repeats[0]), int(repeats[1])),
    )


def _repeated(texture: np.ndarray, across: int, up: int) -> np.ndarray:
    """Copies of a texture side by side, reduced first where they would not fit the atlas."""
    height, width = texture.shape[:2]
    if across == 1 and up == 1:
        return texture
    size = max(1, min(width, MAX_ATLAS_PX // across)), max(1, min(height, MAX_ATLAS_PX // up))
    return np.tile(_resized(texture, size), (up, across, 1))


def _resized(texture: np.ndarray, wh: tuple[int, int]) -> np.ndarray:
    if (texture.shape[1], texture.shape[0]) == wh:
        return texture
    return np.array(Image.fromarray(texture).resize(wh, Image.Resampling.BOX))


def _lay_out(tiles: list[np.ndarray]) -> tuple[np.ndarray, list[tuple[int, int]], list[tuple[int, int]]]:
    """One texture with all tiles in rows, the (x, y) of their upper left texels, and their (width, height)."""
    factor = 1.0
    while True:
        sizes = [(max(1, int(tile.shape[1] * factor)), max(1, int(tile.shape[0] * factor))) for tile in tiles]
        corners, wh = _shelves(sizes)
        if max(wh) <= MAX_ATLAS_PX:
            break
        factor *= 0.9
    texture = np.zeros((wh[1], wh[0], 3), np.uint8)
    for tile, size, (x, y) in zip(tiles, sizes, corners, strict=True):
        padded = np.pad(_resized(tile, size), ((_GUTTER_PX, _GUTTER_PX), (_GUTTER_PX, _GUTTER_PX), (0, 0)), mode="edge")
        texture[y - _GUTTER_PX : y + size[1] + _GUTTER_PX, x - _GUTTER_PX : x + size[0] + _GUTTER_PX] = padded
    return texture, corners, sizes


def _shelves(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Rows of rectangles, tallest first, in a sheet about as wide as high; corners (x, y) and its (width, height)."""
    padded = [(width + 2 * _GUTTER_PX, height + 2 * _GUTTER_PX) for width, height in sizes]
    area = sum(width * height for width, height in padded)
    side = max(math.ceil(math.sqrt(area)), *(width for width, _ in padded))
    corners = [(0, 0)] * len(sizes)
    x = y = row_height = used = 0
    for i in sorted(range(len(sizes)), key=lambda k: (-padded[k][1], k)):
        width, height = padded[i]
        if x + width > side:
            x, y, row_height = 0, y + row_height, 0
        corners[i] = (x + _GUTTER_PX, y + _GUTTER_PX)
        x, row_height = x + width, max(row_height, height)
        used = max(used, x)
    return corners, (used, y + row_height)


def _into_tile(uv: np.ndarray, corner: tuple[int, int], size: tuple[int, int], hw: tuple[int, ...]) -> np.ndarray:
    """Coordinates of one tile as coordinates of the sheet."""
    u = (corner[0] + uv[:, 0] * size[0]) / hw[1]
    v = 1.0 - (corner[1] + (1.0 - uv[:, 1]) * size[1]) / hw[0]
    return np.stack([u, v], axis=1)
