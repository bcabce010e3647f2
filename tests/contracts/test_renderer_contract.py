"""What every soft silhouette renderer has to keep."""

import numpy as np
import pytest
import torch
import trimesh

from regen3d.render.coverage import cover
from regen3d.render.silhouette import SilhouetteRenderer, TorchSilhouette

HW = (28, 32)
K = torch.tensor([[30.0, 0.0, 16.0], [0.0, 30.0, 14.0], [0.0, 0.0, 1.0]], dtype=torch.float64)


@pytest.fixture(params=[TorchSilhouette(), TorchSilhouette(chunk_pairs=500)], ids=["torch", "torch-small-chunks"])
def renderer(request) -> SilhouetteRenderer:
    return request.param


@pytest.fixture
def mesh() -> tuple[torch.Tensor, torch.Tensor]:
    sphere = trimesh.creation.icosphere(subdivisions=1)
    vertices = torch.tensor(np.asarray(sphere.vertices) * [0.8, 0.5, 0.4] + [0.05, 0.1, 3.0])
    return vertices, torch.tensor(np.asarray(sphere.faces))


def draw(renderer, mesh, motion, sigma):
    vertices, faces = mesh
    moved = vertices * torch.exp(motion[:, None, 3:]) + motion[:, None, :3]
    return renderer(moved, faces, K, HW, sigma)


def test_values_are_shares_in_the_right_shape(renderer, mesh):
    alpha = draw(renderer, mesh, torch.zeros(3, 4, dtype=torch.float64), 1.0)
    assert alpha.shape == (3, *HW)
    assert float(alpha.min()) >= 0.0
    assert float(alpha.max()) <= 1.0
    assert float(alpha.max()) > 0.99


def test_small_sigma_gives_the_hard_mask(renderer, mesh):
    vertices, faces = mesh
    alpha = draw(renderer, mesh, torch.zeros(1, 4, dtype=torch.float64), 1e-4)[0].numpy()
    hard = cover(vertices[None].numpy(), faces.numpy(), K.numpy(), HW)[0]
    assert np.abs(alpha - hard).mean() < 0.004
    assert hard.mean() > 0.05


@pytest.mark.parametrize("sigma", [0.5, 4.0])
def test_gradients_agree_with_finite_differences(renderer, mesh, sigma):
    weight = torch.tensor(np.random.default_rng(0).random(HW))
    motion = torch.tensor([[0.03, -0.02, 0.1, 0.05]], dtype=torch.float64, requires_grad=True)
    (draw(renderer, mesh, motion, sigma)[0] * weight).sum().backward()
    step = 1e-5
    numeric = [
        float(
            (draw(renderer, mesh, motion.detach() + step * e, sigma)[0] * weight).sum()
            - (draw(renderer, mesh, motion.detach() - step * e, sigma)[0] * weight).sum()
        )
        / (2 * step)
        for e in torch.eye(4, dtype=torch.float64)
    ]
    assert motion.grad is not None
    # Pixels that enter or leave a face's neighbourhood jump by the least probability that is still drawn.
    np.testing.assert_allclose(motion.grad[0].numpy(), numeric, rtol=0.02, atol=0.5)
    assert np.abs(numeric).max() > 5.0


def test_poses_of_a_batch_do_not_touch_each_other(renderer, mesh):
    motion = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.2, 0.1, 0.5, -0.1]], dtype=torch.float64)
    together = draw(renderer, mesh, motion, 1.0)
    alone = torch.cat([draw(renderer, mesh, motion[k : k + 1], 1.0) for k in range(2)])
    torch.testing.assert_close(together, alone)


def test_what_is_behind_the_camera_is_not_drawn(renderer, mesh):
    away = torch.tensor([[0.0, 0.0, -6.0, 0.0]], dtype=torch.float64)
    assert float(draw(renderer, mesh, away, 1.0).abs().max()) == 0.0


def test_float32_gives_nearly_the_same(renderer, mesh):
    vertices, faces = mesh
    single = renderer(vertices[None].float(), faces, K.float(), HW, 1.0)
    assert single.dtype == torch.float32
    double = renderer(vertices[None], faces, K, HW, 1.0)
    assert float((single.double() - double).abs().max()) < 1e-3
