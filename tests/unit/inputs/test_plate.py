from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from regen3d.errors import ConfigError, UnreadableImageError
from regen3d.inputs.image import read_image
from regen3d.inputs.plate import read_plate


def save(path: Path, wh: tuple[int, int], colour: int, orientation: int | None = None) -> Path:
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", wh, (colour, colour, colour)).save(path, exif=exif)
    return path


@pytest.mark.parametrize(("wh", "orientation"), [((2400, 1200), None), ((1200, 2400), 6), ((2048, 1024), None)])
def test_plate_comes_at_the_size_of_the_working_picture(
    wh: tuple[int, int], orientation: int | None, tmp_path: Path
) -> None:
    picture = read_image(save(tmp_path / "image.png", (2400, 1200), 10))
    plate = read_plate(save(tmp_path / "plate.png", wh, 200, orientation), picture)
    assert plate.pixels.shape == picture.pixels.shape == (1024, 2048, 3)
    assert np.all(plate.pixels == 200)


def test_plate_of_another_size_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    picture = read_image(save(tmp_path / "image.png", (320, 240), 10))
    path = save(tmp_path / "plate.png", (320, 200), 200)
    refused(ConfigError, ("plate.png", "320 x 200", "320 x 240"), read_plate, path, picture)
    refused(UnreadableImageError, ("nowhere.png",), read_plate, tmp_path / "nowhere.png", picture)
