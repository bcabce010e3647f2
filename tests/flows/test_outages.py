"""Processes and servers that die while a scene is made: it ends, nothing done is lost, and the API tells the truth."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from regen3d.config import SceneRequest
from regen3d.manifest import Manifest
from tests.synthetic.prefect_server import PrefectServer
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.s3_server import BUCKET, S3Server, environment
from tests.synthetic.small_scene import small_scene

OUTAGE_S = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    server = PrefectServer(tmp_path_factory.mktemp("prefect"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


def start(*requests: SceneRequest, server: PrefectServer, **variables: str) -> subprocess.Popen[str]:
    paths = [Path(request.out).with_suffix(".json") for request in requests]
    for path, request in zip(paths, requests, strict=True):
        path.write_text(request.model_dump_json(), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.synthetic.small_scene", *map(str, paths)],
        env=os.environ | {"PREFECT_API_URL": server.url} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return
    raise AssertionError(f"never saw '{text}':\n" + "".join(lines))


def finish(process: subprocess.Popen[str], seconds: float = 300.0) -> str:
    output, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, output
    return output


def manifest_of(request: SceneRequest) -> Manifest:
    return Manifest.model_validate_json((Path(request.out) / "manifest.json").read_bytes())


def states(server: PrefectServer, name: str) -> tuple[list[str], set[str]]:
    """States of the flow runs of that name in the order of their start, and of all task runs."""
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    with SyncPrefectClient(server.url) as client:
        named = FlowRunFilter(name=FlowRunFilterName(any_=[name]))
        flows = client.read_flow_runs(flow_run_filter=named, sort=FlowRunSort.START_TIME_ASC)
        tasks = client.read_task_runs(flow_run_filter=named)
    return [run.state.name for run in flows if run.state], {run.state.name for run in tasks if run.state}


def eventually_none_runs(server: PrefectServer, name: str) -> tuple[list[str], set[str]]:
    """Once events have arrived: what tasks say goes to the server in batches."""
    deadline = time.monotonic() + 60
    while True:
        flows, tasks = states(server, name)
        if "Running" not in flows and not tasks & {"Running", "Pending"}:
            return flows, tasks
        assert time.monotonic() < deadline, (flows, tasks)
        time.sleep(1.0)


def named(request: SceneRequest, name: str) -> SceneRequest:
    """The same scene under a name of its own in the API, which is its picture's."""
    image = Path(request.image).with_name(f"{name}.png")
    Path(request.image).rename(image)
    return request.model_copy(update={"image": str(image)})


def test_a_killed_flow_goes_on_and_does_not_stay_running(
    server: PrefectServer, room_of_two: SyntheticRoom, tmp_path: Path
) -> None:
    fuse = tmp_path / "fuse"
    fuse.touch()
    # In this process, the model that dies takes the flow with it.
    request = named(small_scene(room_of_two, tmp_path, options={"generate": {"kill_once": str(fuse)}}), "killed-flow")
    first = start(request, server=server)
    output, _ = first.communicate(timeout=300)
    assert first.returncode == -signal.SIGKILL, output
    done = {tuple(line.split()[:2]) for line in output.splitlines() if line.endswith(" finished")}
    assert ("isolate", "-") in done
    assert states(server, "killed-flow")[0] == ["Running"]
    output = finish(start(request, server=server))
    computed = {tuple(line.split()[:2]) for line in output.splitlines() if line.endswith(" finished")}
    assert not done & computed
    assert manifest_of(request).status == "whole"
    flows, _ = eventually_none_runs(server, "killed-flow")
    assert flows == ["Crashed", "Completed"]


def test_two_who_ask_for_the_same_at_once_do_it_once(
    server: PrefectServer, room_of_two: SyntheticRoom, tmp_path: Path
) -> None:
    request = small_scene(room_of_two, tmp_path, store=str(tmp_path / "store"), options={"generate": {"seconds": "2"}})
    other = request.model_copy(update={"out": str(tmp_path / "other")})
    processes = [start(request, server=server), start(other, server=server)]
    outputs = [finish(process) for process in processes]
    computed = [line for output in outputs for line in output.splitlines() if line.endswith(" finished")]
    # What stands behind a wall that furniture corrected is placed twice.
    for entry in manifest_of(request).stages:
        if entry.call.params.get("within_walls"):
            computed.remove(f"align {entry.call.object} finished")
    assert len(computed) == len(set(computed)), sorted(computed)
    assert manifest_of(request).digest == manifest_of(other).digest


