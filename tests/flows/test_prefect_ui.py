"""A run that waits is resumed by a person in the Prefect UI, in a real Chromium."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from regen3d.config import SceneRequest
from regen3d.editor.waiting import read_waiting
from regen3d.manifest import Manifest
from tests.synthetic.prefect_server import PrefectServer
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.small_scene import small_scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    server = PrefectServer(tmp_path_factory.mktemp("prefect"), ui=True)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def desk(browser: "Browser") -> Iterator["Page"]:
    """A window in which Prefect's own pages may complain: they look for news in the network."""
    window = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    window.set_default_timeout(120_000)
    yield window.new_page()
    window.close()


def manifest_of(request: SceneRequest) -> Manifest:
    return Manifest.model_validate_json((Path(request.out) / "manifest.json").read_bytes())


def start(request: SceneRequest, server: PrefectServer) -> subprocess.Popen[str]:
    path = Path(request.out).with_suffix(".json")
    path.write_text(request.model_dump_json(), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.synthetic.small_scene", str(path)],
        env=os.environ | {"PREFECT_API_URL": server.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def waiting_run(request: SceneRequest, process: subprocess.Popen[str]) -> str:
    """The flow run, once it waits."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        waiting = read_waiting(Path(request.out))
        if waiting is not None:
            return waiting.flow_run
        time.sleep(0.5)
    process.kill()
    raise AssertionError(process.communicate()[0])


def resume(desk: "Page", server: PrefectServer, run: str, masks: Path | None) -> None:
    """What a person does on the run's page."""
    desk.goto(f"{server.site}/v2/runs/flow-run/{run}")
    desk.get_by_text("Paused").first.wait_for()
    desk.get_by_role("button", name="Open menu").click()
    desk.get_by_role("menuitem", name="Resume").click()
    form = desk.get_by_role("dialog")
    form.get_by_text("Look at the masks of").wait_for()
    if masks is not None:
        form.get_by_text("str", exact=True).click()
        form.get_by_role("textbox").fill(str(masks))
    form.get_by_role("button", name="Resume").click()
    form.wait_for(state="hidden")


def test_a_person_lets_a_run_go_on_with_other_masks_and_with_those_found(
    desk: "Page", server: PrefectServer, synthetic_room: SyntheticRoom, tmp_path: Path
) -> None:
    request = small_scene(synthetic_room, tmp_path, pause_after="segment")
    named = tmp_path / "named"
    shutil.copytree(str(request.masks), named)
    (named / "vase-1.png").unlink()
    found = {path.stem for path in Path(str(request.masks)).glob("*.png")}
    for masks, objects in ((named, found - {"vase-1"}), (None, found)):
        process = start(request, server)
        resume(desk, server, waiting_run(request, process), masks)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
        assert {entry.name for entry in manifest_of(request).objects} == objects
        assert read_waiting(Path(request.out)) is None
