"""Outlines of a drawn mesh against the outline of a mask: how far apart, and how that changes as the mesh moves.

An outline moves as the surface under it does (points that slide along the surface do not move it: the envelope
theorem), so each of its pixels knows its speed from the point of the mesh that it shows, without a soft renderer.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy import ndimage

from regen3d.align.pose import SupportPlane, similarity, velocities
from regen3d.align.proxy import Proxy
from regen3d.align.rim import outside_distance
from regen3d.align.target import Target
from regen3d.frames import transform
from regen3d.render.raster import Raster, rasterize
from regen3d.types import Mask

CROSS = ndimage.generate_binary_structure(2, 1)
"""Pixels that share a side."""

HIDDEN_RIM_PX = 2
"""Outlines this near to what may hide the object are not its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContourTarget:
    """The outline of a mask on its crop."""

    distance: Float[np.ndarray, "h w"]
    """From the mask's outline, pixels, positive outside."""
    slope: Float[np.ndarray, "h w 2"]
    """Gradient of `distance` along (u, v)."""
    counts: Bool[np.ndarray, "h w"]
    """Pixels in which an outline can be judged."""
    own: Integer[np.ndarray, "n 2"]
    """(row, column) of the mask's outline where it is the object's own, not that of something before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residuals:
    """Distances in pixels, and their derivatives."""

    distance: Float[np.ndarray, " n"]
    """Positive where the drawn outline lies outside of the mask's."""
    jacobian: Float[np.ndarray, "n 4"]
    """By the four parameters of the pose."""


def contour_target(target: Target) -> ContourTarget:
    """The outline of a target's mask."""
    mask = target.mask > 0.5
    distance = outside_distance(mask)
    slope_v, slope_u = np.gradient(ndimage.gaussian_filter(distance, 1.0))
    hidden = np.asarray(ndimage.binary_dilation(target.weight < 0.5, CROSS, iterations=HIDDEN_RIM_PX), dtype=bool)
    return ContourTarget(
        distance=distance,
        slope=np.stack([slope_u, slope_v], axis=-1),
        counts=~hidden,
        own=np.argwhere(outline(mask) & ~hidden),
    )


def outline(mask: Mask) -> Mask:
    """The pixels of a mask that touch what is outside; beyond the border of the picture nothing is known."""
    return mask & ~np.asarray(ndimage.binary_erosion(mask, CROSS, border_value=1), dtype=bool)


def draw(plane: SupportPlane, parameters: Float[np.ndarray, " 4"], proxy: Proxy, target: Target) -> Raster:
    """The object in one pose, on the crop."""
    pose = similarity(plane, parameters, proxy.vertices)
    camera = transform(target.camera_from_world @ pose.matrix, proxy.vertices)
    return rasterize(camera, proxy.faces, target.intrinsics, target.hw)


def residuals(
    plane: SupportPlane, parameters: Float[np.ndarray, " 4"], proxy: Proxy, scene: tuple[Target, ContourTarget, Raster]
) -> tuple[Residuals, Residuals]:
    """From each pixel of the drawn outline to the mask's, and from each of the mask's to the nearest drawn one."""
    target, contour, raster = scene
    drawn = raster.face >= 0
    rows, columns = np.nonzero(outline(drawn) & contour.counts)
    speed = _pixel_speed(plane, parameters, proxy, (target, raster, rows, columns))
    # Pixels of an outline lie half a pixel inside of it, of either one: equal outlines give zero.
    there = Residuals(
        distance=contour.distance[rows, columns] + 0.5,
        jacobian=np.einsum("nk,nkp->np", contour.slope[rows, columns], speed),
    )
    if len(rows) == 0 or len(contour.own) == 0:
        return there, Residuals(distance=np.zeros(0), jacobian=np.zeros((0, 4)))
    distance = outside_distance(drawn)
    edge = np.zeros(drawn.shape, dtype=bool)
    edge[rows, columns] = True
    number = np.full(drawn.shape, -1)
    number[rows, columns] = np.arange(len(rows))
    nearest = np.asarray(ndimage.distance_transform_edt(~edge, return_distances=False, return_indices=True))
    v, u = contour.own.T
    match = number[nearest[0][v, u], nearest[1][v, u]]
    slope_v, slope_u = np.gradient(ndimage.gaussian_filter(distance, 1.0))
    outward = np.stack([slope_u, slope_v], axis=-1)[rows, columns][match]
    back = Residuals(distance=-(distance[v, u] + 0.5), jacobian=np.einsum("nk,nkp->np", outward, speed[match]))
    return there, back


def _pixel_speed(
    plane: SupportPlane,
    parameters: Float[np.ndarray, " 4"],
    proxy: Proxy,
    seen: tuple[Target, Raster, Integer[np.ndarray, " n"], Integer[np.ndarray, " n"]],
) -> Float[np.ndarray, "n 2 4"]:
    """How fast the surface points under pixels move over the crop with each parameter."""
    target, raster, rows, columns = seen
    corners = proxy.vertices[proxy.faces[raster.face[rows, columns]]]
    points = np.einsum("nij,ni->nj", corners, raster.barycentric[rows, columns].astype(np.float64))
    rotation = target.camera_from_world[:3, :3]
    motion = np.einsum("ij,njp->nip", rotation, velocities(plane, parameters, proxy.vertices, points))
    pose = similarity(plane, parameters, proxy.vertices)
    camera = transform(target.camera_from_world @ pose.matrix, points)
    depth = np.maximum(camera[:, 2], 1e-3)
    focal = np.array([target.intrinsics[0, 0], target.intrinsics[1, 1]])
    slide = motion[:, :2] - (camera[:, :2] / depth[:, None])[..., None] * motion[:, 2:]
    return focal[None, :, None] * slide / depth[:, None, None]
