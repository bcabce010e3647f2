"""Laws of the losses: never negative, nothing at agreement, gradients that finite differences confirm."""

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from regen3d.align import losses
from regen3d.align.closest import index_surface, nearest_pairs, square_distance
from regen3d.frames import rotation_about_y, transform
from regen3d.types import Similarity

SEEDS = st.integers(0, 2**16)
SQUARE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
TWO_FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])
PICTURE_LOSSES = [losses.dice, losses.focal, losses.binary_cross_entropy]


def random(seed, *shape, low=0.0, high=1.0):
    return torch.tensor(np.random.default_rng(seed).uniform(low, high, shape))


def box(seed):
    mesh = trimesh.creation.box(extents=np.random.default_rng(seed).uniform(0.2, 1.0, 3))
    return torch.tensor(np.asarray(mesh.vertices)), torch.tensor(np.asarray(mesh.faces))


def assert_gradient(function, at):
    """The gradient along one random direction, against central differences."""
    at = at.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(at).sum(), at)
    direction = random(7, *at.shape, low=-1.0)
    step = 1e-6
    with torch.no_grad():
        ends = [function(at + sign * step * direction).sum() for sign in (1.0, -1.0)]
    numeric = float((ends[0] - ends[1]) / (2.0 * step))
    assert float((gradient * direction).sum()) == pytest.approx(numeric, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("loss", PICTURE_LOSSES)
@settings(max_examples=20)
@given(seed=SEEDS)
def test_picture_losses_are_never_negative_and_differentiable(loss, seed):
    prediction = random(seed, 3, 5, 6, low=0.02, high=0.98)
    target, weight = random(seed + 1, 5, 6), random(seed + 2, 5, 6)
    value = loss(prediction, target, weight)
    assert value.shape == (3,)
    assert float(value.min()) >= 0.0
    assert_gradient(lambda p: loss(p, target, weight), prediction)


@pytest.mark.parametrize("loss", PICTURE_LOSSES)
@settings(max_examples=20)
@given(seed=SEEDS)
def test_picture_losses_vanish_for_equal_masks_only_and_ignore_pixels_without_weight(loss, seed):
    mask = (random(seed, 5, 6) > 0.5).double()
    mask[0, 0] = 1.0
    weight = torch.ones(5, 6, dtype=torch.float64)
    assert float(loss(mask[None], mask, weight)) == pytest.approx(0.0, abs=1e-5)
    assert float(loss(1.0 - mask[None], mask, weight)) > 0.3
    weight[2:] = 0.0
    changed = mask.clone()
    changed[2:] = 1.0 - changed[2:]
    assert float(loss(changed[None], mask, weight)) == pytest.approx(0.0, abs=1e-5)


def test_dice_and_focal_vanish_for_equal_shares_too():
    share, weight = random(0, 5, 6), torch.ones(5, 6, dtype=torch.float64)
    assert float(losses.dice(share[None], share, weight)) == pytest.approx(0.0, abs=1e-12)
    assert float(losses.focal(share[None], share, weight)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("prediction", "expected"), [(1.0, 0.870), (0.0, 0.911)])
def test_a_second_sigmoid_leaves_dice_the_narrow_range_that_was_published(prediction, expected):
    """An object on 5 % of the picture, drawn exactly or not at all where it is."""
    target = torch.zeros(10, 10, dtype=torch.float64)
    target[0, :5] = 1.0
    drawn = target if prediction else target.flip(0)
    value = losses.dice(torch.sigmoid(drawn)[None], target, torch.ones_like(target), squared=False)
    assert float(value) == pytest.approx(expected, abs=1e-3)


def test_focal_is_the_published_formula_on_hard_masks():
    likely = torch.tensor([[[0.9, 0.2]]], dtype=torch.float64)
    value = losses.focal(likely, torch.tensor([[1.0, 0.0]]).double(), torch.ones(1, 2).double(), alpha=0.25, gamma=2.0)
    expected = 0.5 * (-0.25 * 0.1**2 * np.log(0.9) - 0.75 * 0.2**2 * np.log(0.8))
    assert float(value) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=40)
@given(seed=SEEDS)
def test_distances_to_triangles_are_those_of_trimesh(seed):
    points, triangles = random(seed, 20, 3, low=-1.0, high=2.0), random(seed + 1, 20, 3, 3)
    nearest = trimesh.triangles.closest_point(triangles.numpy(), points.numpy())
    expected = ((points.numpy() - nearest) ** 2).sum(axis=1)
    np.testing.assert_allclose(square_distance(points, triangles).numpy(), expected, atol=1e-9)
    assert_gradient(lambda p: square_distance(p, triangles), points)


def test_a_triangle_below_the_least_area_is_its_edges():
    middle = torch.tensor([[0.7, 0.3, 0.0]], dtype=torch.float64)
    assert float(square_distance(middle, SQUARE[TWO_FACES[:1]])) == 0.0
    assert float(square_distance(middle, SQUARE[TWO_FACES[:1]], 1.0)) == pytest.approx(0.08)


