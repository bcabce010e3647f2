"""What the published alignment costs against the default one, in one run on one machine.

Run: python -m benchmarks.alignment_cost --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--objects a,b] [--steps 5]
     [--short-width 128] [--preset paper-released]

CPU seconds of one thread an object. The default preset is run whole. Of the published one, at 1024 pixels, the set-up
and a few steps are timed, and the rest is extrapolated: to as many steps as a whole run in small pictures takes until
the published early end, 300 at most. Both use the same renderer; the preset `paper-released` has the released, sharp
outlines. Memory is the process's peak after each object's published steps; it never falls again.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmarks.alignment_published import published_request
from benchmarks.memory import peak_rss_mb
from benchmarks.oracle import load_oracle
from benchmarks.tables import table
from benchmarks.truth import scene_folders
from regen3d.align.engine import AlignRequest, align_object
from regen3d.align.memory import working_memory_mb
from regen3d.align.paper import align_paper, pose_problem
from regen3d.align.paper_descent import descend
from regen3d.align.paper_settings import RELEASED, PaperFaults, PaperSettings
from regen3d.align.settings import AlignSettings
from regen3d.render.base import silhouette_renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU seconds and memory of one object."""

    default_seconds: float
    """Of the default preset, whole."""
    step_seconds: float
    """Of one published step."""
    steps: int
    """That the published descent takes."""
    published_seconds: float
    """Of the published preset, extrapolated."""
    peak_mb: float
    """Of the process so far."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Time both presets and print the ratio."""
    options = _options(arguments)
    torch.set_num_threads(1)
    faults = RELEASED if options.preset == "paper-released" else PaperFaults()
    rows, ratios = [], []
    for folder in scene_folders(Path(options.data), options.scenes):
        scene = load_oracle(folder)
        for instance, pose in zip(scene.instances, scene.truth, strict=True):
            wanted = instance.name in options.objects.split(",") if options.objects else pose.support == "floor"
            if wanted:
                cost = measure(published_request(scene, instance, AlignSettings()), faults, options)
                ratios.append(cost.published_seconds / cost.default_seconds)
                name = f"{folder.name} / {instance.name}"
                numbers = (f"{cost.default_seconds:.2f}", f"{cost.step_seconds:.2f}", str(cost.steps))
                more = (f"{cost.published_seconds:.0f}", f"{ratios[-1]:.0f}", f"{cost.peak_mb:.0f}")
                rows.append((name, *numbers, *more))
    head = ("object", "default s", "s a step", "steps", f"{options.preset} s", "ratio", "peak MB")
    print(table("CPU seconds an object, the published ones extrapolated", head, rows))
    if ratios:
        mean, median = statistics.mean(ratios), statistics.median(ratios)
        print(f"\nThe published alignment takes {mean:.0f} times as long (mean; median {median:.0f})")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alignment_cost", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--data", required=True, help="folder of scenes with an oracle folder each")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--objects", help="names with commas between them; default: all that stand on the floor")
    parser.add_argument("--steps", type=int, default=5, help="steps of the published descent that are timed")
    parser.add_argument(
        "--short-width", type=int, default=128, help="of the pictures that steps are counted in, pixels"
    )
    parser.add_argument("--preset", default="paper", choices=("paper", "paper-released"), help="which published one")
    return parser.parse_args(arguments)


def measure(request: AlignRequest, faults: PaperFaults, options: argparse.Namespace) -> Cost:
    """Run the default preset, a few published steps, and a whole published descent in small pictures."""
    started = time.process_time()
    align_object(request)
    default = time.process_time() - started
    times = []
    for count in (1, 1 + options.steps):
        started = time.process_time()
        align_paper(request, PaperSettings(steps=count, faults=faults))
        times.append(time.process_time() - started)
    peak = peak_rss_mb()
    step = (times[1] - times[0]) / options.steps
    steps = _steps(request, PaperSettings(width_px=options.short_width, faults=faults))
    return Cost(
        default_seconds=default,
        step_seconds=step,
        steps=steps,
        published_seconds=times[0] + step * (steps - 1),
        peak_mb=peak,
    )


def _steps(request: AlignRequest, settings: PaperSettings) -> int:
    """How many steps a whole descent takes."""
    published = replace(request, settings=AlignSettings(preset="paper"))
    problem, _, _ = pose_problem(published, settings)
    renderer = silhouette_renderer(published.settings.renderer, working_memory_mb(published.settings))
    return descend(problem, renderer, published.settings.device)[1]


if __name__ == "__main__":
    raise SystemExit(main())
