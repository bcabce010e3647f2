"""Clean any generator's mesh: welded, without degenerate faces and floaters, wound outwards, within a face budget."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Integer
from scipy.spatial import KDTree

from regen3d.errors import InvalidMeshError
from regen3d.meshes.decimation import decimated
from regen3d.meshes.quality import is_closed, open_edges, welded
from regen3d.meshes.scattering import spread_over
from regen3d.meshes.winding import pieces_of, wrongly_wound
from regen3d.render.triangles import triangle_areas
from regen3d.types import Mesh

FACE_BUDGET = 25_000
"""Most faces of an object at full detail: forty of them are a million, which every viewer draws smoothly."""
FLOATER_AREA, FLOATER_GAP = 0.005, 0.02
"""A piece is a floater if it has at most this share of the surface and keeps this share of the diagonal away from all
else; knobs and feet touch what they belong to."""
SURFACE_POINTS = 30_000
"""Points that stand for the rest of the surface when gaps are measured: 1 % of the diagonal apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HygieneReport:
    """What cleaning did to a mesh."""

    faces_before: int
    """Faces that came in."""
    faces_after: int
    """Faces that are left."""
    vertices_merged: int
    """Vertices that equalled another in place and texture coordinate."""
    degenerate_removed: int
    """Faces without area, the same as another, or with vertices that are not finite."""
    floaters_removed: int
    """Small pieces far from the rest."""
    faces_turned: int
    """Faces that were wound inwards."""
    was_decimated: bool
    """Whether the surface was simplified, laid out anew and its texture baked."""
    closed: bool
    """Whether the result has no border."""

    @property
    def sentence(self) -> str:
        """What was done, for the report; empty where nothing was."""
        done = [
            f"{count} {what}"
            for count, what in (
                (self.degenerate_removed, "degenerate faces removed"),
                (self.floaters_removed, "floating pieces removed"),
                (self.faces_turned, "faces turned outwards"),
            )
            if count
        ]
        if self.was_decimated:
            done.append(f"{self.faces_before} faces reduced to {self.faces_after}")
        return f"The mesh was cleaned: {', '.join(done)}." if done else ""


def cleaned(
    mesh: Mesh, *, budget: int = FACE_BUDGET, by_hand: bool = False, seed: int = 0
) -> tuple[Mesh, HygieneReport]:
    """A mesh that a scene can use, and what was done to it.

    Layout, texture, roughness and metallic stay as they are unless the mesh has more faces than the budget; then it is
    simplified and its colours are baked into a new layout. A clean mesh comes back with equal arrays.

    Args:
        mesh: any frame and unit.
        budget: most faces.
        by_hand: whether a person made it: pieces that float and the number of faces then stay.
        seed: for the points at which colours and gaps are measured.

    Raises:
        InvalidMeshError: faces name vertices that are not there, or nothing is left.
    """
    _check(mesh)
    finite = _with_faces(mesh, np.asarray(np.isfinite(mesh.vertices[mesh.faces]).all(axis=(1, 2)), dtype=bool))
    merged = _merged(finite)
    sound = _with_faces(merged, _sound(merged))
    kept, floaters = (sound, 0) if by_hand else _without_floaters(sound, seed)
    turned = wrongly_wound(kept.vertices, kept.faces)
    whole = replace(kept, faces=np.where(turned[:, None], kept.faces[:, ::-1], kept.faces))
    light = decimated(whole, budget, seed=seed) if len(whole.faces) > budget and not by_hand else whole
    report = HygieneReport(
        faces_before=len(mesh.faces),
        faces_after=len(light.faces),
        vertices_merged=len(finite.vertices) - len(merged.vertices),
        degenerate_removed=len(mesh.faces) - len(sound.faces),
        floaters_removed=floaters,
        faces_turned=int(turned.sum()),
        was_decimated=light is not whole,
        closed=is_closed(light),
    )
    return light, report


def _check(mesh: Mesh) -> None:
    if len(mesh.faces) == 0 or mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise InvalidMeshError(
            f"the mesh has {len(mesh.faces)} faces on {len(mesh.vertices)} vertices, or names some that are not there: "
            "generate it again"
        )


