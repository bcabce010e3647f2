"""Points spread evenly over the surface of a mesh."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from regen3d.errors import InvalidMeshError


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceSamples:
    """Points on a surface, in the order of its faces: a part of them covers a part of the mesh."""

    points: Float[np.ndarray, "n 3"]
    """In the frame and unit of the vertices."""
    normals: Float[np.ndarray, "n 3"]
    """Unit normals of the faces that the points lie on."""
    faces: Integer[np.ndarray, " n"]
    """Indices of those faces, ascending."""


def sample_surface(
    vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"], count: int, seed: int
) -> SurfaceSamples:
    """Points on a surface, each face getting its share by area.

    The choice of faces is stratified (one point for each `count`-th part of the area), so that a face gets its share to
    within one point; within a face points are independent and uniform.

    Args:
        vertices: any frame and unit.
        faces: vertex indices; those without area get no points.
        count: number of points, positive.
        seed: the same one gives the same points.

    Raises:
        InvalidMeshError: no face has an area, or vertices are not finite.

    Source: Osada et al. 2002, "Shape distributions", section 4.1, for the point within a triangle.
    """
    a, b, c = (np.asarray(vertices, dtype=np.float64)[faces[:, corner]] for corner in range(3))
    crossed = np.cross(b - a, c - a)
    doubled = np.linalg.norm(crossed, axis=1)
    reached = np.cumsum(doubled)
    if len(faces) == 0 or not np.isfinite(reached[-1]) or reached[-1] <= 0.0:
        raise InvalidMeshError(
            f"nothing to sample: the mesh has {len(faces)} faces, without area or not finite; count it as missing"
        )
    rng = np.random.default_rng(seed)
    along = (np.arange(count) + rng.random(count)) / count * reached[-1]
    # The search to the right of equal values skips faces without area; rounding may step past the last face.
    chosen = np.minimum(np.searchsorted(reached, along, side="right"), np.flatnonzero(doubled)[-1])
    root, across = np.sqrt(rng.random(count))[:, None], rng.random(count)[:, None]
    points = (1.0 - root) * a[chosen] + root * (1.0 - across) * b[chosen] + root * across * c[chosen]
    return SurfaceSamples(points=points, normals=crossed[chosen] / doubled[chosen, None], faces=chosen)
