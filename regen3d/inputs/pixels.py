"""Pixels of any kind become 8-bit sRGB."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from regen3d.errors import UnsupportedImageError

_SRGB = ImageCms.createProfile("sRGB")
_GREY_MODES = frozenset({"1", "L", "LA"})
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}


def to_srgb(image: Image.Image, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture in mode RGB, and sentences on what was converted.

    16-bit values are scaled to 8 bits, an embedded colour profile is applied, and transparent parts are laid over
    white.

    Raises:
        UnsupportedImageError: pixels are 32-bit or floating-point numbers, which have no fixed white.
    """
    profile = image.info.get("icc_profile")
    image = _to_8_bit(image, name)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    colour, notes = _apply_profile(_without_alpha(image), profile)
    if alpha is not None and alpha.getextrema() != (255, 255):
        over = Image.new("RGB", colour.size, "white")
        over.paste(colour, mask=alpha)
        return over, (*notes, "Transparent parts of the picture were laid over white.")
    return colour, notes


def _to_8_bit(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "F":
        raise UnsupportedImageError(
            f"{name}: the picture holds floating-point values, which have no fixed white; "
            "tone-map it and save it with 8 or 16 bits in sRGB"
        )
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise UnsupportedImageError(f"{name}: the picture has 32-bit values; save it with 8 or 16 bits a channel")
    return Image.fromarray((values // 257).astype(np.uint8))  # 65535 / 255


def _without_alpha(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "L", "CMYK", "LAB"):
        return image
    if image.mode in _GREY_MODES:
        return image.convert("L")
    return image.convert("RGBA").convert("RGB") if image.has_transparency_data else image.convert("RGB")


def _apply_profile(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    if image.mode == "LAB":
        return _converted(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))), ()
    if not profile:
        approximate = ("The picture is CMYK without a colour profile: its colours are approximate.",)
        return image.convert("RGB"), approximate if image.mode == "CMYK" else ()
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        described = " ".join(ImageCms.getProfileDescription(source).split())
        core: Any = source.profile
        mode = _MODE_OF_SPACE.get(core.xcolor_space.strip())
        if mode == "RGB":  # grey pictures with the profile of their colour original are common
            image = image.convert("RGB")
        if mode == "RGB" and "sRGB" in described:
            return image, ()
        return _converted(image, source), (f"Colours were converted from the profile '{described}' to sRGB.",)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB"), (
            "The picture's colour profile could not be used: its colours were taken as sRGB.",
        )


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(image, profile, _SRGB, outputMode="RGB")
    assert converted is not None  # None is the answer of the in-place variant only
    return converted
