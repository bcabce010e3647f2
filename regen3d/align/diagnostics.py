"""What an alignment achieved, measured on the full mesh and the full picture."""

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from regen3d.frames import transform
from regen3d.render.raster import rasterize
from regen3d.types import Camera, Mask, Mesh, ObjectView, Similarity


def silhouette(mesh: Mesh, world_from_object: Similarity, camera: Camera) -> Mask:
    """Pixels that a posed mesh covers."""
    vertices = transform(camera.camera_from_world @ world_from_object.matrix, mesh.vertices)
    return rasterize(vertices, mesh.faces, camera.intrinsics, camera.hw).face >= 0


def mask_iou(view: ObjectView, drawn: Mask) -> float:
    """IoU of a silhouette and the visible mask where the object cannot be hidden, 0..1."""
    counted = view.instance.mask | ~view.ignore
    union = int(((drawn | view.instance.mask) & counted).sum())
    return float((drawn & view.instance.mask).sum() / union) if union else 0.0


def point_residual(
    surface: KDTree, world_from_object: Similarity, points_world: Float[np.ndarray, "n 3"]
) -> float | None:
    """Median distance in metres from visible points to samples of the surface; None without points.

    Args:
        surface: samples of the surface, object frame.
        world_from_object: the pose.
        points_world: points of the visible surface.
    """
    if len(points_world) == 0:
        return None
    local = transform(np.linalg.inv(world_from_object.matrix), points_world)
    distance, _ = surface.query(local)
    return float(np.median(distance)) * world_from_object.scale
