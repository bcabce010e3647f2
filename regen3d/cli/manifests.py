"""Manifests that commands are given."""

from pathlib import Path
from typing import TYPE_CHECKING

from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from regen3d.manifest import Manifest


def manifest_path(path: Path) -> Path:
    """The manifest of a scene: the file itself, or the one in the scene's folder."""
    return path / "manifest.json" if path.is_dir() else path


def read_manifest(path: Path) -> "Manifest":
    """A scene's manifest.

    Raises:
        ConfigError: the file is missing or no manifest of this version.
    """
    from pydantic import ValidationError

    from regen3d.manifest import Manifest

    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read '{path}': {error.strerror}; give the manifest.json of a scene") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise ConfigError(f"'{path}' is no manifest of this version: {place}: {first['msg']}") from error


def store_of(scene: "Manifest", path: Path) -> str:
    """URI of the store that a manifest read from `path` refers to."""
    return scene.store if "://" in scene.store else str((path.absolute().parent / scene.store).resolve())
