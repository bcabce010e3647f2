"""What the surface of a loaded mesh looks like: colours and textures of glTF become one picture and coordinates."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8

from regen3d.inputs.atlas import MappedPart

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """How a part reflects, and how much of it there is."""

    area: float
    """Square units."""
    roughness: float
    """0..1, glTF."""
    metallic: float
    """0..1, glTF."""


def finish_of(piece: "trimesh.Trimesh") -> Finish:
    """Roughness and metallic of a mesh with a material, whose defaults are 1 (glTF 2.0, 3.9.2).

    Where a texture gives them, its averages times the factors.
    """
    material: Any = _visual(piece).material
    roughness = 1.0 if material.roughnessFactor is None else float(material.roughnessFactor)
    metallic = 1.0 if material.metallicFactor is None else float(material.metallicFactor)
    if material.metallicRoughnessTexture is not None:
        channels = np.asarray(material.metallicRoughnessTexture.convert("RGB")).reshape(-1, 3).mean(axis=0) / 255.0
        roughness, metallic = roughness * float(channels[1]), metallic * float(channels[2])
    return Finish(
        area=float(piece.area), roughness=float(np.clip(roughness, 0, 1)), metallic=float(np.clip(metallic, 0, 1))
    )


def mapped_part(piece: "trimesh.Trimesh") -> MappedPart:
    """A mesh with a material, its base colour as a texture: the material's texture, else the vertices' colours.

    Vertex colours beside a texture are left out.
    """
    visual = _visual(piece)
    factor = _base_colour(visual.material)
    vertices, faces = np.asarray(piece.vertices, np.float64), np.asarray(piece.faces, np.int64)
    if visual.material.baseColorTexture is not None and visual.uv is not None:
        texture = np.array(visual.material.baseColorTexture.convert("RGB"))
        uv = np.asarray(visual.uv, np.float64)
        return MappedPart(vertices=vertices, faces=faces, uv=uv, texture=_tinted(texture, factor))
    colours = visual.vertex_attributes.get("color")
    if colours is not None:
        return _painted(vertices, faces, _unit(np.asarray(colours)[:, :3]) * factor)
    texel = srgb_from_linear(factor[None, None])
    return MappedPart(vertices=vertices, faces=faces, uv=np.full((len(vertices), 2), 0.5), texture=texel)


def _visual(piece: "trimesh.Trimesh") -> Any:
    """A mesh with a material always has a `TextureVisuals`, with or without a texture."""
    return piece.visual


def srgb_from_linear(linear: Float[np.ndarray, "*n 3"]) -> UInt8[np.ndarray, "*n 3"]:
    """8-bit sRGB of linear light in 0..1, clipped. Source: IEC 61966-2-1."""
    clipped = np.clip(linear, 0.0, 1.0)
    encoded = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.round(255.0 * encoded).astype(np.uint8)


def linear_from_srgb(encoded: UInt8[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Linear light in 0..1 of 8-bit sRGB. Source: IEC 61966-2-1."""
    values = encoded / 255.0
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _tinted(texture: UInt8[np.ndarray, "h w 3"], factor: Float[np.ndarray, " 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """The texture times a linear factor (glTF 2.0, 3.9.2)."""
    if np.all(factor == 1.0):
        return texture
    table = srgb_from_linear(linear_from_srgb(np.arange(256, dtype=np.uint8))[:, None] * factor)
    return np.stack([table[texture[..., channel], channel] for channel in range(3)], axis=-1)


def _painted(vertices: Float[np.ndarray, "v 3"], faces: np.ndarray, colours: Float[np.ndarray, "v 3"]) -> MappedPart:
    """Vertex colours as a texture of two by two texels a triangle, each triangle with vertices of its own.

    The corners lie on the centres of three texels and the fourth completes the parallelogram, so that bilinear
    sampling gives the linear blend over the triangle.
    """
    count = len(faces)
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    corner = srgb_from_linear(colours[faces]).astype(np.int64)
    fourth = np.clip(corner[:, 1] + corner[:, 2] - corner[:, 0], 0, 255)
    blocks = np.zeros((rows * columns, 2, 2, 3), np.uint8)
    blocks[:count, 0, 0], blocks[:count, 0, 1] = corner[:, 0], corner[:, 1]
    blocks[:count, 1, 0], blocks[:count, 1, 1] = corner[:, 2], fourth
    texture = blocks.reshape(rows, columns, 2, 2, 3).swapaxes(1, 2).reshape(2 * rows, 2 * columns, 3)
    row, column = np.divmod(np.arange(count), columns)
    texel = 2.0 * np.stack([column, row], axis=-1)[:, None] + np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])
    uv = texel.reshape(-1, 2) / (2.0 * np.array([columns, rows]))
    uv[:, 1] = 1.0 - uv[:, 1]
    return MappedPart(
        vertices=vertices[faces].reshape(-1, 3), faces=np.arange(3 * count).reshape(-1, 3), uv=uv, texture=texture
    )


def _base_colour(material: Any) -> Float[np.ndarray, " 3"]:
    """Linear base colour factor; trimesh holds it as 8 bits or as floats."""
    factor = material.baseColorFactor
    return np.ones(3) if factor is None else _unit(np.asarray(factor)[:3])


def _unit(colour: np.ndarray) -> np.ndarray:
    """Floats in 0..1; whole numbers are shares of the greatest number of their type, as glTF stores them."""
    greatest = np.iinfo(colour.dtype).max if colour.dtype.kind == "u" else 1
    return np.clip(np.nan_to_num(colour.astype(np.float64) / greatest), 0.0, 1.0)
