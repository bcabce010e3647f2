"""How furniture made by code is best laid out on a texture: by its own charts in rows, or by xatlas.

Run: python -m benchmarks.asset_layouts [--size 1024] [--categories chair,table]

Every template at its usual size is laid out both ways. Compared are how much of the texture shows surface, how evenly
(the texels a metre of the densest tenth of the surface over those of the sparsest), how much of it lies along the
object's axes (so that the grain of wood and the weave of cloth run straight), the number of charts, and the time.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benchmarks.choice import chosen
from benchmarks.tables import table
from models.assets.furniture.registry import TEMPLATES
from models.assets.packing import pack
from models.assets.sizes import CATEGORIES
from models.assets.solid import Surface, join
from regen3d.meshes.decimation import laid_out
from regen3d.meshes.quality import welded
from regen3d.meshes.winding import pieces_of
from regen3d.metrics.mesh_quality import mesh_quality
from regen3d.render.triangles import triangle_areas
from regen3d.types import Mesh

STRAIGHT_DEG = 5.0
"""A face lies along an axis where one side of its texels is within this of it."""
PIXEL = np.zeros((1, 1, 3), dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one surface lies on its texture."""

    used: float
    """Share of the texture that shows surface, 0..1."""
    spread: float
    """Texels a metre: 90th percentile over 10th, by area; 1 is even."""
    straight: float
    """Share of the surface whose texels lie along an axis of the object, 0..1."""
    charts: int
    """Connected pieces."""
    overlap: float
    """Share of covered texels that several faces share."""
    seconds: float
    """Processor time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay out every template both ways and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asset_layouts", description=str(__doc__).split("\n")[0])
    parser.add_argument("--size", type=int, default=1024, help="side of the texture in texels")
    parser.add_argument("--categories", help="names with commas between them; default: all")
    options = parser.parse_args(arguments)
    rows, ours, theirs = [], [], []
    for name in chosen(options.categories, sorted(TEMPLATES), "furniture"):
        size_m = CATEGORIES[name].prior.median_m
        for k, template in enumerate(TEMPLATES[name]):
            surface = join(template((float(size_m[0]), float(size_m[1]), float(size_m[2]))), size_m)
            ours.append(_measured(_own, surface, options.size))
            theirs.append(_measured(_xatlas, surface, options.size))
            rows.append((f"{name} {k + 1}", *_cells(ours[-1]), *_cells(theirs[-1])))
    rows.append(("mean", *_cells(_mean(ours)), *_cells(_mean(theirs))))
    headings = ("used", "spread", "straight", "charts", "overlap", "CPU s")
    print(table("Own layout, then xatlas", ("template", *headings, *headings), rows))
    return 0


_Way = Callable[[Surface, int], Mesh]


def _own(surface: Surface, size_px: int) -> Mesh:
    layout = pack(surface, size_px)
    return Mesh(vertices=surface.vertices, faces=surface.faces, uv=layout / size_px, texture=PIXEL)


def _xatlas(surface: Surface, size_px: int) -> Mesh:
    place = welded(surface.vertices)
    vertices = np.zeros((int(place.max()) + 1, 3))
    vertices[place] = surface.vertices
    vertices, faces, uv = laid_out(vertices, place[surface.faces], size_px)
    return Mesh(vertices=vertices, faces=faces, uv=uv, texture=PIXEL)


def _measured(way: _Way, surface: Surface, size_px: int) -> Layout:
    started = time.process_time()
    mesh = way(surface, size_px)
    seconds = time.process_time() - started
    corners, flat = mesh.vertices[mesh.faces], mesh.uv[mesh.faces]
    area, quality = triangle_areas(corners), mesh_quality(mesh)
    return Layout(
        used=float(triangle_areas(np.pad(flat, ((0, 0), (0, 0), (0, 1)))).sum()),
        spread=quality.texel_spread,
        straight=float(area[_straight(corners, flat)].sum() / area.sum()),
        charts=int(pieces_of(mesh.faces, np.arange(len(mesh.vertices))).max()) + 1,
        overlap=quality.uv_overlap,
        seconds=seconds,
    )


def _straight(corners: Float[np.ndarray, "f 3 3"], flat: Float[np.ndarray, "f 3 2"]) -> np.ndarray:
    """Whether the direction of u or of v on each face is near an axis of the object."""
    edges = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=1)
    steps = np.stack([flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]], axis=1)
    usable = np.abs(np.linalg.det(steps)) > 1e-15
    tangents = np.linalg.solve(np.where(usable[:, None, None], steps, np.eye(2)), edges)
    length = np.maximum(np.linalg.norm(tangents, axis=2, keepdims=True), 1e-12)
    near = (np.abs(tangents / length) > np.cos(np.radians(STRAIGHT_DEG))).any(axis=(1, 2))
    return near & usable


def _mean(layouts: Sequence[Layout]) -> Layout:
    return Layout(
        used=statistics.mean(layout.used for layout in layouts),
        spread=statistics.mean(layout.spread for layout in layouts),
        straight=statistics.mean(layout.straight for layout in layouts),
        charts=round(statistics.mean(layout.charts for layout in layouts)),
        overlap=max(layout.overlap for layout in layouts),
        seconds=statistics.mean(layout.seconds for layout in layouts),
    )


def _cells(layout: Layout) -> tuple[str, ...]:
    return (
        f"{100 * layout.used:.0f} %",
        f"{layout.spread:.2f}",
        f"{100 * layout.straight:.0f} %",
        str(layout.charts),
        f"{100 * layout.overlap:.1f} %",
        f"{layout.seconds:.3f}",
    )


if __name__ == "__main__":
    raise SystemExit(main())
