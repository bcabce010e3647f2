"""What the camera wrote into the picture: orientation and focal length."""

import struct
from typing import Any

from PIL import ExifTags, Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FOCAL_RANGE_MM = (5.0, 1000.0)  # fisheye to telescope; zero and 65535 are written for unknown
_FOCUS_RANGE_M = (0.3, 15.0)  # nearer is a close-up, farther is written for far away
_CROP_TOLERANCE = 0.02  # of the aspect ratio; sensors' odd rows stay below


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as EXIF says; as it is where EXIF says nothing that can be read."""
    orientation = _number(_tags(image).get(ExifTags.Base.Orientation))
    turn = None if orientation is None else _TURNS.get(int(orientation))
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.info = image.info
    return turned


def focal_35mm(image: Image.Image) -> tuple[float | None, tuple[str, ...]]:
    """Focal length in millimetres on 35 mm film, or None; and a note where EXIF tells one that no longer holds.

    A picture whose aspect ratio differs from the one that EXIF records was cropped: its focal length is not used.
    """
    tags = _tags(image, ExifTags.IFD.Exif)
    focal = _number(tags.get(ExifTags.Base.FocalLengthIn35mmFilm))
    if focal is None or not _FOCAL_RANGE_MM[0] <= focal <= _FOCAL_RANGE_MM[1]:
        return None, ()
    width, height = (_number(tags.get(tag)) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight))
    if width and height:
        recorded = max(width, height) / min(width, height)
        found = max(image.size) / min(image.size)
        if abs(recorded / found - 1.0) > _CROP_TOLERANCE:
            return None, ("The picture was cropped after it was taken: its recorded focal length was not used.",)
    return focal, ()


def focus_m(image: Image.Image) -> float | None:
    """Distance in metres that the lens was focused to, or None; infinity and what is out of a room's range is none."""
    distance = _number(_tags(image, ExifTags.IFD.Exif).get(ExifTags.Base.SubjectDistance))
    return distance if distance is not None and _FOCUS_RANGE_M[0] <= distance <= _FOCUS_RANGE_M[1] else None


def _tags(image: Image.Image, directory: int | None = None) -> dict[int, Any]:
    try:
        exif = image.getexif()
        return dict(exif if directory is None else exif.get_ifd(directory))
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return {}  # broken EXIF is common and says nothing about the pixels


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 0.0 < number < 1e9 else None
