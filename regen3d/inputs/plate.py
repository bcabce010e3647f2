"""The picture of the empty room, made by hand."""

from pathlib import Path

from regen3d.errors import ConfigError
from regen3d.inputs.image import Picture, read_image


def read_plate(path: Path, picture: Picture) -> Picture:
    """The empty room as a picture of the same size as the working picture.

    Args:
        path: a picture of any kind that `read_image` reads, as large as the picture given or the working picture.
        picture: the picture with its furniture.

    Raises:
        UnreadableImageError: as in `read_image`.
        UnsupportedImageError: as in `read_image`.
        ConfigError: it has another size.
    """
    plate = read_image(path)
    if not picture.has_size(plate.given_wh):
        raise ConfigError(
            f"{path.name}: the plate has {plate.given_wh[0]} x {plate.given_wh[1]} pixels, but the picture has "
            f"{picture.given_wh[0]} x {picture.given_wh[1]}; paint the empty room over the picture itself, uncropped"
        )
    return plate
