"""What is edited: a picture, the objects in it, and where the result goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from regen3d.errors import ConfigError
from regen3d.types import Instance, Rgb

MOST_OBJECTS = 200
"""Most objects of one scene, as `regen3d.inputs.masks` has it; their numbers fit a byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorScene:
    """One picture with its objects."""

    title: str
    """Name of the scene."""
    out: Path
    """The scene's folder: corrections are written there."""
    image: Rgb
    """The working picture."""
    instances: Sequence[Instance]
    """What was found, or mended before."""
    supports: Mapping[str, str]
    """Object -> what it stands on, as found."""
    given: Mapping[str, str]
    """The same as the user said."""
    waiting: bool
    """Whether a run waits for the masks."""

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.image.shape[0], self.image.shape[1]


def index_of(instances: Sequence[Instance], hw: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """The number of the object at each pixel, counted from one; 0 where there is none.

    Raises:
        ConfigError: more objects than the editor holds.
    """
    if len(instances) > MOST_OBJECTS:
        raise ConfigError(f"the scene has {len(instances)} objects, the editor holds {MOST_OBJECTS}: use --masks")
    index = np.zeros(hw, dtype=np.uint8)
    for number, instance in enumerate(instances, start=1):
        index[instance.mask] = number
    return index
