"""Proportions of meshes that the picture contradicts, and what is left of a pose once they are set right.

Generated meshes are off by ten to twenty per cent along an axis. A uniform scale cannot make up for that: it would put
the whole object at a wrong distance, and what stands on it at a wrong height.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regen3d.types import Mesh

LEAST_STRETCH = 0.04
"""Logarithm of a factor below which proportions are left: true meshes with noisy points measure 0.02 at most where the
picture shows an axis at all."""

SPREAD = 0.1
"""Standard deviation of the logarithm by which generated meshes are off along an axis: 10 to 20 % are usual."""

SPARSE_SPREAD = 0.02
"""That of an axis that is right: what is off by more is believed the more the farther it is off, so that one wrong axis
leaves the other two and the scale alone."""

AXES = ("width", "height", "depth")
"""Names of x, y and z."""

Proportions = tuple[float, float, float]
"""Factors along x, y and z of the object frame."""


def sparse_nats(stretch: Float[Tensor, "*p"]) -> Float[Tensor, "*p"]:
    """How unlikely it is, in nats, that an axis is off by a logarithm at all: most are right."""
    return 0.5 * torch.log1p((stretch / SPARSE_SPREAD) ** 2)


def sparse_weight(stretch: Float[Tensor, "*p"]) -> Float[Tensor, "*p"]:
    """What its squares are weighted with, as a least-squares residual: the derivative of `sparse_nats` over it."""
    return SPARSE_SPREAD**-2.0 / (1.0 + (stretch / SPARSE_SPREAD) ** 2)


def stretch_nats(stretch: Float[Tensor, "*p"]) -> Float[Tensor, "*p"]:
    """How unlikely a logarithm along an axis is where poses are compared: none is off by much, either."""
    return sparse_nats(stretch) + 0.5 * (stretch / SPREAD) ** 2


def planar(numbers: Float[np.ndarray, " 7"]) -> Float[np.ndarray, " 4"]:
    """The pose without its stretch: of what the scale would be along each axis, the middle one.

    Of all uniform scales it is the one whose box has most in common with the stretched one, to first order.
    """
    return np.append(numbers[:3], numbers[3] + np.median(numbers[4:]))


def proportions_of(numbers: Float[np.ndarray, " 7"]) -> Proportions:
    """What is left of the stretch: factors to that scale, one where they are too small to be sure of."""
    stretch = numbers[4:] - np.median(numbers[4:])
    width, height, depth = np.exp(np.where(np.abs(stretch) < LEAST_STRETCH, 0.0, stretch)).tolist()
    return width, height, depth


def proportioned(mesh: Mesh, proportions: Proportions) -> Mesh:
    """The mesh with other proportions, in its own frame."""
    return mesh if proportions == (1.0, 1.0, 1.0) else replace(mesh, vertices=mesh.vertices * np.array(proportions))


def told(proportions: Proportions) -> tuple[str, ...]:
    """A sentence for the report where a mesh does not keep its proportions."""
    changed = [f"{name} by {factor:.2f}" for name, factor in zip(AXES, proportions, strict=True) if factor != 1.0]
    return (f"its mesh was scaled to the picture's proportions: {', '.join(changed)}",) if changed else ()
