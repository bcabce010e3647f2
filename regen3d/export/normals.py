"""Vertex normals: smooth over curved surfaces, sharp at creases, unbroken across texture seams."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from regen3d.types import Mesh

CREASE_DEG = 40.0
"""Edges bent by more than this stay sharp: a table's edge (90 or 45 degrees) is a crease, and a turned leg of ten
sides or more (36 degrees) is round. Twice as much would round off boxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadedMesh:
    """A mesh whose vertices were split where two neighbouring faces do not share a normal."""

    source: Integer[np.ndarray, " n"]
    """The vertex of the original mesh that each vertex is a copy of."""
    faces: Integer[np.ndarray, "f 3"]
    """Vertex indices, in the order and with the corners of the original faces."""
    normals: Float[np.ndarray, "n 3"]
    """Unit normal of each vertex, outwards."""


def shade(mesh: Mesh, crease_deg: float = CREASE_DEG) -> ShadedMesh:
    """Give a mesh vertex normals.

    Corners that meet in a point share a normal if a chain of edges joins them, none of which is bent by more than
    `crease_deg`. Normals are means of face normals weighted by the corner's angle (Thuermer and Wuethrich, "Computing
    Vertex Normals from Polygonal Facets", 1998). A vertex of flat faces alone, which nobody sees, gets +Y.
    """
    faces = mesh.faces.astype(np.int64)
    place = _places(mesh.vertices)[faces]
    corners = mesh.vertices.astype(np.float64)[faces]
    face_normals = _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    group = _smooth_corners(place, face_normals, np.cos(np.radians(crease_deg)))
    weighted = (_corner_angles(corners)[..., None] * face_normals[:, None]).reshape(-1, 3)
    group_normals = np.stack([np.bincount(group, weighted[:, axis], len(group)) for axis in range(3)], axis=1)
    key = faces.ravel() * len(group) + group
    _, first, index = np.unique(key, return_index=True, return_inverse=True)
    normals = _unit(group_normals)[group[first]]
    normals[~normals.any(axis=1)] = [0.0, 1.0, 0.0]
    return ShadedMesh(source=faces.ravel()[first], faces=index.reshape(-1, 3), normals=normals)


def _places(vertices: Float[np.ndarray, "v 3"]) -> Integer[np.ndarray, " v"]:
    """A number for each vertex that vertices at the same place share: texture seams double vertices."""
    order = np.lexsort(vertices.T)
    moved = np.any(np.diff(vertices[order], axis=0) != 0, axis=1)
    place = np.zeros(len(vertices), dtype=np.int64)
    place[order[1:]] = np.cumsum(moved)
    return place


def _smooth_corners(
    place: Integer[np.ndarray, "f 3"], face_normals: Float[np.ndarray, "f 3"], least_cosine: float
) -> Integer[np.ndarray, " c"]:
    """A number for each corner (three a face) that corners with a common normal share."""
    start, end = place.ravel(), np.roll(place, -1, axis=1).ravel()
    corner = np.arange(start.size)
    next_corner = np.roll(corner.reshape(-1, 3), -1, axis=1).ravel()
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort([high, low])
    edge, other = order[:-1], order[1:]
    same = (low[edge] == low[other]) & (high[edge] == high[other])
    bend = np.einsum("ij,ij->i", face_normals[edge // 3], face_normals[other // 3])
    joined = same & (bend >= least_cosine)
    edge, other = edge[joined], other[joined]
    # The two faces run along their common edge in opposite directions, unless one of them is turned over.
    opposite = start[edge] != start[other]
    links_from = np.concatenate([edge, next_corner[edge]])
    links_to = np.concatenate(
        [np.where(opposite, next_corner[other], other), np.where(opposite, other, next_corner[other])]
    )
    links = coo_array((np.ones(len(links_from), dtype=bool), (links_from, links_to)), shape=(corner.size, corner.size))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _corner_angles(corners: Float[np.ndarray, "f 3 3"]) -> Float[np.ndarray, "f 3"]:
    """The angle of each face at each of its corners, radians."""
    along = _unit(np.roll(corners, -1, axis=1) - corners)
    back = -np.roll(along, 1, axis=1)
    return np.arccos(np.clip(np.einsum("fcx,fcx->fc", along, back), -1.0, 1.0))


def _unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Vectors of length one; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-30)
