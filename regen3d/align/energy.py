"""How badly a pose explains the evidence: silhouette, box, visible points and size, all scale-free.

Batches of poses in, one number for each out. Every term lies in 0..1, so the weights say what a term can cost.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.align.planes import Walls
from regen3d.align.pose import Parameters, SupportPlane, place, to_object_frame
from regen3d.align.proxy import Proxy
from regen3d.align.target import Target
from regen3d.frames import project, transform
from regen3d.render.coverage import cover

BOX_WEIGHT = 0.5
"""Of the box's sides: pulls poses together whose silhouettes do not overlap yet, and thin things."""

POINT_WEIGHT = 0.15
"""Of the visible points, after they slid along their rays: then they tell shape and turn, not distance."""

POINT_SOFTNESS = 0.025
"""Distance, as a share of that from the camera, at which a point costs half: depth errors within one object."""

SLIDE_WEIGHT = 0.06
"""Of sliding the points: a point map is smoothly off by some per cent, so the floor knows distances better."""

SLIDE_LIMIT = 0.15
"""Logarithm of the slide that costs all of it: five times the usual error of learned depth indoors."""

SCALE_WEIGHT = 0.3
"""Of leaving a known size: paid in full at SCALE_LIMIT times or a SCALE_LIMIT-th of it."""

SCALE_LIMIT = 2.0
"""A metric mesh is hardly ever off by more than this factor."""

SQUARE_WEIGHT = 0.08
"""Of standing askew to the room, for a box; less for rounder things. It decides the last degrees, which neither a
silhouette nor points with smooth errors can: furniture stands along walls. Less than any visible turn costs."""

HANGING_SQUARE_WEIGHT = 0.4
"""The same for what hangs on a wall: it lies flat against it."""

SQUARE_LIMIT_RAD = np.radians(12.0)
"""A turn from which on standing askew costs no more: what is meant to stand askew does so by more."""

HINT_WEIGHT = 0.1
"""Of facing the other way than the pose under which the mesh was made. Poses of half a turn differ by 0.03 to 0.05 in
their silhouettes for sofas and armchairs, and what was painted on the mesh is right for one of them only."""

FACING_WEIGHT = 0.008
"""The same without such a pose, for facing away from the camera: it decides between poses that are equal in all else.
More of it (0.04) turned the backs of cabinets to the front, against their look."""

WALL_WEIGHT = 0.3
"""Of standing behind a wall that the picture shows."""

WALL_LIMIT_M = 0.6
"""Reaching this far into a wall costs all of it: what is behind a wall is not seen, however well it fits."""

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
    hinted_yaw: float | None = None
    """The yaw in radians under which the mesh was made; None where it is unknown: then fronts face the camera."""
    walls: Walls | None = None
    """The walls that the object cannot stand behind; None where none is known."""


def energy(evidence: Evidence, parameters: Parameters) -> Float[np.ndarray, " b"]:
    """Cost of each pose, 0 for one that explains everything."""
    world = place(evidence.plane, parameters, evidence.proxy.vertices)
    camera = transform(evidence.target.camera_from_world, world)
    total = 1.0 - silhouette_iou(evidence, camera)
    total += BOX_WEIGHT * np.minimum(np.abs(box_residuals(evidence.target, camera)).mean(axis=1), 1.0)
    if len(evidence.target.points):
        total += _point_cost(evidence, parameters)
    if evidence.known_log_scale is not None:
        change = (parameters[:, 3] - evidence.known_log_scale) / np.log(SCALE_LIMIT)
        total += SCALE_WEIGHT * np.minimum(change**2, 1.0)
    if evidence.square_yaw is not None:
        askew = parameters[:, 2] + evidence.proxy.axis_yaw - evidence.square_yaw
        askew = (askew + np.pi / 4) % (np.pi / 2) - np.pi / 4
        weight = SQUARE_WEIGHT if evidence.plane.name in ("floor", "free") else HANGING_SQUARE_WEIGHT
        total += weight * evidence.proxy.boxiness * np.minimum((askew / SQUARE_LIMIT_RAD) ** 2, 1.0)
    if evidence.walls is not None:
        total += WALL_WEIGHT * np.minimum(evidence.walls.beyond(world) / WALL_LIMIT_M, 1.0)
    return total + _turn_cost(evidence, parameters, world)


def _turn_cost(
    evidence: Evidence, parameters: Parameters, world: Float[np.ndarray, "b v 3"]
) -> Float[np.ndarray, " b"]:
    """What it costs to face away from where the front is expected: all of it for half a turn."""
    if evidence.hinted_yaw is not None:
        return 0.5 * HINT_WEIGHT * (1.0 - np.cos(parameters[:, 2] - evidence.hinted_yaw))
    towards = evidence.target.eye - world.mean(axis=1)
    return 0.5 * FACING_WEIGHT * (1.0 - np.cos(parameters[:, 2] - np.arctan2(towards[:, 0], towards[:, 2])))


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
    """Mean robust distance (Geman and McClure) from visible points to the mesh, after one slide along their rays.

    Only points count, never the mesh's own surface: what is hidden costs nothing.
    """
    target, proxy = evidence.target, evidence.proxy
    seen = np.concatenate([target.eye[None], target.points])
    local = to_object_frame(evidence.plane, parameters, proxy.vertices, seen)
    eye, rays = local[:, :1], local[:, 1:] - local[:, :1]
    slide = slide_factor(evidence, eye, rays)
    rays = slide * rays
    distance, _ = proxy.surface.query((eye + rays).reshape(-1, 3))
    softness = POINT_SOFTNESS * np.linalg.norm(rays, axis=2).mean(axis=1, keepdims=True)
    square = (distance.reshape(rays.shape[:2]) / softness) ** 2
    cost = POINT_WEIGHT * (square / (1.0 + square)).mean(axis=1)
    if not target.points_slide:
        cost += SLIDE_WEIGHT * np.minimum((np.log(slide[:, 0, 0]) / SLIDE_LIMIT) ** 2, 1.0)
    return cost


def slide_factor(
    evidence: Evidence, eye: Float[np.ndarray, "b 1 3"], rays: Float[np.ndarray, "b n 3"]
) -> Float[np.ndarray, "b 1 1"]:
    """The factor that brings points on rays from the eye onto the object: first by distance, then by closest points."""
    proxy = evidence.proxy
    slide = np.ones((len(rays), 1, 1))
    if evidence.target.points_slide:
        center = 0.5 * (proxy.vertices.min(axis=0) + proxy.vertices.max(axis=0))
        middle = np.median(rays, axis=1, keepdims=True)
        slide = np.linalg.norm(center - eye, axis=2, keepdims=True) / np.linalg.norm(middle, axis=2, keepdims=True)
    for _ in range(SLIDES):
        _, nearest = proxy.surface.query((eye + slide * rays).reshape(-1, 3))
        goal = proxy.surface.data[nearest].reshape(rays.shape) - eye
        slide = (goal * rays).sum(axis=(1, 2), keepdims=True) / (rays * rays).sum(axis=(1, 2), keepdims=True)
        slide = np.maximum(slide, 1e-3)
    return slide
