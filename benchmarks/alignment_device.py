"""How long the alignment of whole scenes takes on a device, step by step, and how that grows with objects.

Run: python -m benchmarks.alignment_device --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--device cuda] [--repeats 3]
     [--copies 1,2,4] [--memory-mb 64,512] [--json FILE]

Seconds on the clock and on the CPU of `align_scene` on true masks, camera and meshes and an estimator's points, after
one run that is not counted; the fastest of the repeats. Steps overlap: a step holds those that it calls. `--copies`
aligns every object so often in one batch, without settling them; memory is that of tensors on a GPU, and on a CPU what
the process grew by, which never shrinks again.
"""

import argparse
import cProfile
import json
import pstats
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from benchmarks.alignment import scene_request
from benchmarks.memory import peak_rss_mb
from benchmarks.oracle import OracleScene, load_oracle
from benchmarks.tables import table
from benchmarks.truth import scene_folders
from regen3d.align.engine import AlignRequest, align_objects
from regen3d.align.memory import working_memory_mb
from regen3d.align.occlusion import occluders
from regen3d.align.scene import SceneRequest, align_scene
from regen3d.align.settings import AlignSettings
from regen3d.types import Alignment, ObjectView

STEPS = (
    ("evidence of all objects", "engine.py", "_evidence"),
    ("the same, finer", "engine.py", "_finer"),
    ("tensors", "batch.py", "make_batch"),
    ("boxes of starts", "search.py", "fit_boxes"),
    ("search", "refine.py", "refine"),
    ("silhouettes in it", "coverage.py", "covered_pixels"),
    ("polish", "polish.py", "polish"),
    ("z-buffers in it", "zbuffer.py", "seen_faces"),
    ("appearance", "appearance.py", "rank_by_appearance"),
    ("final masks", "diagnostics.py", "silhouette"),
    ("rims of masks", "rim.py", "regrown"),
    ("lens", "lens.py", "calibrated_camera"),
    ("settling", "settle.py", "settle"),
)
"""What is timed apart: name, file and function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One measurement."""

    what: str
    """Scene, or number of copies."""
    objects: int
    """How many were aligned."""
    seconds: float
    """On the clock."""
    cpu_seconds: float
    """Of all threads."""
    memory_mb: float
    """10^6 bytes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Time scenes and copies and print the tables."""
    options = _options(arguments)
    name = torch.cuda.get_device_name() if options.device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    print(f"{options.device}: {name}, torch {torch.__version__}\n")
    timings = []
    for folder in scene_folders(Path(options.data), options.scenes):
        scene = load_oracle(folder)
        request = scene_request(scene, AlignSettings(device=options.device), 0)
        timings.append(_timed(folder.name, len(scene.instances), lambda r=request: align_scene(r), options))
        print(_steps(request))
        for memory_mb in options.memory_mb:
            settings = AlignSettings(device=options.device, memory_mb=memory_mb)
            for copies in options.copies:
                requests = _alone(scene, request, settings) * copies
                what = f"{folder.name}, {copies} times, {working_memory_mb(settings)} MB"
                timings.append(_timed(what, len(requests), lambda r=requests: align_objects(r), options))
    rows = [
        (
            t.what,
            str(t.objects),
            f"{t.seconds:.2f}",
            f"{t.cpu_seconds:.2f}",
            f"{t.seconds / t.objects:.3f}",
            f"{t.memory_mb:.0f}",
        )
        for t in timings
    ]
    print(table(f"Alignment on {options.device}", ("what", "objects", "seconds", "CPU s", "s an object", "MB"), rows))
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(timing) for timing in timings], indent=1), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alignment_device", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--data", required=True, help="folder of scenes with an oracle folder each")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--device", default="cpu", help="of torch")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement")
    parser.add_argument("--copies", type=_numbers, default=[], help="of the objects of a scene in one batch: 1,2,4")
    parser.add_argument("--memory-mb", type=_numbers, default=[None], help="settings to compare: 64,512")
    parser.add_argument("--json", help="file for all numbers")
    return parser.parse_args(arguments)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _timed(
    what: str, objects: int, call: Callable[[], dict[str, Alignment] | list[Alignment]], options: argparse.Namespace
) -> Timing:
    """The fastest of several calls, after one that loads kernels."""
    on_gpu = options.device.startswith("cuda")
    before = peak_rss_mb()
    call()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    clock, cpu = [], []
    for _ in range(options.repeats):
        started, used = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    memory = torch.cuda.max_memory_allocated() / 1e6 if on_gpu else peak_rss_mb() - before
    return Timing(what=what, objects=objects, seconds=min(clock), cpu_seconds=min(cpu), memory_mb=memory)


def _steps(request: SceneRequest) -> str:
    """Where the time of one more run goes."""
    profile = cProfile.Profile()
    profile.runcall(align_scene, request)
    stats = pstats.Stats(profile).stats  # pyright: ignore[reportAttributeAccessIssue]
    total = max(entry[3] for entry in stats.values())
    rows = []
    for name, file, function in STEPS:
        found = [
            entry for (path, _, called), entry in stats.items() if path.endswith(f"/{file}") and called == function
        ]
        seconds = sum(entry[3] for entry in found)
        rows.append((name, str(sum(entry[0] for entry in found)), f"{seconds:.2f}", f"{100.0 * seconds / total:.0f} %"))
    return table(f"Steps, under a profiler ({total:.2f} s)", ("step", "calls", "seconds", "share"), rows) + "\n"


def _alone(scene: OracleScene, request: SceneRequest, settings: AlignSettings) -> list[AlignRequest]:
    """Every object of a scene as if it stood on the floor, for what does not ask where objects stand."""
    hidden = occluders(scene.instances)
    return [
        AlignRequest(
            view=ObjectView(instance=item, image=scene.image, ignore=hidden[item.name], camera=request.camera),
            asset=request.assets[item.name],
            support="floor",
            points=scene.points,
            layout=None if request.layout is None else replace(request.layout, seen=frozenset()),
            settings=settings,
        )
        for item in scene.instances
    ]


if __name__ == "__main__":
    raise SystemExit(main())
