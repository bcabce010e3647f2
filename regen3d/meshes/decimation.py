"""Fewer faces for the same look: simplify the surface, lay it out anew, and bake the old colours into a new texture."""

import fast_simplification
import numpy as np
import xatlas
from jaxtyping import Float, Integer, UInt8
from scipy.spatial import KDTree

from regen3d.errors import InvalidMeshError
from regen3d.meshes.quality import welded
from regen3d.meshes.scattering import spread_over
from regen3d.meshes.spreading import spread_colours
from regen3d.render.raster import rasterize
from regen3d.render.scene import sample_texture
from regen3d.types import Mesh

PADDING_PX = 4
"""Texels between charts: two levels of mipmaps before neighbours mix."""
SAMPLES_PER_TEXEL = 1.5
"""Colour samples of the old surface for each texel of the new one: with fewer, fine patterns turn to noise."""


def decimated(mesh: Mesh, budget: int, *, size_px: int | None = None, seed: int = 0) -> Mesh:
    """The mesh with at most so many faces, a layout without overlap, and its old colours baked.

    Quadric edge collapse (Garland and Heckbert 1997) on the surface welded across texture seams, so that no seam opens;
    a layout by xatlas; each texel in the colour of the nearest of many points of the old surface. Roughness and
    metallic stay.

    Args:
        mesh: any mesh with a texture.
        budget: most faces, at least 4.
        size_px: side of the new texture; by default the old texture's longer side, at most 2048.
        seed: for the points of the old surface.

    Raises:
        InvalidMeshError: nothing is left of the surface.
    """
    vertices, faces = _collapsed(mesh, budget)
    side = size_px or min(max(*mesh.texture.shape[:2], 64), 2048)
    vertices, faces, uv = laid_out(vertices, faces, side)
    texture = _baked(mesh, (vertices, faces, uv), side, seed)
    return Mesh(
        vertices=vertices, faces=faces, uv=uv, texture=texture, roughness=mesh.roughness, metallic=mesh.metallic
    )


def laid_out(
    vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"], size_px: int
) -> tuple[Float[np.ndarray, "u 3"], Integer[np.ndarray, "f 3"], Float[np.ndarray, "u 2"]]:
    """Vertices split along the seams of a new layout by xatlas, faces, and texture coordinates in 0..1."""
    atlas = xatlas.Atlas()
    # In units of its own size: xatlas drops charts that look small in metres.
    unit = vertices / max(float(np.ptp(vertices, axis=0).max()), 1e-12)
    atlas.add_mesh(unit.astype(np.float32), faces.astype(np.uint32))
    packing = xatlas.PackOptions()
    packing.padding = PADDING_PX
    packing.resolution = size_px
    packing.bruteForce = False
    atlas.generate(xatlas.ChartOptions(), packing)
    origin, indices, uv = atlas[0]
    return vertices[origin.astype(np.int64)], indices.astype(np.int64), np.clip(uv.astype(np.float64), 0.0, 1.0)


def _collapsed(mesh: Mesh, budget: int) -> tuple[Float[np.ndarray, "v 3"], Integer[np.ndarray, "f 3"]]:
    place = welded(mesh.vertices)
    vertices = np.zeros((int(place.max(initial=-1)) + 1, 3))
    vertices[place] = mesh.vertices
    faces = _without_repeats(place[mesh.faces.astype(np.int64)])
    if len(faces) > budget:
        simple = fast_simplification.simplify(vertices, faces.astype(np.int32), target_count=budget, agg=4.0)
        vertices, faces = simple[0], _without_repeats(np.asarray(simple[1], dtype=np.int64))
    if len(faces) == 0:
        raise InvalidMeshError(f"no face is left of {len(mesh.faces)} at a budget of {budget}: give a larger budget")
    return np.asarray(vertices, dtype=np.float64), faces


def _without_repeats(faces: Integer[np.ndarray, "f 3"]) -> Integer[np.ndarray, "g 3"]:
    apart = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return faces[apart]


def _baked(
    mesh: Mesh,
    target: tuple[Float[np.ndarray, "u 3"], Integer[np.ndarray, "g 3"], Float[np.ndarray, "u 2"]],
    size_px: int,
    seed: int,
) -> UInt8[np.ndarray, "t t 3"]:
    vertices, faces, uv = target
    flat = np.stack([uv[:, 0] * size_px, (1.0 - uv[:, 1]) * size_px, np.ones(len(uv))], axis=1)
    raster = rasterize(flat, faces, np.eye(3), (size_px, size_px))
    covered = raster.face >= 0
    corners = vertices[faces[raster.face[covered]]]
    texels = np.einsum("nij,ni->nj", corners, raster.barycentric[covered])
    points, colours = _coloured_points(mesh, int(SAMPLES_PER_TEXEL * len(texels)) + 1000, seed)
    nearest = KDTree(points, balanced_tree=False, compact_nodes=False).query(texels)[1]
    if not covered.any():
        raise InvalidMeshError(f"no texel of {size_px} x {size_px} is covered: make the texture larger")
    texture = np.zeros((size_px, size_px, 3), dtype=np.uint8)
    texture[covered] = colours[nearest]
    return spread_colours(texture, covered)[0]


def _coloured_points(mesh: Mesh, count: int, seed: int) -> tuple[Float[np.ndarray, "n 3"], UInt8[np.ndarray, "n 3"]]:
    """Points spread over a surface by area, and its colours there."""
    chosen, weights = spread_over(mesh.vertices, mesh.faces, count, seed)
    corners = mesh.faces[chosen]
    points = np.einsum("ni,nij->nj", weights, mesh.vertices[corners])
    return points, sample_texture(mesh.texture, np.einsum("ni,nij->nj", weights, mesh.uv[corners]))
