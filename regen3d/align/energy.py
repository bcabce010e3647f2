"""How badly a pose explains the evidence: silhouette, box, visible points and size, all scale-free.

Batches of poses in, one number for each out. Every term lies in 0..1, so the weights say what a term can cost.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.align.pose import Parameters, SupportPlane, place, to_object_frame
from regen3d.align.proxy import Proxy
from regen3d.align.target import Target
from regen3d.frames import project, transform
from regen3d.render.coverage import cover

BOX_WEIGHT = 0.5
"""Of the box's sides: pulls poses together whose silhouettes do not overlap yet, and thin things."""

POINT_WEIGHT = 0.5
"""Of the visible points: below the silhouette's, since a point map is off by some per cent."""

POINT_SOFTNESS = 0.04
"""Distance, as a share of that from the camera, at which a point costs half: the error of learned depth indoors."""

SCALE_WEIGHT = 0.3
"""Of leaving a known size: paid in full at SCALE_LIMIT times or a SCALE_LIMIT-th of it."""

SCALE_LIMIT = 2.0
"""A metric mesh is hardly ever off by more than this factor."""

FLUSH_WEIGHT = 0.3
"""Of standing off the wall askew: decides the last degrees, which a silhouette cannot."""

LEAST_DEPTH_M = 0.05
"""Vertices nearer than this or behind the camera are projected as if at this depth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a pose is judged by."""

    plane: SupportPlane
    """What the object touches."""
    proxy: Proxy
    """The object."""
    target: Target
    """What the picture shows of it."""
    known_log_scale: float | None = None
    """Logarithm of the scale that gives the object its own size; None where its size is unknown."""


def energy(evidence: Evidence, parameters: Parameters) -> Float[np.ndarray, " b"]:
    """Cost of each pose, 0 for one that explains everything."""
    world = place(evidence.plane, parameters, evidence.proxy.vertices)
    camera = transform(evidence.target.camera_from_world, world)
    total = 1.0 - silhouette_iou(evidence, camera)
    total += BOX_WEIGHT * np.minimum(np.abs(box_residuals(evidence.target, camera)).mean(axis=1), 1.0)
    if len(evidence.target.points):
        total += POINT_WEIGHT * _point_cost(evidence, parameters)
    if evidence.known_log_scale is not None:
        change = (parameters[:, 3] - evidence.known_log_scale) / np.log(SCALE_LIMIT)
        total += SCALE_WEIGHT * np.minimum(change**2, 1.0)
    if evidence.plane.name == "wall":
        total += FLUSH_WEIGHT * _depth_share(evidence, world)
    return total


def silhouette_iou(evidence: Evidence, camera: Float[np.ndarray, "b v 3"]) -> Float[np.ndarray, " b"]:
    """Weighted IoU of hard silhouettes and the mask on the crop; vertices in the camera frame."""
    target = evidence.target
    covered = cover(camera, evidence.proxy.faces, target.intrinsics, target.hw).reshape(len(camera), -1)
    counted = np.stack([target.weight * target.mask, target.weight], axis=-1).reshape(-1, 2)
    both, drawn = (covered.astype(np.float32) @ counted.astype(np.float32)).T.astype(np.float64)
    return both / np.maximum(counted[:, 0].sum() + drawn - both, 1e-9)


def box_residuals(target: Target, camera: Float[np.ndarray, "b v 3"]) -> Float[np.ndarray, "b 4"]:
    """How far the projected box's sides are off, in diagonals of the mask's box.

    A side where the object is cut or hidden costs only where the pose does not reach it.
    """
    depth = np.maximum(camera[..., 2:], LEAST_DEPTH_M)
    pixels = project(target.intrinsics, np.concatenate([camera[..., :2], depth], axis=-1))
    bounds = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
    residual = (bounds - target.box) / target.diagonal_px
    short = np.concatenate([np.maximum(residual[:, :2], 0.0), np.minimum(residual[:, 2:], 0.0)], axis=1)
    return np.where(target.reliable, residual, short)


def _point_cost(evidence: Evidence, parameters: Parameters) -> Float[np.ndarray, " b"]:
    """Mean robust distance (Geman and McClure) from visible points to the mesh: one-sided, hidden parts cost nothing."""
    target, proxy = evidence.target, evidence.proxy
    local = to_object_frame(evidence.plane, parameters, proxy.vertices, target.points)
    distance, _ = proxy.surface.query(local.reshape(-1, 3))
    metres = distance.reshape(local.shape[:2]) * np.exp(parameters[:, 3:])
    square = (metres / (POINT_SOFTNESS * target.distance_m)) ** 2
    return (square / (1.0 + square)).mean(axis=1)


def _depth_share(evidence: Evidence, world: Float[np.ndarray, "b v 3"]) -> Float[np.ndarray, " b"]:
    """Extent away from the wall, as a share of the extent in all directions."""
    along = (world @ evidence.plane.normal).max(axis=1) - (world @ evidence.plane.normal).min(axis=1)
    return along / np.maximum(np.linalg.norm(np.ptp(world, axis=1), axis=1), 1e-9)
