"""A Ray cluster that is there already, named by its address: jobs, whole scenes, with S3 as well."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from regen3d import codec
from regen3d.config import SceneRequest
from regen3d.manifest import Manifest, StageCall
from regen3d.store import Store
from tests.synthetic.ray_head import RayHead
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.s3_server import BUCKET, S3Server, environment
from tests.synthetic.small_scene import small_scene

ADDRESSES = ("head", "client")

ONE_JOB = """
import sys
from regen3d.config import Execution
from regen3d.manifest import StageCall
from tasks import complete
from tasks.execution.executor import executor_for
from tasks.execution.job import job_of
from tests.synthetic.sleepers import sleepers
address, store, call = sys.argv[1:]
with sleepers():
    executor = executor_for(Execution(name="ray", address=address))
    entry = executor.run(job_of(complete.STAGE, StageCall.model_validate_json(call), store))
    print(entry.value.digest, *executor.pids("complete:sleeping"))
"""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server that is not started yet: the cluster has to know where it will be."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def head(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHead]:
    head = RayHead(tmp_path_factory.mktemp("ray"), **environment(s3.url, tmp_path_factory.mktemp("cache")))
    head.start()
    yield head
    head.stop()


def ask(head: RayHead, *command: str) -> str:
    """What a process that may use the cluster prints."""
    answer = subprocess.run(
        [sys.executable, *command],
        env=head.environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    return answer.stdout


def test_a_cluster_is_joined_by_either_address_and_its_workers_stay_warm(
    head: RayHead, synthetic_room: SyntheticRoom, tmp_path: Path
) -> None:
    store = Store(str(tmp_path))
    view = codec.put_value(store, synthetic_room.view("chair-1"))
    answers = []
    for seed, way in enumerate(ADDRESSES):
        call = StageCall(stage="complete", object="chair-1", adapter="sleeping", seed=seed, inputs={"view": view})
        answers.append(ask(head, "-c", ONE_JOB, head.addresses[way], store.uri, call.model_dump_json()).split()[-2:])
    # The sleepers answer the same whatever the seed; both asked the same process, which outlived the first driver.
    assert answers[0] == answers[1]
    assert psutil.pid_exists(int(answers[0][1]))


def reconstruct_there(head: RayHead, request: SceneRequest, folder: Path) -> Manifest:
    file = folder / f"{Path(request.out).name}.json"
    file.write_text(request.model_dump_json())
    ask(head, "-m", "tests.synthetic.small_scene", str(file))
    return Manifest.model_validate_json((Path(request.out) / "manifest.json").read_bytes())


@pytest.mark.soak
def test_the_same_scene_on_a_cluster_with_everything_in_s3(
    head: RayHead, s3: S3Server, synthetic_room: SyntheticRoom, tmp_path: Path
) -> None:
    chosen = {"complete": "visible", "generate": "sleeping"}
    here = small_scene(synthetic_room, tmp_path, overrides=chosen)
    local = reconstruct_there(head, here.model_copy(update={"out": str(tmp_path / "here")}), tmp_path)
    s3.start()
    s3.make_bucket()
    for way in ADDRESSES:
        place = {"execution": "ray", "ray_address": head.addresses[way], "store": f"s3://{BUCKET}/{way}"}
        there = here.model_copy(update={"out": str(tmp_path / way), **place})
        scene = reconstruct_there(head, there, tmp_path)
        assert not any(entry.reused for entry in scene.stages)
        assert scene.digest == local.digest


@pytest.mark.soak
def test_the_same_scene_with_every_task_run_on_a_cluster(
    head: RayHead, synthetic_room: SyntheticRoom, tmp_path: Path
) -> None:
    chosen = {"complete": "visible", "generate": "embedded"}
    here = small_scene(synthetic_room, tmp_path, overrides=chosen)
    local = reconstruct_there(head, here.model_copy(update={"out": str(tmp_path / "here")}), tmp_path)
    place = {"execution": "ray-tasks", "ray_address": head.addresses["head"], "out": str(tmp_path / "there")}
    assert reconstruct_there(head, here.model_copy(update=place), tmp_path).digest == local.digest
