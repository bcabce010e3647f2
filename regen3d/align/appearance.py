"""Deciding between poses that the silhouette cannot tell apart, by the look of the textured mesh under any light."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from regen3d.align.pose import SupportPlane, similarity
from regen3d.align.refine import Refined, ranked
from regen3d.align.target import Target
from regen3d.frames import transform
from regen3d.render.raster import Raster, rasterize
from regen3d.render.scene import sample_texture
from regen3d.types import Mesh, Similarity

APPEARANCE_WEIGHT = 0.15
"""Cost of a mesh whose look explains nothing of the picture: outweighs noise in silhouette and points (0.01 to 0.05
between equal poses), not a different outline (0.1 and more)."""

NOISE = 4.0
"""Standard deviation of colours, of 255, that no mesh explains: surfaces plainer than this say nothing."""

LEAST_PIXELS = 20
"""Fewer common pixels than this explain nothing."""


def rank_by_appearance(refined: Refined, target: Target, mesh: Mesh, plane: SupportPlane) -> Refined:
    """Add the cost of looking different to each pose that can still win, and sort again."""
    energies = refined.energies + APPEARANCE_WEIGHT
    for k in np.flatnonzero(refined.energies < refined.energies[0] + APPEARANCE_WEIGHT):
        shape = replace(mesh, vertices=mesh.vertices * np.exp(refined.numbers[k, 4:]))
        pose = similarity(plane, refined.numbers[k, :4], shape.vertices)
        energies[k] -= APPEARANCE_WEIGHT * (1.0 - unexplained_look(shape, pose, target))
    return ranked(refined.numbers, energies)


def unexplained_look(mesh: Mesh, world_from_object: Similarity, target: Target) -> float:
    """Share of the picture's variance that no light on the posed mesh explains, over pixels of both; 0..1.

    Each channel of the picture is fitted by the texture's colour times a light that is linear in the surface's normal
    (spherical harmonics up to order one: Ramamoorthi and Hanrahan 2001) and in the place in the picture, with least
    squares. So edges of depth count as edges of the texture do, and the colour of the light does not.
    """
    vertices = transform(target.camera_from_world @ world_from_object.matrix, mesh.vertices)
    raster = rasterize(vertices, mesh.faces, target.intrinsics, target.hw)
    rows, columns = np.nonzero((raster.face >= 0) & (target.mask > 0.9))
    if len(rows) < LEAST_PIXELS:
        return 1.0
    texture, light = _texture(mesh, raster, rows, columns), _light(mesh, vertices, raster, rows, columns)
    unexplained = total = 0.0
    for channel in range(3):
        seen = target.picture[rows, columns, channel].astype(np.float64)
        basis = np.concatenate([texture[:, channel, None] * light, np.ones((len(rows), 1))], axis=1)
        square = basis.T @ basis
        fitted = basis @ np.linalg.lstsq(square, basis.T @ seen, rcond=1e-10)[0]
        unexplained += float(((seen - fitted) ** 2).mean())
        total += float(seen.var()) + NOISE**2
    return min(unexplained / total, 1.0)


def _texture(mesh: Mesh, raster: Raster, rows: np.ndarray, columns: np.ndarray) -> Float[np.ndarray, "n 3"]:
    """Colours of the texture in pixels, 0..1."""
    uv = np.einsum("nij,ni->nj", mesh.uv[mesh.faces[raster.face[rows, columns]]], raster.barycentric[rows, columns])
    return sample_texture(mesh.texture, uv) / 255.0


def _light(
    mesh: Mesh, vertices: Float[np.ndarray, "v 3"], raster: Raster, rows: np.ndarray, columns: np.ndarray
) -> Float[np.ndarray, "n 6"]:
    """What light may depend on: nothing, the normal towards the camera, the place in the crop."""
    corners = vertices[mesh.faces[raster.face[rows, columns]]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    normal *= -np.sign((normal * corners[:, 0]).sum(axis=1, keepdims=True) + 1e-30)
    place = np.stack([columns / raster.face.shape[1], rows / raster.face.shape[0]], axis=1)
    return np.concatenate([np.ones((len(rows), 1)), normal, place], axis=1)
