"""How near the farm comes to what its GPUs could do, with models that sleep for as long as the real ones work.

`python -m benchmarks.farm overlap` runs one scene of ten objects on 1, 2, 4 and 8 simulated GPUs. Per object: 20 s at a
completion service, 70 s of generation and 25 s of alignment on a GPU; ten of them one after the other take the 17 to 20
minutes that the paper's authors report for a scene of about ten objects. All times are scaled down.

`python -m benchmarks.farm queue` gives a hundred such scenes to two simulated GPUs at once and watches the memory.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import table
from regen3d.cli.quiet import calm_prefect

calm_prefect()

from prefect import flow  # noqa: E402 - after its settings are in the environment

from models import registry  # noqa: E402
from models.registry import Adapter, Resources  # noqa: E402
from regen3d import codec  # noqa: E402
from regen3d.config import Execution  # noqa: E402
from regen3d.manifest import StageCall  # noqa: E402
from regen3d.store import Ref, Store  # noqa: E402
from tasks import complete, generate  # noqa: E402
from tasks.execution.executor import executor_for  # noqa: E402
from tasks.execution.job import job_of  # noqa: E402
from tasks.execution.ray import RayExecutor  # noqa: E402
from tasks.stage import SceneContext, stage_task  # noqa: E402
from tasks.work import Stage, StageWork  # noqa: E402
from tests.synthetic.room import furnished_room  # noqa: E402
from tests.synthetic.sleepers import ADAPTERS  # noqa: E402

COMPLETE_S, GENERATE_S, ALIGN_S = 20.0, 70.0, 25.0
"""Of one object."""

OBJECTS, SCENES = 10, 100

RAY = Execution(name="ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One measurement."""

    gpus: int
    """Simulated."""
    scale: float
    """Of all times."""

    @property
    def ideal_s(self) -> float:
        """The shortest time of any schedule: completion costs no GPU, alignment hides behind the next generation."""
        return self.scale * (COMPLETE_S + math.ceil(OBJECTS / self.gpus) * GENERATE_S + ALIGN_S)


def sleeping_alignment(work: StageWork) -> Ref:
    """Wait for as long as an alignment takes."""
    time.sleep(float(work.call.params["seconds"]))
    return work.call.inputs["asset"]


ALIGN = Stage(name="align", produces=Ref, compute=sleeping_alignment)


def adapters() -> tuple[Adapter, ...]:
    """A completion that asks a service, and a generator that needs most of a GPU."""
    service, generator = ADAPTERS[:2]
    return (
        Adapter(**{**_fields(service), "resources": Resources(cpus=0.1)}),
        Adapter(**{**_fields(generator), "resources": Resources(gpus=0.7, vram_gb=16.0)}),
    )


def _fields(adapter: Adapter) -> dict[str, object]:
    return {name: getattr(adapter, name) for name in Adapter.__dataclass_fields__}


@flow(name="sleeping-scene")
def sleeping_scene(store: str, view: Ref, scale: float, seed: int, objects: int = OBJECTS) -> None:
    """The chains of one scene, wired as in `flows.scene`: no object waits for another."""
    context = SceneContext(
        store=store, adapters={"complete": "sleeping", "generate": "sleeping"}, seed=seed, execution=RAY
    )
    tasks = {stage.name: stage_task(stage) for stage in (complete.STAGE, generate.STAGE, ALIGN)}
    last = []
    for k in range(objects):
        first, second, third = calls(view, f"object-{k}", scale, seed)
        completed = tasks["complete"].submit(context, first)
        generated = tasks["generate"].submit(context, second, {"completion": completed})
        last.append(tasks["align"].submit(context, third, {"asset": generated}))
    for future in last:
        future.result()


def calls(view: Ref, name: str, scale: float, seed: int) -> tuple[StageCall, StageCall, StageCall]:
    """The three calls of one object."""
    known = {"object": name, "seed": seed, "inputs": {"view": view}}
    return (
        StageCall(stage="complete", adapter="sleeping", params=_seconds(COMPLETE_S * scale), **known),
        StageCall(stage="generate", adapter="sleeping", params=_seconds(GENERATE_S * scale), **known),
        StageCall(stage="align", params={"seconds": ALIGN_S * scale}, **known),
    )


def _seconds(seconds: float) -> dict[str, dict[str, str]]:
    return {"options": {"seconds": f"{seconds:g}"}}


