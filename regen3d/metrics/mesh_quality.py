"""Whether a mesh can be worked with: closed, sound, and with an even texture layout."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from regen3d.meshes.quality import is_closed, uv_overlap, welded
from regen3d.render.triangles import triangle_areas
from regen3d.types import Mesh

DEGENERATE_HEIGHT = 1e-6
"""A face is degenerate if it is lower than this share of its longest side: float32 cannot hold its normal."""

OVERLAP_SIDE_PX = 1024
"""Side of the grid on which a layout is sampled: gutters of a pixel or two in a texture twice as large still show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshQuality:
    """What an artist asks of a mesh first."""

    watertight: bool
    """Whether it has no border and its faces agree about what is inside, once vertices are welded."""
    non_manifold_edges: int
    """Edges that more than two faces share, once vertices are welded."""
    degenerate_faces: int
    """Faces without a normal: fewer than three places, or next to no height."""
    uv_overlap: float
    """Share of the covered texels that several faces claim, 0..1."""
    texels_per_m: float
    """Median over the surface of the texture's resolution; 0 where nothing has an area."""
    texel_spread: float
    """90th over 10th percentile of that resolution, over the surface; 1 is even. Infinite where a tenth of the
    surface has no texture of its own."""


def mesh_quality(mesh: Mesh, metres_per_unit: float = 1.0) -> MeshQuality:
    """Measure a mesh.

    Args:
        mesh: any frame, with at least one face.
        metres_per_unit: the scale under which it stands in the scene.
    """
    low, middle, high = _texel_quantiles(mesh, metres_per_unit)
    return MeshQuality(
        watertight=is_closed(mesh),
        non_manifold_edges=non_manifold_edges(mesh.vertices, mesh.faces),
        degenerate_faces=degenerate_faces(mesh.vertices, mesh.faces),
        uv_overlap=uv_overlap(mesh, OVERLAP_SIDE_PX),
        texels_per_m=middle,
        texel_spread=high / low if low > 0.0 else float("inf"),
    )


def non_manifold_edges(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> int:
    """Number of edges that more than two faces share, once vertices are welded."""
    place = welded(vertices)
    ends = np.sort(place[faces.astype(np.int64)][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    ends = ends[ends[:, 0] != ends[:, 1]]
    _, count = np.unique(ends[:, 0] * (int(place.max(initial=0)) + 1) + ends[:, 1], return_counts=True)
    return int(np.count_nonzero(count > 2))


def degenerate_faces(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> int:
    """Number of faces whose height is next to nothing against their longest side."""
    corners = vertices[faces].astype(np.float64)
    longest = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2).max(axis=1)
    return int(np.count_nonzero(2.0 * triangle_areas(corners) <= DEGENERATE_HEIGHT * longest**2))


def _texel_quantiles(mesh: Mesh, metres_per_unit: float) -> tuple[float, float, float]:
    """10th, 50th and 90th percentile, by area, of texels per metre; zeros where nothing has an area."""
    height, width = mesh.texture.shape[:2]
    area = triangle_areas(mesh.vertices[mesh.faces] * metres_per_unit)
    flat = np.pad(mesh.uv[mesh.faces] * [width, height], ((0, 0), (0, 0), (0, 1)))
    solid = area > 0
    if not solid.any():
        return 0.0, 0.0, 0.0
    density = np.sqrt(triangle_areas(flat)[solid] / area[solid])
    order = np.argsort(density)
    reached = np.cumsum(area[solid][order]) / area.sum()
    low, middle, high = density[order][np.minimum(np.searchsorted(reached, [0.1, 0.5, 0.9]), len(order) - 1)]
    return float(low), float(middle), float(high)
