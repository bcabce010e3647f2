"""A farm as it stands: a Prefect server, workers that start processes, and the commands of whoever uses it.

One server and one store serve the whole file, and later tests build on the scenes of earlier ones; they run in order.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
from click.testing import Result
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner

from regen3d.cli.quiet import calm_prefect
from regen3d.manifest import Manifest
from regen3d.store import Store

calm_prefect()

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Farm:
    """A running farm."""

    url: str
    folder: Path
    pictures: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def scenes(self) -> Path:
        return self.folder / "scenes"

    def say(self, *arguments: str) -> Result:
        """Run a command of regen3d against the farm, in this process."""
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from regen3d.cli.app import app

        with temporary_settings({PREFECT_API_URL: self.url}):
            return CliRunner().invoke(app, list(arguments))

    def submit(self, *arguments: str) -> Result:
        given = ["--masks", str(self.pictures / "masks"), "--camera", str(self.pictures / "camera.json")]
        places = ["--out", str(self.scenes), "--store", str(self.store)]
        return self.say("submit", str(self.pictures / "image.png"), *given, *places, *arguments)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def farm(two_objects: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder, port = tmp_path_factory.mktemp("farm"), free_port()
    farm = Farm(url=f"http://127.0.0.1:{port}/api", folder=folder, pictures=two_objects)
    environment = os.environ | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": farm.url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "OMP_NUM_THREADS": "1",
    }
    prefect = str(BIN / "prefect")
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        with (folder / f"{len(running)}.log").open("wb") as log:
            running.append(subprocess.Popen([prefect, *command], env=environment, cwd=ROOT, stdout=log, stderr=log))

    try:
        start("server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui")
        wait_for(f"{farm.url}/health", running[0])
        answer = farm.say("farm", "setup")
        assert answer.exit_code == 0, answer.output
        # Twice is the same as once.
        assert farm.say("farm", "setup").output == answer.output
        deployed = subprocess.run(
            [prefect, "--no-prompt", "deploy", "--all", "--prefect-file", "deploy/prefect.yaml"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        for pool in ("scenes", "coordination"):
            start("worker", "start", "--pool", pool, "--type", "process", "--install-policy", "never")
        yield farm
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(timeout=60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    import urllib.error
    import urllib.request

    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise AssertionError("the server did not answer")


@pytest.fixture(scope="module")
def scene(farm: Farm) -> Manifest:
    """One scene that an artist submitted, and waited for."""
    answer = farm.submit("--wait")
    assert answer.exit_code == 0, answer.output
    return Manifest.model_validate_json((farm.scenes / "image" / "manifest.json").read_bytes())


def artifacts_of(farm: Farm, run: str) -> dict:
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: farm.url}), get_client(sync_client=True) as client:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run)]))
        return {item.key: item.data for item in client.read_artifacts(flow_run_filter=wanted, limit=200)}


def test_a_submitted_scene_is_made_by_a_worker(farm: Farm, scene: Manifest) -> None:
    assert scene.status == "whole"
    assert (farm.scenes / "image" / "scene.glb").is_file()
    artifacts = artifacts_of(farm, scene.run.id)
    assert artifacts["progress"] == 100
    assert f"# {scene.scene}: whole" in artifacts["scene"]
    rows = json.loads(artifacts["timings"])
    assert {(row["stage"], row["object"]) for row in rows} == {
        (entry.call.stage, entry.call.object or "") for entry in scene.stages
    }
    name = scene.objects[0].name
    for key in ("segment", f"complete-{name}", f"align-{name}", "report"):
        assert artifacts[key].startswith("data:image/jpeg;base64,"), key


def test_what_is_done_is_found_and_not_run_twice(farm: Farm, scene: Manifest) -> None:
    answer = farm.submit()
    assert answer.exit_code == 0, answer.output
    assert "done" in answer.output
    assert scene.run.id in answer.output


def test_status_tells_of_the_farm_and_of_one_run(farm: Farm, scene: Manifest) -> None:
    every = farm.say("status")
    assert every.exit_code == 0
    assert "Completed" in every.output
    one = farm.say("status", scene.run.id[:13], "--json")
    assert one.exit_code == 0, one.output
    document = json.loads(one.output)
    assert (document["state"], document["exit_code"], document["percent"]) == ("Completed", 0, 100)
    assert {stage["state"] for stage in document["stages"]} == {"Completed"}
    ran = Counter(stage["title"] for stage in document["stages"])
    kept = Counter(": ".join(filter(None, (entry.call.stage, entry.call.object))) for entry in scene.stages)
    # Where a wall was corrected, the room and what the wall concerns were made twice.
    assert ran.keys() == kept.keys()
    assert all(title.startswith(("room", "align")) for title in ran - kept), ran - kept


def test_a_scene_can_be_taken_from_the_store_wherever_it_was_made(farm: Farm, scene: Manifest, tmp_path: Path) -> None:
    answer = farm.say("watch", scene.run.id, "--out", str(tmp_path / "mine"))
    assert answer.exit_code == 0, answer.output
    mine = Manifest.model_validate_json((tmp_path / "mine" / "manifest.json").read_bytes())
    assert mine.digest == scene.digest
    assert (tmp_path / "mine" / "scene.glb").read_bytes() == (farm.scenes / "image" / "scene.glb").read_bytes()


def test_redo_on_the_farm_leaves_the_others_as_they_were(farm: Farm, scene: Manifest) -> None:
    name = scene.objects[-1].name
    answer = farm.say("redo", scene.run.id, "--object", name, "--seed", "7", "--wait")
    assert answer.exit_code in (0, 3), answer.output
    after = Manifest.model_validate_json((farm.scenes / "image" / "manifest.json").read_bytes())
    assert after.run.id in answer.output
    others = [entry for entry in scene.objects if entry.name != name]
    assert [entry for entry in after.objects if entry.name != name] == others
    fresh = {(entry.call.stage, entry.call.object) for entry in after.stages if not entry.reused}
    assert {object_ for _, object_ in fresh} <= {name, None}
    assert {"complete", "generate", "align"} <= {stage for stage, _ in fresh}


def library_of(farm: Farm) -> Path:
    """The known picture under another name and once more with other bytes, in a folder below, and one that is none."""
    folder = farm.folder / "concepts"
    if not folder.exists():
        (folder / "halls").mkdir(parents=True)
        with Image.open(farm.pictures / "image.png") as picture:
            picture.save(folder / "kitchen.png")
            note = PngInfo()
            note.add_text("Comment", "the same pixels")
            picture.save(folder / "halls" / "image.png", pnginfo=note)
        (folder / "broken.jpg").write_bytes(b"no picture")
        (folder / "notes.txt").write_text("no picture either")
    return folder


def run_library(farm: Farm, **limits: object) -> Result:
    """Convert the library with the known masks and camera, so that the store has every stage already."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.client import server
    from flows.names import LIBRARY
    from flows.submitting import Order, submit
    from regen3d.config import SceneRequest
    from regen3d.library import LibraryRequest

    scene = SceneRequest(
        image=str(library_of(farm)),
        out=str(farm.folder / "library"),
        store=str(farm.store),
        masks=str(farm.pictures / "masks"),
        camera=str(farm.pictures / "camera.json"),
    )
    request = LibraryRequest.model_validate({"name": "art", "scene": scene, "at_once": 3, **limits})
    with temporary_settings({PREFECT_API_URL: farm.url}), server() as client:
        order = Order(deployment=LIBRARY, queue=None)
        submitted = submit(client, order, {"request": request}, "art", f"library {time.time()}")
    answer = farm.say("watch", submitted.id)
    answer.run = submitted.id  # type: ignore[attr-defined]
    return answer


