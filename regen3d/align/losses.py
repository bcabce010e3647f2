"""What a pose costs, term by term: free functions in torch, differentiable, one number for each pose of a batch.

Every term is zero for a pose that explains the evidence and never negative. Weights of terms are the caller's; weights
of pixels are arguments. Nothing is averaged over the batch, so poses stay independent.
"""

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor

from regen3d.align.closest import nearest_pairs, square_distance
from regen3d.types import Similarity

LEAST_LIKELIHOOD = 1e-6
"""Probabilities are kept this far from 0 and 1 in logarithms: what float32 resolves next to 1, with room."""


def dice(
    prediction: Float[Tensor, "b h w"],
    target: Float[Tensor, "... h w"],
    weight: Float[Tensor, "... h w"],
    *,
    squared: bool = True,
) -> Float[Tensor, " b"]:
    """One minus the Dice overlap of coverage and mask, 0..1; does not depend on how much of the picture is empty.

    Args:
        prediction: coverage, 0..1.
        target: share of each pixel that shows the object, 0..1.
        weight: how much each pixel counts, 0 for what may be hidden.
        squared: `2 sum(pt) / (sum(p^2) + sum(t^2))` (Milletari et al., "V-Net", 2016, section 3), which is one for
            equal pictures even on pixels that are covered in part; otherwise the same without squares (Dice, 1945), as
            3D-RE-GEN has it, which is so only for hard masks.
    """
    power = 2 if squared else 1
    both = (weight * prediction * target).sum(dim=(-2, -1))
    sizes = (weight * (prediction**power + target**power)).sum(dim=(-2, -1))
    return 1.0 - 2.0 * both / sizes.clamp(min=1e-9)


def binary_cross_entropy(
    prediction: Float[Tensor, "b h w"], target: Float[Tensor, "... h w"], weight: Float[Tensor, "... h w"]
) -> Float[Tensor, " b"]:
    """Weighted mean over pixels of the cross-entropy `-t log p - (1 - t) log(1 - p)`, in nats.

    Zero for equal hard masks only: where a target is partly covered, its own entropy stays.
    """
    return _pixel_mean(_cross_entropy(prediction, target), weight)


def focal(
    prediction: Float[Tensor, "b h w"],
    target: Float[Tensor, "... h w"],
    weight: Float[Tensor, "... h w"],
    *,
    alpha: float = 0.5,
    gamma: float = 2.0,
) -> Float[Tensor, " b"]:
    """Weighted mean over pixels of the focal loss on probabilities: pixels that are nearly right hardly count.

    `balance * |t - p|^gamma * crossentropy(p, t)`: Lin et al., "Focal Loss", ICCV 2017, equation 5, for hard targets;
    for shares its generalisation by Li et al., "Generalized Focal Loss", NeurIPS 2020, equation 4.

    Args:
        prediction: coverage, 0..1, not logits.
        target: share of each pixel that shows the object, 0..1.
        weight: how much each pixel counts.
        alpha: weight of what belongs to the object; `1 - alpha` is that of the rest.
        gamma: how fast pixels that are nearly right fade.
    """
    balance = alpha * target + (1.0 - alpha) * (1.0 - target)
    modulation = (target - prediction).abs() ** gamma
    return _pixel_mean(balance * modulation * _cross_entropy(prediction, target), weight)


def visible_surface(
    points: Float[Tensor, "n 3"],
    vertices: Float[Tensor, "b v 3"],
    faces: Integer[Tensor, "f 3"],
    softness_m: float | Float[Tensor, "..."],
    *,
    nearest: Integer[Tensor, "b n"] | None = None,
) -> Float[Tensor, " b"]:
    """Mean robust distance from visible points to the mesh, 0..1; the mesh's unseen back costs nothing.

    Geman and McClure, "Bayesian image analysis", 1985: `d^2 / (d^2 + softness^2)`. Zero without points.

    Args:
        points: of the visible surface, same frame as the vertices, metres.
        vertices: one row for each pose.
        faces: vertex indices.
        softness_m: distance that costs half; a number, or one for each pose and point.
        nearest: index of the face nearest to each point; None to try all.
    """
    if len(points) == 0:
        return vertices.sum(dim=(1, 2)) * 0.0
    square = _to_faces(points, vertices, faces, nearest)
    return (square / (square + softness_m**2)).mean(dim=1)


def point_to_mesh(
    points: Float[Tensor, "n 3"],
    vertices: Float[Tensor, "b v 3"],
    faces: Integer[Tensor, "f 3"],
    *,
    nearest: Integer[Tensor, "b n"] | None = None,
    least_area: float = 0.0,
) -> Float[Tensor, " b"]:
    """Mean squared distance from points to the mesh, square metres: the half of the published term that is sound.

    Args:
        points: same frame as the vertices.
        vertices: one row for each pose.
        faces: vertex indices.
        nearest: index of the face nearest to each point; None to try all.
        least_area: triangles of less area count as their edges.
    """
    return _to_faces(points, vertices, faces, nearest, least_area).mean(dim=1)


