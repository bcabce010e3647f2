"""What the embedded perception costs: masks, empty room, camera and room of one picture, in time and memory.

Run: python -m benchmarks.perception --data "$REGEN3D_DATA/scenes" [--scenes a,b]

Each picture is looked at in a process of its own, so that its peak of memory is its own, too. "wall" is worth the name
on a quiet machine only; "CPU" counts all threads. Loading the detectors and importing everything is in both.
"""

import argparse
import itertools
import multiprocessing
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# A process that measures imports this file before it looks at its clock: whatever takes time is imported in functions.
from benchmarks.memory import rss_mb
from benchmarks.tables import table

STAGES = ("import and load", "segment", "plate", "geometry", "room")
"""What is timed, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One picture's cost."""

    scene: str
    """Its name."""
    wall_s: tuple[float, ...]
    """Seconds of each of `STAGES`."""
    cpu_s: float
    """CPU seconds of the whole, all threads."""
    peak_mb: float
    """Largest resident size of the process."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    from benchmarks.truth import scene_folders

    parser = argparse.ArgumentParser(prog="python -m benchmarks.perception", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    options = parser.parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    costs = []
    for folder in scene_folders(Path(options.data), options.scenes):
        with context.Pool(1, maxtasksperchild=1) as pool:
            costs.append(pool.apply(measure, (folder,)))
    print(_table(costs))
    return 0


def measure(folder: Path) -> Cost:
    """Look at one picture; to be called in a process that has done nothing yet."""
    marks = [time.perf_counter()]
    import numpy as np
    from PIL import Image

    from models.base import GeometryRequest, PlateRequest, SegmentRequest
    from models.editing.plate_embedded import EmbeddedPlate
    from models.geometry.embedded import EmbeddedGeometry
    from models.segmentation.embedded import EmbeddedSegmenter
    from regen3d.room.build import build_room

    with Image.open(folder / "image.png") as picture:
        image = np.asarray(picture.convert("RGB"), np.uint8)
    segmenter = EmbeddedSegmenter()
    segmenter.load()
    marks.append(time.perf_counter())
    found = segmenter.segment([SegmentRequest(image=image)])[0]
    masks = tuple(item.mask for item in found.instances)
    marks.append(time.perf_counter())
    plate = EmbeddedPlate().empty_room([PlateRequest(image=image, objects=masks)])[0]
    marks.append(time.perf_counter())
    request = GeometryRequest(image=image, plate=plate.image, objects=masks, camera=plate.camera, layout=plate.layout)
    geometry = EmbeddedGeometry().estimate([request])[0]
    marks.append(time.perf_counter())
    build_room(plate.image, geometry)
    marks.append(time.perf_counter())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    walls = tuple(after - before for before, after in itertools.pairwise(marks))
    return Cost(scene=folder.name, wall_s=walls, cpu_s=usage.ru_utime + usage.ru_stime, peak_mb=rss_mb(usage))


def _table(costs: Sequence[Cost]) -> str:
    rows = [
        (
            cost.scene,
            *(f"{seconds:.1f}" for seconds in cost.wall_s),
            f"{sum(cost.wall_s):.1f}",
            f"{cost.cpu_s:.1f}",
            f"{cost.peak_mb:.0f}",
        )
        for cost in costs
    ]
    return table("Perception of one picture (seconds; MB)", ("scene", *STAGES, "wall", "CPU", "peak MB"), rows)


if __name__ == "__main__":
    raise SystemExit(main())
