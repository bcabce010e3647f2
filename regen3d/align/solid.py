"""Rough solids in the unit box, and where rays enter them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regen3d.frames import pixel_rays
from regen3d.types import Camera, FittedBox


@dataclass(frozen=True, slots=True)
class Solid:
    """One rough shape: blocks of the unit box, or the elliptic cylinders inscribed in them."""

    blocks: Float[np.ndarray, "p 2 3"]
    """Least and greatest corner of each, x left to right, y up, z back to front."""
    is_round: bool
    """Whether they are cylinders."""


def box_depth(
    box: FittedBox,
    camera: Camera,
    pixels: Float[np.ndarray, "h w 2"],
    blocks: Float[np.ndarray, "p 2 3"],
    is_round: bool,
) -> Float[np.ndarray, "h w"]:
    """Depth (z of the camera, metres) at which rays through pixels meet the blocks of a fitted box; inf where none."""
    rays = pixel_rays(camera.intrinsics, pixels.reshape(-1, 2)) @ camera.world_from_camera[:3, :3].T
    rotation = box.world_from_object.rotation
    origin = (camera.position - box.world_from_object.translation) @ rotation
    depth = enter(origin[None], (rays @ rotation)[None], box.size_m[None], Solid(blocks, is_round))
    return depth[0].reshape(pixels.shape[:2])


def enter(
    origins: Float[np.ndarray, "b 3"], rays: Float[np.ndarray, "b n 3"], size: Float[np.ndarray, "b 3"], solid: Solid
) -> Float[np.ndarray, "b n"]:
    """Ray parameter at which each ray enters the nearest block, in the object frame; inf where it meets none."""
    with np.errstate(divide="ignore"):
        inverse = (1.0 / rays).astype(np.float32)
    inverse = np.clip(inverse, -1e6, 1e6)
    nearest = np.full(rays.shape[:2], np.inf, dtype=np.float32)
    for low, high in solid.blocks:
        least = (low - [0.5, 0.0, 0.5]) * size - origins
        most = (high - [0.5, 0.0, 0.5]) * size - origins
        if solid.is_round:
            first, last = _through_cylinder(rays, inverse, least, most)
        else:
            first, last = _through_box(inverse, least, most)
        nearest = np.where((last > first) & (last > 0), np.minimum(nearest, np.maximum(first, 0)), nearest)
    return nearest


def _through_box(inverse: np.ndarray, least: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slab test (Kay and Kajiya 1986); corners are relative to the rays' origin."""
    first, last = np.float32(-np.inf), np.float32(np.inf)
    for axis in range(3):
        one = least[:, None, axis].astype(np.float32) * inverse[..., axis]
        two = most[:, None, axis].astype(np.float32) * inverse[..., axis]
        first, last = np.maximum(first, np.minimum(one, two)), np.minimum(last, np.maximum(one, two))
    return np.asarray(first), np.asarray(last)


def _through_cylinder(
    rays: np.ndarray, inverse: np.ndarray, least: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The slab of y cut with the roots of the ellipse in x and z."""
    middle, radius = (least + most)[:, [0, 2]] / 2, np.maximum((most - least)[:, [0, 2]] / 2, 1e-6)
    way = rays[..., [0, 2]] / radius[:, None].astype(np.float32)
    start = (-middle / radius)[:, None].astype(np.float32)
    a = np.maximum((way**2).sum(-1), 1e-12)
    b = (way * start).sum(-1)
    root = b**2 - a * ((start**2).sum(-1) - 1.0)
    reach = np.sqrt(np.maximum(root, 0.0)) / a
    one = least[:, None, 1].astype(np.float32) * inverse[..., 1]
    two = most[:, None, 1].astype(np.float32) * inverse[..., 1]
    first = np.maximum(-b / a - reach, np.minimum(one, two))
    last = np.minimum(-b / a + reach, np.maximum(one, two))
    return first, np.where(root > 0, last, -np.inf)
