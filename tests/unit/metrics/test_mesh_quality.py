from dataclasses import replace

import numpy as np
import pytest
import trimesh

from regen3d.metrics.mesh_quality import degenerate_faces, mesh_quality, non_manifold_edges
from regen3d.types import Mesh

TEXTURE = np.zeros((64, 64, 3), dtype=np.uint8)
SQUARE = Mesh(
    vertices=np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]),
    faces=np.array([[0, 1, 2], [0, 2, 3]]),
    uv=np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]),
    texture=TEXTURE,
)


def bare(mesh: trimesh.Trimesh) -> Mesh:
    vertices = np.array(mesh.vertices, dtype=float)
    return Mesh(vertices=vertices, faces=np.array(mesh.faces), uv=np.zeros((len(vertices), 2)), texture=TEXTURE)


def test_a_square_with_the_whole_texture() -> None:
    quality = mesh_quality(SQUARE, metres_per_unit=2.0)
    assert not quality.watertight
    assert (quality.non_manifold_edges, quality.degenerate_faces, quality.uv_overlap) == (0, 0, 0.0)
    assert quality.texels_per_m == pytest.approx(32.0)
    assert quality.texel_spread == pytest.approx(1.0)


def test_faces_that_share_texels_are_seen() -> None:
    folded = replace(SQUARE, uv=np.array([[0.0, 0], [1, 0], [1, 1], [1, 0]]))
    assert mesh_quality(folded).uv_overlap == pytest.approx(1.0, abs=0.02)


def test_uneven_density_spreads() -> None:
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    two = Mesh(
        vertices=np.concatenate([corners, corners + 3]),
        faces=np.array([[0, 1, 2], [3, 4, 5]]),
        uv=np.array([[0.0, 0], [0.4, 0], [0, 0.4], [0.5, 0.5], [0.6, 0.5], [0.5, 0.6]]),
        texture=TEXTURE,
    )
    assert mesh_quality(two).texel_spread == pytest.approx(4.0)
    assert mesh_quality(bare(trimesh.creation.box((1, 1, 1)))).texel_spread == float("inf")


@pytest.mark.parametrize("mesh", [trimesh.creation.icosphere(subdivisions=2), trimesh.creation.torus(1.0, 0.2)])
def test_trimesh_agrees_about_watertight(mesh: trimesh.Trimesh) -> None:
    assert mesh.is_watertight
    assert mesh_quality(bare(mesh)).watertight
    mesh.update_faces(np.arange(len(mesh.faces)) > 0)
    assert not mesh.is_watertight
    assert not mesh_quality(bare(mesh)).watertight


def test_a_fin_on_an_edge_is_not_manifold() -> None:
    fin = replace(
        SQUARE,
        vertices=np.concatenate([SQUARE.vertices, [[0.5, 0.5, 1.0]]]),
        uv=np.concatenate([SQUARE.uv, [[0.5, 0.5]]]),
        faces=np.concatenate([SQUARE.faces, [[0, 2, 4]]]),
    )
    assert non_manifold_edges(SQUARE.vertices, SQUARE.faces) == 0
    assert non_manifold_edges(fin.vertices, fin.faces) == 1


def test_faces_without_height_are_degenerate() -> None:
    flat = replace(SQUARE, faces=np.array([[0, 1, 1], [0, 1, 2], [0, 0, 0]]))
    assert degenerate_faces(flat.vertices, flat.faces) == 2
