"""Pixels of masks and index pictures, at the size of the working picture."""

from pathlib import Path

import numpy as np
from jaxtyping import Integer, Shaped

from regen3d.errors import ConfigError
from regen3d.inputs.files import read_bytes
from regen3d.inputs.image import MAX_FILE_BYTES, Picture, decoded
from regen3d.types import Mask


def silhouette(path: Path) -> Mask:
    """The object in one picture: opaque where there is transparency, else at least half as bright as the brightest.

    Raises:
        ConfigError: the file is missing or empty.
        UnreadableImageError: it is damaged.
        UnsupportedImageError: its format, size or shape cannot be used.
    """
    data = read_bytes(path, "mask", MAX_FILE_BYTES)
    with decoded(data, path.name) as image:
        if image.has_transparency_data:
            alpha = np.array(image.convert("RGBA").getchannel("A"))
            if alpha.min() < 128:
                return alpha >= 128
        values = np.array(image if image.mode.startswith("I") else image.convert("RGB"))
    values = values if values.ndim == 2 else values.max(axis=2)
    return values >= max(1.0, 0.5 * float(values.max()))


def numbers(path: Path) -> Integer[np.ndarray, "gh gw"]:
    """The numbers of an index picture, not the colours of its palette.

    Raises:
        ConfigError: the file is missing or empty, or the picture has more than one channel.
        UnreadableImageError: it is damaged.
        UnsupportedImageError: its format, size or shape cannot be used.
    """
    with decoded(read_bytes(path, "index picture", MAX_FILE_BYTES), path.name) as image:
        mode, values = image.mode, np.array(image)
    if values.ndim != 2:
        raise ConfigError(
            f"{path.name}: the index picture has colours (mode {mode}); save one channel, 0 for the room and the "
            "object's id elsewhere"
        )
    return values.astype(np.int64)


def to_working(values: Shaped[np.ndarray, "gh gw"], picture: Picture, source: str) -> Shaped[np.ndarray, "h w"]:
    """A mask or index at the size of the working picture, each pixel from the nearest one.

    Raises:
        ConfigError: it has neither the size of the picture as given nor that of the working picture.
    """
    height, width = values.shape
    if not picture.has_size((width, height)):
        raise ConfigError(
            f"{source}: the mask has {width} x {height} pixels, but the picture has {picture.given_wh[0]} x "
            f"{picture.given_wh[1]}; paint masks over the picture itself, uncropped"
        )
    columns, rows = ((np.arange(n) + 0.5) * size / n for n, size in zip(picture.wh, (width, height), strict=True))
    return values[rows.astype(np.int64)[:, None], columns.astype(np.int64)]
