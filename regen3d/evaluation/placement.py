"""How well each object stands where it truly stands.

Both scenes meet in the camera that they share: a found object is put into the true world through it, so errors of the
camera's height and tilt count for every object.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from regen3d.datasets.truth import LEAST_PIXELS, TrueObject, TrueScene
from regen3d.evaluation.found import FoundObject
from regen3d.frames import transform, yaw_of
from regen3d.metrics.boxes import UprightBox, bounds_iou, bounds_of, least_upright_box, upright_box, upright_iou
from regen3d.metrics.masks import boundary_f, hidden_iou, mask_iou
from regen3d.metrics.pose import pose_error
from regen3d.metrics.protocols.base import PlacedMesh
from regen3d.types import Similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A true object and what stands for it."""

    true: TrueObject
    """The true object."""
    true_surface: PlacedMesh
    """Camera frame."""
    found: FoundObject
    """The reconstructed one."""


MISSING = {"mask_iou": 0.0, "box_iou_room": 0.0, "box_iou_own": 0.0, "box_iou_scaled": 0.0}
"""What an object that was not found gets."""


def object_values(pair: Pair, truth: TrueScene, zoom: float) -> dict[str, float]:
    """All numbers of one object.

    Args:
        pair: the true object and the found one.
        truth: the scene.
        zoom: factor about the camera that brings the found camera's height to the true one.
    """
    values = {key: value for key, value in MISSING.items() if key != "mask_iou"}
    found, true = pair.found, pair.true
    if found.mask is not None:
        values["mask_iou"] = mask_iou(found.mask, true.mask)
        values["boundary_f"] = boundary_f(found.mask, true.mask)
    if found.amodal is not None and true.amodal_mask is not None:
        whole = np.array(Image.open(true.amodal_mask).convert("L")) > 127
        values["amodal_iou"] = mask_iou(found.amodal, whole)
        if np.count_nonzero(whole & ~true.mask) >= LEAST_PIXELS:
            values["hidden_iou"] = hidden_iou(found.amodal, whole, true.mask)
    if found.surface is not None:
        values |= _box_values(pair, truth, zoom)
    if found.by_hand and true.canonical is not None and found.camera_from_object is not None and found.mesh is not None:
        world_from_object = Similarity.of_matrix(truth.camera.world_from_camera @ found.camera_from_object.matrix)
        size = np.ptp(found.mesh.vertices, axis=0).astype(np.float64)
        error = pose_error(world_from_object, true.canonical.world_from_object, size=size, symmetry=true.symmetry)
        values |= {"rotation_error_deg": error.rotation_deg, "scale_ratio": error.scale_ratio}
    return values | (found.facts or {})


def _box_values(pair: Pair, truth: TrueScene, zoom: float) -> dict[str, float]:
    surface = pair.found.surface
    if surface is None:
        return {}
    native_from_camera = truth.native_from_world @ truth.camera.world_from_camera
    true = transform(native_from_camera, pair.true_surface.vertices)
    ours, zoomed = (transform(native_from_camera, factor * surface.vertices) for factor in (1.0, zoom))
    true_bounds, bounds = bounds_of(true), bounds_of(ours)
    true_box, box = _upright_boxes(pair, truth, true, ours)
    offset = box.base - true_box.base
    return {
        "box_iou_room": bounds_iou(bounds, true_bounds),
        "box_iou_scaled": bounds_iou(bounds_of(zoomed), true_bounds),
        "box_iou_own": upright_iou(box, true_box),
        "base_error_m": float(np.hypot(offset[0], offset[2])),
        "base_height_error_m": float(abs(offset[1])),
    }


def _upright_boxes(pair: Pair, truth: TrueScene, true: np.ndarray, ours: np.ndarray) -> tuple[UprightBox, UprightBox]:
    """Boxes along the objects' own axes where they are known; a round object has those of the other."""
    pose = pair.found.camera_from_object
    turn = truth.native_from_world[:3, :3]
    if pose is None:
        box = least_upright_box(ours)
    else:
        box = upright_box(ours, yaw_of(turn @ truth.camera.world_from_camera[:3, :3] @ pose.rotation))
    if pair.found.by_hand and pair.true.canonical is not None and pair.true.yaw_rad is not None:
        # A given mesh has a yaw of its own in its frame: the axes of the furniture lie turned by as much.
        own = pair.true.yaw_rad - yaw_of(pair.true.canonical.world_from_object.rotation)
        box = upright_box(ours, box.yaw_rad + own)
    if pair.true.symmetry is None:
        return upright_box(true, box.yaw_rad), box
    if pair.true.yaw_rad is None:
        return least_upright_box(true), box
    world_yaw = np.array([np.sin(pair.true.yaw_rad), 0.0, np.cos(pair.true.yaw_rad)])
    front = turn @ world_yaw
    return upright_box(true, float(np.arctan2(front[0], front[2]))), box
