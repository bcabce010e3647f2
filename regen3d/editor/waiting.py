"""The sign that a run waits for a person: a file in the scene's folder that the editor opens."""

from pathlib import Path

from pydantic import ValidationError

from regen3d.config import SceneRequest
from regen3d.errors import ConfigError
from regen3d.manifest import Entry
from regen3d.store import Ref, write_atomically

NAME = "waiting.json"
"""Its name in the scene's folder; there only while the run waits."""


class WaitingScene(Entry):
    """A scene whose objects were found and nothing else."""

    flow_run: str
    """The flow run that waits."""
    request: SceneRequest
    """What it was asked."""
    store: str
    """URI of its store."""
    image: Ref
    """The working picture."""
    segmentation: Ref
    """What was found."""


def write_waiting(out: Path, scene: WaitingScene) -> None:
    """Say in a scene's folder that its run waits."""
    write_atomically(out / NAME, scene.model_dump_json(indent=2).encode())


def no_longer_waiting(out: Path) -> None:
    """Take the sign away."""
    (out / NAME).unlink(missing_ok=True)


def read_waiting(out: Path) -> WaitingScene | None:
    """The scene in this folder that waits, if there is one.

    Raises:
        ConfigError: the file was not written by this version.
    """
    path = out / NAME
    if not path.is_file():
        return None
    try:
        return WaitingScene.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigError(f"'{path}' was not written by this version: approve the run in the Prefect UI") from error
