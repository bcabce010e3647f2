"""What every soft silhouette renderer has to keep."""

import importlib.util
import sys

import numpy as np
import pytest
import torch
import trimesh

from regen3d.errors import NotInstalledError
from regen3d.render.base import SilhouetteRenderer, silhouette_renderer
from regen3d.render.coverage import cover
from regen3d.render.pytorch3d_silhouette import Pytorch3dSilhouette
from regen3d.render.silhouette import TorchSilhouette
from tests.synthetic.naive_rasterizer import modules

HW = (28, 32)
K = torch.tensor([[30.0, 0.0, 16.0], [0.0, 30.0, 14.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
HAS_PYTORCH3D = importlib.util.find_spec("pytorch3d") is not None


@pytest.fixture(params=["torch", "torch-small-chunks", "pytorch3d-by-its-documentation", "pytorch3d"])
def renderer(request, monkeypatch) -> SilhouetteRenderer:
    if request.param == "torch":
        return silhouette_renderer("torch", 512)
    if request.param == "torch-small-chunks":
        return TorchSilhouette(memory_mb=0.2)
    if request.param == "pytorch3d" and not HAS_PYTORCH3D:
        pytest.skip("pytorch3d is not installed")
    if request.param == "pytorch3d-by-its-documentation":
        for name, module in modules().items():
            monkeypatch.setitem(sys.modules, name, module)
    return Pytorch3dSilhouette()


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


@pytest.mark.parametrize("sigma", [0.05, 1.0, 6.0])
def test_every_renderer_draws_the_same_and_has_the_same_gradient(renderer, mesh, sigma):
    vertices, faces = mesh
    weight = torch.tensor(np.random.default_rng(1).random((2, *HW)))
    poses = torch.stack([vertices, vertices + torch.tensor([0.9, -0.4, -0.8])])
    pictures, gradients = [], []
    for draws in (renderer, TorchSilhouette()):
        moved = poses.clone().requires_grad_()
        picture = draws(moved, faces, K, HW, sigma)
        pictures.append(picture.detach())
        gradients.append(torch.autograd.grad((picture * weight).sum(), moved)[0])
    # Corners of the bounds that are farther than the blur are drawn by one and not by the other: 1e-4 a face.
    torch.testing.assert_close(pictures[0], pictures[1], atol=2e-3, rtol=0.0)
    torch.testing.assert_close(gradients[0], gradients[1], atol=0.01 * float(gradients[1].abs().max()), rtol=0.0)


def test_faces_that_reach_behind_the_camera_are_left_out_alone(renderer):
    triangle = torch.tensor([[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.0, 0.5, 2.0]], dtype=torch.float64)
    reaching = torch.tensor([[-2.0, 0.0, 2.0], [2.0, 0.0, 2.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    vertices = torch.cat([triangle, reaching])[None].requires_grad_()
    both = renderer(vertices, torch.tensor([[0, 1, 2], [3, 4, 5]]), K, HW, 1.0)
    alone = renderer(vertices[:, :3], torch.tensor([[0, 1, 2]]), K, HW, 1.0)
    torch.testing.assert_close(both, alone)
    (gradient,) = torch.autograd.grad(both.sum(), vertices)
    assert torch.isfinite(gradient).all()
    assert float(gradient[:, 3:].abs().max()) == 0.0


def test_memory_changes_nothing_but_memory(mesh):
    vertices, faces = mesh
    one_face = torch.tensor([[0, 1, 2]])
    huge = torch.tensor([[[-9.0, -9.0, 1.0], [9.0, -9.0, 1.0], [0.0, 9.0, 1.0]]], dtype=torch.float64)
    for points, triangles in ((vertices[None], faces), (huge, one_face)):
        pictures = [TorchSilhouette(memory_mb=mb)(points, triangles, K, HW, 1.0) for mb in (0.01, 50.0)]
        torch.testing.assert_close(pictures[0], pictures[1], atol=1e-6, rtol=0.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_what_a_cpu_draws(mesh):
    vertices, faces = mesh
    on_cpu = TorchSilhouette()(vertices[None].float(), faces, K.float(), HW, 1.0)
    on_gpu = TorchSilhouette()(vertices[None].float().cuda(), faces.cuda(), K.float().cuda(), HW, 1.0)
    torch.testing.assert_close(on_gpu.cpu(), on_cpu, atol=1e-4, rtol=0.0)


@pytest.mark.skipif(HAS_PYTORCH3D, reason="pytorch3d is installed")
def test_what_is_not_installed_is_named():
    with pytest.raises(NotInstalledError, match="pytorch3d is not installed"):
        silhouette_renderer("pytorch3d", 512)
