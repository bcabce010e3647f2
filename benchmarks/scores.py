"""A finished scene against the truth.

Our world stands below our camera, the true one elsewhere; the two meet in the camera that both share. Objects are thus
compared where they are seen from, and errors of camera height and gravity count for them too.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.truth import TrueObject, Truth
from regen3d import codec
from regen3d.frames import floor_point, gravity_in_camera, pixel_centers, transform
from regen3d.manifest import Manifest, ObjectEntry
from regen3d.metrics.boxes import Bounds, bounds_iou, bounds_of
from regen3d.metrics.camera import angle_deg, focal_error
from regen3d.metrics.masks import match_masks
from regen3d.store import Store
from regen3d.types import Camera, Mask, Mesh

FOUND_IOU = 0.5
"""Mask IoU from which an object counts as found, as in the COCO protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectScore:
    """One true object and what was made of it."""

    name: str
    """The true object."""
    truncated: bool
    """Whether the picture's border cuts it."""
    found_as: str | None
    """Our name of the object that overlaps it; None where none does."""
    kind: str | None
    """The mesh that was made, or why none was."""
    mask_iou: float
    """Our visible mask against the true one."""
    render_iou: float | None
    """Our mesh, rendered, against our own mask: what the scene says of itself."""
    box_iou: float
    """Axis-aligned boxes in the true world."""
    scaled_box_iou: float
    """The same after our scene is scaled about the camera to the true camera height: shape and place alone."""
    centre_error_m: float | None
    """Distance between the middles of the boxes."""
    size_ratio: float | None
    """Our box diagonal over the true one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneScore:
    """One scene."""

    status: str
    """As the manifest has it."""
    objects: tuple[ObjectScore, ...]
    """One for each true object."""
    surplus: tuple[str, ...]
    """Our objects that overlap no true one."""
    height_error_m: float
    """Of the camera above the floor, signed."""
    floor_depth_error: float
    """Mean of |ours - true| / true over the true floor's pixels; a pixel that never meets our floor counts 1."""
    focal_error: float
    """Relative, signed."""
    gravity_error_deg: float
    """Angle between our gravity and the true one."""
    room_confidence: float
    """As the manifest has it."""
    computed: int
    """Calls that this run computed."""
    reused: int
    """Calls that it found in the store."""
    stage_seconds: dict[str, float]
    """Time in each stage, summed over its objects."""

    @property
    def found(self) -> int:
        """How many true objects were found."""
        return sum(item.mask_iou >= FOUND_IOU for item in self.objects)


def score_scene(truth: Truth, out: Path) -> SceneScore:
    """Compare the scene in a folder with the truth."""
    manifest = Manifest.model_validate_json((out / "manifest.json").read_bytes())
    camera = camera_of(manifest)
    objects, surplus = _objects(truth, manifest, out)
    seconds: dict[str, float] = defaultdict(float)
    for entry in manifest.stages:
        seconds[entry.call.stage] += entry.seconds
    return SceneScore(
        status=manifest.status,
        objects=objects,
        surplus=surplus,
        height_error_m=float(camera.position[1] - truth.camera.position[1]),
        floor_depth_error=floor_depth_error(camera, truth),
        focal_error=focal_error(camera, truth.camera),
        gravity_error_deg=angle_deg(gravity_in_camera(camera), gravity_in_camera(truth.camera)),
        room_confidence=manifest.room.confidence,
        computed=sum(not entry.reused for entry in manifest.stages),
        reused=sum(entry.reused for entry in manifest.stages),
        stage_seconds=dict(seconds),
    )


def camera_of(manifest: Manifest) -> Camera:
    """The camera of a scene."""
    return Camera(
        intrinsics=np.array(manifest.camera.intrinsics),
        width=manifest.image.width,
        height=manifest.image.height,
        world_from_camera=np.array(manifest.camera.world_from_camera),
    )


def floor_depth_error(camera: Camera, truth: Truth) -> float:
    """Mean relative error of the depth of our floor plane where the true picture shows floor."""
    ours_per_true = np.array([camera.width / truth.camera.width, camera.height / truth.camera.height])
    pixels = pixel_centers(truth.camera.hw)[truth.floor] * ours_per_true
    depth = transform(camera.camera_from_world, floor_point(camera, pixels))[:, 2]
    true_depth = truth.depth[truth.floor]
    error = np.abs(depth - true_depth) / true_depth
    return float(np.where(np.isfinite(error), error, 1.0).mean())


def _objects(truth: Truth, manifest: Manifest, out: Path) -> tuple[tuple[ObjectScore, ...], tuple[str, ...]]:
    store = Store(manifest.store if "://" in manifest.store else str(out / manifest.store))
    camera = camera_of(manifest)
    true_from_ours = truth.camera.world_from_camera @ camera.camera_from_world
    zoom = np.diag([*[truth.camera.position[1] / camera.position[1]] * 3, 1.0])
    true_from_zoomed = truth.camera.world_from_camera @ zoom @ camera.camera_from_world
    masks = [_mask(out / "masks" / f"{entry.name}.png", truth.camera) for entry in manifest.objects]
    matches = match_masks(masks, [item.mask for item in truth.objects])
    found = {match.true: (manifest.objects[match.found], match.iou) for match in matches}
    scores = []
    for k, item in enumerate(truth.objects):
        entry, iou = found.get(k, (None, 0.0))
        bounds = [
            None if entry is None else placed_bounds(store, entry, matrix)
            for matrix in (true_from_ours, true_from_zoomed)
        ]
        scores.append(_score(item, entry, iou, *bounds))
    matched = {match.found for match in matches}
    return tuple(scores), tuple(entry.name for k, entry in enumerate(manifest.objects) if k not in matched)


def _score(
    item: TrueObject, entry: ObjectEntry | None, mask_iou: float, bounds: Bounds | None, zoomed: Bounds | None
) -> ObjectScore:
    return ObjectScore(
        name=item.name,
        truncated=item.truncated,
        found_as=entry and entry.name,
        kind=entry and (entry.kind or entry.reason),
        mask_iou=mask_iou,
        render_iou=entry.diagnostics.mask_iou if entry and entry.diagnostics else None,
        box_iou=0.0 if bounds is None else bounds_iou(bounds, item.bounds),
        scaled_box_iou=0.0 if zoomed is None else bounds_iou(zoomed, item.bounds),
        centre_error_m=None if bounds is None else float(np.linalg.norm((bounds - item.bounds).mean(axis=0))),
        size_ratio=None
        if bounds is None
        else float(np.linalg.norm(np.ptp(bounds, 0)) / np.linalg.norm(np.ptp(item.bounds, 0))),
    )


def placed_bounds(store: Store, entry: ObjectEntry, target_from_world: np.ndarray) -> Bounds | None:
    """The box round an object's mesh in another frame; None for an object without a mesh."""
    if entry.mesh is None or entry.world_from_object is None:
        return None
    mesh = codec.get_value(store, entry.mesh, Mesh)
    return bounds_of(transform(target_from_world @ np.array(entry.world_from_object), mesh.vertices))


def _mask(path: Path, camera: Camera) -> Mask:
    """A delivered mask in the resolution of the true picture."""
    with Image.open(path) as picture:
        return np.array(picture.convert("L").resize((camera.width, camera.height), Image.Resampling.NEAREST)) > 127
