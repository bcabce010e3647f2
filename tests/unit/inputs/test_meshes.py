import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual.material import PBRMaterial

from regen3d.errors import ConfigError, InvalidMeshError
from regen3d.inputs import meshes
from regen3d.inputs.meshes import parse_mesh_option, read_mesh_glb
from regen3d.types import Mesh


def box(extents: tuple[float, float, float] = (1.0, 1.0, 1.0), **material: Any) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(extents)
    uv = mesh.vertices[:, :2] / np.array(extents[:2]) + 0.5
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=PBRMaterial(**material))
    return mesh


def save(path: Path, **pieces: tuple[trimesh.Trimesh, np.ndarray]) -> Path:
    scene = trimesh.Scene()
    for name, (mesh, matrix) in pieces.items():
        scene.add_geometry(mesh, node_name=name, geom_name=name, transform=matrix)
    path.write_bytes(scene.export(file_type="glb"))
    return path


def moved(x: float, y: float, z: float) -> np.ndarray:
    return trimesh.transformations.translation_matrix([x, y, z])


def colour_at_centroids(mesh: Mesh) -> np.ndarray:
    """Bilinear texture colour in the middle of every face."""
    height, width = mesh.texture.shape[:2]
    uv = mesh.uv[mesh.faces].mean(axis=1)
    xy = np.stack([uv[:, 0] * width, (1.0 - uv[:, 1]) * height], axis=1) - 0.5
    low = np.floor(xy).astype(int)
    share = xy - low
    colour = np.zeros((len(uv), 3))
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - share[:, 0]) * np.abs(1 - dy - share[:, 1])
            x, y = np.clip(low[:, 0] + dx, 0, width - 1), np.clip(low[:, 1] + dy, 0, height - 1)
            colour += weight[:, None] * mesh.texture[y, x]
    return colour


def test_mesh_stands_in_the_object_frame_in_its_own_units(tmp_path: Path) -> None:
    matrix = moved(5.0, -3.0, 2.0) @ trimesh.transformations.rotation_matrix(np.pi / 2, [0, 1, 0])
    mesh = read_mesh_glb(save(tmp_path / "chair.glb", seat=(box((2.0, 1.0, 0.5)), matrix)))
    np.testing.assert_allclose(mesh.vertices.min(axis=0), [-0.25, 0.0, -1.0], atol=1e-6)
    np.testing.assert_allclose(mesh.vertices.max(axis=0), [0.25, 1.0, 1.0], atol=1e-6)
    assert mesh.faces.shape == (12, 3)
    assert (mesh.uv >= 0.0).all()
    assert (mesh.uv <= 1.0).all()


def test_parts_keep_their_places_and_winding_when_mirrored(tmp_path: Path) -> None:
    mirrored = moved(3.0, 0.0, 0.0) @ np.diag([-1.0, 1.0, 1.0, 1.0])
    mesh = read_mesh_glb(save(tmp_path / "a.glb", left=(box(), np.eye(4)), right=(box(), mirrored)))
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([4.0, 1.0, 1.0])
    corners = mesh.vertices[mesh.faces]
    volumes = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    assert volumes.sum() == pytest.approx(2.0)  # negative for a part turned inside out


def test_colours_of_parts_come_through_one_texture(tmp_path: Path) -> None:
    texture = Image.new("RGB", (40, 20), (200, 100, 50))
    pieces = {
        "a": (box(baseColorTexture=texture), np.eye(4)),
        "b": (box(baseColorFactor=[255, 0, 0, 255]), moved(2, 0, 0)),
        "c": (box(baseColorTexture=texture, baseColorFactor=[255, 0, 255, 255]), moved(4, 0, 0)),
        "d": (box(baseColorTexture=texture), moved(6, 0, 0)),
    }
    mesh = read_mesh_glb(save(tmp_path / "a.glb", **pieces))
    x = mesh.vertices[mesh.faces].mean(axis=1)[:, 0] - mesh.vertices[:, 0].min()
    colours = colour_at_centroids(mesh)
    for k, expected in enumerate([(200, 100, 50), (255, 0, 0), (200, 0, 50), (200, 100, 50)]):
        here = (x >= 2 * k) & (x <= 2 * k + 1)
        assert here.sum() == 12
        np.testing.assert_allclose(colours[here], np.broadcast_to(expected, (12, 3)), atol=1)


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    colours = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]]
    pieces = {f"p{k}": (box(baseColorFactor=colour), moved(2 * k, 0, 0)) for k, colour in enumerate(colours)}
    path = save(tmp_path / "a.glb", **pieces)
    header = path.read_bytes().replace(b'"name"', b'"nome"')  # without names trimesh makes random ones
    path.write_bytes(header)
    first, second = read_mesh_glb(path), read_mesh_glb(path)
    np.testing.assert_array_equal(first.vertices, second.vertices)
    np.testing.assert_array_equal(first.texture, second.texture)
    np.testing.assert_array_equal(first.uv, second.uv)