def test_a_library_is_converted_once_and_what_failed_is_told(farm: Farm, scene: Manifest) -> None:
    first = run_library(farm)
    assert first.exit_code == 3, first.output
    assert "2 new of 3" not in first.output
    assert "3 new of 3, 1 failed, 0 left" in first.output
    out = farm.folder / "library"
    for path in ("kitchen", "halls/image"):
        assert Manifest.model_validate_json((out / path / "manifest.json").read_bytes()).status == "whole"
    told = artifacts_of(farm, first.run)["library"]
    assert "2 whole, 0 partial, 1 failed" in told
    assert "broken.jpg" in told
    records = [Store(str(farm.store)).get_record(file.path.removesuffix(".json")) for file in records_of(farm)]
    assert sorted(record["status"] for record in records if record) == ["failed", "whole", "whole"]


def records_of(farm: Farm) -> list:
    files = Store(str(farm.store)).walk("libraries/art")
    return [file for file in files if "/seen/" not in file.path]


def test_the_next_night_only_what_failed_is_tried_and_then_left_alone(farm: Farm, scene: Manifest) -> None:
    second = run_library(farm, most_tries=2)
    assert "1 new of 3, 1 failed, 0 left" in second.output
    third = run_library(farm, most_tries=2)
    assert "0 new of 3, 1 failed, 0 left" in third.output
    assert "1 are left alone after 2 failures" in artifacts_of(farm, third.run)["library"]


