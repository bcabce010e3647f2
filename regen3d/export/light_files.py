"""The estimated light as files beside the scene, for artists who light or grade it themselves."""

from collections.abc import Iterable

import numpy as np

from regen3d.light.albedo import slow_illumination
from regen3d.light.base import ESTIMATED, SceneLight
from regen3d.light.environment import exr_bytes, hdr_bytes
from regen3d.types import Room

FOLDER = "light"
"""Of the scene's folder."""


def light_files(light: SceneLight, room: Room) -> dict[str, bytes]:
    """Path in the scene's folder -> file.

    `environment.hdr` is `SceneLight.environment`; `illumination/SIDE.exr` lies over the textures of a side of the room
    and holds irradiance / pi, the radiance of a white matt surface there: albedo times it is the photograph, linear.
    """
    sides = {
        f"{FOLDER}/illumination/{side}.exr": exr_bytes((slow_illumination(mesh, light) / np.pi).astype(np.float32))
        for side, mesh in room.parts.items()
    }
    return {f"{FOLDER}/environment.hdr": hdr_bytes(light.environment), **sides}


def estimates(paths: Iterable[str]) -> dict[str, str]:
    """Which of `ESTIMATED` each file of light shows, for those of `paths` that `light_files` made."""
    return {path: kind for path in paths for kind in ESTIMATED if path.startswith(f"{FOLDER}/{kind}")}