def test_the_prefect_server_is_away_for_a_while(
    server: PrefectServer, room_of_two: SyntheticRoom, tmp_path: Path
) -> None:
    request = named(small_scene(room_of_two, tmp_path, options={"generate": {"seconds": "5"}}), "server-away")
    process = start(request, server=server)
    wait_for(process, "isolate - finished")
    server.kill()
    time.sleep(OUTAGE_S)
    server.start()
    finish(process)
    assert manifest_of(request).status == "whole"
    flows, _ = states(server, "server-away")
    assert flows == ["Completed"]


def test_slots_of_the_farm_are_asked_for_and_given_back_while_its_server_is_away(server: PrefectServer) -> None:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.setup import FarmSettings, set_up_farm
    from models.registry import find
    from tasks.limits import GPU_LIMIT, farm_limits

    adapter = find("generate", "hunyuan3d")
    with temporary_settings({PREFECT_API_URL: server.url}), SyncPrefectClient(server.url) as client:

        def taken() -> int | None:
            return client.read_global_concurrency_limit_by_name(GPU_LIMIT).active_slots

        set_up_farm(client, FarmSettings(gpus=2))
        with farm_limits(adapter):
            assert taken() == 1
            server.kill()
        restart = threading.Timer(2.0, server.start)
        restart.start()
        with farm_limits(adapter):
            restart.join()
            # The first one's is free when its lease ends.
            assert taken() == 2
            server.kill()
            server.start()
        assert taken() == 1
        # Nobody is at work.
        set_up_farm(client, FarmSettings(gpus=2))
        assert taken() == 0
        client.delete_global_concurrency_limit_by_name(GPU_LIMIT)


def test_the_object_store_is_away_for_a_while(
    server: PrefectServer, room_of_two: SyntheticRoom, tmp_path: Path
) -> None:
    (tmp_path / "s3").mkdir()
    bucket = S3Server(tmp_path / "s3")
    bucket.start()
    try:
        bucket.make_bucket()
        request = small_scene(room_of_two, tmp_path, store=f"s3://{BUCKET}/outage")
        process = start(request, server=server, **environment(bucket.url, tmp_path / "cache"))
        wait_for(process, "isolate - finished")
        bucket.kill()
        threading.Timer(OUTAGE_S, bucket.start).start()
        finish(process)
    finally:
        bucket.kill()
    manifest = manifest_of(request)
    assert manifest.status == "whole"
    assert all(entry.status == "ok" for entry in manifest.objects)


def run_many(folder: Path, room: SyntheticRoom, server: PrefectServer, count: int, **changes: object) -> list[Manifest]:
    """Scenes side by side, with models of which one call in twenty fails for good and one for once."""
    options = {stage: {"fail_share": "0.05", "flaky_share": "0.05"} for stage in ("complete", "generate")}

    requests = [small_scene(room, folder, k, options=options, seed=k, **changes) for k in range(count)]
    # Two processes, as two workers of a pool.
    for process in [start(*requests[k::2], server=server) for k in range(2)]:
        finish(process, 100 + 60 * count)
    return [manifest_of(request) for request in requests]


def check_all_accounted_for(manifests: list[Manifest], room: SyntheticRoom) -> None:
    for manifest in manifests:
        assert {entry.name for entry in manifest.objects} == {item.name for item in room.instances}
        for entry in manifest.objects:
            assert (entry.status == "ok") == (entry.reason is None)
            assert entry.status != "ok" or entry.mesh is not None
        whole = all(entry.status == "ok" for entry in manifest.objects)
        assert (manifest.status == "whole") == (whole and manifest.room.believable)


def test_five_scenes_of_a_shaky_farm_all_end(server: PrefectServer, room_of_two: SyntheticRoom, tmp_path: Path) -> None:
    manifests = run_many(tmp_path, room_of_two, server, 5)
    assert len(manifests) == 5
    check_all_accounted_for(manifests, room_of_two)


@pytest.mark.soak
def test_fifty_scenes_of_a_shaky_farm_all_end(
    server: PrefectServer, synthetic_room: SyntheticRoom, tmp_path: Path
) -> None:
    manifests = run_many(tmp_path, synthetic_room, server, 50)
    check_all_accounted_for(manifests, synthetic_room)
    reasons = [entry.reason for manifest in manifests for entry in manifest.objects if entry.reason]
    assert reasons
    assert all("nothing came to mind" in reason or "no room to think" in reason for reason in reasons)
