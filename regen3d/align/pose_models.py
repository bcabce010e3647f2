"""Poses as torch functions of a few free numbers, in batches, so that optimisers can follow gradients.

`PlanarModel` is the differentiable twin of `regen3d.align.pose`; `FreeModel` is for what touches no known plane.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regen3d.align.pose import SupportPlane, plane_coordinates
from regen3d.frames import rotation_about_y, yaw_of
from regen3d.types import Similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanarModel:
    """Four numbers on a support plane: (first, second, yaw_rad, log_scale), as `regen3d.align.pose` has them.

    The object's lowest point along the plane's normal lies on the plane, whatever the numbers are: contact is exact.
    """

    plane: SupportPlane
    """What the object touches."""
    tilt: Float[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))
    """Rotation after the yaw; none for objects that stand upright."""

    def place(self, parameters: Float[Tensor, "b 4"], points: Float[Tensor, "n 3"]) -> Float[Tensor, "b n 3"]:
        """World positions, metres, of all vertices of the object frame; they decide where contact is."""
        turned = points @ _linear(parameters[:, 2], parameters[:, 3], self.tilt).transpose(1, 2)
        normal = parameters.new_tensor(self.plane.normal)
        lift = -(turned @ normal).amin(dim=1, keepdim=True)
        shift = parameters[:, :2] @ parameters.new_tensor(self.plane.axes) + parameters.new_tensor(self.plane.origin)
        return turned + (shift + lift * normal)[:, None]

    def similarity(self, parameters: Float[Tensor, " 4"], points: Float[np.ndarray, "n 3"]) -> Similarity:
        """The pose `world_from_object`; `points` are all vertices of the object."""
        first, second, yaw, log_scale = parameters.detach().double().cpu().numpy()
        rotation, scale = self.tilt @ rotation_about_y(float(yaw)), float(np.exp(log_scale))
        lift = -scale * float((points @ rotation.T @ self.plane.normal).min())
        shift = self.plane.origin + np.array([first, second]) @ self.plane.axes
        return Similarity(rotation=rotation, translation=shift + lift * self.plane.normal, scale=scale)

    def parameters(self, pose: Similarity) -> Float[np.ndarray, " 4"]:
        """The numbers of a pose; its height over the plane and what it is tilted besides are dropped."""
        yaw = yaw_of(self.tilt.T @ pose.rotation)
        return np.array([*plane_coordinates(self.plane, pose.translation), yaw, np.log(pose.scale)])


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeModel:
    """Five numbers in space: (x, y, z, yaw_rad, log_scale), metres and a turn about gravity."""

    pivot: Float[np.ndarray, " 3"]
    """Point of the object frame that (x, y, z) is the place of; it stays where it is when yaw and scale change."""
    tilt: Float[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))
    """Rotation after the yaw; none for objects that stand upright."""

    def place(self, parameters: Float[Tensor, "b 5"], points: Float[Tensor, "n 3"]) -> Float[Tensor, "b n 3"]:
        """World positions, metres, of points of the object frame."""
        linear = _linear(parameters[:, 3], parameters[:, 4], self.tilt)
        return (points - parameters.new_tensor(self.pivot)) @ linear.transpose(1, 2) + parameters[:, None, :3]

    def similarity(self, parameters: Float[Tensor, " 5"], points: Float[np.ndarray, "n 3"]) -> Similarity:
        """The pose `world_from_object`; it does not depend on `points`."""
        x, y, z, yaw, log_scale = parameters.detach().double().cpu().numpy()
        rotation, scale = self.tilt @ rotation_about_y(float(yaw)), float(np.exp(log_scale))
        return Similarity(
            rotation=rotation, translation=np.array([x, y, z]) - scale * rotation @ self.pivot, scale=scale
        )

    def parameters(self, pose: Similarity) -> Float[np.ndarray, " 5"]:
        """The numbers of a pose; what it is tilted besides is dropped."""
        place = pose.translation + pose.scale * pose.rotation @ self.pivot
        return np.array([*place, yaw_of(self.tilt.T @ pose.rotation), np.log(pose.scale)])


PoseModel = PlanarModel | FreeModel
"""Either: `place`, `similarity` and `parameters` are called alike."""


def _linear(
    yaw: Float[Tensor, " b"], log_scale: Float[Tensor, " b"], tilt: Float[np.ndarray, "3 3"]
) -> Float[Tensor, "b 3 3"]:
    """Scale times tilt times turn about +Y, as `frames.rotation_about_y`."""
    cosine, sine, zero, one = torch.cos(yaw), torch.sin(yaw), torch.zeros_like(yaw), torch.ones_like(yaw)
    rows = [cosine, zero, sine, zero, one, zero, -sine, zero, cosine]
    turn = torch.stack(rows, dim=-1).reshape(-1, 3, 3)
    return torch.exp(log_scale)[:, None, None] * (yaw.new_tensor(tilt) @ turn)
