"""The last step: Levenberg and Marquardt on distances between outlines, with points and priors.

A hard silhouette has no gradient, and a soft one costs a hundred times as much and stops a pixel short. Distances
between outlines are smooth, nearly linear in the pose, and known to a tenth of a pixel.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.align.contours import ContourTarget, Residuals, contour_target, draw, residuals
from regen3d.align.energy import Evidence
from regen3d.align.pose import similarity, to_object_frame, velocities
from regen3d.frames import transform

TRIALS = 10
"""Poses that start within five pixels are there after 4 to 6."""

DAMPING = 1e-3
"""At the start, as a share of the diagonal (Marquardt's scaling)."""

LARGEST_STEP = np.array([0.3, 0.3, 0.2, 0.15, 0.05])
"""Metres, metres, radians, and logarithms: outlines farther apart are matched at random."""

OUTLINE_COUNT = 100.0
"""Independent measurements that an outline is worth: neighbouring pixels err together."""

OUTLINE_SPREAD_PX = 0.7
"""Standard deviation of an outline's distances where mesh and mask are right."""

CAUCHY = 2.4
"""Standard deviations from which a measurement pulls less the farther it is off (95 % efficiency)."""

POINT_COUNT = 10.0
"""Independent measurements that all points are worth: depth errs smoothly."""

POINT_SPREAD = 0.012
"""Of a point about the surface, as a share of its distance, once the whole cloud has slid."""

SLIDE_SPREAD = 0.04
"""Standard deviation of that slide's logarithm: the usual error of learned depth indoors."""

SQUARE_SPREAD_RAD = np.radians(1.5)
"""How well what stands square to the room does so."""

SQUARE_LIMIT_RAD = np.radians(6.0)
"""From here on it is meant to stand askew."""

SCALE_SPREAD = 0.05
"""Standard deviation of the logarithm of a size that is known."""

WALL_STIFFNESS = 5e4
"""Of reaching into a wall by a metre, squared: about as much as the outline of a sofa holds against it, so that the two
meet half-way."""

WALL_SLACK_M = 0.02
"""Reaching into a wall by this costs nothing: walls are not known better."""

WALL_LIMIT_M = 0.25
"""What reaches farther into a wall contradicts it; the outline is believed then."""


@dataclass(slots=True)
class _System:
    """Cost and normal equations of five numbers: the pose, and how far the points slide."""

    cost: float
    normal: np.ndarray
    slope: np.ndarray

    def add(
        self, residual: Float[np.ndarray, " n"], jacobian: Float[np.ndarray, "n 5"], weight: Float[np.ndarray, " n"]
    ) -> None:
        self.normal += np.einsum("n,ni,nj->ij", weight, jacobian, jacobian)
        self.slope += np.einsum("n,ni,n->i", weight, jacobian, residual)

    def step(self, damping: float) -> Float[np.ndarray, " 5"]:
        damped = self.normal + np.diag(damping * np.diag(self.normal) + 1e-9)
        step = -np.linalg.solve(damped, self.slope)
        return step * min(1.0, float((LARGEST_STEP / np.maximum(np.abs(step), 1e-12)).min()))


def polish(evidence: Evidence, start: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 4"]:
    """The pose near `start` whose outline, points and priors fit best; `start` itself where none fits better."""
    contour = contour_target(evidence.target)
    state, damping = np.append(start, 0.0), DAMPING
    system = _system(evidence, contour, state)
    for _ in range(TRIALS):
        step = system.step(damping)
        if np.abs(step).max() < 1e-4:
            break
        trial = _system(evidence, contour, state + step)
        if trial.cost < system.cost:
            state, system, damping = state + step, trial, damping / 3.0
        else:
            damping = 10.0 * max(damping, 1e-2)
    return state[:4]


def _system(evidence: Evidence, contour: ContourTarget, state: Float[np.ndarray, " 5"]) -> _System:
    """Everything that is measured, linear in a step from `state`."""
    system = _System(cost=0.0, normal=np.zeros((5, 5)), slope=np.zeros(5))
    raster = draw(evidence.plane, state[:4], evidence.proxy, evidence.target)
    for side in residuals(evidence.plane, state[:4], evidence.proxy, (evidence.target, contour, raster)):
        _add_outline(system, side)
    if len(evidence.target.points) and not evidence.target.points_slide:
        _add_points(system, evidence, state)
        system.add(state[4:], np.eye(5)[4:], np.array([SLIDE_SPREAD**-2.0]))
        system.cost += 0.5 * (state[4] / SLIDE_SPREAD) ** 2
    else:
        system.normal[4, 4] = 1.0
    _add_priors(system, evidence, state)
    return system


def _add_outline(system: _System, side: Residuals) -> None:
    """Robust distances between outlines; each of the two sides counts half. No outline at all is as bad as can be."""
    n = len(side.distance)
    if n == 0:
        system.cost += 1e6
        return
    square = (side.distance / (CAUCHY * OUTLINE_SPREAD_PX)) ** 2
    scale = 0.5 * OUTLINE_COUNT / n
    system.cost += 0.5 * scale * CAUCHY**2 * float(np.log1p(square).sum())
    weight = scale / OUTLINE_SPREAD_PX**2 / (1.0 + square)
    system.add(side.distance, np.pad(side.jacobian, ((0, 0), (0, 1))), weight)


def _add_points(system: _System, evidence: Evidence, state: Float[np.ndarray, " 5"]) -> None:
    """Robust distances from the points, which slide along their rays together, to the nearest of the surface."""
    target, proxy, plane = evidence.target, evidence.proxy, evidence.plane
    rays = np.exp(state[4]) * (target.points - target.eye)
    local = to_object_frame(plane, state[None, :4], proxy.vertices, target.eye + rays)[0]
    _, nearest = proxy.surface.query(local)
    at = proxy.surface.data[nearest]
    gap = transform(similarity(plane, state[:4], proxy.vertices).matrix, at) - (target.eye + rays)
    jacobian = np.concatenate([velocities(plane, state[:4], proxy.vertices, at), -rays[..., None]], axis=2)
    spread = POINT_SPREAD * np.linalg.norm(rays, axis=1)
    square = (np.linalg.norm(gap, axis=1) / (CAUCHY * spread)) ** 2
    scale = POINT_COUNT / len(gap)
    system.cost += 0.5 * scale * CAUCHY**2 * float(np.log1p(square).sum())
    weight = scale / spread**2 / (1.0 + square)
    system.add(gap.reshape(-1), jacobian.reshape(-1, 5), np.repeat(weight, 3))


def _add_priors(system: _System, evidence: Evidence, state: Float[np.ndarray, " 5"]) -> None:
    """Standing square to the room as far as the object has sides, its known size, and the walls."""
    if evidence.square_yaw is not None:
        askew = state[2] + evidence.proxy.axis_yaw - evidence.square_yaw
        askew = (askew + np.pi / 4) % (np.pi / 2) - np.pi / 4
        _add_prior(system, (askew, SQUARE_LIMIT_RAD), np.eye(5)[2], evidence.proxy.boxiness / SQUARE_SPREAD_RAD**2)
    if evidence.known_log_scale is not None:
        change = state[3] - evidence.known_log_scale
        _add_prior(system, (change, np.inf), np.eye(5)[3], SCALE_SPREAD**-2.0)
    if evidence.walls is not None:
        vertices = evidence.proxy.vertices
        world = transform(similarity(evidence.plane, state[:4], vertices).matrix, vertices)
        depth = evidence.walls.normals @ world.T - evidence.walls.offsets[:, None] + WALL_SLACK_M
        for wall, vertex in enumerate(depth.argmin(axis=1)):
            if depth[wall, vertex] < 0.0:
                speed = velocities(evidence.plane, state[:4], vertices, vertices[[vertex]])[0]
                gradient = np.append(evidence.walls.normals[wall] @ speed, 0.0)
                _add_prior(system, (float(depth[wall, vertex]), WALL_LIMIT_M), gradient, WALL_STIFFNESS)


def _add_prior(
    system: _System, deviation: tuple[float, float], gradient: Float[np.ndarray, " 5"], weight: float
) -> None:
    """One number that should be 0, as a deviation and the limit from which it costs no more."""
    value, limit = deviation
    system.cost += 0.5 * weight * min(value**2, limit**2)
    if abs(value) < limit:
        system.add(np.array([value]), gradient[None], np.array([weight]))
