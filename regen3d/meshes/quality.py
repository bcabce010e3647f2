"""Measure a mesh: is it closed, does its texture layout overlap, how large is what it covers."""

import numpy as np
from jaxtyping import Float, Integer

from regen3d.render.scan import barycentric_planes, chunks, ranges, rows_of_faces, spans_of_rows
from regen3d.types import Mesh

WELD_SHARE = 1e-5
"""Vertices nearer than this share of the mesh's diagonal are one: 0.01 mm on a chair, above float32 rounding."""
OFFSET_PX = np.array([0.137, 0.291])
"""Layouts are sampled off the centres of texels: shared edges often pass through these, and would count twice."""


def welded(vertices: Float[np.ndarray, "v 3"]) -> Integer[np.ndarray, " v"]:
    """For each vertex the index of the place that it shares with others, from 0, by a grid of `WELD_SHARE`."""
    extent = np.ptp(vertices, axis=0) if len(vertices) else np.zeros(3)
    step = max(WELD_SHARE * float(np.linalg.norm(extent)), 1e-12)
    cells = np.rint((vertices - vertices.min(axis=0, initial=0.0)) / step).astype(np.int64)
    return np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)


def is_closed(mesh: Mesh) -> bool:
    """Whether every edge is run through as often in one direction as in the other, once vertices are welded.

    So the mesh has no border and its faces agree about what is inside. Several closed parts that touch or pass
    through each other, as legs do a seat, count as closed.
    """
    return is_closed_surface(mesh.vertices, mesh.faces)


def is_closed_surface(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> bool:
    """The same of a surface without appearance."""
    return len(faces) > 0 and len(open_edges(faces, welded(vertices))) == 0


def open_edges(faces: Integer[np.ndarray, "f 3"], place: Integer[np.ndarray, " v"]) -> Integer[np.ndarray, "n 2"]:
    """Directed edges (between places) that are not run through as often the other way round."""
    ends = place[faces.astype(np.int64)][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    ends = ends[ends[:, 0] != ends[:, 1]]
    low, high = ends.min(axis=1), ends.max(axis=1)
    count = int(place.max(initial=0)) + 1
    key, owner = np.unique(low * count + high, return_inverse=True)
    balance = np.bincount(owner, weights=np.where(ends[:, 0] == low, 1.0, -1.0), minlength=len(key))
    return ends[balance[owner] != 0]


def uv_overlap(mesh: Mesh, size_px: int | None = None) -> float:
    """Share of the covered texels that more than one face covers, 0..1.

    Args:
        mesh: with its layout; layouts that repeat the texture are taken as they lie, not folded.
        size_px: side of the grid; by default the texture's longer side.
    """
    side = size_px or max(mesh.texture.shape[:2])
    low, extent = mesh.uv.min(axis=0), float(max(np.ptp(mesh.uv, axis=0).max(), 1.0))
    flat = np.concatenate([(mesh.uv - low) / extent * side + OFFSET_PX, np.ones((len(mesh.uv), 1))], axis=1)
    counts = cover_counts(flat[mesh.faces.astype(np.int64)], (side + 1, side + 1))
    return float((counts > 1).sum()) / max(float((counts > 0).sum()), 1.0)


def cover_counts(corners: Float[np.ndarray, "f 3 3"], hw: tuple[int, int]) -> Integer[np.ndarray, "h w"]:
    """How many faces cover the middle of each pixel; corners are homogeneous pixels."""
    index, first_row, last_row = rows_of_faces(corners, hw)
    planes = barycentric_planes(corners[index])
    # One more column than the picture holds the steps down of spans that reach its right border.
    steps = np.zeros(hw[0] * (hw[1] + 1), dtype=np.int64)
    for part in chunks(last_row - first_row):
        rows, owner = ranges(first_row[part], last_row[part])
        first, last = spans_of_rows(planes[part][owner], rows, hw[1])
        covered = last > first
        line = rows[covered] * (hw[1] + 1)
        steps += np.bincount(line + first[covered], minlength=len(steps))
        steps -= np.bincount(line + last[covered], minlength=len(steps))
    return np.cumsum(steps.reshape(hw[0], hw[1] + 1), axis=1)[:, : hw[1]]
