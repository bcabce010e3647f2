"""Meshes that the user made: a GLB file becomes one textured mesh in the object frame."""

import io
import json
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from regen3d.errors import ConfigError, InvalidMeshError
from regen3d.inputs.atlas import MappedPart, pack
from regen3d.inputs.files import read_bytes
from regen3d.inputs.names import is_safe_name
from regen3d.inputs.surfaces import Finish, finish_of, mapped_part
from regen3d.types import Mesh

if TYPE_CHECKING:
    import trimesh

MAX_GLB_BYTES = 500_000_000
"""Longest file that is read."""
MAX_TRIANGLES = 2_000_000
"""Most triangles of one object; what is visible in a picture needs a hundredth of them."""

_UNDERSTOOD = frozenset({"EXT_texture_webp"})
_MOVES_TEXTURES = "KHR_texture_transform"
_JSON_CHUNK = 0x4E4F534A
_PLAIN = {"pbrMetallicRoughness": {"roughnessFactor": 0.8, "metallicFactor": 0.0}}  # the defaults of `Mesh`
# What trimesh and Pillow raise on files that are well formed outside and broken inside; NameError comes from a branch
# of trimesh that a file without accessors leaves out.
_DAMAGE = (
    ValueError,
    TypeError,
    LookupError,
    NameError,
    AttributeError,
    AssertionError,
    OSError,
    ArithmeticError,
    struct.error,
)


def parse_mesh_option(text: str) -> tuple[str, Path]:
    """`NAME=FILE.glb` as the name of the object and the path of its mesh.

    Capitals, spaces and underscores in the name are taken as `regen3d.inputs.names` writes them.

    Raises:
        ConfigError: it has another form.
    """
    given, equals, file = text.partition("=")
    if not equals or not given.strip() or not file.strip():
        raise ConfigError(f"--mesh {text}: this is not of the form NAME=FILE.glb; write it as in chair-1=chair.glb")
    name = "-".join(given.strip().lower().replace("_", " ").split())
    if not is_safe_name(name):
        raise ConfigError(
            f"--mesh {text}: {given!r} cannot be the name of an object; use the name in the manifest, as in chair-1"
        )
    path = Path(file.strip())
    if path.suffix.lower() != ".glb":
        raise ConfigError(f"--mesh {text}: {path.name!r} is no GLB file; export the mesh as binary glTF (.glb)")
    return name, path


def read_mesh_glb(path: Path) -> Mesh:
    """All triangles of a GLB file as one mesh with one texture.

    Node transforms are applied; base colours, textures and vertex colours end up in the texture, repeated textures
    as often as they repeat; roughness and metallic are averages over the area. Units are kept. Points, lines,
    cameras, animations, transparency and normal maps are left out.

    Returns:
        The mesh in the object frame: base at y = 0, centred in x and z; what the file calls +Z is the front.

    Raises:
        ConfigError: the file is missing, no GLB, damaged, or uses what cannot be read.
        InvalidMeshError: it holds no triangles, too many, only flat ones, or values that are not finite.
    """
    data = read_bytes(path, "mesh", MAX_GLB_BYTES)
    header, chunks = _opened(data, path.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks of Pillow on odd textures
            pieces = list(_load(_closed(header, chunks)))
        _check_triangles(pieces, path.name)
        _check_textures(pieces, header, path.name)
        parts: list[MappedPart] = []
        finishes: list[Finish] = []
        for piece in pieces:
            parts.append(mapped_part(piece))
            finishes.append(finish_of(piece))
        whole = pack(parts)
    except _DAMAGE as error:
        raise ConfigError(
            f"{path.name}: the GLB file is damaged inside ({type(error).__name__}); export the mesh again"
        ) from error
    areas = np.array([finish.area for finish in finishes])
    return Mesh(
        vertices=_in_object_frame(whole.vertices),
        faces=whole.faces,
        uv=whole.uv,
        texture=whole.texture,
        roughness=float(np.average([finish.roughness for finish in finishes], weights=areas)),
        metallic=float(np.average([finish.metallic for finish in finishes], weights=areas)),
    )


def _opened(data: bytes, name: str) -> tuple[dict[str, Any], bytes]:
    """The header of a GLB file and the chunks behind it, checked from outside."""
    if data[:4] != b"glTF" or len(data) < 20:
        raise ConfigError(f"{name}: this is not a GLB file; export the mesh as binary glTF (.glb)")
    version, length, header_length, header_kind = struct.unpack("<4xIIII", data[:20])
    if version != 2 or header_kind != _JSON_CHUNK:
        raise ConfigError(f"{name}: this is a GLB file of version {version}; export the mesh as glTF 2.0")
    if length > len(data) or 20 + header_length > len(data):
        raise ConfigError(f"{name}: the GLB file is truncated ({len(data)} of {length} bytes); copy it again")
    try:
        header = json.loads(data[20 : 20 + header_length])
        needed = {str(extension) for extension in header.get("extensionsRequired", [])} - _UNDERSTOOD
        needed |= {_MOVES_TEXTURES} & {str(extension) for extension in header.get("extensionsUsed", [])}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{name}: the GLB file is damaged in its header; export the mesh again") from error
    if needed:
        raise ConfigError(f"{name}: the mesh uses {min(needed)}, which cannot be read; export it without it")
    return header, data[20 + header_length : length]


def _closed(header: dict[str, Any], chunks: bytes) -> bytes:
    """A GLB file in which every surface has a material, called by its number.

    Only beside a material does trimesh keep vertex colours whole, and only by its name is it found again.
    """
    materials = header.setdefault("materials", [])
    for mesh in header.get("meshes", []):
        for primitive in mesh["primitives"]:
            primitive.setdefault("material", len(materials))
    materials.append(dict(_PLAIN))
    for number, material in enumerate(materials):
        material["name"] = str(number)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    start = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(chunks), len(text), _JSON_CHUNK)
    return start + text + chunks


