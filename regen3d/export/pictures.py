"""Pictures made small, and made part of a document."""

import base64
import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from regen3d.types import Rgb

JPEG_QUALITY = 85
"""Of pictures in reports: 960 x 720 pixels are about 100 kB, and faults of the rendering stay visible."""

THUMBNAIL_PX = 480
"""Longest side of a thumbnail."""


def thumbnail(image: Rgb, longest: int = THUMBNAIL_PX) -> UInt8[np.ndarray, "th tw 3"]:
    """A picture shrunk until its longest side has `longest` pixels; a smaller one is returned as it is."""
    height, width = image.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1.0:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def jpeg_data_uri(image: Rgb, quality: int = JPEG_QUALITY) -> str:
    """A picture as a `data:` URI, which a web page or a Markdown text shows without another file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
