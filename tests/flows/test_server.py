"""A run in another process against a Prefect server of its own: the same scene, and a UI that tells what happened."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from regen3d.manifest import Manifest
from tests.flows.conftest import FinishedScene
from tests.synthetic.prefect_server import PrefectServer

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = PrefectServer(tmp_path_factory.mktemp("prefect"))
    server.start()
    try:
        yield server.url
    finally:
        server.kill()


async def _recorded(url: str) -> tuple[list[str], list[str], list[str]]:
    from prefect.client.orchestration import PrefectClient

    async with PrefectClient(url) as client:
        flows = await client.read_flow_runs()
        tasks = await client.read_task_runs(limit=200)
        artifacts = await client.read_artifacts(limit=200)
    return [run.name for run in flows], [run.name for run in tasks], [str(item.key) for item in artifacts]


def test_a_fresh_store_gets_the_same_scene_with_names_and_artifacts_in_the_ui(
    server_url: str, furnished_scene: FinishedScene, tmp_path: Path
) -> None:
    request = furnished_scene.request
    arguments = [request.image, "--masks", str(request.masks), "--camera", str(request.camera)]
    answer = subprocess.run(
        [str(BIN / "regen3d"), "run", *arguments, "--out", str(tmp_path / "out")],
        env=os.environ | {"PREFECT_API_URL": server_url},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert answer.returncode in (0, 3), answer.stderr
    manifest = Manifest.model_validate_json((tmp_path / "out/manifest.json").read_bytes())
    assert not any(entry.reused for entry in manifest.stages)
    assert manifest.digest == furnished_scene.manifest.digest
    flows, tasks, artifacts = asyncio.run(_recorded(server_url))
    assert flows == [manifest.scene]
    names = [entry.name for entry in manifest.objects]
    expected = {"segment", "plate", "geometry", "room", "isolate", "walls", "assemble", "export", "report"}
    expected |= {f"{stage}: {name}" for stage in ("complete", "generate", "align") for name in names}
    assert set(tasks) == expected
    assert {title.replace(": ", "-") for title in expected} <= set(artifacts)