def test_a_run_is_cancelled_before_and_while_it_runs(farm: Farm, scene: Manifest) -> None:
    submitted = farm.submit("--seed", "3")
    run = submitted.output.split()[0]
    assert "submitted" in submitted.output, submitted.output
    assert farm.say("status", run).exit_code in (0, 4)
    answer = farm.say("cancel", run)
    assert answer.exit_code == 0, answer.output
    assert farm.say("watch", run, "--timeout", "240").exit_code == 1
    assert json.loads(farm.say("status", run, "--json").output)["state"] in ("Cancelled", "Crashed")
    again = farm.say("cancel", run)
    assert again.exit_code != 0
    assert "over already" in str(again.exception)


def test_a_run_that_waits_for_a_person_has_no_process_and_goes_on_by_a_worker(farm: Farm, scene: Manifest) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.names import AT_REST
    from flows.review import go_on
    from regen3d.editor.waiting import read_waiting

    out = farm.folder / "reviewed"
    run = farm.submit("--out", str(out), "--pause-after", "segment").output.split()[0]
    deadline = time.monotonic() + 240
    while read_waiting(out / "image") is None:
        assert time.monotonic() < deadline, farm.say("status", run).output
        time.sleep(0.5)
    assert json.loads(farm.say("status", run, "--json").output)["state"] == "Suspended"
    while run in processes_of_runs():
        assert time.monotonic() < deadline, "its process goes on"
        time.sleep(0.5)
    assert not marks_of(farm, run)
    while AT_REST not in (heard := events_of(farm, run)):
        assert time.monotonic() < deadline, heard
        time.sleep(0.5)
    # Whatever heartbeats there were came before: the automation on them expects none after this.
    assert heard.index(AT_REST) > max((k for k, name in enumerate(heard) if name.endswith("heartbeat")), default=-1)
    with temporary_settings({PREFECT_API_URL: farm.url}):
        go_on(run)
    while not marks_of(farm, run):
        assert time.monotonic() < deadline, "nobody would notice if its process was killed"
        time.sleep(0.2)
    assert farm.say("watch", run, "--timeout", "240").exit_code == 0
    # The second process is its own until the end.
    assert len(marks_of(farm, run)) == 1
    assert read_waiting(out / "image") is None
    assert Manifest.model_validate_json((out / "image" / "manifest.json").read_bytes()).digest == scene.digest


def test_a_run_that_waits_and_is_cancelled_leaves_its_scene_to_be_edited(farm: Farm, scene: Manifest) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from regen3d.cli.edit import _opened
    from regen3d.editor.waiting import read_waiting

    out = farm.folder / "given-up" / "image"
    shutil.copytree(farm.scenes / "image", out)
    run = farm.submit("--out", str(out.parent), "--pause-after", "segment").output.split()[0]
    deadline = time.monotonic() + 240
    while read_waiting(out) is None:
        assert time.monotonic() < deadline, farm.say("status", run).output
        time.sleep(0.5)
    with temporary_settings({PREFECT_API_URL: farm.url}):
        assert _opened(out, out, None)[2] is not None
        assert farm.say("cancel", run).exit_code == 0
        opened, _, waiting = _opened(out, out, None)
    assert waiting is None
    assert not opened.waiting
    assert read_waiting(out) is None


def marks_of(farm: Farm, run: str) -> list[str]:
    """Marks of the processes that a run says it has."""
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: farm.url}), get_client(sync_client=True) as client:
        return [tag for tag in client.read_flow_run(UUID(run)).tags if tag.startswith("process:")]