def overlap(plan: Plan) -> float:
    """Wall seconds of a scene on warm workers."""
    registry.ADAPTERS = (*registry.ADAPTERS, *adapters())
    with tempfile.TemporaryDirectory() as folder:
        pools = {
            "complete:sleeping": {"in_flight": OBJECTS, "max_size": 1},
            "generate:sleeping": {"min_size": plan.gpus},
            "align": {"gpus": 0.3, "min_size": plan.gpus},
        }
        _use_farm(Path(folder), {"local_cpus": 4 * plan.gpus, "local_gpus": plan.gpus, "pools": pools})
        store = Store(f"{folder}/store")
        view = codec.put_value(store, furnished_room().view("chair-1"))
        # Loads everything; also the first of a real scene's stages run on workers that are warm from the last scene.
        # With the same times, because they are options, and other options have workers of their own.
        sleeping_scene(store.uri, view, plan.scale, 1, objects=1)
        _wait_for_workers(plan)
        started = time.perf_counter()
        sleeping_scene(store.uri, view, plan.scale, 2)
        return time.perf_counter() - started


def _use_farm(folder: Path, document: dict[str, object]) -> None:
    (folder / "farm.json").write_text(json.dumps(document), encoding="utf-8")
    os.environ["REGEN3D_FARM"] = str(folder / "farm.json")


def _ray() -> RayExecutor:
    executor = executor_for(RAY)
    if not isinstance(executor, RayExecutor):
        raise TypeError("the farm runs on Ray")
    return executor


def _wait_for_workers(plan: Plan) -> None:
    while True:
        pools = _ray().look()["pools"]
        ready = [
            sum(state == "ready" for state in pool["workers"].values())
            for name, pool in pools.items()
            if name.startswith(("generate", "align"))
        ]
        if min(ready) >= plan.gpus:
            return
        time.sleep(1.0)


def queue(scenes: int, scale: float) -> list[tuple[float, int, int, int]]:
    """Seconds, jobs done, megabytes of this process and of the dispatcher, while all scenes wait at once."""
    import psutil

    registry.ADAPTERS = (*registry.ADAPTERS, *adapters())
    with tempfile.TemporaryDirectory() as folder:
        pools = {"align": {"gpus": 0.3}, "complete:sleeping": {"in_flight": 16, "max_size": 1}}
        _use_farm(Path(folder), {"local_cpus": 8, "local_gpus": 2, "pools": pools})
        store, executor = Store(f"{folder}/store"), _ray()
        view = codec.put_value(store, furnished_room().view("chair-1"))
        done, rows, started = [0], [], time.perf_counter()

        def chain(scene: int, k: int) -> None:
            entry = None
            for stage, call in zip(
                (complete.STAGE, generate.STAGE, ALIGN), calls(view, f"object-{k}", scale, scene), strict=True
            ):
                needs = {"generate": "completion", "align": "asset"}.get(stage.name)
                ready = call if entry is None or needs is None else call.with_inputs(**{needs: entry.value})
                entry = executor.run(job_of(stage, ready, store.uri))
                done[0] += 1

        def watch() -> None:
            children = psutil.Process().children(recursive=True)
            dispatcher = next(process for process in children if "Dispatcher" in process.name())
            ended = False
            while not ended:
                # Once more at the end, when all is done.
                ended = finished.wait(5.0)
                memory = [psutil.Process().memory_info().rss, dispatcher.memory_info().rss]
                rows.append((time.perf_counter() - started, done[0], *(round(each / 2**20) for each in memory)))

        finished = threading.Event()
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            # Every chain is there from the start: the queue holds them all.
            with ThreadPoolExecutor(scenes * OBJECTS) as threads:
                for answer in [threads.submit(chain, s, k) for s in range(scenes) for k in range(OBJECTS)]:
                    answer.result()
        finally:
            finished.set()
            watcher.join()
        return rows


def main() -> None:
    """Print the table that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["overlap", "queue", "one"])
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--scale", type=float, default=0.1)
    asked = parser.parse_args()
    if asked.what == "one":
        print(f"seconds {overlap(Plan(gpus=asked.gpus[0], scale=asked.scale))}")
    elif asked.what == "overlap":
        rows = []
        for gpus in asked.gpus:
            plan = Plan(gpus=gpus, scale=asked.scale)
            seconds = _in_a_process_of_its_own(plan)
            rows.append([str(gpus), f"{plan.ideal_s:.1f}", f"{seconds:.1f}", f"{plan.ideal_s / seconds:.1%}"])
        print(table("Ten objects on simulated GPUs", ["GPUs", "ideal s", "measured s", "of the ideal"], rows))
    else:
        rows = [[f"{row[0]:.0f}", *(str(each) for each in row[1:])] for row in queue(asked.scenes, asked.scale)]
        kept = [*rows[:: max(1, len(rows) // 10)], rows[-1]]
        print(table(f"{asked.scenes} scenes at once", ["seconds", "jobs done", "flow MB", "dispatcher MB"], kept))


def _in_a_process_of_its_own(plan: Plan) -> float:
    """One Ray a process, with as many simulated GPUs as the plan says."""
    command = [sys.executable, "-m", "benchmarks.farm", "one", "--gpus", str(plan.gpus), "--scale", str(plan.scale)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(next(line for line in answer.stdout.splitlines() if line.startswith("seconds ")).split()[1])


if __name__ == "__main__":
    main()
