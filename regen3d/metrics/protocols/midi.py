"""The protocol of MIDI (arXiv 2412.03558, `compute_metrics` and `metrics.py` of its release), as meant and as released.

- Surfaces: 20,480 even samples of each object; the scene is all of them together, so small objects weigh as large ones.
- Normalisation: MIDI works in a cube in which the data set has put the scene. Here one similarity takes both sides
  there: that which brings the true scene's box, along the axes of the true camera's world, to [-0.95, 0.95] along its
  longest side.
- Scene: rigid ICP, point to point, each predicted point to its nearest true one, at most 50 steps, until the residual
  changes by less than 1e-5 (of itself here). Then Chamfer distance as the sum of both mean squared distances, and
  F-score at 0.1. Here 20,480 points of the scene vote on the motion, and all are moved.
- Objects: IoU of axis-aligned boxes before any alignment. Then both objects are stretched along each axis to
  [-0.95, 0.95] on their own, moved by the same ICP, and compared by Chamfer distance and F-score at 0.1.
- Matching: MIDI knows which prediction is whose; here Hungarian on the IoU of axis-aligned boxes, or on
  `settings.overlap`. A missing object has IoU and F-score 0.

Known faults of the protocol, kept: stretching each axis on its own hides every error of proportion; 0.1 in the cube is
30 cm in a room of 6 m.
Fault of the release: `compute_rigid_transform` transposes the third output of `torch.svd`, which is V already, so that
each step of its ICP turns the prediction by a rotation that has little to do with the fit: aligning a cloud to itself
turns it. `midi` has the right rotation; `midi-released` has the released one, to compare with published numbers.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from regen3d.metrics.boxes import bounds_iou, bounds_of
from regen3d.metrics.matching import match, pairwise
from regen3d.metrics.points import NearestDistances, Points, chamfer, f_score
from regen3d.metrics.protocols.base import ObjectResult, PlacedMesh, Protocol, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.clouds import NOT_UPRIGHT, Samples, distances, in_true_cube, object_points
from regen3d.metrics.protocols.counting import counts, matching_notes, object_means
from regen3d.metrics.registration import IcpSettings, PairFit, apply, fit_rigid, icp_with
from regen3d.types import Similarity

SAMPLES = 20_480
"""Of each object."""

TAU = 0.1
"""Threshold of the F-score."""

HALF_SIDE = 0.95
"""Of the cube."""

ICP = IcpSettings(pairs="source", iterations=50, tolerance=1e-5)
"""As the release has it."""


def score(
    predicted: Sequence[PlacedMesh],
    true: Sequence[PlacedMesh],
    settings: ProtocolSettings,
    *,
    name: str,
    fit: PairFit,
) -> ProtocolResult:
    """See the module; `fit` is a step of ICP."""
    count = settings.samples or SAMPLES
    cubes = in_true_cube(predicted, true, HALF_SIDE, settings.camera)
    ours, theirs = ([object_points(mesh, count, settings.seed) for mesh in side] for side in cubes)
    overlap = settings.overlap
    if overlap is None:
        overlap = pairwise(bounds_iou, [bounds_of(points) for points in ours], [bounds_of(points) for points in theirs])
    matching = match(overlap)
    of = matching.predicted_of
    objects = tuple(
        ObjectResult(
            name=mesh.name,
            matched=predicted[of[k]].name if k in of else None,
            values=_object_values(ours[of[k]], theirs[k], fit) if k in of else {"box_iou": 0.0, "f_score": 0.0},
        )
        for k, mesh in enumerate(true)
    )
    scene = {"f_score": 0.0}
    if ours:
        scene = _values(_aligned(np.concatenate(ours), np.concatenate(theirs), fit, count))
    return ProtocolResult(
        protocol=name,
        scene=counts(matching) | scene | object_means(objects),
        objects=objects,
        notes=(*matching_notes(matching, predicted), *(() if settings.camera else (NOT_UPRIGHT,))),
    )


def released_fit(source: Points, target: Points) -> Similarity:
    """The released step of ICP, fault and all: the rotation is built from V where its transpose belongs."""
    source_middle, target_middle = source.mean(axis=0), target.mean(axis=0)
    left, _, right = np.linalg.svd((source - source_middle).T @ (target - target_middle))
    # `right` is V transposed, which stands here for V as in the release.
    rotation = (right * np.array([1.0, 1.0, np.linalg.det(right @ left.T)])) @ left.T
    return Similarity(rotation=rotation, translation=target_middle - rotation @ source_middle, scale=1.0)


def _object_values(ours: Points, theirs: Points, fit: PairFit) -> dict[str, float]:
    values = {"box_iou": bounds_iou(bounds_of(ours), bounds_of(theirs))}
    return values | _values(_aligned(_stretched(ours), _stretched(theirs), fit, len(ours)))


def _aligned(ours: Points, theirs: Points, fit: PairFit, votes: int) -> NearestDistances:
    step = max(len(ours) // votes, 1)
    motion = icp_with(ours[::step], theirs, fit, ICP).target_from_source
    return distances(Samples(apply(motion, ours)), Samples(theirs))


def _stretched(points: Points) -> Points:
    """Each axis on its own to the cube."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    return 2.0 * HALF_SIDE * (points - low) / np.where(extent == 0.0, 1.0, extent) - HALF_SIDE


def _values(between: NearestDistances) -> dict[str, float]:
    return {"chamfer_squared": chamfer(between, squared=True, halved=False), "f_score": f_score(between, TAU)}


MIDI = Protocol(
    name="midi",
    summary="MIDI: rigid ICP of the scene, objects stretched to a cube; its ICP put right",
    samples=SAMPLES,
    score=partial(score, name="midi", fit=fit_rigid),
)
"""Its entry in the registry."""

MIDI_RELEASED = Protocol(
    name="midi-released",
    summary="MIDI with the ICP of its release, which turns by wrong rotations",
    samples=SAMPLES,
    score=partial(score, name="midi-released", fit=released_fit),
)
"""Its entry in the registry."""
