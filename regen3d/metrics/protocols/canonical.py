"""Our own protocol: metres, the camera's frame, no alignment; and the same after one best similarity.

- Frame and unit: predicted and true objects stand in the frame of the true camera, metres. Nothing is normalised or
  aligned, so errors of scale, camera and pose count. With the true camera at hand, boxes are upright in its world.
- Sampling: each object evenly (`samples` points, 100,000 by default), the same random numbers on both sides: equal
  meshes have a distance of zero. For the whole scene as many points, spread evenly over all objects, look for the
  nearest of all samples of the other side.
- Matching: Hungarian on the IoU of upright boxes, or on `settings.overlap`. Pairs that do not overlap are no match. A
  missing object has IoU and F-scores of 0 and no distances; an extra one counts in `objects_extra` and against the
  precision of the whole scene.
- Chamfer distance: half the sum of both mean distances (metres); and the sum of both mean squared distances (m^2).
- F-score: at 10, 5 and 1 cm, and at 5 % and 1 % of the diagonal of the true axis-aligned box.
- Hausdorff: greatest distance, and the greater 95th percentile.
- Boxes: IoU of axis-aligned boxes, and of upright ones with the least footprint. Of a scene: of the boxes round all.
- Voxels: IoU on 64 voxels along the longer side of both, of solids where both meshes are closed, else of surfaces; the
  two do not compare and have keys of their own.
- `aligned_...`: all of this, matching included, after one similarity moved the whole prediction, not single objects:
  ICP with a free scale (point to point, pairs both ways, 4,000 points of each scene) from where it is and from middle
  on middle; the better one. Only voxels are not moved.
- `object_...`: means over all true objects, the missing ones with their zeros.

Known limits: distances of objects are means over those that were found, so a system that leaves out hard objects looks
better by them; read them beside `objects_missing`, or the F-scores, which have no such gap. Surfaces that nobody sees
count as those that are seen. An object beside its true place without overlap counts as missing and as extra. Samples
are finite: two meshes of one surface that share no triangle have a Chamfer distance of about half the spacing of the
samples (2 mm at 2 square metres), and large objects with many inner layers miss the F-score at 1 cm for that alone.
"""

from collections.abc import Sequence

import numpy as np

from regen3d.metrics.boxes import bounds_iou, bounds_of, scene_bounds_iou, upright_iou
from regen3d.metrics.matching import match, pairwise, upright_box_around
from regen3d.metrics.points import NearestDistances, chamfer, diagonal, f_score, hausdorff
from regen3d.metrics.protocols.base import ObjectResult, PlacedMesh, Protocol, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.clouds import (
    NOT_UPRIGHT,
    Samples,
    area,
    distances,
    object_points,
    scene_samples,
    upright,
)
from regen3d.metrics.protocols.counting import counts, matching_notes, object_means
from regen3d.metrics.registration import IDENTITY, IcpSettings, apply, icp
from regen3d.metrics.surfaces import Surface
from regen3d.metrics.voxels import is_watertight, voxel_overlap
from regen3d.types import Similarity

SAMPLES = 100_000
"""Points an object: at 2 square metres a spacing of 4 mm, well below the tightest threshold."""

THRESHOLDS_M = {"10cm": 0.1, "5cm": 0.05, "1cm": 0.01}
"""Of F-scores."""

RELATIVE_THRESHOLDS = {"5pct": 0.05, "1pct": 0.01}
"""Of F-scores, as shares of the true diagonal."""

ALIGNMENT_POINTS = 4_000
"""Of each scene for ICP."""

ICP = IcpSettings(model="similarity", residual="point", pairs="both", iterations=200, tolerance=1e-6)
"""How the aligned variant moves the prediction."""

WORST_IS_ZERO = ("box_iou", "oriented_box_iou", *(f"f_score_{key}" for key in (*THRESHOLDS_M, *RELATIVE_THRESHOLDS)))
"""Keys of an object that are 0 where it is missing."""


def score(predicted: Sequence[PlacedMesh], true: Sequence[PlacedMesh], settings: ProtocolSettings) -> ProtocolResult:
    """See the module."""
    ours, theirs = ([_Object(mesh, settings) for mesh in upright(side, settings.camera)] for side in (predicted, true))
    plain = _Comparison(ours, theirs, IDENTITY, settings)
    aligned = _Comparison(ours, theirs, _align(ours, theirs, settings), settings) if ours else plain
    of = plain.matching.predicted_of
    objects = tuple(
        ObjectResult(
            name=item.name,
            matched=ours[of[k]].name if k in of else None,
            values=plain.object_values(k) | plain.voxels(k) | _prefixed(aligned.object_values(k)),
        )
        for k, item in enumerate(theirs)
    )
    scene: dict[str, float] = {}
    if ours:
        scene = plain.scene_values() | _prefixed(aligned.scene_values() | {"scale": aligned.motion.scale})
    notes = matching_notes(plain.matching, predicted)
    if settings.camera is None:
        notes = (*notes, NOT_UPRIGHT)
    return ProtocolResult(
        protocol="canonical",
        scene=counts(plain.matching) | _prefixed(counts(aligned.matching)) | scene | object_means(objects),
        objects=objects,
        notes=notes,
    )


