"""Which reader a folder needs, and which of its scenes are wanted."""

from collections.abc import Sequence
from pathlib import Path

from regen3d.datasets.front3d import Front3d, is_front3d
from regen3d.datasets.rendered import RenderedRooms
from regen3d.datasets.truth import DatasetReader
from regen3d.errors import ConfigError


def open_dataset(root: Path) -> DatasetReader:
    """The reader of a folder.

    Raises:
        ConfigError: it is missing, or holds no scenes of a format that is known.
    """
    if not root.is_dir():
        raise ConfigError(f"'{root}' is no folder: name one with scenes and their truth")
    reader: DatasetReader = Front3d(root) if is_front3d(root) else RenderedRooms(root)
    if not reader.names():
        raise ConfigError(
            f"'{root}' holds no scenes with truth: each is a folder with image.png, camera.json and instances.json, "
            "as docs/evaluation.md says"
        )
    return reader


def chosen_scenes(reader: DatasetReader, wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted scenes, or all where none is named.

    Raises:
        ConfigError: one is named that is not there.
    """
    names = reader.names()
    for name in wanted:
        if name not in names:
            shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            raise ConfigError(f"there is no scene '{name}' in the data set: it has {shown}")
    return tuple(wanted) or names