@settings(max_examples=15)
@given(seed=SEEDS)
def test_an_index_finds_what_trying_all_pairs_finds(seed):
    vertices, faces = box(seed)
    points, triangles = random(seed, 60, 3, low=-1.0), vertices[faces].numpy()
    pose = Similarity(rotation=rotation_about_y(0.4), translation=np.array([0.1, 0.2, 0.3]), scale=1.4).matrix
    placed = torch.tensor(transform(pose, vertices.numpy()))
    index = index_surface(vertices.numpy(), faces.numpy())
    face_of_point, _ = nearest_pairs(points, vertices[None], faces)
    _, point_of_face = nearest_pairs(points, placed[None], faces)
    found_faces = torch.tensor(index.nearest_faces(points.numpy(), triangles))
    found_points = torch.tensor(index.nearest_points(KDTree(points.numpy()), pose, triangles))
    exact = square_distance(points, vertices[faces[face_of_point[0]]]).sqrt()
    assert float((square_distance(points, vertices[faces[found_faces]]).sqrt() - exact).max()) < 0.03
    exact = square_distance(points[point_of_face[0]], placed[faces]).sqrt()
    assert float((square_distance(points[found_points], placed[faces]).sqrt() - exact).max()) < 0.06


@settings(max_examples=10)
@given(seed=SEEDS)
def test_point_terms_are_never_negative_vanish_on_the_surface_and_are_differentiable(seed):
    vertices, faces = box(seed)
    batch = torch.stack([vertices, 1.3 * vertices + 0.1])
    points = random(seed, 12, 3, low=-1.0)
    terms = [
        lambda v: losses.visible_surface(points, v, faces, 0.1),
        lambda v: losses.point_to_mesh(points, v, faces),
        lambda v: losses.point_mesh_symmetric(points, v, faces),
    ]
    for term in terms:
        value = term(batch)
        assert value.shape == (2,)
        assert float(value.min()) >= 0.0
        assert_gradient(term, batch)
    weights = torch.tensor(np.random.default_rng(seed).dirichlet(np.ones(3), len(faces)))
    on_surface = (vertices[faces] * weights[..., None]).sum(dim=1)
    for term in (losses.point_to_mesh, losses.point_mesh_symmetric):
        assert float(term(on_surface, vertices[None], faces)) == pytest.approx(0.0, abs=1e-12)
    assert float(losses.visible_surface(on_surface, vertices[None], faces, 0.1)) == pytest.approx(0.0, abs=1e-9)


def test_seen_halves_cost_the_one_sided_term_nothing_and_the_symmetric_one_something():
    vertices, faces = box(3)
    front = vertices[faces].mean(dim=1)
    front = front[front[:, 2] > 0.0]
    assert float(losses.point_to_mesh(front, vertices[None], faces)) == pytest.approx(0.0, abs=1e-12)
    assert float(losses.point_mesh_symmetric(front, vertices[None], faces)) > 1e-3


def test_no_points_cost_nothing():
    vertices, faces = box(0)
    value = losses.visible_surface(torch.zeros(0, 3, dtype=torch.float64), vertices[None], faces, 0.1)
    assert value.tolist() == [0.0]


@settings(max_examples=20)
@given(seed=SEEDS)
def test_walls_push_what_is_behind_them_only(seed):
    points = random(seed, 2, 15, 3, low=-1.0)
    normals = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    offsets = torch.tensor([-0.5, -0.7], dtype=torch.float64)
    assert float(losses.room_overshoot(points, normals, offsets).min()) >= 0.0
    assert_gradient(lambda p: losses.room_overshoot(p, normals, offsets), points)
    inside = points * 0.5
    assert losses.room_overshoot(inside, normals, offsets).tolist() == [0.0, 0.0]
    alone = torch.tensor([[[-0.8, 0.0, 0.9]]], dtype=torch.float64)
    assert float(losses.room_overshoot(alone, normals, offsets)) == pytest.approx(0.3 + 0.2)


@settings(max_examples=20)
@given(seed=SEEDS)
def test_penetration_is_the_least_way_out_of_a_placed_box(seed):
    rng = np.random.default_rng(seed)
    pose = Similarity(rotation=rotation_about_y(rng.uniform(-3, 3)), translation=rng.normal(size=3), scale=1.7)
    bounds = np.array([[-0.3, 0.0, -0.2], [0.3, 0.8, 0.2]])
    normals, offsets = (torch.tensor(part) for part in losses.box_sides(pose, bounds))
    local = rng.uniform([-0.6, -0.4, -0.4], [0.6, 1.2, 0.4], (30, 3))
    depth = np.minimum(local - bounds[0], bounds[1] - local).min(axis=1)
    points = torch.tensor(transform(pose.matrix, local))[None]
    expected = 1.7 * np.maximum(depth, 0.0).mean()
    assert float(losses.penetration(points, normals, offsets)) == pytest.approx(expected, abs=1e-9)
    assert_gradient(lambda p: losses.penetration(p, normals, offsets), points)
    both = torch.cat([points, points + 9.0])
    apart = losses.penetration(both, normals.expand(2, -1, -1), offsets.expand(2, -1))
    np.testing.assert_allclose(apart.numpy(), [expected, 0.0], atol=1e-9)


@settings(max_examples=20)
@given(seed=SEEDS)
def test_usual_sizes_cost_nothing_and_a_factor_costs_the_same_both_ways(seed):
    median, sigma = random(seed, 3, low=0.3, high=2.0), random(seed + 1, 3, low=0.1, high=0.5)
    values = losses.size_prior(torch.stack([median, 1.5 * median, median / 1.5]), median, sigma)
    assert float(values[0]) == pytest.approx(0.0, abs=1e-12)
    assert float(values[1]) == pytest.approx(float(values[2]))
    assert float(values[1]) == pytest.approx(float(0.5 * (np.log(1.5) / sigma).pow(2).sum()))
    assert_gradient(lambda s: losses.size_prior(s, median, sigma), torch.stack([1.2 * median, 0.7 * median]))
