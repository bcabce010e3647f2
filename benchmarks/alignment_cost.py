"""What the published alignment costs against the default one, in one run on one machine.

Run: python -m benchmarks.alignment_cost --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--objects a,b] [--steps 5]

CPU seconds of one thread an object. The default preset is run whole; of the published one, at 1024 pixels, the set-up
and a few steps are timed, and the rest of its 300 steps are extrapolated from them.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.oracle import OracleScene, load_oracle
from benchmarks.tables import table
from benchmarks.truth import scene_folders
from regen3d.align.engine import AlignRequest, align_object
from regen3d.align.occlusion import occluders
from regen3d.align.paper import align_paper
from regen3d.align.paper_settings import PaperSettings
from regen3d.align.settings import AlignSettings
from regen3d.types import Asset, Instance, ObjectView


def main(arguments: Sequence[str] | None = None) -> int:
    """Time both presets and print the ratio."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alignment_cost", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--data", required=True, help="folder of scenes with an oracle folder each")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--objects", help="names with commas between them; default: all that stand on the floor")
    parser.add_argument("--steps", type=int, default=5, help="steps of the published descent that are timed")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows, ratios = [], []
    for folder in scene_folders(Path(options.data), options.scenes):
        scene = load_oracle(folder)
        for instance, pose in zip(scene.instances, scene.truth, strict=True):
            wanted = instance.name in options.objects.split(",") if options.objects else pose.support == "floor"
            if wanted:
                ours, theirs = _seconds(_request(scene, instance), options.steps)
                ratios.append(theirs / ours)
                name = f"{folder.name} / {instance.name}"
                rows.append((name, f"{ours:.2f}", f"{theirs:.1f}", f"{ratios[-1]:.0f}"))
    print(table("CPU seconds an object", ("object", "default", "paper (extrapolated)", "ratio"), rows))
    if ratios:
        print(f"\nThe published alignment takes {statistics.median(ratios):.0f} times as long (median)")
    return 0


def _request(scene: OracleScene, instance: Instance) -> AlignRequest:
    hidden = occluders(list(scene.instances))[instance.name]
    return AlignRequest(
        view=ObjectView(instance=instance, image=scene.image, ignore=hidden, camera=scene.camera),
        asset=Asset(mesh=scene.meshes[instance.name], scale="relative", kind="oracle"),
        support="floor",
        points=scene.points,
    )


def _seconds(request: AlignRequest, steps: int) -> tuple[float, float]:
    """Of the default preset, and of the published one extrapolated to all its steps."""
    started = time.process_time()
    align_object(request)
    ours = time.process_time() - started
    published = replace(request, settings=AlignSettings(preset="paper"))
    times = []
    for count in (1, 1 + steps):
        started = time.process_time()
        align_paper(published, PaperSettings(steps=count))
        times.append(time.process_time() - started)
    step = (times[1] - times[0]) / steps
    return ours, times[0] + step * (PaperSettings().steps - 1)


if __name__ == "__main__":
    raise SystemExit(main())
