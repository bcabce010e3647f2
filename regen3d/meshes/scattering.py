"""Scatter points over a surface."""

import numpy as np
from jaxtyping import Float, Integer


def spread_over(
    vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"], count: int, seed: int
) -> tuple[Integer[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
    """Face and barycentric weights of points that are spread evenly by area.

    Faces take evenly spaced quantiles of the area, so that each gets its share to within one point; where on the face
    is random (Osada et al. 2002, "Shape distributions", section 4.1).

    Args:
        vertices: any frame and unit.
        faces: vertex indices; together they have an area.
        count: number of points.
        seed: the same one gives the same points.
    """
    rng = np.random.default_rng(seed)
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    reached = np.cumsum(np.linalg.norm(np.cross(b - a, c - a), axis=1))
    along = (np.arange(count) + rng.random(count)) / count * reached[-1]
    chosen = np.minimum(np.searchsorted(reached, along, side="right"), len(faces) - 1)
    root, across = np.sqrt(rng.random(count)), rng.random(count)
    return chosen, np.stack([1.0 - root, root * (1.0 - across), root * across], axis=1)
