"""Make the faces of a mesh agree about which side is outside."""

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from regen3d.meshes.quality import welded

LEAST_VOLUME = 1e-4
"""Pieces that enclose less than this share of their box's diagonal cubed are sheets: they have no outside."""


def pieces_of(faces: Integer[np.ndarray, "f 3"], place: Integer[np.ndarray, " v"]) -> Integer[np.ndarray, " f"]:
    """For each face the number of the connected piece that it belongs to, from 0; faces connect at shared places."""
    ends = place[faces.astype(np.int64)]
    count = int(place.max(initial=0)) + 1
    rows, columns = ends[:, [0, 1]].ravel(), ends[:, [1, 2]].ravel()
    graph = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    return np.unique(labels[ends[:, 0]], return_inverse=True)[1].reshape(-1)


def wrongly_wound(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> Bool[np.ndarray, " f"]:
    """Faces to turn round so that neighbours agree and every closed piece looks outwards.

    Orientation spreads over edges that exactly two faces share; a piece that lies within the box of another keeps the
    side that most of its faces show, as it may be the wall of a hollow.
    """
    place = welded(vertices)
    ends = place[faces.astype(np.int64)]
    first, second, same = _neighbours(ends)
    turned, piece = _agreed(len(faces), first, second, same)
    corners = vertices[np.where(turned[:, None], faces[:, ::-1], faces).astype(np.int64)]
    count = int(piece.max(initial=-1)) + 1
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, piece, corners.min(axis=1))
    np.maximum.at(high, piece, corners.max(axis=1))
    centred = corners - ((low + high) / 2)[piece][:, None]
    volumes = np.einsum("ni,ni->n", centred[:, 0], np.cross(centred[:, 1], centred[:, 2])) / 6
    volume = np.bincount(piece, weights=volumes, minlength=count)
    solid = np.abs(volume) > LEAST_VOLUME * np.linalg.norm(high - low, axis=1) ** 3
    mostly_turned = np.bincount(piece, weights=turned, minlength=count) > 0.5 * np.bincount(piece, minlength=count)
    inverted = np.where(solid & ~_inside_another(low, high), volume < 0, mostly_turned)
    return turned ^ inverted[piece]


def _neighbours(
    ends: Integer[np.ndarray, "f 3"],
) -> tuple[Integer[np.ndarray, " e"], Integer[np.ndarray, " e"], Bool[np.ndarray, " e"]]:
    """Pairs of faces that alone share an edge, and whether both run through it in the same direction."""
    edges = ends[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    low, high = edges.min(axis=1), edges.max(axis=1)
    key = low * (int(ends.max(initial=0)) + 1) + high
    order = np.argsort(key, kind="stable")
    _, start, count = np.unique(key[order], return_index=True, return_counts=True)
    pairs = start[(count == 2)]
    one, other = order[pairs], order[pairs + 1]
    used = low[one] != high[one]
    one, other = one[used], other[used]
    return one // 3, other // 3, edges[one, 0] == edges[other, 0]


def _agreed(
    count: int, first: Integer[np.ndarray, " e"], second: Integer[np.ndarray, " e"], same: Bool[np.ndarray, " e"]
) -> tuple[Bool[np.ndarray, " f"], Integer[np.ndarray, " f"]]:
    """Faces to turn so that each piece agrees with its first face, and the piece of each face."""
    graph = coo_matrix((np.where(same, 2, 1), (first, second)), shape=(count, count)).tocsr()
    graph = csr_matrix(graph.maximum(graph.T))
    pieces, piece = connected_components(graph, directed=False)
    # One more node, joined to a face of each piece, makes a single tree of all.
    roots = np.unique(piece, return_index=True)[1]
    rows = np.concatenate([first, np.full(pieces, count)])
    columns = np.concatenate([second, roots])
    tree = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count + 1, count + 1)).tocsr()
    parent = breadth_first_order(tree, count, directed=False)[1][:count].astype(np.int64)
    rooted = parent == count
    parent = np.where(rooted, np.arange(count), parent)
    turned = np.asarray(graph[np.arange(count), parent]).ravel() == 2
    turned &= ~rooted
    # Pointer doubling: after k rounds each face knows its parity to the ancestor 2^k above it.
    while (parent[parent] != parent).any():
        turned = turned ^ turned[parent]
        parent = parent[parent]
    return turned, piece


def _inside_another(low: Float[np.ndarray, "p 3"], high: Float[np.ndarray, "p 3"]) -> Bool[np.ndarray, " p"]:
    """Which of the boxes lie within a larger one; only the largest 64 are tried as the larger one."""
    inside = np.zeros(len(low), dtype=bool)
    for k in np.argsort(-np.prod(high - low, axis=1))[:64]:
        within = np.logical_and.reduce([*(low >= low[k]).T, *(high <= high[k]).T])
        within[k] = False
        inside |= within
    return inside