def mesh_to_point(
    points: Float[Tensor, "n 3"],
    vertices: Float[Tensor, "b v 3"],
    faces: Integer[Tensor, "f 3"],
    *,
    nearest: Integer[Tensor, "b f"] | None = None,
) -> Float[Tensor, " b"]:
    """Mean over faces of the squared distance to the nearest point, square metres.

    Counts every face alike, whatever its area, and pulls the back of a mesh to points of its front: for comparison.
    """
    if nearest is None:
        nearest = nearest_pairs(points, vertices, faces)[1]
    return square_distance(points[nearest], vertices[:, faces.long()]).mean(dim=1)


def point_mesh_symmetric(
    points: Float[Tensor, "n 3"], vertices: Float[Tensor, "b v 3"], faces: Integer[Tensor, "f 3"]
) -> Float[Tensor, " b"]:
    """`point_to_mesh` plus `mesh_to_point`: PyTorch3D's `point_mesh_face_distance`, the released point term."""
    face_of_point, point_of_face = nearest_pairs(points, vertices, faces)
    forward = point_to_mesh(points, vertices, faces, nearest=face_of_point)
    return forward + mesh_to_point(points, vertices, faces, nearest=point_of_face)


def room_overshoot(
    points: Float[Tensor, "b n 3"], normals: Float[Tensor, "m 3"], offsets: Float[Tensor, " m"]
) -> Float[Tensor, " b"]:
    """Mean over points of how far they are behind walls, summed over walls, metres.

    3D-RE-GEN's background-box term, for walls of any direction.

    Args:
        points: of the object, world frame.
        normals: unit vectors into the room.
        offsets: `normals @ point >= offsets` on the room's side.
    """
    return torch.relu(offsets - points @ normals.T).sum(dim=2).mean(dim=1)


def penetration(
    points: Float[Tensor, "b n 3"], normals: Float[Tensor, "... m 3"], offsets: Float[Tensor, "... m"]
) -> Float[Tensor, " b"]:
    """Mean over an object's surface points of their depth inside another object's convex hull or box, metres.

    The depth is the distance to the nearest side: the least way out. Differentiable in the points and in the sides.

    Args:
        points: of the surface of one object, world frame.
        normals: unit vectors out of the other one, one for each side; the same for all poses or one set for each.
        offsets: `normals @ point <= offsets` inside.
    """
    inside = offsets[..., None, :] - points @ normals.transpose(-1, -2)
    return torch.relu(inside.amin(dim=-1)).mean(dim=-1)


def box_sides(
    pose: Similarity, bounds: Float[np.ndarray, "2 3"]
) -> tuple[Float[np.ndarray, "6 3"], Float[np.ndarray, " 6"]]:
    """Sides of a placed box for `penetration`: outward unit normals in the world frame, and offsets in metres.

    Args:
        pose: `world_from_object`.
        bounds: least and greatest corner, object frame.
    """
    normals = np.concatenate([-pose.rotation.T, pose.rotation.T])
    reach = pose.scale * np.concatenate([-bounds[0], bounds[1]])
    return normals, reach + normals @ pose.translation


def size_prior(
    size_m: Float[Tensor, "b 3"], median_m: Float[Tensor, " 3"], log_sigma: Float[Tensor, " 3"]
) -> Float[Tensor, " b"]:
    """How unusual sizes are for their category: half the sum of squared standard deviations of log sizes.

    The negative logarithm of a log-normal density over log sizes, without its constant.

    Args:
        size_m: width, height and depth of each pose, metres.
        median_m: usual ones.
        log_sigma: standard deviation of the natural logarithm of each.
    """
    return 0.5 * (((size_m / median_m).log() / log_sigma) ** 2).sum(dim=1)


def _to_faces(
    points: Float[Tensor, "n 3"],
    vertices: Float[Tensor, "b v 3"],
    faces: Integer[Tensor, "f 3"],
    nearest: Integer[Tensor, "b n"] | None,
    least_area: float = 0.0,
) -> Float[Tensor, "b n"]:
    """Squared distance from each point to the nearest face in each pose."""
    if nearest is None:
        nearest = nearest_pairs(points, vertices, faces)[0]
    corners = faces.long()[nearest].flatten(1)
    index = corners[..., None].expand(-1, -1, 3)
    triangles = vertices.gather(1, index).reshape(len(vertices), len(points), 3, 3)
    return square_distance(points.expand(len(vertices), -1, -1), triangles, least_area)


def _cross_entropy(prediction: Float[Tensor, "b h w"], target: Float[Tensor, "... h w"]) -> Float[Tensor, "b h w"]:
    """Of each pixel, in nats."""
    likely = prediction.clamp(LEAST_LIKELIHOOD, 1.0 - LEAST_LIKELIHOOD)
    return -target * likely.log() - (1.0 - target) * torch.log1p(-likely)


def _pixel_mean(values: Float[Tensor, "b h w"], weight: Float[Tensor, "... h w"]) -> Float[Tensor, " b"]:
    """Weighted mean over pixels."""
    weight = weight.expand_as(values)
    return (weight * values).sum(dim=(-2, -1)) / weight.sum(dim=(-2, -1)).clamp(min=1e-9)
