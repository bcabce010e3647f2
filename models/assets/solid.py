"""A piece of furniture as one surface: parts joined, sized exactly, and laid out on a square texture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from models.assets.primitives import Part
from regen3d.errors import InvalidMeshError


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A closed surface in the object frame, laid out in charts."""

    vertices: Float[np.ndarray, "v 3"]
    """Metres; base at y = 0, centred in x and z."""
    faces: Integer[np.ndarray, "f 3"]
    """Counter-clockwise seen from outside."""
    layout: Float[np.ndarray, "v 2"]
    """Where each vertex lies on the unrolled surface of its chart, metres."""
    chart: Integer[np.ndarray, " v"]
    """Chart of each vertex."""
    part: Integer[np.ndarray, " f"]
    """Part of each face."""
    material: Integer[np.ndarray, " f"]
    """Material of each face, an index into `names`."""
    names: tuple[str, ...]
    """Names of the materials."""


def join(parts: list[Part], size_m: Float[np.ndarray, " 3"]) -> Surface:
    """One surface of all parts, stretched to fill width, height and depth exactly.

    Raises:
        InvalidMeshError: the parts have no extent along an axis, or are not finite.
    """
    vertices = np.concatenate([part.vertices for part in parts])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    if not np.isfinite(vertices).all() or (high - low).min() < 1e-6:
        raise InvalidMeshError(f"parts from {low} to {high} enclose nothing: give a size above 1e-6 m on each axis")
    scale = size_m / (high - low)
    base = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    first_vertex = np.cumsum([0, *(len(part.vertices) for part in parts)])
    first_chart = np.cumsum([0, *(int(part.chart.max()) + 1 for part in parts)])
    names = list(dict.fromkeys(part.material for part in parts))
    counts = [len(part.faces) for part in parts]
    surface = Surface(
        vertices=(vertices - base) * scale,
        faces=np.concatenate([part.faces + first for part, first in zip(parts, first_vertex, strict=False)]),
        layout=np.concatenate([part.layout for part in parts]),
        chart=np.concatenate([part.chart + first for part, first in zip(parts, first_chart, strict=False)]),
        part=np.repeat(np.arange(len(parts)), counts),
        material=np.repeat([names.index(part.material) for part in parts], counts),
        names=tuple(names),
    )
    return _without_flat_faces(surface)


def pack(surface: Surface, size_px: int, gap_px: int = 3) -> Float[np.ndarray, "v 2"]:
    """Pixel coordinates of each vertex on a square texture, charts side by side in rows with gaps between.

    All charts have one scale, the largest (within 3 %) at which they fit.

    Raises:
        InvalidMeshError: there are more charts than the texture can hold.
    """
    order = np.argsort(surface.chart, kind="stable")
    first = np.searchsorted(surface.chart[order], np.arange(int(surface.chart.max()) + 1))
    low = np.minimum.reduceat(surface.layout[order], first, axis=0)
    extent = np.maximum.reduceat(surface.layout[order], first, axis=0) - low
    upended = extent[:, 1] > extent[:, 0]
    extent = np.where(upended[:, None], extent[:, ::-1], extent)
    scale = size_px / max(float(np.sqrt(extent.prod(axis=1).sum())), float(extent.max()), 1e-9)
    for _ in range(120):
        corners = _rows(np.maximum(extent * scale, 1.0) + gap_px, size_px)
        if corners is not None:
            local = (surface.layout - low[surface.chart]) * scale
            local = np.where(upended[surface.chart][:, None], local[:, ::-1], local)
            return corners[surface.chart] + gap_px / 2 + local
        scale *= 0.97
    raise InvalidMeshError(f"{len(extent)} charts do not fit on {size_px} px: make the texture larger")


def _rows(sizes: Float[np.ndarray, "c 2"], limit: int) -> Float[np.ndarray, "c 2"] | None:
    """Lower left corner of each rectangle when they are set in rows by falling height; None where they do not fit."""
    corners = np.zeros_like(sizes)
    x = y = height = 0.0
    for index in np.argsort(-sizes[:, 1], kind="stable"):
        width = float(sizes[index, 0])
        if x + width > limit:
            x, y, height = 0.0, y + height, 0.0
        if width > limit or y + float(sizes[index, 1]) > limit:
            return None
        corners[index] = x, y
        x, height = x + width, max(height, float(sizes[index, 1]))
    return corners


def _without_flat_faces(surface: Surface) -> Surface:
    corners = surface.vertices[surface.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    keep = area > 1e-10 * max(float(np.ptp(surface.vertices, axis=0).max()) ** 2, 1e-12)
    return Surface(
        vertices=surface.vertices,
        faces=surface.faces[keep],
        layout=surface.layout,
        chart=surface.chart,
        part=surface.part[keep],
        material=surface.material[keep],
        names=surface.names,
    )
