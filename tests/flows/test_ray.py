"""Jobs on a real Ray of this machine: the same answers, dead workers replaced, killers stopped, everything heard."""

import copy
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from regen3d import codec
from regen3d.config import Execution
from regen3d.errors import ConfigError, JobCancelledError, PoisonedJobError
from regen3d.manifest import StageCall, StageEntry
from regen3d.store import Store
from tasks import complete, generate, segment
from tasks.execution.executor import executor_for
from tasks.execution.job import Job, job_of
from tasks.execution.ray import RayExecutor
from tasks.execution.settings import PoolSettings
from tests.flows.conftest import reconstruct
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.sleepers import sleepers
from tests.synthetic.small_scene import small_scene

FARM = {
    "local_cpus": 2,
    "local_gpus": 2,
    "pools": {
        "generate:sleeping": {"recycle_after": 2, "gpus": 0.5, "max_size": 1},
        # One worker with one job, given up as soon as one is lost.
        "complete:sleeping": {"in_flight": 1, "max_size": 1, "max_restarts": 0},
        "segment:sleeping": {"job_timeout_s": 15, "silence_s": 8},
    },
}

RAY = Execution(name="ray")


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    """One Ray for all tests of this file, on two simulated GPUs."""
    path = tmp_path_factory.mktemp("farm") / "farm.json"
    path.write_text(json.dumps(FARM))
    with pytest.MonkeyPatch.context() as patch, sleepers():
        patch.setenv("REGEN3D_FARM", str(path))
        # Another cluster that Ray would join: `ray start` leaves the address of its own for whoever comes later.
        patch.setenv("RAY_ADDRESS", "127.0.0.1:1")
        # As Prefect does when it loads a block: what Ray reads as it is imported is out of date later.
        importlib.import_module("ray")
        # As tasks of a flow do: what Ray starts must outlive the thread.
        with ThreadPoolExecutor(1) as thread:
            executor = thread.submit(executor_for, RAY).result()
        assert isinstance(executor, RayExecutor)
        patch.delenv("RAY_ADDRESS")
        yield executor


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def completed(farm: RayExecutor, store: Store, synthetic_room: SyntheticRoom) -> StageEntry:
    return farm.run(completing(store, synthetic_room))


def completing(store: Store, room: SyntheticRoom, seed: int = 1, **options: str) -> Job:
    view = codec.put_value(store, room.view("chair-1"))
    call = StageCall(stage="complete", object="chair-1", adapter="sleeping", seed=seed, params={"options": options})
    return job_of(complete.STAGE, call.with_inputs(view=view), store.uri)


def generating(store: Store, completed: StageEntry, seed: int = 1, **options: str) -> Job:
    inputs = {"view": completed.call.inputs["view"], "completion": completed.value}
    params = {"options": options} if options else {}
    call = StageCall(stage="generate", object="chair-1", adapter="sleeping", seed=seed, params=params, inputs=inputs)
    return job_of(generate.STAGE, call, store.uri)


def eventually(condition: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)


def test_a_job_is_answered_through_the_store_and_counted(completed: StageEntry, store: Store) -> None:
    assert store.has(completed.value)
    assert completed.usage["api_calls"] == 1
    assert completed.usage["api_usd"] == 0.25
    assert completed.usage["cpu_seconds"] > 0
    assert "gpu_seconds" in completed.usage