def test_base_colour_is_linear(tmp_path: Path) -> None:
    mesh = read_mesh_glb(save(tmp_path / "a.glb", a=(box(baseColorFactor=[0.2140, 0.2140, 0.2140, 1.0]), np.eye(4))))
    assert np.abs(mesh.texture.astype(int) - 128).max() <= 1  # trimesh stores the factor in 8 bits


def test_single_texture_is_kept_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    mesh = read_mesh_glb(save(tmp_path / "a.glb", a=(box(baseColorTexture=Image.fromarray(pixels)), np.eye(4))))
    np.testing.assert_array_equal(mesh.texture, pixels)


def test_vertex_colours_blend_over_triangles(tmp_path: Path) -> None:
    mesh = trimesh.creation.box()
    linear = np.random.default_rng(0).integers(30, 70, (8, 4)).astype(np.uint8)
    linear[:, 3] = 255
    mesh.visual.vertex_colors = linear
    read = read_mesh_glb(save(tmp_path / "a.glb", a=(mesh, np.eye(4))))
    encoded = 255 * (1.055 * (linear[:, :3] / 255.0) ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(colour_at_centroids(read), encoded[mesh.faces].mean(axis=1), atol=1.5)
    assert read.roughness == pytest.approx(0.8)


def test_vertex_colours_of_16_bits_without_a_material(tmp_path: Path) -> None:
    """As Blender writes them."""
    binary = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32).tobytes()
    colours = np.full((3, 4), 14031, np.uint16).tobytes()  # 0.2141 of 65535: 128 in sRGB
    attributes = {"attributes": {"POSITION": 0, "COLOR_0": 1}}
    header = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [attributes]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "normalized": True, "count": 3, "type": "VEC4"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(binary)},
            {"buffer": 0, "byteOffset": len(binary), "byteLength": len(colours)},
        ],
        "buffers": [{"byteLength": len(binary + colours)}],
    }
    (tmp_path / "a.glb").write_bytes(glb(header, binary + colours))
    np.testing.assert_array_equal(read_mesh_glb(tmp_path / "a.glb").texture, np.full((2, 2, 3), 128))


def test_finish_is_averaged_over_the_area(tmp_path: Path) -> None:
    large = box((3.0, 3.0, 3.0), roughnessFactor=0.9, metallicFactor=0.0)
    small = box((1.0, 1.0, 1.0), roughnessFactor=0.1, metallicFactor=1.0)
    mesh = read_mesh_glb(save(tmp_path / "a.glb", a=(large, np.eye(4)), b=(small, moved(5, 0, 0))))
    assert mesh.roughness == pytest.approx(0.9 * 0.9 + 0.1 * 0.1)
    assert mesh.metallic == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chair-1=chair.glb", ("chair-1", Path("chair.glb"))),
        ("Coffee_Table 2 = assets/new/Table.GLB", ("coffee-table-2", Path("assets/new/Table.GLB"))),
        ("a=b=c.glb", ("a", Path("b=c.glb"))),
    ],
)
def test_mesh_option(text: str, expected: tuple[str, Path]) -> None:
    assert parse_mesh_option(text) == expected


@pytest.mark.parametrize(
    "text", ["", "chair.glb", "=chair.glb", "chair-1=", "../x=a.glb", "a/b=a.glb", "a=b.obj", "a=b"]
)
def test_bad_mesh_option_is_refused(text: str, refused: Callable[..., str]) -> None:
    refused(ConfigError, ("--mesh",), parse_mesh_option, text)


def glb(header: dict[str, Any] | bytes, binary: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    if binary:
        body += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def triangle(vertices: list[list[float]], faces: list[int] | None = None) -> bytes:
    binary = np.array(vertices, np.float32).tobytes()
    attributes: dict[str, Any] = {"attributes": {"POSITION": 0}}
    accessors = [{"bufferView": 0, "componentType": 5126, "count": len(vertices), "type": "VEC3"}]
    views = [{"buffer": 0, "byteOffset": 0, "byteLength": len(binary)}]
    if faces is not None:
        indices = np.array(faces, np.uint32).tobytes()
        attributes["indices"] = 1
        accessors.append({"bufferView": 1, "componentType": 5125, "count": len(faces), "type": "SCALAR"})
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(indices)})
        binary += indices
    header = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [attributes]}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    return glb(header, binary)


