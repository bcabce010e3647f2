"""The picture: read, checked, and brought to upright 8-bit sRGB of a working size."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from regen3d.errors import UnreadableImageError, UnsupportedImageError
from regen3d.inputs.exif import focal_35mm, focus_m, upright
from regen3d.inputs.files import read_bytes
from regen3d.inputs.pixels import to_srgb
from regen3d.types import Rgb

MAX_FILE_BYTES = 200_000_000
"""Longest file that is read."""
MAX_PIXELS = 100_000_000
"""Largest picture that is decoded: 300 MB of memory."""
MIN_SIDE_PX = 64
"""Shortest side; below it furniture has no edges to fit."""
MAX_ASPECT = 4.0
"""Longest side over the shortest; panoramas beyond it are not pinhole pictures."""
WORKING_SIDE_PX = 2048
"""Longest side of the working picture; models see less, and textures need no more."""

# What Pillow decodes by itself. Others start programs (EPS) or have no place in a studio; PSD gives its flat picture.
_FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "PSD", "QOI", "TGA", "TIFF", "WEBP")
_ANIMATED = frozenset({"AVIF", "GIF", "PNG", "TIFF", "WEBP"})  # frames of an MPO or PSD belong to one picture
_FOREIGN = (
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"<svg", "an SVG drawing"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypisom", "a film"),
    (4, b"ftypmp4", "a film"),
    (4, b"ftypqt", "a film"),
)
# What Pillow's decoders raise on damaged data, besides their own OSError.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as the pipeline uses it, and what its file said."""

    pixels: Rgb
    """The working picture: upright, sRGB, long side at most `WORKING_SIDE_PX`."""
    given_wh: tuple[int, int]
    """Width and height of the picture as given, upright; boxes, masks and cameras of the user refer to it."""
    notes: tuple[str, ...] = ()
    """Sentences for the report: what was changed on the way."""
    focal_35mm: float | None = None
    """Focal length in millimetres on 35 mm film, where EXIF tells it and the picture was not cropped."""
    focus_m: float | None = None
    """Distance that the lens was focused to, metres, where EXIF tells it."""

    @property
    def wh(self) -> tuple[int, int]:
        """Width and height of the working picture."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def working_from_given(self) -> tuple[float, float]:
        """Factors (x, y) that take pixels of the picture as given to pixels of the working picture."""
        return self.wh[0] / self.given_wh[0], self.wh[1] / self.given_wh[1]

    @property
    def focal_px(self) -> float | None:
        """Focal length in pixels of the working picture, from `focal_35mm`.

        Source: CIPA DCG-001: equal diagonals; 36 x 24 mm film has 43.267 mm.
        """
        return None if self.focal_35mm is None else self.focal_35mm * float(np.hypot(*self.wh)) / 43.267

    def has_size(self, wh: tuple[int, int]) -> bool:
        """Whether a width and height are those of the picture as given or of the working picture."""
        return wh in (self.given_wh, self.wh)


def read_image(path: Path) -> Picture:
    """The picture in a file.

    Grey, palette, CMYK, Lab, 16-bit, transparent, rotated and colour-managed pictures are converted; of an animation
    the first frame is taken.

    Raises:
        UnreadableImageError: missing, a folder, empty, not a picture, corrupt or truncated.
        UnsupportedImageError: a format, size or shape that cannot be used.
    """
    return read_image_bytes(
        read_bytes(path, "picture", MAX_FILE_BYTES, UnreadableImageError, UnsupportedImageError), path.name
    )


def read_image_bytes(data: bytes, name: str) -> Picture:
    """The picture in the bytes of a file; see `read_image`.

    Args:
        data: everything in the file.
        name: of the file, for messages.
    """
    if not data:
        raise UnreadableImageError(f"{name}: the file is empty; give the picture again")
    if len(data) > MAX_FILE_BYTES:
        raise UnsupportedImageError(
            f"{name}: the file has {len(data) / 1e6:.0f} MB, more than {MAX_FILE_BYTES / 1e6:.0f} MB; "
            "give a smaller picture"
        )
    with decoded(data, name) as image:
        notes = []
        if image.format in _ANIMATED and getattr(image, "is_animated", False):
            notes.append(f"{name} has {getattr(image, 'n_frames', 1)} frames or pages: the first was used.")
        focal, exif_notes = focal_35mm(image)
        focus = focus_m(image)
        flat, colour_notes = to_srgb(upright(image), name)
        given_wh = flat.size
        working_wh = _working_wh(given_wh)
        if working_wh != given_wh:
            notes.append(
                f"The picture was reduced from {given_wh[0]} x {given_wh[1]} to {working_wh[0]} x {working_wh[1]}."
            )
            flat = flat.resize(working_wh, Image.Resampling.LANCZOS, reducing_gap=3.0)
        pixels = np.array(flat)
    return Picture(
        pixels=pixels, given_wh=given_wh, notes=(*notes, *exif_notes, *colour_notes), focal_35mm=focal, focus_m=focus
    )


@contextmanager
def decoded(data: bytes, name: str) -> Iterator[Image.Image]:
    """The first frame of a picture, its size checked before its pixels are decoded.

    What Pillow raises inside the block counts as damage of the picture.

    Raises:
        UnreadableImageError: not a picture, corrupt or truncated.
        UnsupportedImageError: a format, size or shape that cannot be used.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what matters becomes a note or an error
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_size(image.size, name)
                image.load()
                yield image
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, "far") from error
    except UnidentifiedImageError as error:
        raise _unidentified(data, name) from error
    except _DAMAGE as error:
        fault = "truncated" if "truncated" in str(error) else "damaged"
        raise UnreadableImageError(
            f"{name}: the picture is {fault} and cannot be decoded; copy or export it again"
        ) from error


def _check_size(wh: tuple[int, int], name: str) -> None:
    if wh[0] * wh[1] > MAX_PIXELS:
        raise _too_many_pixels(name, f"at {wh[0]} x {wh[1]}")
    if min(wh) < MIN_SIDE_PX:
        raise UnsupportedImageError(
            f"{name}: the picture has {wh[0]} x {wh[1]} pixels, which is too small; "
            f"give one with at least {MIN_SIDE_PX} on each side"
        )
    if max(wh) > MAX_ASPECT * min(wh):
        raise UnsupportedImageError(
            f"{name}: the picture has {wh[0]} x {wh[1]} pixels, longer than {MAX_ASPECT:g}:1; crop it to one view"
        )


def _too_many_pixels(name: str, how: str) -> UnsupportedImageError:
    return UnsupportedImageError(
        f"{name}: the picture is {how} over the limit of {MAX_PIXELS / 1e6:.0f} megapixels; reduce it first"
    )


def _unidentified(data: bytes, name: str) -> UnreadableImageError | UnsupportedImageError:
    for offset, magic, what in _FOREIGN:
        if data[offset : offset + len(magic)] == magic:
            return UnsupportedImageError(
                f"{name}: this is {what}, which cannot be read; convert it to PNG, JPEG or TIFF in sRGB"
            )
    return UnreadableImageError(
        f"{name}: this is not a picture that can be read; give a PNG, JPEG, WebP, AVIF, TIFF or BMP file"
    )


def _working_wh(given_wh: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, WORKING_SIDE_PX / max(given_wh))
    return round(given_wh[0] * factor), round(given_wh[1] * factor)
