"""The published descent: Adam on one pose, by silhouette, points and room box."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import KDTree
from torch import Tensor

from regen3d.align import losses
from regen3d.align.closest import SurfaceIndex
from regen3d.align.paper_settings import PaperSettings
from regen3d.align.pose_models import PlanarModel, PoseModel
from regen3d.frames import transform
from regen3d.render.base import SilhouetteRenderer
from regen3d.types import Mesh

SILHOUETTE_WEIGHT, POINT_WEIGHT, ROOM_WEIGHT = 0.1, 0.1, 0.01
"""Of the three terms, as published."""

DICE_WEIGHT, FOCAL_WEIGHT, FREE_WEIGHT = 0.75, 0.25, 0.25
"""Of Dice and focal loss on the floor, and of cross-entropy elsewhere, as published."""

LEARNING_RATE, LONGEST_GRADIENT = 0.005, 1.0
"""Of Adam, and the length that gradients are clipped to, as published."""

STILL_GRADIENT, LEAST_STEPS = 0.005, 200
"""The descent ends early after so many steps where the gradient is shorter, as published."""

YAW_SPEED = 8.0
"""Radians of yaw to one unit of its parameter on the floor, as published."""

SIGMA, RELEASED_SIGMA = 1e-4, 5e-7
"""Softness in squared halves of the picture's shorter side; the first is PyTorch3D's own advice."""

LEAST_SIGMA_PX2 = 0.07
"""What the released softness is at 1024 x 768; smaller pictures keep as many pixels, or no pixel has a gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperProblem:
    """Everything that a step of the descent needs, in the working frame."""

    model: PoseModel
    """Four or five numbers."""
    start: Float[np.ndarray, " p"]
    """Of the model."""
    mesh: Mesh
    """Object frame."""
    index: SurfaceIndex
    """Of the mesh."""
    cloud: Float[np.ndarray, "n 3"]
    """Visible points."""
    room: tuple[Float[np.ndarray, "m 3"], Float[np.ndarray, " m"]]
    """Inward normals and offsets of the walls."""
    camera_from_work: Float[np.ndarray, "4 4"]
    """Working frame to camera frame."""
    intrinsics: Float[np.ndarray, "3 3"]
    """Of the pictures compared."""
    target: Float[np.ndarray, "h w"]
    """The blurred mask."""
    settings: PaperSettings
    """How it is solved."""

    @property
    def sigma_px2(self) -> float:
        """Softness in squared pixels."""
        sigma = RELEASED_SIGMA if self.settings.faults.narrow_sigma else SIGMA
        return max(sigma * (0.5 * min(self.target.shape)) ** 2, LEAST_SIGMA_PX2)


def descend(problem: PaperProblem, renderer: SilhouetteRenderer, device: str) -> tuple[Float[Tensor, " p"], int]:
    """The model's numbers after descent, on the CPU in float64, and how many steps it took."""
    units = torch.ones(len(problem.start), device=device)
    if isinstance(problem.model, PlanarModel):
        units[2] = YAW_SPEED
    start = torch.tensor(problem.start, dtype=torch.float32, device=device)
    change = torch.zeros_like(start, requires_grad=True)
    optimiser = torch.optim.Adam([change], lr=LEARNING_RATE)
    cost = _Cost(problem, renderer, device)
    best, lowest, step = change.detach().clone(), torch.inf, 0
    for step in range(problem.settings.steps):
        optimiser.zero_grad()
        loss = cost(start + units * change)
        loss.backward()
        if float(loss.detach()) < lowest:
            best, lowest = change.detach().clone(), float(loss.detach())
        length = float(torch.nn.utils.clip_grad_norm_([change], LONGEST_GRADIENT))
        optimiser.step()
        if step >= LEAST_STEPS and length < STILL_GRADIENT:
            break
    if problem.settings.faults.last_iterate:
        best = change.detach()
    return (start + units * best).double().cpu(), step + 1


class _Cost:
    """The published cost of a pose, with what does not change between steps."""

    def __init__(self, problem: PaperProblem, renderer: SilhouetteRenderer, device: str) -> None:
        self._problem, self._renderer = problem, renderer
        self._tree = KDTree(problem.cloud)
        self._triangles = problem.mesh.vertices[problem.mesh.faces]
        self._faces = torch.tensor(problem.mesh.faces.astype(np.int64), device=device)
        constants = (problem.mesh.vertices, problem.cloud, problem.camera_from_work, problem.intrinsics, problem.target)
        on_device = [torch.tensor(part, dtype=torch.float32, device=device) for part in (*constants, *problem.room)]
        self._vertices, self._cloud, self._camera_from_work, self._intrinsics, self._target = on_device[:5]
        self._normals, self._offsets = on_device[5:]

    def __call__(self, numbers: Float[Tensor, " p"]) -> Float[Tensor, ""]:
        """Weighted sum of all terms."""
        vertices = self._problem.model.place(numbers[None], self._vertices)
        total = SILHOUETTE_WEIGHT * self._silhouette(vertices) + POINT_WEIGHT * self._points(numbers, vertices)
        return (total + ROOM_WEIGHT * losses.room_overshoot(vertices, self._normals, self._offsets))[0]

    def _silhouette(self, vertices: Float[Tensor, "1 v 3"]) -> Float[Tensor, " 1"]:
        """Dice and focal loss on the floor, cross-entropy elsewhere."""
        problem, target = self._problem, self._target
        camera = vertices @ self._camera_from_work[:3, :3].T + self._camera_from_work[:3, 3]
        hw = target.shape[0], target.shape[1]
        drawn = self._renderer(camera, self._faces, self._intrinsics, hw, problem.sigma_px2)
        if problem.settings.faults.second_sigmoid:
            drawn = torch.sigmoid(drawn)
        everywhere = torch.ones_like(target)
        if not isinstance(problem.model, PlanarModel):
            return FREE_WEIGHT * losses.binary_cross_entropy(drawn, target, everywhere)
        overlap = losses.dice(drawn, target, everywhere, squared=False)
        return DICE_WEIGHT * overlap + FOCAL_WEIGHT * losses.focal(drawn, target, everywhere)

    def _points(self, numbers: Float[Tensor, " p"], vertices: Float[Tensor, "1 v 3"]) -> Float[Tensor, " 1"]:
        """Mean squared distance from points to the mesh; in the release also from faces to points."""
        problem = self._problem
        pose = problem.model.similarity(numbers, problem.mesh.vertices).matrix
        local = transform(np.linalg.inv(pose), problem.cloud)
        nearest = problem.index.nearest_faces(local, self._triangles)
        device = vertices.device
        term = losses.point_to_mesh(
            self._cloud, vertices, self._faces, nearest=torch.from_numpy(nearest)[None].to(device)
        )
        if problem.settings.faults.symmetric_points:
            points = torch.from_numpy(problem.index.nearest_points(self._tree, pose, self._triangles))
            term = term + losses.mesh_to_point(self._cloud, vertices, self._faces, nearest=points[None].to(device))
        return term
