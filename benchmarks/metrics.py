"""What scoring costs: twenty objects of 100,000 samples each, near their truth and far from it.

    python -m benchmarks.metrics [--objects 20] [--samples 100000]

Prints CPU seconds of each step, and of the ways of building the search tree that were tried.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import trimesh
from scipy.spatial import KDTree

from benchmarks.tables import table
from regen3d.metrics.points import WORKERS, NearestDistances, chamfer, f_score, hausdorff, nearest_distances
from regen3d.metrics.protocols.base import PlacedMesh, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.registry import evaluate
from regen3d.metrics.sampling import sample_surface
from regen3d.metrics.surfaces import Surface
from regen3d.metrics.voxels import voxel_overlap

Result = TypeVar("Result")

THRESHOLDS = (0.1, 0.05, 0.01)

CASES = {
    "near: shifted by 2 cm": lambda points: points + 0.02,
    "far: shifted by 3 m": lambda points: points + 3.0,
    "far: a tenth larger, shifted by 0.3 m": lambda points: 1.1 * points + 0.3,
}

TREES = {
    "defaults of scipy": {},
    "sliding midpoints": {"balanced_tree": False},
    "loose nodes": {"compact_nodes": False},
    "loose nodes, leaves of 64": {"compact_nodes": False, "leafsize": 64},
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--samples", type=int, default=100_000)
    chosen = parser.parse_args(arguments)
    shapes = [_shape(k) for k in range(chosen.objects)]
    print(_steps(shapes, chosen.samples))
    print(_trees(shapes[0], chosen.samples // 4))


def _shape(k: int) -> Surface:
    """Torus, box or ball of its own size."""
    size = 0.3 + 0.05 * k
    kinds: tuple[Callable[[], trimesh.Trimesh], ...] = (
        lambda: trimesh.creation.torus(size, 0.3 * size),
        lambda: trimesh.creation.box((size, 0.6 * size, 1.4 * size)),
        lambda: trimesh.creation.icosphere(subdivisions=4, radius=size),
    )
    mesh = kinds[k % len(kinds)]()
    return Surface(vertices=np.array(mesh.vertices, dtype=np.float64), faces=np.array(mesh.faces))


def _steps(shapes: list[Surface], samples: int) -> str:
    sampled, seconds = _timed(lambda: [sample_surface(s.vertices, s.faces, samples, seed=0).points for s in shapes])
    rows = [["sample both sides", *_cells(2.0 * np.array(seconds))]]
    again = [sample_surface(s.vertices, s.faces, samples, seed=1).points for s in shapes]
    found: list[NearestDistances] = []
    for name, moved in CASES.items():
        pairs = [(moved(a), b) for a, b in zip(again, sampled, strict=True)]
        found, seconds = _timed(partial(_distances, pairs))
        rows.append([f"distances, {name}", *_cells(seconds)])
    rows.append(["all figures from distances", *_cells(_timed(lambda: [_figures(item) for item in found])[1])])
    overlaps = _timed(lambda: [voxel_overlap(item, item) for item in shapes])[1]
    rows.append(["voxel IoU at 64", *_cells(overlaps)])
    rows.append(["the protocol `canonical`, whole", *_cells(_timed(partial(_scored, shapes, samples))[1])])
    title = f"{len(shapes)} objects x {samples} samples, {WORKERS} threads"
    return table(title, ["step", "CPU s", "s"], rows)


def _trees(shape: Surface, samples: int) -> str:
    a, b = (sample_surface(shape.vertices, shape.faces, samples, seed).points for seed in (1, 0))
    # What lies round everything at one distance is the worst that a tree can meet.
    ways = CASES | {"round it: thrice as large": lambda points: 3.0 * points}
    rows = [
        [name, *(f"{_timed(partial(_query, moved(a), b, options))[1][0]:.2f}" for moved in ways.values())]
        for name, options in TREES.items()
    ]
    return table(f"one object, one way, CPU s by the tree, {samples} samples", ["tree", *ways], rows)


def _distances(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[NearestDistances]:
    return [nearest_distances(a, b) for a, b in pairs]


def _query(points: np.ndarray, targets: np.ndarray, options: dict) -> np.ndarray:
    return KDTree(targets, **options).query(points, workers=WORKERS)[0]


def _scored(shapes: Sequence[Surface], samples: int) -> ProtocolResult:
    """A scene of all shapes in a row against the same shifted by 2 cm, by our own protocol: plain and aligned."""
    places = [np.array([3.0 * (k % 5), 0.0, 3.0 * (k // 5)]) for k in range(len(shapes))]
    true = [
        PlacedMesh(name=f"thing-{k}", vertices=shape.vertices + place, faces=shape.faces)
        for k, (shape, place) in enumerate(zip(shapes, places, strict=True))
    ]
    found = [replace(mesh, vertices=mesh.vertices + 0.02) for mesh in true]
    return evaluate("canonical", found, true, ProtocolSettings(samples=samples))


def _figures(distances: NearestDistances) -> list[float]:
    shares = [f_score(distances, threshold) for threshold in THRESHOLDS]
    chamfers = [chamfer(distances, squared=squared, halved=False) for squared in (True, False)]
    return [*shares, *chamfers, hausdorff(distances), hausdorff(distances, 95.0)]


def _timed(work: Callable[[], Result]) -> tuple[Result, tuple[float, float]]:
    """A result with its CPU seconds and its seconds on the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    result = work()
    return result, (time.process_time() - cpu, time.perf_counter() - clock)


def _cells(seconds: Sequence[float] | np.ndarray) -> list[str]:
    return [f"{value:.2f}" for value in seconds]


if __name__ == "__main__":
    main()
