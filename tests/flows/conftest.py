"""One temporary Prefect server for all flows of the session, and one finished scene to look at."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from filelock import FileLock
from pydantic import TypeAdapter

from regen3d.cli.quiet import calm_prefect
from regen3d.config import SceneRequest
from regen3d.manifest import Manifest
from tasks.progress import Progress, listening
from tests.synthetic.room import SyntheticRoom

# Before any test imports Prefect, which reads its settings then.
calm_prefect()


@pytest.fixture(scope="session")
def room_of_two(synthetic_room: SyntheticRoom) -> SyntheticRoom:
    """The furnished room with cabinet and table alone marked: less to do where quality is not the question."""
    marked = tuple(item for item in synthetic_room.instances if item.name in ("cabinet-1", "table-1"))
    return replace(synthetic_room, instances=marked)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield


@dataclass(frozen=True)
class FinishedScene:
    """A scene, how it was asked for, and what happened on the way."""

    request: SceneRequest
    manifest: Manifest
    events: list[Progress] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return Path(self.request.out)


def reconstruct(request: SceneRequest) -> FinishedScene:
    """Run the flow and keep the events of its stages."""
    from flows.scene import reconstruct_scene

    events: list[Progress] = []
    with listening(events.append):
        manifest = reconstruct_scene(request)
    return FinishedScene(request=request, manifest=manifest, events=events)


@pytest.fixture(scope="session")
def furnished_scene(
    prefect_server: None, synthetic_inputs: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> FinishedScene:
    """The furnished test room with everything embedded, from the user's masks and camera; read only.

    It is made once, by the first process of the test run that needs it: it takes a minute.
    """
    own = tmp_path_factory.getbasetemp()
    record = (own if worker_id == "master" else own.parent) / "furnished.json"
    scenes = TypeAdapter(FinishedScene)
    with FileLock(record.with_suffix(".lock")):
        if record.is_file():
            return scenes.validate_json(record.read_bytes())
        out = tmp_path_factory.mktemp("furnished")
        request = SceneRequest(
            image=str(synthetic_inputs / "image.png"),
            out=str(out),
            masks=str(synthetic_inputs / "masks"),
            camera=str(synthetic_inputs / "camera.json"),
        )
        scene = reconstruct(request)
        record.write_bytes(scenes.dump_json(scene))
        return scene
