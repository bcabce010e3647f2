"""Numbers of the losses that can be worked out by hand."""

import pytest
import torch

from regen3d.align import losses

UNIT = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
FACE = torch.tensor([[0, 1, 2]])


def test_dice_with_and_without_squares():
    prediction = torch.tensor([[[0.5, 1.0]]], dtype=torch.float64)
    target, weight = torch.tensor([[1.0, 0.0]]).double(), torch.ones(1, 2).double()
    assert float(losses.dice(prediction, target, weight, squared=False)) == pytest.approx(1.0 - 1.0 / 2.5)
    assert float(losses.dice(prediction, target, weight)) == pytest.approx(1.0 - 1.0 / 2.25)


def test_each_pose_may_have_a_mask_of_its_own():
    prediction = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]], dtype=torch.float64)
    target = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]], dtype=torch.float64)
    assert losses.dice(prediction, target, torch.ones(2, 1, 2).double()).tolist() == [0.0, 1.0]


def test_cross_entropy_is_in_nats_and_stays_finite():
    prediction = torch.tensor([[[0.5, 0.0]]], dtype=torch.float64)
    target = torch.tensor([[1.0, 1.0]], dtype=torch.float64)
    weight = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert float(losses.binary_cross_entropy(prediction, target, weight)) == pytest.approx(0.693147, rel=1e-5)
    assert torch.isfinite(losses.binary_cross_entropy(prediction, target, torch.ones(1, 2).double())).all()


def test_a_point_at_the_softness_costs_half():
    points = torch.tensor([[0.2, 0.2, 0.1]], dtype=torch.float64)
    assert float(losses.visible_surface(points, UNIT[None], FACE, 0.1)) == pytest.approx(0.5)
    assert float(losses.point_to_mesh(points, UNIT[None], FACE)) == pytest.approx(0.01)


def test_nearest_faces_that_are_given_are_used():
    points = torch.tensor([[0.2, 0.2, 0.1]], dtype=torch.float64)
    two = torch.cat([UNIT, UNIT + torch.tensor([0.0, 0.0, 1.0])])
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]])
    far = losses.point_to_mesh(points, two[None], faces, nearest=torch.tensor([[1]]))
    assert float(far) == pytest.approx(0.81)
    assert float(losses.point_to_mesh(points, two[None], faces)) == pytest.approx(0.01)
    assert float(losses.mesh_to_point(points, two[None], faces)) == pytest.approx(0.5 * (0.01 + 0.81))
