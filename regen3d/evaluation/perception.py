"""What a scene makes of the picture as a whole: objects, camera, room, empty room."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from regen3d.datasets.truth import TrueObject, TrueScene, read_triangles
from regen3d.evaluation.found import FoundObject, FoundScene
from regen3d.frames import transform
from regen3d.inputs.image import read_image
from regen3d.metrics.camera import floor_depth_error, focal_error, gravity_error_deg, height_error_m
from regen3d.metrics.detection import Detections, average_precision, count_masks, mean_average_precision
from regen3d.metrics.masks import pairwise_mask_iou
from regen3d.render.raster import rasterize
from regen3d.types import Camera, Mask

FOUND_IOU = 0.5
"""Mask IoU from which an object counts as found, as in the COCO protocol."""

APART = frozenset({"rug", "carpet", "mat", "runner", "picture", "painting", "poster", "artwork", "mirror", "curtain"})
"""Words of labels of what lies or hangs flat; detectors are trained for few of them."""

LEAST_SHARE = 0.01
"""Of the picture: objects that show less are not what a detector is judged by."""

SAME_SIDE_DEG = 30.0
"""Two surfaces of a room within this angle are the same side: the next nearest side is 90 degrees away."""

_Triangles = tuple[Float[np.ndarray, "v 3"], np.ndarray]


def is_furniture(item: TrueObject) -> bool:
    """Whether an object is more than a rug or a picture; those are counted apart."""
    return not set(item.label.lower().replace("-", " ").replace("_", " ").split()) & APART


def detection(found: Sequence[FoundObject], truth: TrueScene) -> dict[str, float]:
    """Recall, precision and average precision of masks of furniture that shows at least `LEAST_SHARE`."""
    masks = [item for item in found if item.mask is not None]
    overlap = pairwise_mask_iou([item.mask for item in masks if item.mask is not None], [t.mask for t in truth.objects])
    counted = np.array([is_furniture(item) and item.mask.mean() >= LEAST_SHARE for item in truth.objects], dtype=bool)
    # What stands for something that is not counted is no mistake, and nor is anything small.
    excused = (overlap[:, ~counted] >= FOUND_IOU).any(axis=1)
    large = [item.mask is not None and item.mask.mean() >= LEAST_SHARE for item in masks]
    kept = np.array(large, dtype=bool) & ~excused
    judged = _detections(masks, truth, overlap, kept, counted)
    counts = count_masks([judged], FOUND_IOU)
    values: dict[str, float | None] = {"recall": counts.recall, "precision": counts.precision}
    values["surplus"] = float(counts.surplus)
    values["ap50"] = average_precision([judged], FOUND_IOU)
    values["ap"] = mean_average_precision([judged])
    apart = np.array([not is_furniture(item) for item in truth.objects], dtype=bool)
    if apart.any():
        flat = _detections(masks, truth, overlap, np.ones(len(masks), dtype=bool), apart)
        values["recall_rugs_and_pictures"] = count_masks([flat], FOUND_IOU).recall
    everything = _detections(masks, truth, overlap, np.ones(len(masks), dtype=bool), np.ones(len(counted), dtype=bool))
    values["recall_all"] = count_masks([everything], FOUND_IOU).recall
    return {name: value for name, value in values.items() if value is not None}


def _detections(
    masks: Sequence[FoundObject], truth: TrueScene, overlap: np.ndarray, found: np.ndarray, true: np.ndarray
) -> Detections:
    return Detections(
        overlap=overlap[found][:, true],
        scores=np.array([item.score for item, kept in zip(masks, found, strict=True) if kept]),
        found_labels=tuple(item.label for item, kept in zip(masks, found, strict=True) if kept),
        true_labels=tuple(item.label for item, kept in zip(truth.objects, true, strict=True) if kept),
    )


def camera_errors(found: Camera, truth: TrueScene) -> dict[str, float]:
    """How far camera and floor are from the true ones."""
    values = {
        "focal_error": abs(focal_error(found, truth.camera)),
        "gravity_error_deg": gravity_error_deg(found, truth.camera),
        "height_error_m": abs(height_error_m(found, truth.camera)),
    }
    if truth.floor is not None and truth.depth is not None:
        error = floor_depth_error(found, np.load(truth.depth).astype(np.float64), truth.floor)
        values |= {} if error is None else {"floor_depth_error": error}
    return values


def room_errors(found: FoundScene, truth: TrueScene) -> dict[str, float]:
    """How well the empty room matches: which side every pixel shows, and how deep it lies."""
    if found.room is None or found.camera is None or truth.room is None:
        return {}
    from_world = found.camera.camera_from_world
    ours = [(transform(from_world, mesh.vertices), mesh.faces) for mesh in found.room.parts.values()]
    vertices, faces = read_triangles(truth.room)
    from_native = truth.camera.camera_from_world @ np.linalg.inv(truth.native_from_world)
    true_normals, true_depth = _surfaces([(transform(from_native, vertices), faces)], truth.camera)
    scale = np.array([truth.camera.width / found.camera.width, truth.camera.height / found.camera.height, 1.0])
    seen_by = Camera(
        intrinsics=np.diag(scale) @ found.camera.intrinsics,
        width=truth.camera.width,
        height=truth.camera.height,
        world_from_camera=found.camera.world_from_camera,
    )
    normals, depth = _surfaces(ours, seen_by)
    known = np.isfinite(true_depth)
    if not known.any():
        return {}
    agree = np.abs((normals * true_normals).sum(axis=-1)) > np.cos(np.radians(SAME_SIDE_DEG))
    error = np.abs(np.where(np.isfinite(depth), depth, 0.0)[known] - true_depth[known]) / true_depth[known]
    return {
        "room_side_accuracy": float((agree & np.isfinite(depth))[known].mean()),
        "room_depth_error": float(np.minimum(error, 1.0).mean()),
    }


def _surfaces(parts: Sequence[_Triangles], camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Unit normal (its sign means nothing) and depth of what every pixel shows; infinity where there is nothing."""
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])[:-1]
    vertices = np.concatenate([vertices for vertices, _ in parts])
    faces = np.concatenate([faces + start for (_, faces), start in zip(parts, starts, strict=True)]).astype(np.int64)
    raster = rasterize(vertices, faces, camera.intrinsics, camera.hw)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    shown = np.where((raster.face >= 0)[..., None], normals[np.maximum(raster.face, 0)], 0.0)
    return shown, raster.depth.astype(np.float64)


def hole_of(truth: TrueScene) -> Mask:
    """Pixels of the picture that show objects: what an empty-room picture has to invent."""
    return np.any([item.mask for item in truth.objects], axis=0)


def true_plate(truth: TrueScene) -> np.ndarray | None:
    """The true picture of the empty room, where the data set has one."""
    return None if truth.plate is None else read_image(truth.plate).pixels
