"""The differentiable poses against the numpy ones, against similarities, and against finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regen3d.align.planes import SIDES, room_side
from regen3d.align.pose import FLOOR, similarity
from regen3d.align.pose_models import FreeModel, PlanarModel
from regen3d.frames import transform
from regen3d.types import RoomLayout

LAYOUT = RoomLayout(
    yaw_rad=0.3,
    bounds_min=np.array([-2.0, 0.0, -4.0]),
    bounds_max=np.array([1.5, 2.6, 1.0]),
    seen=frozenset(),
    confidence=1.0,
)
PLANES = [FLOOR, *(room_side(LAYOUT, face) for face in SIDES)]


def rotation(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def cloud(seed, n=30):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (n, 3))


def rows(seed, columns):
    low, high = [-2.0] * (columns - 2) + [-3.0, -1.0], [2.0] * (columns - 2) + [3.0, 1.0]
    return np.random.default_rng(seed).uniform(low, high, (4, columns))


@settings(max_examples=25)
@given(seed=st.integers(0, 999), k=st.integers(0, len(PLANES) - 1))
def test_planar_poses_are_those_of_numpy_and_touch_their_plane(seed, k):
    plane, points, numbers = PLANES[k], cloud(seed), rows(seed, 4)
    model = PlanarModel(plane=plane)
    world = model.place(torch.tensor(numbers), torch.tensor(points)).numpy()
    expected = [transform(similarity(plane, row, points).matrix, points) for row in numbers]
    np.testing.assert_allclose(world, expected, atol=1e-9)
    heights = (world - plane.origin) @ plane.normal
    np.testing.assert_allclose(heights.min(axis=1), 0.0, atol=1e-9)
    pose = model.similarity(torch.tensor(numbers[0]), points)
    np.testing.assert_allclose(pose.matrix, similarity(plane, numbers[0], points).matrix, atol=1e-9)


@pytest.mark.parametrize("tilt", [np.eye(3), rotation(5)], ids=["upright", "tilted"])
@pytest.mark.parametrize("kind", ["planar", "free"])
def test_numbers_pose_and_points_agree(kind, tilt):
    points = cloud(1)
    model = PlanarModel(plane=PLANES[2], tilt=tilt) if kind == "planar" else FreeModel(pivot=points.mean(0), tilt=tilt)
    numbers = rows(2, 4 if kind == "planar" else 5)
    world = model.place(torch.tensor(numbers), torch.tensor(points)).numpy()
    for row, expected in zip(numbers, world, strict=True):
        pose = model.similarity(torch.tensor(row), points)
        np.testing.assert_allclose(transform(pose.matrix, points), expected, atol=1e-9)
        np.testing.assert_allclose(model.parameters(pose), row, atol=1e-9)


def test_the_pivot_of_a_free_pose_stays_when_it_turns_and_grows():
    points = cloud(3)
    model = FreeModel(pivot=points.mean(axis=0))
    numbers = torch.tensor([[0.1, 0.2, 0.3, 0.0, 0.0], [0.1, 0.2, 0.3, 2.0, 0.7]], dtype=torch.float64)
    middle = model.place(numbers, torch.tensor(points)).mean(dim=1).numpy()
    np.testing.assert_allclose(middle, [[0.1, 0.2, 0.3]] * 2, atol=1e-9)


@pytest.mark.parametrize("model", [PlanarModel(plane=PLANES[1]), FreeModel(pivot=np.zeros(3))])
def test_gradients_agree_with_finite_differences(model):
    points, weight = torch.tensor(cloud(4)), torch.tensor(cloud(5))
    numbers = torch.tensor(rows(6, 4 if isinstance(model, PlanarModel) else 5), requires_grad=True)
    (gradient,) = torch.autograd.grad((model.place(numbers, points) * weight).sum(), numbers)
    step = 1e-6
    for column in range(numbers.shape[1]):
        move = step * torch.eye(numbers.shape[1], dtype=torch.float64)[column]
        ends = [(model.place(numbers.detach() + sign * move, points) * weight).sum(dim=(1, 2)) for sign in (1.0, -1.0)]
        np.testing.assert_allclose(gradient[:, column].numpy(), ((ends[0] - ends[1]) / (2 * step)).numpy(), atol=1e-5)
