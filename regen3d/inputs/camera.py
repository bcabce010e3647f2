"""What the user knows of the camera."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AliasChoices, BaseModel, Field, FiniteFloat, model_validator

from regen3d.errors import ConfigError
from regen3d.inputs.files import read_json
from regen3d.inputs.image import Picture
from regen3d.types import KnownCamera

_Row = Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]
_FOCAL_RANGE = (0.2, 20.0)  # of the width: 136 to 3 degrees; outside, K is normalised or belongs to another picture
_ASPECT_TOLERANCE = 0.01  # rounding of a reduced picture stays below
_MAX_VERTICAL_Z = 0.995  # within 6 degrees of straight up or down a picture shows no horizon and no walls


class _Document(BaseModel):
    K: Annotated[list[_Row], Field(min_length=3, max_length=3)]
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    gravity: _Row | None = Field(default=None, validation_alias=AliasChoices("gravity", "gravity_cam"))
    height_m: float | None = Field(
        default=None, ge=0.05, le=50.0, validation_alias=AliasChoices("height_m", "camera_height_m")
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_misspelt(cls, content: Any) -> Any:
        """Other keys may stand beside the known ones, but a slip of the pen must not drop a number silently."""
        known = ("K", "width", "height", "gravity", "gravity_cam", "height_m", "camera_height_m")
        for key in content if isinstance(content, dict) else ():
            close = get_close_matches(key, known, n=1, cutoff=0.8)
            if key not in known and close:
                raise ValueError(f"the key {key!r} is unknown, did you mean {close[0]!r}")
        return content


def read_camera(path: Path, picture: Picture) -> KnownCamera:
    """The camera in a JSON file, for the working picture.

    Args:
        path: `{"K": 3x3, "width": w, "height": h}`, optionally with `gravity` (down, OpenCV camera frame, any length)
            and `height_m`. K is in pixels of a picture of `width` x `height`.
        picture: the picture that the camera took; `width` x `height` has its shape, at any resolution.

    Raises:
        ConfigError: the file is malformed or describes no camera that took this picture.
    """
    document = read_json(path, _Document, "camera")
    factors = picture.wh[0] / document.width, picture.wh[1] / document.height
    if abs(factors[0] / factors[1] - 1.0) > _ASPECT_TOLERANCE:
        raise ConfigError(
            f"{path.name}: the camera is for a picture of {document.width} x {document.height} pixels, but this one "
            f"has {picture.given_wh[0]} x {picture.given_wh[1]}; give the camera of the uncropped picture"
        )
    intrinsics = np.diag([*factors, 1.0]) @ _checked_intrinsics(document, path.name)
    return KnownCamera(
        intrinsics=intrinsics,
        width=picture.wh[0],
        height=picture.wh[1],
        gravity=None if document.gravity is None else _checked_gravity(np.array(document.gravity), path.name),
        height_m=document.height_m,
    )


def _checked_intrinsics(document: _Document, source: str) -> np.ndarray:
    matrix = np.array(document.K, dtype=np.float64)
    (fx, skew, cx), (below, fy, cy), last = matrix
    if skew != 0.0 or below != 0.0 or not np.array_equal(last, [0.0, 0.0, 1.0]):
        raise ConfigError(
            f"{source}: K is not that of a pinhole camera without skew; write [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]"
        )
    low, high = (share * document.width for share in _FOCAL_RANGE)
    if not (low <= fx <= high and low <= fy <= high):
        raise ConfigError(
            f"{source}: the focal lengths {fx:g} and {fy:g} do not fit a picture {document.width} pixels wide; "
            "write K in pixels, with positive fx and fy"
        )
    if not (0.0 <= cx <= document.width and 0.0 <= cy <= document.height):
        raise ConfigError(
            f"{source}: the principal point ({cx:g}, {cy:g}) lies outside the picture of {document.width} x "
            f"{document.height} pixels; write cx and cy in pixels from the upper left corner"
        )
    return matrix


def _checked_gravity(gravity: np.ndarray, source: str) -> np.ndarray:
    length = float(np.linalg.norm(gravity))
    if length < 1e-6:
        raise ConfigError(f"{source}: gravity has no direction; give [x, y, z], as in [0, 1, 0] for a level camera")
    unit = gravity / length
    shown = ", ".join(f"{value:.2f}" for value in unit)
    if abs(unit[2]) > _MAX_VERTICAL_Z:
        raise ConfigError(
            f"{source}: gravity [{shown}] says that the camera looks straight up or down; give a picture that "
            "shows the room, or leave gravity out"
        )
    if unit[1] <= 0.0:
        raise ConfigError(
            f"{source}: gravity [{shown}] points up in the picture; give the direction in which things fall, with x "
            "to the right, y down and z forward"
        )
    return unit
