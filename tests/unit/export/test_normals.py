import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regen3d.export.normals import shade
from regen3d.types import Mesh


def mesh_of(vertices: np.ndarray, faces: np.ndarray) -> Mesh:
    return Mesh(
        vertices=np.asarray(vertices, dtype=np.float64),
        faces=np.asarray(faces),
        uv=np.zeros((len(vertices), 2)),
        texture=np.zeros((2, 2, 3), dtype=np.uint8),
    )


def tube(sides: int) -> Mesh:
    """An open tube round the y axis with a texture seam: its first column of vertices is there twice."""
    turn = np.arange(sides + 1) % sides * 2 * np.pi / sides
    ring = np.stack([np.cos(turn), np.zeros(sides + 1), -np.sin(turn)], axis=1)
    k = np.arange(sides)
    lower = np.stack([k, k + 1, k + sides + 2], axis=1)
    upper = np.stack([k, k + sides + 2, k + sides + 1], axis=1)
    return mesh_of(np.concatenate([ring, ring + np.array([0, 1, 0])]), np.concatenate([lower, upper]))


def test_a_box_gets_flat_sides(red_box: Mesh):
    shaded = shade(red_box)
    assert len(shaded.source) == 24
    corners = red_box.vertices[shaded.source][shaded.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(shaded.normals[shaded.faces], np.repeat(flat[:, None], 3, axis=1), atol=1e-12)


def test_a_round_surface_is_smooth_across_its_texture_seam():
    mesh = tube(24)
    shaded = shade(mesh)
    assert len(shaded.source) == len(mesh.vertices)
    outwards = mesh.vertices[shaded.source] * [1, 0, 1]
    np.testing.assert_allclose(shaded.normals, outwards, atol=1e-6)


def test_a_coarse_tube_keeps_its_edges():
    shaded = shade(tube(6))
    assert len(shaded.source) == 24


def test_faces_keep_their_corners():
    mesh = tube(7)
    shaded = shade(mesh)
    np.testing.assert_array_equal(shaded.source[shaded.faces], mesh.faces)


@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_normals_are_unit_vectors_whatever_the_faces(seed: int, count: int):
    rng = np.random.default_rng(seed)
    mesh = mesh_of(rng.integers(-1, 2, (8, 3)), rng.integers(0, 8, (count, 3)))
    shaded = shade(mesh)
    np.testing.assert_allclose(np.linalg.norm(shaded.normals, axis=1), 1.0, atol=1e-9)
    np.testing.assert_array_equal(shaded.source[shaded.faces], mesh.faces)
