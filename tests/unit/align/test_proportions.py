"""What wrong proportions of a mesh cost."""

import numpy as np
import torch

from regen3d.align.proportions import SPREAD, sparse_nats, sparse_weight, stretch_nats


def test_the_weight_is_the_slope_of_the_cost_over_the_stretch():
    stretch = torch.linspace(-0.5, 0.5, 40, dtype=torch.float64, requires_grad=True)
    sparse_nats(stretch).sum().backward()
    assert stretch.grad is not None
    torch.testing.assert_close(stretch.grad, (sparse_weight(stretch) * stretch).detach())


def test_one_wrong_axis_is_likelier_than_three_and_a_quarter_turn_pays_for_the_shape_it_needs():
    def nats(*factors):
        return float(stretch_nats(torch.log(torch.tensor(factors, dtype=torch.float64))).sum())

    third = 1.15 ** (1.0 / 3.0)
    assert nats(1.15, 1.0, 1.0) < nats(third, third, third)
    # A cabinet that is half as deep as it is wide looks right when turned only if its mesh is off by this much.
    turned = np.sqrt(2.0)
    assert nats(turned, 1.0, 1.0 / turned) > 3.0 * nats(1.15, 1.0, 1.0)
    assert nats(1.0 + 3.0 * SPREAD, 1.0, 1.0) > 4.5