def test_everything_listens_on_the_loopback_device_only(farm: RayExecutor, completed: StageEntry) -> None:
    mine = psutil.Process().children(recursive=True)
    assert any("raylet" in process.name() for process in mine)
    addresses = {
        connection.laddr.ip
        for process in mine
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    assert token.stat().st_mode & 0o077 == 0


def test_workers_are_recycled_and_say_what_they_do(
    farm: RayExecutor, store: Store, completed: StageEntry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="regen3d.ray"):
        farm.run(generating(store, completed, seed=10))
        (first,) = farm.pids("generate:sleeping")
        farm.run(generating(store, completed, seed=11))
        farm.run(generating(store, completed, seed=12))
        (second,) = farm.pids("generate:sleeping")
    # Two jobs each, by the settings of the pool.
    assert first != second
    texts = [record.getMessage() for record in caplog.records]
    assert sum("sleeping over a chair" in text for text in texts) == 3
    assert any("generate: chair-1: done in" in text for text in texts)
    assert any("[generate:sleeping" in text for text in texts)


def test_a_worker_killed_while_it_generates_is_replaced(
    farm: RayExecutor, store: Store, completed: StageEntry, tmp_path: Path
) -> None:
    fuse = tmp_path / "fuse"
    fuse.touch()
    entry = farm.run(generating(store, completed, seed=20, kill_once=str(fuse)))
    assert not fuse.exists()
    assert store.has(entry.value)
    assert farm.look()["failures"]["worker lost"] >= 1


def test_a_job_that_kills_two_workers_is_stopped_and_its_neighbours_are_not(
    farm: RayExecutor, store: Store, completed: StageEntry
) -> None:
    with ThreadPoolExecutor() as threads:
        killer = threads.submit(farm.run, generating(store, completed, seed=30, kill_label="chair"))
        others = [threads.submit(farm.run, generating(store, completed, seed=k)) for k in (31, 32)]
        with pytest.raises(PoisonedJobError, match="killed 2 workers of 'generate:sleeping"):
            killer.result(timeout=120)
        assert all(store.has(other.result(timeout=120).value) for other in others)


def test_a_cancelled_job_leaves_its_worker_and_those_who_wait_get_another(
    farm: RayExecutor, store: Store, completed: StageEntry, synthetic_room: SyntheticRoom
) -> None:
    job = completing(store, synthetic_room, seed=40, seconds="12")
    answers: list[object] = []

    def ask() -> None:
        try:
            answers.append(farm.run(job))
        except JobCancelledError as error:
            answers.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    pool = f"complete:sleeping~{farm_pool(job)}"
    eventually(lambda: farm.look()["pools"].get(pool, {}).get("running") == 1)
    farm.cancel()
    # Who waits for the same model meanwhile is none the worse for it.
    entry = farm.run(completing(store, synthetic_room, seed=41, seconds="12"))
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert "cancelled" in str(answers[0])
    assert store.has(entry.value)
    eventually(lambda: farm.look()["pools"][pool]["running"] == 0, seconds=10)


def farm_pool(job: Job) -> str:
    from tasks.execution.settings import FarmSettings, pool_of

    return pool_of(job, FarmSettings()).name.partition("~")[2]


ANOTHER_FLOW = """
import sys
from pathlib import Path
from regen3d.config import Execution
from regen3d.manifest import StageCall
from tasks import complete
from tasks.execution.executor import executor_for
from tasks.execution.job import job_of
from tests.synthetic.sleepers import sleepers
address, store, call = sys.argv[1:]
with sleepers():
    executor = executor_for(Execution(name="ray", address=address))
    executor.run(job_of(complete.STAGE, StageCall.model_validate_json(call), store))
    print(*executor.pids("complete:sleeping"))
"""


def test_another_flow_finds_the_workers_warm(farm: RayExecutor, store: Store, synthetic_room: SyntheticRoom) -> None:
    import ray

    farm.run(completing(store, synthetic_room, seed=70))
    (mine,) = farm.pids("complete:sleeping")
    call = completing(store, synthetic_room, seed=71).call.model_dump_json()
    answer = subprocess.run(
        [sys.executable, "-c", ANOTHER_FLOW, ray.get_runtime_context().gcs_address, store.uri, call],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split()[-1] == str(mine)
    assert farm.look()["drivers"] == 2


def test_a_picture_that_kills_the_segmenter_is_stopped(
    farm: RayExecutor, store: Store, synthetic_room: SyntheticRoom
) -> None:
    image = codec.put_value(store, synthetic_room.image)
    params = {"labels": [], "boxes": [], "options": {"kill_label": "picture"}}
    call = StageCall(stage="segment", adapter="sleeping", params=params, inputs={"image": image})
    with pytest.raises(PoisonedJobError, match="killed 2 workers of 'segment:sleeping"):
        farm.run(job_of(segment.STAGE, call, store.uri))


def test_workers_that_hang_are_replaced_and_their_jobs_done(
    farm: RayExecutor, store: Store, synthetic_room: SyntheticRoom, tmp_path: Path
) -> None:
    """A job that never ends is noticed by its time, a process that does nothing any more by its silence."""
    image = codec.put_value(store, synthetic_room.image)
    jobs, before = [], farm.look()["failures"].get("worker lost", 0)
    for way in ("hang_once", "stop_once"):
        (tmp_path / way).touch()
        params = {"labels": [], "boxes": [], "options": {way: str(tmp_path / way)}}
        call = StageCall(stage="segment", adapter="sleeping", params=params, inputs={"image": image})
        jobs.append(job_of(segment.STAGE, call, store.uri))
    with ThreadPoolExecutor() as threads:
        answers = [threads.submit(farm.run, job) for job in jobs]
        assert all(store.has(answer.result(timeout=120).value) for answer in answers)
    assert not list(tmp_path.iterdir())
    assert farm.look()["failures"]["worker lost"] == before + 2
    eventually(lambda: not stopped(), seconds=30)


def stopped() -> list[int]:
    """Processes of this one that were stopped and not ended."""
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if child.status() == psutil.STATUS_STOPPED]


def test_settings_of_a_later_flow_are_told_to_be_of_no_effect(farm: RayExecutor) -> None:
    later = copy.copy(farm)
    later._farm = farm._farm.model_copy(update={"patience_s": 5.0, "local_cpus": 64})
    with pytest.warns(UserWarning, match=r"REGEN3D_FARM asks for: patience_s is 60\.0, not 5\.0\. They"):
        later._compare_settings()
    farm._compare_settings()


def test_settings_of_a_pool_are_compared_with_those_it_has(farm: RayExecutor, completed: StageEntry) -> None:
    later = copy.copy(farm)
    pools = {**farm._farm.pools, "complete:sleeping": PoolSettings(in_flight=1, max_size=2), "report": PoolSettings()}
    later._farm = farm._farm.model_copy(update={"pools": pools})
    with pytest.warns(UserWarning, match=r"asks for: complete:sleeping.*: max_size is 1, not 2; .*: max_restarts is 0"):
        later._compare_settings()


def test_a_store_in_the_memory_of_one_process_is_refused(
    farm: RayExecutor, store: Store, completed: StageEntry
) -> None:
    with pytest.raises(ConfigError, match="memory of one process"):
        farm.run(replace(generating(store, completed), store="memory://here"))


def test_a_worker_with_other_code_refuses(farm: RayExecutor, store: Store, completed: StageEntry) -> None:
    job = generating(store, completed, seed=50)
    stale = replace(job, provenance=job.provenance.model_copy(update={"key": "0" * 64}))
    with pytest.raises(ConfigError, match="another version of regen3d"):
        farm.run(stale)


def test_what_no_machine_has_is_said_at_once(farm: RayExecutor, store: Store, completed: StageEntry) -> None:
    job = generating(store, completed, seed=60)
    greedy = replace(job.adapter, name="greedy", resources=replace(job.adapter.resources, gpus=3.0))
    with pytest.raises(ConfigError, match="3 GPUs, the Ray cluster has"):
        farm.run(replace(job, adapter=greedy))


def test_the_same_scene_as_in_this_process_even_when_a_worker_dies_while_aligning(
    farm: RayExecutor, prefect_server: None, room_of_two: SyntheticRoom, tmp_path: Path
) -> None:
    here = small_scene(
        room_of_two,
        tmp_path,
        store=str(tmp_path / "here"),
        overrides={"complete": "visible", "generate": "sleeping"},
    )
    there = here.model_copy(
        update={"execution": "ray", "out": str(tmp_path / "there"), "store": str(tmp_path / "elsewhere")}
    )
    local = reconstruct(here)
    killed: list[int] = []

    def kill_an_aligner() -> None:
        log = logging.getLogger("prefect.task_runs")
        heard = _Heard("align: ")
        log.addHandler(heard)
        try:
            assert heard.event.wait(300)
            # One alone: a job that goes from it to a second one that dies would be taken for what killed both.
            pid = farm.pids("cores")[0]
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        finally:
            log.removeHandler(heard)

    thread = threading.Thread(target=kill_an_aligner)
    thread.start()
    scene = reconstruct(there)
    thread.join(timeout=10)
    assert killed
    assert not any(entry.reused for entry in scene.manifest.stages)
    assert scene.manifest.digest == local.manifest.digest
    assert {entry.status for entry in scene.manifest.objects} == {"ok"}


@pytest.mark.soak
def test_the_same_scene_with_every_task_run_in_ray(
    farm: RayExecutor, prefect_server: None, synthetic_room: SyntheticRoom, tmp_path: Path
) -> None:
    from flows.scene import reconstruct_scene
    from tasks.execution.runner import on_place

    # The processes of Ray do not know the models that sleep.
    chosen = {"complete": "visible", "generate": "embedded"}
    here = small_scene(synthetic_room, tmp_path, store=str(tmp_path / "here"), overrides=chosen)
    there = here.model_copy(
        update={"execution": "ray-tasks", "out": str(tmp_path / "there"), "store": str(tmp_path / "elsewhere")}
    )
    local = reconstruct(here)
    assert on_place(reconstruct_scene, there.place)(there).digest == local.manifest.digest


class _Heard(logging.Handler):
    """Waits for a worker's word in the log of a task run."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title, self.event = title, threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if self.title in text and "started" in text and "[cores" in text:
            self.event.set()
