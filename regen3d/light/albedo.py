"""Colours without the light of the picture: what a surface reflects, and what shone on it.

Nobody can tell dark paint from little light in one picture: every map made here is an estimate. Taken together they
give the picture back: colour = albedo * irradiance / pi, in linear numbers.
"""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from regen3d.light.base import SceneLight
from regen3d.light.harmonics import irradiance
from regen3d.light.linear import to_linear, to_srgb
from regen3d.render.raster import rasterize
from regen3d.room.light import WORK_PX, resized, spread
from regen3d.room.material import odd_texels
from regen3d.types import Mesh

MOST_REFLECTED = 0.95
"""No surface of a room gives back more: fresh snow has 0.9, the whitest paint on sale 0.95."""

OBJECT_PX = 512
"""Texels across at which the light on an object is worked out: finer than light changes, even on chair legs."""

SMOOTH = 0.08
"""Width of the finest light on a side as a share of its longer edge: wider than tiles and planks."""


def side_normal(mesh: Mesh) -> Float[np.ndarray, " 3"]:
    """Unit normal of a flat side of the room, into the room, in the frame of its vertices."""
    a, b, c = mesh.vertices[mesh.faces[0]]
    normal = np.cross(b - a, c - a)
    return normal / np.linalg.norm(normal)


def side_illumination(mesh: Mesh, light: SceneLight) -> Float[np.ndarray, "th tw 3"]:
    """Irradiance at every texel of a side of the room, see `slow_illumination`."""
    return cv2.resize(slow_illumination(mesh, light), mesh.texture.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def slow_illumination(mesh: Mesh, light: SceneLight) -> Float[np.ndarray, "h w 3"]:
    """Irradiance on a side of the room: on average that of `light`, over the side as its colours change slowly.

    What is odd on the side (a window, a rug, a picture) is not taken for light.

    Returns:
        A picture over the whole side that is small, since light is smooth: `WORK_PX` at most.
    """
    colour = resized(to_linear(mesh.texture), WORK_PX).astype(np.float64)
    shape = colour.shape[:2]
    # Of a skirting board, too: it counts as odd here.
    usual = ~odd_texels(255.0 * colour ** (1 / 2.2), np.ones(shape, bool), np.zeros(shape, bool), False)
    slow = np.maximum(spread(colour, usual if usual.any() else np.ones(shape), SMOOTH), 1e-4)
    return slow / slow.mean(axis=(0, 1)) * irradiance(light.harmonics, side_normal(mesh))


def side_albedo(mesh: Mesh, light: SceneLight) -> Mesh:
    """A side of the room in the colours of its material."""
    lit = np.maximum(side_illumination(mesh, light), 1e-4)
    return replace(mesh, texture=_texture(np.pi * to_linear(mesh.texture) / lit))


def object_albedo(mesh: Mesh, world_from_mesh: Float[np.ndarray, "4 4"], light: SceneLight) -> Mesh:
    """An object in the colours of its material: the light that falls on its surface as it is turned is taken off.

    Args:
        mesh: object frame; its texture shows it as photographed.
        world_from_mesh: similarity.
        light: the light of the room.
    """
    gain = np.pi / np.maximum(_texel_irradiance(mesh, world_from_mesh, light), 1e-3)
    return replace(mesh, texture=_texture(to_linear(mesh.texture) * gain))


def _texel_irradiance(
    mesh: Mesh, world_from_mesh: Float[np.ndarray, "4 4"], light: SceneLight
) -> Float[np.ndarray, "th tw 3"]:
    """Irradiance where each texel lies on the surface; texels that no face uses get that of their surroundings."""
    height, width = _within(mesh.texture.shape[:2], OBJECT_PX)
    corners = np.stack([mesh.uv[:, 0] * width, (1.0 - mesh.uv[:, 1]) * height, np.ones(len(mesh.uv))], axis=1)
    raster = rasterize(corners, mesh.faces, np.eye(3), (height, width))
    used = raster.face >= 0
    normals = _vertex_normals(mesh) @ world_from_mesh[:3, :3].T
    there = np.einsum("nij,ni->nj", normals[mesh.faces[raster.face[used]]], raster.barycentric[used])
    there /= np.maximum(np.linalg.norm(there, axis=1, keepdims=True), 1e-12)
    lit = np.zeros((height, width, 3))
    lit[used] = irradiance(light.harmonics, there)
    if not used.any():
        return np.full((*mesh.texture.shape[:2], 3), irradiance(light.harmonics, np.eye(3)).mean(axis=0))
    if not used.all():
        lit = np.where(used[..., None], lit, spread(lit, used.astype(np.float64), 0.01))
    return cv2.resize(lit, mesh.texture.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _within(hw: tuple[int, int], longest: int) -> tuple[int, int]:
    factor = min(longest / max(hw), 1.0)
    return max(round(hw[0] * factor), 1), max(round(hw[1] * factor), 1)


def _vertex_normals(mesh: Mesh) -> Float[np.ndarray, "v 3"]:
    """Unit normals of vertices, faces weighted by area; hard edges have vertices of their own in a laid-out mesh."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    normals = np.zeros_like(mesh.vertices)
    for k in range(3):
        np.add.at(normals, mesh.faces[:, k], np.cross(b - a, c - a))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _texture(albedo: Float[np.ndarray, "th tw 3"]) -> UInt8[np.ndarray, "th tw 3"]:
    return to_srgb(np.clip(albedo, 0.0, MOST_REFLECTED))
