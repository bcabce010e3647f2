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

SQUARE_WEIGHT = 0.08
"""Of standing askew to the room, for a box; less for rounder things. It decides the last degrees, which neither a
silhouette nor points with smooth errors can: furniture stands along walls. Less than any visible turn costs."""

SQUARE_LIMIT_RAD = np.radians(12.0)
"""A turn from which on standing askew costs no more: what is meant to stand askew does so by more."""

SLIDES = 2
"""Rounds of closest points that find the depth of points that are known up to a scale; a third changes nothing."""

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
    square_yaw: float | None = None
    """A direction in radians to which objects are square, as the room's walls are; None where it is unknown."""


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
    if evidence.square_yaw is not None:
        askew = parameters[:, 2] + evidence.proxy.axis_yaw - evidence.square_yaw
        askew = (askew + np.pi / 4) % (np.pi / 2) - np.pi / 4
        total += SQUARE_WEIGHT * evidence.proxy.boxiness * np.minimum((askew / SQUARE_LIMIT_RAD) ** 2, 1.0)
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
    """Mean robust distance (Geman and McClure) from visible points to the mesh; hidden surfaces cost nothing."""
    target, proxy = evidence.target, evidence.proxy
    seen = np.concatenate([target.eye[None], target.points])
    local = to_object_frame(evidence.plane, parameters, proxy.vertices, seen)
    eye, points = local[:, :1], local[:, 1:]
    if target.points_slide:
        points = _slide(evidence, eye, points)
    distance, _ = proxy.surface.query(points.reshape(-1, 3))
    metres = distance.reshape(points.shape[:2]) * np.exp(parameters[:, 3:])
    softness = POINT_SOFTNESS * np.linalg.norm(points - eye, axis=2).mean(axis=1) * np.exp(parameters[:, 3])
    square = (metres / softness[:, None]) ** 2
    return (square / (1.0 + square)).mean(axis=1)


def _slide(
    evidence: Evidence, eye: Float[np.ndarray, "b 1 3"], points: Float[np.ndarray, "b n 3"]
) -> Float[np.ndarray, "b n 3"]:
    """Scale the points about the eye until they lie on the object: first by distance, then by closest points."""
    center = 0.5 * (evidence.proxy.vertices.min(axis=0) + evidence.proxy.vertices.max(axis=0))
    middle = np.median(points, axis=1, keepdims=True)
    factor = np.linalg.norm(center - eye, axis=2) / np.maximum(np.linalg.norm(middle - eye, axis=2), 1e-9)
    moved = eye + factor[..., None] * (points - eye)
    for _ in range(SLIDES):
        _, nearest = evidence.proxy.surface.query(moved.reshape(-1, 3))
        goal = evidence.proxy.surface.data[nearest].reshape(moved.shape) - eye
        ray = moved - eye
        factor = (goal * ray).sum(axis=(1, 2)) / np.maximum((ray * ray).sum(axis=(1, 2)), 1e-12)
        moved = eye + factor[:, None, None] * ray
    return moved
