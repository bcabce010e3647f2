import numpy as np
import pytest
import trimesh

from regen3d.metrics.surfaces import Surface
from regen3d.metrics.voxels import cubic_grid, solid_voxels, surface_voxels, voxel_overlap


def surface(mesh: trimesh.Trimesh, shift: tuple[float, float, float] = (0, 0, 0)) -> Surface:
    return Surface(vertices=np.array(mesh.vertices, dtype=float) + shift, faces=np.array(mesh.faces))


BALL = trimesh.creation.icosphere(subdivisions=4)
CUBE = trimesh.creation.box((1, 1, 1))


@pytest.mark.parametrize("mesh", [BALL, trimesh.creation.torus(1.0, 0.3), trimesh.creation.cone(0.5, 2.0)])
def test_a_solid_has_the_volume_that_trimesh_computes(mesh: trimesh.Trimesh) -> None:
    item = surface(mesh)
    grid = cubic_grid(item.bounds)
    assert solid_voxels(item, grid).sum() * grid.pitch.prod() == pytest.approx(mesh.volume, rel=0.02)


def test_neither_winding_nor_a_hole_changes_what_is_inside() -> None:
    whole = surface(BALL)
    grid = cubic_grid(whole.bounds)
    inside = solid_voxels(whole, grid)
    inverted = Surface(vertices=whole.vertices, faces=whole.faces[:, ::-1])
    open_ball = Surface(vertices=whole.vertices, faces=whole.faces[40:])
    assert (solid_voxels(inverted, grid) == inside).all()
    assert (solid_voxels(open_ball, grid) != inside).mean() < 0.01


def test_parts_that_pass_through_each_other_are_one_solid() -> None:
    both = surface(trimesh.util.concatenate([CUBE, CUBE.copy().apply_translation((0.5, 0.2, 0.1))]))
    grid = cubic_grid(both.bounds)
    assert solid_voxels(both, grid).sum() * grid.pitch.prod() == pytest.approx(2 - 0.5 * 0.8 * 0.9, rel=0.03)


def test_half_shifted_cubes_share_a_third() -> None:
    overlap = voxel_overlap(surface(CUBE), surface(CUBE, (0.5, 0, 0)))
    assert overlap.kind == "solid"
    assert overlap.iou == pytest.approx(1 / 3, abs=0.03)
    assert voxel_overlap(surface(CUBE), surface(CUBE)).iou == 1.0
    assert voxel_overlap(surface(CUBE), surface(CUBE, (3, 0, 0))).iou == 0.0


def test_open_surfaces_are_compared_as_surfaces() -> None:
    sheet = Surface(
        vertices=np.array([[0.0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]]), faces=np.array([[0, 2, 1], [0, 3, 2]])
    )
    overlap = voxel_overlap(sheet, sheet)
    assert (overlap.kind, overlap.iou) == ("surface", 1.0)
    grid = cubic_grid(sheet.bounds, 8)
    assert grid.shape == (8, 1, 8)
    assert surface_voxels(sheet, grid).all()