ASSET = {"asset": {"version": "2.0"}}
BAD = {
    "empty.glb": (ConfigError, b"", "empty"),
    "text.glb": (ConfigError, b"a mesh, surely, of at least some bytes", "not a GLB"),
    "short.glb": (ConfigError, b"glTF\2\0\0\0", "not a GLB"),
    "old.glb": (ConfigError, b"glTF\1\0\0\0" + b"\0" * 40, "version 1"),
    "cut.glb": (ConfigError, triangle([[0, 0, 0], [1, 0, 0], [0, 1, 0]])[:-10], "truncated"),
    "header.glb": (ConfigError, glb(b'{"asset": '), "header"),
    "list.glb": (ConfigError, glb(b"[1, 2, 3]"), "header"),
    "draco.glb": (ConfigError, glb(ASSET | {"extensionsRequired": ["KHR_draco_mesh_compression"]}), "KHR_draco"),
    "moved.glb": (ConfigError, glb(ASSET | {"extensionsUsed": ["KHR_texture_transform"]}), "KHR_texture_transform"),
    "accessor.glb": (
        ConfigError,
        triangle([[0, 0, 0], [1, 0, 0], [0, 1, 0]]).replace(b'"count": 3', b'"count": 9'),
        "damaged",
    ),
    "address.glb": (ConfigError, glb(ASSET | {"buffers": [{"uri": "/etc/hostname", "byteLength": 4}]}), "address.glb"),
    "loose.glb": (ConfigError, glb(ASSET | {"meshes": [{"primitives": [{"attributes": {}}]}]}), "damaged"),
    "nothing.glb": (InvalidMeshError, glb(ASSET), "no triangles"),
    "flat.glb": (InvalidMeshError, triangle([[0, 0, 0], [1, 0, 0], [2, 0, 0]]), "no area"),
    "point.glb": (InvalidMeshError, triangle([[1, 1, 1]] * 3), "no area"),
    "nan.glb": (InvalidMeshError, triangle([[0, 0, 0], [1, 0, float("nan")], [0, 1, 0]]), "not finite"),
    "index.glb": (InvalidMeshError, triangle([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [0, 1, 9]), "do not exist"),
}


def test_smallest_mesh_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(triangle([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [0, 1, 2]))
    assert read_mesh_glb(tmp_path / "a.glb").faces.shape == (1, 3)


@pytest.mark.parametrize("name", BAD)
def test_bad_meshes_are_refused(name: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    error, data, word = BAD[name]
    (tmp_path / name).write_bytes(data)
    refused(error, (name, word), read_mesh_glb, tmp_path / name)


def test_unhandy_meshes_are_refused(
    tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(ConfigError, ("nowhere.glb",), read_mesh_glb, tmp_path / "nowhere.glb")
    monkeypatch.setattr(meshes, "MAX_TRIANGLES", 11)
    refused(InvalidMeshError, ("a.glb", "decimate"), read_mesh_glb, save(tmp_path / "a.glb", a=(box(), np.eye(4))))


@pytest.mark.parametrize("share", np.linspace(0.02, 0.98, 25))
def test_damage_inside_is_refused_or_survived(share: float, tmp_path: Path) -> None:
    data = bytearray(
        save(tmp_path / "a.glb", a=(box(baseColorTexture=Image.new("RGB", (8, 8))), np.eye(4))).read_bytes()
    )
    at = int(share * len(data))
    data[at : at + 4] = b"\xff\x00\x7f}"
    (tmp_path / "a.glb").write_bytes(data)
    try:
        mesh = read_mesh_glb(tmp_path / "a.glb")
    except (ConfigError, InvalidMeshError):
        return
    assert np.isfinite(mesh.vertices).all()


def test_damaged_texture_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    path = save(tmp_path / "a.glb", a=(box(baseColorTexture=Image.new("RGB", (8, 8))), np.eye(4)))
    path.write_bytes(path.read_bytes().replace(b"\x89PNG", b"\x89GNP"))
    refused(ConfigError, ("a.glb", "texture"), read_mesh_glb, path)


def test_texture_beside_the_file_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "wood.png")
    path = save(tmp_path / "a.glb", a=(box(baseColorTexture=Image.new("RGB", (8, 8))), np.eye(4)))
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    header = json.loads(data[20 : 20 + length])
    header["images"] = [{"uri": "wood.png"}]
    path.write_bytes(glb(header, data[28 + length :]))
    refused(ConfigError, ("a.glb", "embed"), read_mesh_glb, path)
