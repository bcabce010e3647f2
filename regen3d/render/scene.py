"""Pictures of placed meshes: colour, depth and which mesh each pixel shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, Integer, UInt8

from regen3d.frames import transform
from regen3d.render.raster import rasterize
from regen3d.types import Camera, Mesh, Rgb

EMPTY_GREY = 225
"""Colour of pixels that show nothing when no background is given: light, yet white objects stand out."""

HEADLIGHT_FLOOR = 0.45
"""Brightness of a surface seen edge-on under the headlight; one seen face-on has 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedMesh:
    """A mesh and where it is."""

    mesh: Mesh
    """The mesh, in a frame of its own."""
    world_from_mesh: Float[np.ndarray, "4 4"]
    """Similarity from the mesh's frame to the world frame, metres."""
    cull_back: bool = False
    """Whether faces seen from behind are left out: a room's walls vanish when one looks in from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What a camera sees of placed meshes."""

    color: Rgb
    """The picture."""
    depth: Float32[np.ndarray, "h w"]
    """Metres along the optical axis; infinite where there is nothing."""
    index: Int32[np.ndarray, "h w"]
    """Which of the placed meshes; -1 where there is nothing."""


def render(
    placed: Sequence[PlacedMesh], camera: Camera, *, background: Rgb | None = None, shaded: bool = False
) -> Rendering:
    """Draw textured meshes with a z-buffer.

    Args:
        placed: the meshes; none gives the background.
        camera: the camera, in the world frame.
        background: what shows where no mesh is, in the camera's size; None means plain light grey.
        shaded: dim surfaces as they turn away from the camera, for pictures in which shape matters more than colour.
    """
    if background is None:
        background = np.full((*camera.hw, 3), EMPTY_GREY, dtype=np.uint8)
    gathered = _gathered(placed, camera)
    faces, first_face = gathered.own_faces, gathered.first_face
    all_vertices, all_faces = gathered.vertices, gathered.faces
    raster = rasterize(all_vertices, all_faces, camera.intrinsics, camera.hw)
    index = np.where(raster.face >= 0, np.searchsorted(first_face, raster.face, side="right") - 1, -1)
    color = background.copy()
    for k, item in enumerate(placed):
        here = index == k
        color[here] = _surface_color(item.mesh, faces[k][raster.face[here] - first_face[k]], raster.barycentric[here])
    if shaded:
        hit = raster.face >= 0
        corners = all_vertices[all_faces[raster.face[hit]]]
        color[hit] = _headlight(color[hit], corners, raster.barycentric[hit])
    return Rendering(color=color, depth=raster.depth, index=index.astype(np.int32))


def normals(
    placed: Sequence[PlacedMesh], camera: Camera
) -> tuple[Int32[np.ndarray, "h w"], Float32[np.ndarray, "h w 3"]]:
    """Which of the meshes each pixel shows (-1: none), and the unit normal of its face, towards the camera.

    Returns:
        Index, and normals in the world frame; zeros where there is nothing.
    """
    gathered = _gathered(placed, camera)
    raster = rasterize(gathered.vertices, gathered.faces, camera.intrinsics, camera.hw)
    hit = raster.face >= 0
    index = np.where(hit, np.searchsorted(gathered.first_face, raster.face, side="right") - 1, -1)
    a, b, c = (gathered.vertices[gathered.faces[raster.face[hit], corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    away = np.einsum("ij,ij->i", normal, a) > 0
    normal[away] *= -1.0
    picture = np.zeros((*camera.hw, 3), dtype=np.float32)
    picture[hit] = normal @ camera.world_from_camera[:3, :3].T
    return index.astype(np.int32), picture


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """Placed meshes as one, in the camera frame."""

    vertices: Float[np.ndarray, "v 3"]
    faces: Integer[np.ndarray, "f 3"]
    own_faces: list[np.ndarray]
    first_face: Integer[np.ndarray, " m"]


def _gathered(placed: Sequence[PlacedMesh], camera: Camera) -> _Gathered:
    vertices = [transform(camera.camera_from_world @ item.world_from_mesh, item.mesh.vertices) for item in placed]
    faces = [_drawn_faces(item, points) for item, points in zip(placed, vertices, strict=True)]
    first_vertex = np.cumsum([0, *map(len, vertices)])
    shifted = [own + start for own, start in zip(faces, first_vertex[:-1], strict=True)]
    return _Gathered(
        vertices=np.concatenate([np.zeros((0, 3)), *vertices]),
        faces=np.concatenate([np.zeros((0, 3), dtype=np.int64), *shifted]),
        own_faces=faces,
        first_face=np.cumsum([0, *map(len, faces)]),
    )


def _drawn_faces(item: PlacedMesh, vertices_camera: Float[np.ndarray, "v 3"]) -> Integer[np.ndarray, "f 3"]:
    """The faces of a mesh that are drawn: all, or those that show the camera their front."""
    faces = item.mesh.faces.astype(np.int64)
    if not item.cull_back:
        return faces
    a, b, c = (vertices_camera[faces[:, corner]] for corner in range(3))
    return faces[np.einsum("ij,ij->i", a, np.cross(b, c)) < 0]


def _surface_color(
    mesh: Mesh, corners: Integer[np.ndarray, "n 3"], barycentric: Float32[np.ndarray, "n 3"]
) -> UInt8[np.ndarray, "n 3"]:
    """Texture colour at points of faces."""
    uv = np.einsum("nij,ni->nj", mesh.uv[corners], barycentric)
    return sample_texture(mesh.texture, uv)


def sample_texture(texture: UInt8[np.ndarray, "th tw 3"], uv: Float[np.ndarray, "n 2"]) -> UInt8[np.ndarray, "n 3"]:
    """Bilinear colour of a texture that repeats, (0, 0) at its lower left, as glTF viewers draw it."""
    height, width = texture.shape[:2]
    x = uv[:, 0] * width - 0.5
    y = (1.0 - uv[:, 1]) * height - 0.5
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, down = (x - column)[:, None], (y - row)[:, None]
    column, next_column = column % width, (column + 1) % width
    row, next_row = row % height, (row + 1) % height
    upper = texture[row, column] * (1.0 - right) + texture[row, next_column] * right
    lower = texture[next_row, column] * (1.0 - right) + texture[next_row, next_column] * right
    return np.rint(upper * (1.0 - down) + lower * down).astype(np.uint8)


def _headlight(
    color: UInt8[np.ndarray, "n 3"],
    corners_camera: Float[np.ndarray, "n 3 3"],
    barycentric: Float32[np.ndarray, "n 3"],
) -> UInt8[np.ndarray, "n 3"]:
    """Dim colours by the angle between the face and the line of sight."""
    point = np.einsum("nij,ni->nj", corners_camera, barycentric)
    normal = np.cross(corners_camera[:, 1] - corners_camera[:, 0], corners_camera[:, 2] - corners_camera[:, 0])
    lengths = np.linalg.norm(normal, axis=1) * np.linalg.norm(point, axis=1)
    cosine = np.abs(np.einsum("ij,ij->i", normal, point)) / np.maximum(lengths, 1e-30)
    light = HEADLIGHT_FLOOR + (1.0 - HEADLIGHT_FLOOR) * np.minimum(cosine, 1.0)
    return np.rint(color * light[:, None]).astype(np.uint8)