def events_of(farm: Farm, run: str) -> list[str]:
    """What the server heard of a run, in the order in which it happened."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    wanted = {"filter": {"resource": {"id": [f"prefect.flow-run.{run}"]}, "order": "ASC"}, "limit": 50}
    with temporary_settings({PREFECT_API_URL: farm.url}), get_client(sync_client=True) as client:
        return [event["event"] for event in client.request("POST", "/events/filter", json=wanted).json()["events"]]


def processes_of_runs() -> set[str]:
    """Ids of the flow runs that a process of this user is at."""
    found = set[str]()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found.add(process.environ().get("PREFECT__FLOW_RUN_ID", ""))
    return found


def test_metrics_count_what_the_farm_did(farm: Farm, scene: Manifest) -> None:
    from datetime import timedelta

    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.client import server
    from flows.metrics import FarmMetrics

    # As if the exporter had been there from the beginning.
    metrics = FarmMetrics(since=datetime.now(UTC) - timedelta(hours=1))
    with temporary_settings({PREFECT_API_URL: farm.url}), server() as client:
        metrics.update(client)
        told = {name: metrics.registry.get_sample_value(name) for name in ("regen3d_server_up",)}
        whole = metrics.registry.get_sample_value("regen3d_runs_total", {"state": "completed"})
        metrics.update(client)
    assert told == {"regen3d_server_up": 1.0}
    assert whole is not None
    assert whole >= 3
    # A second look counts nothing twice.
    assert metrics.registry.get_sample_value("regen3d_runs_total", {"state": "completed"}) == whole
    value = metrics.registry.get_sample_value
    assert value("regen3d_stages_total", {"stage": "segment", "how": "computed"}) == 1
    assert value("regen3d_stage_seconds_count", {"stage": "segment"}) == 1
    failures = list(metrics.failures.collect())
    assert value("regen3d_failures_total", {"stage": "run", "kind": "UnreadableImageError"}) == 2, failures
    assert value("regen3d_queue_length", {"queue": "artists"}) == 0
    assert value("regen3d_limit_slots", {"limit": "regen3d-gpu"}) == 1


class Alerts:
    """A service on this machine that is told of failed runs."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def alerts() -> Iterator[Alerts]:
    alerts = Alerts()
    yield alerts
    alerts.server.shutdown()
    alerts.server.server_close()


@pytest.mark.soak
def test_a_run_that_falls_silent_is_crashed_and_somebody_is_told(farm: Farm, alerts: Alerts) -> None:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.states import Running

    from flows.scene import reconstruct_scene
    from flows.setup import FarmSettings, set_up_farm

    with temporary_settings({PREFECT_API_URL: farm.url}), get_client(sync_client=True) as client:
        block = CustomWebhookNotificationBlock(
            name="alerts", url=alerts.url, method="POST", json_data={"text": "{{subject}} {{body}}"}
        )
        block.save("alerts", overwrite=True)
        told = f"{block.get_block_type_slug()}/alerts"
        set_up_farm(client, FarmSettings(heartbeat_s=4, alert_block=told))
        run = client.create_flow_run(reconstruct_scene, name="silent", tags=["regen3d"], state=Running())
        event = {
            "id": str(uuid.uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": "prefect.flow-run.heartbeat",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": "silent"},
        }
        client.request("POST", "/events", json=[event])
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not (alerts.heard and is_crashed(client.read_flow_run(run.id))):
            time.sleep(0.5)
        assert is_crashed(client.read_flow_run(run.id))
        assert len(alerts.heard) == 1
        assert "silent" in alerts.heard[0]
        assert "No heartbeat for 12 s" in alerts.heard[0]
        set_up_farm(client, FarmSettings())


def is_crashed(run: object) -> bool:
    return run.state is not None and run.state.is_crashed()  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", [["status"], ["watch", "x"], ["cancel", "x"], ["redo", "x", "--object", "chair-1"]])
def test_an_unknown_run_or_no_server_is_one_sentence(farm: Farm, command: list[str]) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from regen3d.errors import ConfigError

    if len(command) > 1:
        assert "there is no run 'x'" in str(farm.say(*command).exception)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        from regen3d.cli.app import app

        answer = CliRunner().invoke(app, command)
    assert isinstance(answer.exception, ConfigError)
    assert "no Prefect server answers" in str(answer.exception)
