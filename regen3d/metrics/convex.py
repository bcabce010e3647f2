"""Convex pieces of a surface, for physics."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, KDTree, QhullError

from regen3d.errors import NotInstalledError
from regen3d.metrics.sampling import sample_surface
from regen3d.metrics.surfaces import Surface

CONCAVITY = 0.08
"""Where CoACD stops to cut: concavity as a share of the object's size; its own 0.05 takes a quarter longer."""

SEARCH: dict[str, Any] = {
    "mcts_iterations": 20,
    "mcts_nodes": 5,
    "mcts_max_depth": 1,
    "resolution": 300,
    "preprocess_resolution": 30,
}
"""How hard CoACD looks for good cuts: a fraction of its own settings, for a few seconds an object."""

SAMPLES = 20_000
"""Points to which the corners of pieces are pulled."""

LEAST_THICKNESS_M = 0.001
"""Pieces that are flat are thickened to this; physics knows no sheets."""

Piece = Float[np.ndarray, "_ 3"]
"""Corners of one convex piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvexPieces:
    """A surface as convex solids."""

    pieces: tuple[Piece, ...]
    """Each in the surface's own frame."""
    hull_only: bool
    """Whether they are the one convex hull, as the surface could not be taken apart."""


def digest_of(surface: Surface) -> str:
    """What names a surface: equal for equal arrays."""
    digest = hashlib.sha256(np.ascontiguousarray(surface.vertices, dtype=np.float64).tobytes())
    digest.update(np.ascontiguousarray(surface.faces, dtype=np.int64).tobytes())
    return digest.hexdigest()


def convex_pieces(surface: Surface, seed: int = 0) -> ConvexPieces:
    """Take a surface apart into nearly convex pieces.

    CoACD works on a closed skin a little outside of the surface; the corners of its pieces are therefore pulled back to
    the nearest point of the surface, so that what touches the floor still does.

    Raises:
        NotInstalledError: CoACD is not installed.
        InvalidMeshError: no face has an area.

    Source: Wei et al. 2022, "Approximate convex decomposition for 3D meshes with collision-aware concavity".
    """
    try:
        import coacd
    except ImportError as error:
        raise NotInstalledError("convex pieces need CoACD: pip install '.[evaluate]'") from error
    coacd.set_log_level("off")
    samples = sample_surface(surface.vertices, surface.faces, SAMPLES, seed).points
    try:
        parts = coacd.run_coacd(
            coacd.Mesh(surface.vertices, surface.faces.astype(np.int32)), threshold=CONCAVITY, seed=seed, **SEARCH
        )
    except RuntimeError:
        # CoACD refuses some surfaces, such as a single flat sheet.
        parts = []
    if not parts:
        return ConvexPieces(pieces=(hull_corners(surface.vertices),), hull_only=True)
    skin = np.concatenate([samples, surface.vertices])
    tree = KDTree(skin)
    pulled = [skin[np.unique(tree.query(corners)[1])] for corners, _ in parts]
    return ConvexPieces(pieces=tuple(hull_corners(corners) for corners in pulled), hull_only=False)


def hull_corners(points: Piece) -> Piece:
    """Corners of the convex hull; of flat points, of the hull of them thickened."""
    try:
        return points[ConvexHull(points).vertices]
    except (QhullError, ValueError):
        signs = np.array(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5])).reshape(3, -1).T
        thick = (points[:, None] + LEAST_THICKNESS_M * signs).reshape(-1, 3)
        return thick[ConvexHull(thick).vertices]