class _Object:
    """One object in the upright frame, sampled."""

    def __init__(self, mesh: PlacedMesh, settings: ProtocolSettings) -> None:
        self.name, self.vertices = mesh.name, mesh.vertices
        self.surface = Surface(vertices=mesh.vertices, faces=mesh.faces)
        self.area = area(mesh)
        self.samples = Samples(object_points(mesh, settings.samples or SAMPLES, settings.seed))


class _Comparison:
    """Prediction and truth after one motion of the prediction."""

    def __init__(
        self, ours: list[_Object], theirs: list[_Object], true_from_ours: Similarity, settings: ProtocolSettings
    ) -> None:
        self._ours, self._theirs, self.motion = ours, theirs, true_from_ours
        self._placed = [apply(true_from_ours, item.vertices) for item in ours]
        self._boxes = [upright_box_around(vertices) for vertices in self._placed]
        self._true_boxes = [upright_box_around(item.vertices) for item in theirs]
        overlap = settings.overlap
        self.matching = match(pairwise(upright_iou, self._boxes, self._true_boxes) if overlap is None else overlap)

    def scene_values(self) -> dict[str, float]:
        """Of all objects together."""
        ours, theirs = (
            scene_samples([item.samples.points for item in side], [item.area for item in side])
            for side in (self._ours, self._theirs)
        )
        bounds = [item.surface.bounds for item in self._theirs]
        values = _distance_values(distances(ours, theirs, self.motion), diagonal(np.concatenate(bounds)))
        values["box_iou"] = scene_bounds_iou([bounds_of(vertices) for vertices in self._placed], bounds)
        return values

    def object_values(self, k: int) -> dict[str, float]:
        """Of the true object of an index."""
        if k not in self.matching.predicted_of:
            return dict.fromkeys(WORST_IS_ZERO, 0.0)
        i = self.matching.predicted_of[k]
        ours, theirs = self._ours[i], self._theirs[k]
        bounds, true_bounds = bounds_of(self._placed[i]), theirs.surface.bounds
        size = diagonal(true_bounds)
        return _distance_values(distances(ours.samples, theirs.samples, self.motion), size) | {
            "box_iou": bounds_iou(bounds, true_bounds),
            "oriented_box_iou": upright_iou(self._boxes[i], self._true_boxes[k]),
            "centre_error_m": float(np.linalg.norm(bounds.mean(axis=0) - true_bounds.mean(axis=0))),
            "size_ratio": diagonal(bounds) / size,
        }

    def voxels(self, k: int) -> dict[str, float]:
        """What the true object of an index and its prediction fill in common, where both stand now."""
        theirs = self._theirs[k].surface
        if k not in self.matching.predicted_of:
            return {f"voxel_iou_{'solid' if is_watertight(theirs) else 'surface'}": 0.0}
        shared = voxel_overlap(self._ours[self.matching.predicted_of[k]].surface, theirs)
        return {f"voxel_iou_{shared.kind}": shared.iou}


def _align(ours: list[_Object], theirs: list[_Object], settings: ProtocolSettings) -> Similarity:
    """The similarity that brings the whole prediction nearest to the truth."""
    source, target = (
        scene_samples([item.samples.points for item in side], [item.area for item in side], ALIGNMENT_POINTS).points
        for side in (ours, theirs)
    )
    scale = float(np.linalg.norm(target.std(axis=0)) / np.linalg.norm(source.std(axis=0)))
    middles = target.mean(axis=0) - scale * source.mean(axis=0)
    centred = Similarity(rotation=np.eye(3), translation=middles, scale=scale)
    found = [icp(source, target, ICP, start) for start in (IDENTITY, centred)]
    return min(found, key=lambda registration: registration.rmse).target_from_source


def _distance_values(between: NearestDistances, size: float) -> dict[str, float]:
    thresholds = THRESHOLDS_M | {key: share * size for key, share in RELATIVE_THRESHOLDS.items()}
    return {
        "chamfer_m": chamfer(between, squared=False, halved=True),
        "chamfer_squared_m2": chamfer(between, squared=True, halved=False),
        **{f"f_score_{key}": f_score(between, threshold) for key, threshold in thresholds.items()},
        "hausdorff_m": hausdorff(between),
        "hausdorff_95_m": hausdorff(between, 95.0),
    }


def _prefixed(values: dict[str, float]) -> dict[str, float]:
    return {f"aligned_{key}": value for key, value in values.items()}


CANONICAL = Protocol(
    name="canonical",
    summary="metric, in the camera's frame, without alignment; and after one similarity of the whole scene",
    samples=SAMPLES,
    score=score,
)
"""Its entry in the registry."""
