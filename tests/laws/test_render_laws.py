"""Laws of the z-buffer: what analytic geometry says must be what is drawn."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from regen3d.frames import intrinsics_from_focal, pixel_centers, pixel_rays
from regen3d.render.coverage import cover
from regen3d.render.raster import rasterize

HW = (48, 64)
K = intrinsics_from_focal(60.0, (64, 48))


def rays():
    return pixel_rays(K, pixel_centers(HW))


@settings(max_examples=15)
@given(x=st.floats(-0.5, 0.5), y=st.floats(-0.4, 0.4), z=st.floats(2.0, 6.0), radius=st.floats(0.2, 0.9))
def test_a_sphere_is_drawn_where_its_rays_hit(x, y, z, radius):
    center = np.array([x, y, z])
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    raster = rasterize(np.asarray(sphere.vertices) + center, np.asarray(sphere.faces), K, HW)
    ray = rays()
    along = (ray @ center) / (ray * ray).sum(-1)
    miss = np.linalg.norm(ray * along[..., None] - center, axis=-1)
    assert (raster.face >= 0)[miss < 0.99 * radius].all()
    assert (raster.face == -1)[miss > 1.001 * radius].all()
    inner = miss < 0.8 * radius
    half_chord = np.sqrt(np.maximum(radius**2 - miss**2, 0.0)) / np.linalg.norm(ray, axis=-1)
    np.testing.assert_allclose(raster.depth[inner], (along - half_chord)[inner], rtol=0.01)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16))
def test_the_order_of_faces_does_not_change_the_depth(seed):
    rng = np.random.default_rng(seed)
    vertices = rng.uniform([-2, -2, -1], [2, 2, 5], size=(40, 3))
    faces = rng.integers(0, 40, size=(60, 3))
    shuffled = rng.permutation(60)
    first, second = rasterize(vertices, faces, K, HW), rasterize(vertices, faces[shuffled], K, HW)
    np.testing.assert_array_equal(first.depth, second.depth)
    differ = first.face != np.where(second.face >= 0, shuffled[second.face], -1)
    assert differ.mean() < 0.01


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16))
def test_barycentric_weights_meet_the_ray_at_the_depth(seed):
    rng = np.random.default_rng(seed)
    vertices = rng.uniform([-3, -3, -2], [3, 3, 6], size=(12, 3))
    faces = np.arange(12).reshape(4, 3)
    raster = rasterize(vertices, faces, K, HW)
    hit = raster.face >= 0
    points = np.einsum("nij,ni->nj", vertices[faces[raster.face[hit]]], raster.barycentric[hit].astype(float))
    expected = rays()[hit] * raster.depth[hit][:, None]
    np.testing.assert_allclose(points, expected, atol=2e-4 * max(1.0, float(np.abs(expected).max(initial=0.0))))
    assert np.isinf(raster.depth[~hit]).all()
    assert (raster.barycentric[~hit] == 0.0).all()


def test_a_floor_that_passes_below_and_behind_the_camera_fills_the_lower_half():
    floor = np.array([[-500.0, 1.5, -500.0], [500.0, 1.5, -500.0], [500.0, 1.5, 500.0], [-500.0, 1.5, 500.0]])
    raster = rasterize(floor, np.array([[0, 1, 2], [0, 2, 3]]), K, HW)
    ray = rays()
    below = ray[..., 1] > 1.5 / 490.0
    np.testing.assert_array_equal(raster.face >= 0, below)
    np.testing.assert_allclose(raster.depth[below], (1.5 / ray[..., 1])[below], rtol=1e-4)


def test_faces_that_share_edges_leave_no_crack_and_every_pixel_sees_the_nearer_of_two():
    u, v = np.meshgrid(np.linspace(-4, 4, 17), np.linspace(-4, 4, 17))
    sheet = np.stack([u.ravel(), v.ravel(), np.full(u.size, 3.0)], axis=1)
    grid = np.arange(16 * 17).reshape(16, 17)[:, :16].ravel()
    faces = np.concatenate([np.stack([grid, grid + 1, grid + 17], 1), np.stack([grid + 1, grid + 18, grid + 17], 1)])
    both = np.concatenate([sheet + np.array([0.0, 0.0, 1.0]), sheet])
    raster = rasterize(both, np.concatenate([faces, faces + len(sheet)]), K, HW)
    np.testing.assert_allclose(raster.depth, 3.0, rtol=1e-6)
    assert (raster.face >= len(faces)).all()


@settings(max_examples=10)
@given(seed=st.integers(0, 2**16))
def test_cover_draws_the_pixels_that_the_z_buffer_sees(seed):
    rng = np.random.default_rng(seed)
    vertices = rng.uniform([-2, -2, 1], [2, 2, 5], size=(3, 30, 3))
    faces = rng.integers(0, 30, size=(20, 3))
    covered = cover(vertices, faces, K, HW)
    seen = np.stack([rasterize(v, faces, K, HW).face >= 0 for v in vertices])
    assert (covered != seen).mean() < 0.002


@pytest.mark.parametrize("faces", [np.zeros((0, 3), dtype=np.int64), np.array([[0, 0, 0]]), np.array([[0, 1, 1]])])
def test_nothing_is_drawn_for_no_face_or_a_flat_one(faces):
    vertices = np.array([[0.0, 0.0, 2.0], [1.0, 0.0, 2.0]])
    assert (rasterize(vertices, faces, K, HW).face == -1).all()
    assert not cover(vertices[None], faces, K, HW).any()
