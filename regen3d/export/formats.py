"""The formats that a scene can be written in: a table of names, and the module that writes each.

A format is one module with `write(scene, settings) -> {path: bytes}`; it is imported when it is first used, so that a
format whose packages are missing costs nothing and says what to install.
"""

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen3d.errors import ConfigError, Regen3dError, StageError
from regen3d.export.settings import ExportSettings

if TYPE_CHECKING:
    from regen3d.export.scene import ExportScene

BLENDER_PYTHON = "REGEN3D_BLENDER_PYTHON"
"""Environment variable that names a Python interpreter with `bpy`, where this one has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a scene."""

    name: str
    """As users write it."""
    target: str
    """Module with the function `write`."""
    describes: str
    """What arrives, one line."""
    opens: str
    """The file that other programs open, relative to the folder."""
    package: str | None = None
    """Module that has to be importable; None for what is always there."""
    install: str = ""
    """Command that installs it."""

    @property
    def is_available(self) -> bool:
        """Whether its package is installed."""
        if self.package is None or importlib.util.find_spec(self.package) is not None:
            return True
        return self.package == "bpy" and BLENDER_PYTHON in os.environ


_BLENDER = f"pip install '.[blender]', or name a Python that has bpy in {BLENDER_PYTHON}"

FORMATS = (
    Format(
        name="glb",
        target="regen3d.export.glb",
        describes="one binary glTF 2.0 file, and one an object",
        opens="scene.glb",
    ),
    Format(
        name="gltf",
        target="regen3d.export.gltf",
        describes="glTF 2.0 as text with its pictures beside it",
        opens="gltf/scene.gltf",
    ),
    Format(
        name="usd",
        target="regen3d.export.usd.assembly",
        describes="a USD assembly of components in layers",
        opens="usd/scene.usda",
        package="pxr",
        install="pip install '.[usd]'",
    ),
    Format(
        name="usdz",
        target="regen3d.export.usd.package",
        describes="the USD assembly in one file",
        opens="scene.usdz",
        package="pxr",
        install="pip install '.[usd]'",
    ),
    Format(
        name="fbx",
        target="regen3d.export.blender.fbx",
        describes="one FBX file, by Blender",
        opens="scene.fbx",
        package="bpy",
        install=_BLENDER,
    ),
    Format(
        name="blend",
        target="regen3d.export.blender.blend",
        describes="a Blender file, set up over the photograph",
        opens="scene.blend",
        package="bpy",
        install=_BLENDER,
    ),
    Format(
        name="obj",
        target="regen3d.export.obj",
        describes="OBJ, MTL and PNG an object, in the world frame",
        opens="obj",
    ),
)
"""Every format."""


def find_format(name: str) -> Format:
    """The format of a name.

    Raises:
        ConfigError: there is none.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    raise ConfigError(f"unknown format '{name}': choose from {', '.join(known.name for known in FORMATS)}")


def check_formats(names: Iterable[str]) -> None:
    """Make sure that formats exist and can be written here, before any work is done.

    Raises:
        ConfigError: a format is unknown, or its package is not installed.
    """
    for name in names:
        known = find_format(name)
        if not known.is_available:
            raise ConfigError(f"the format '{name}' needs {known.package}: {known.install}")


def write_format(name: str, scene: "ExportScene", settings: ExportSettings) -> dict[str, bytes]:
    """A scene in one format: path relative to the folder -> content.

    Raises:
        ConfigError: the format is unknown, or its package is not installed.
        StageError: the scene cannot be written in it.
    """
    check_formats([name])
    try:
        write: Callable[[ExportScene, ExportSettings], dict[str, bytes]]
        write = importlib.import_module(find_format(name).target).write
        return write(scene, settings)
    except Regen3dError:
        raise
    except Exception as error:
        # Writers are other people's libraries, which raise what they like.
        raise StageError(f"{type(error).__name__}: {error}") from error