def _merged(mesh: Mesh) -> Mesh:
    """Vertices that equal each other in place and texture coordinate as one, and none that no face uses."""
    key = np.stack([welded(mesh.vertices), *np.rint(mesh.uv * 1e6).astype(np.int64).T], axis=1)
    _, first, index = np.unique(key, axis=0, return_index=True, return_inverse=True)
    # In the order in which they came, so that a clean mesh comes back as it was.
    order = np.argsort(first)
    rank = np.zeros(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    faces = rank[index.reshape(-1)][mesh.faces.astype(np.int64)]
    return _compact(replace(mesh, vertices=mesh.vertices[first[order]], uv=mesh.uv[first[order]], faces=faces))


def _compact(mesh: Mesh) -> Mesh:
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[mesh.faces] = True
    rank = np.cumsum(used) - 1
    return replace(mesh, vertices=mesh.vertices[used], uv=mesh.uv[used], faces=rank[mesh.faces])


def _with_faces(mesh: Mesh, keep: Bool[np.ndarray, " f"]) -> Mesh:
    if not keep.any():
        raise InvalidMeshError(f"none of the {len(keep)} faces of the mesh are finite with an area: generate it again")
    return mesh if keep.all() else _compact(replace(mesh, faces=mesh.faces[keep]))


def _sound(mesh: Mesh) -> Bool[np.ndarray, " f"]:
    """Faces that have three places and an area, and repeat no other.

    Of two that look opposite ways in the same place both stay where bodies touch: without either, one would be open.
    """
    corners = mesh.vertices[mesh.faces]
    ends = welded(mesh.vertices)[mesh.faces]
    place = np.sort(ends, axis=1)
    apart = (place[:, 0] != place[:, 1]) & (place[:, 1] != place[:, 2])
    # Three numbers run upwards round the face in one of the directions in which it can look.
    rising = (ends[:, [1, 2, 0]] > ends).sum(axis=1) == 2
    solid = apart & (triangle_areas(corners) > 0)
    return solid & _first_of(np.column_stack([place, rising])) & (_first_of(place) | _balanced(ends, solid))


def _first_of(rows: Integer[np.ndarray, "n k"]) -> Bool[np.ndarray, " n"]:
    """Whether no row before it is the same."""
    first = np.zeros(len(rows), dtype=bool)
    first[np.unique(rows, axis=0, return_index=True)[1]] = True
    return first


def _balanced(ends: Integer[np.ndarray, "f 3"], solid: Bool[np.ndarray, " f"]) -> Bool[np.ndarray, " f"]:
    """Faces of which at least one edge is run through as often either way."""
    count = int(ends.max(initial=0)) + 1
    loose = np.sort(open_edges(ends[solid], np.arange(count)), axis=1)
    sides = np.sort(ends[:, [[0, 1], [1, 2], [2, 0]]], axis=2)
    held = ~np.isin(sides[..., 0] * count + sides[..., 1], loose[:, 0] * count + loose[:, 1])
    return np.asarray(held.any(axis=1), dtype=bool)


def _without_floaters(mesh: Mesh, seed: int) -> tuple[Mesh, int]:
    piece = pieces_of(mesh.faces, welded(mesh.vertices))
    count = int(piece.max(initial=-1)) + 1
    corners = mesh.vertices[mesh.faces]
    area = triangle_areas(corners)
    share = np.bincount(piece, weights=area, minlength=count) / area.sum()
    floating = share <= FLOATER_AREA
    if not floating.any() or floating.all():
        return mesh, 0
    reach = FLOATER_GAP * float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    large = mesh.faces[~floating[piece]]
    chosen, weights = spread_over(mesh.vertices, large, SURFACE_POINTS, seed)
    held = np.einsum("ni,nij->nj", weights, mesh.vertices[large[chosen]])
    while len(held) and floating.any():
        # What is held holds its neighbours in turn: slats hang on rails that are small themselves.
        suspects = floating[piece]
        gap = np.full(count, np.inf)
        near = KDTree(held).query(corners[suspects].reshape(-1, 3), distance_upper_bound=reach)[0]
        np.minimum.at(gap, np.repeat(piece[suspects], 3), near)
        caught = floating & (gap <= reach)
        floating &= ~caught
        held = corners[caught[piece]].reshape(-1, 3)
    return _with_faces(mesh, ~floating[piece]), int(floating.sum())