def _load(data: bytes) -> Iterator["trimesh.Trimesh"]:
    """The meshes of the scene with node transforms applied."""
    import trimesh

    # From memory and without a resolver: a file cannot make the reader open other files or addresses.
    scene = trimesh.load_scene(io.BytesIO(data), file_type="glb", process=False)
    for name, piece in scene.geometry.items():
        if isinstance(piece, trimesh.Trimesh) and len(piece.faces):
            # By place, because trimesh gives random names to nodes without a name of their own.
            matrices = [scene.graph[node][0] for node in scene.graph.geometry_nodes.get(name, ())]
            for matrix in sorted(matrices, key=lambda matrix: matrix.tolist()):
                placed = piece.copy()
                placed.apply_transform(matrix)
                placed.visual = piece.visual  # a copy of it loses the vertex colours beside a material
                yield placed


def _check_triangles(pieces: list["trimesh.Trimesh"], name: str) -> None:
    count = sum(len(piece.faces) for piece in pieces)
    if count == 0:
        raise InvalidMeshError(f"{name}: the file holds no triangles; export the object as a mesh")
    if count > MAX_TRIANGLES:
        raise InvalidMeshError(f"{name}: {count} triangles are more than {MAX_TRIANGLES}; decimate the mesh")
    for piece in pieces:
        if piece.faces.min() < 0 or piece.faces.max() >= len(piece.vertices):
            raise InvalidMeshError(f"{name}: triangles point at vertices that do not exist; export the mesh again")
        if not np.isfinite(piece.vertices).all():
            raise InvalidMeshError(f"{name}: the mesh has vertices that are not finite; clean it and export it again")
        uv = getattr(piece.visual, "uv", None)
        if uv is not None and not np.isfinite(uv).all():
            raise InvalidMeshError(f"{name}: the mesh has texture coordinates that are not finite; unwrap it again")
    extent = np.ptp(np.concatenate([piece.vertices[piece.faces].reshape(-1, 3) for piece in pieces]), axis=0)
    if np.sort(extent)[1] <= 1e-6 * extent.max() or sum(float(piece.area) for piece in pieces) <= 0.0:
        raise InvalidMeshError(f"{name}: the mesh has no area; give an object with a surface")


def _check_textures(pieces: list["trimesh.Trimesh"], header: dict[str, Any], name: str) -> None:
    """Every base colour texture that the file speaks of is there; trimesh goes on without those it cannot read."""
    for piece in pieces:
        visual: Any = piece.visual
        given = header["materials"][int(visual.material.name)].get("pbrMetallicRoughness", {})
        if "baseColorTexture" in given and visual.material.baseColorTexture is None:
            raise ConfigError(
                f"{name}: a texture of the mesh is damaged, or not in the file; embed it as PNG, JPEG or WebP"
            )


def _in_object_frame(vertices: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "v 3"]:
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return vertices - np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
