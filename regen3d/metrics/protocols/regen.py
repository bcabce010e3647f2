"""The protocol of 3D-RE-GEN (arXiv 2512.17459, `run_eval.py` and `scene_optim.py` of its release).

- Surfaces: all objects merged, without the room; 100,000 even samples of each side (its setting of 60,000 is not read).
- Normalisation: each cloud is centred on its own mean and divided by its own greatest distance from it.
- Alignment: ICP, rigid, point to point, each predicted point to its nearest true one, from the identity, at most 200
  steps, until the residual changes by less than 1e-6 of itself (as PyTorch3D stops). Here every tenth point votes on
  the motion, and all are moved.
- Numbers, in units of the true radius: Chamfer distance as the sum of both mean squared distances, F-score at 0.1,
  precision and recall at 0.01, Hausdorff distance, and the IoU of the boxes of both whole
  clouds along the axes of the true camera's world.

Known faults of the protocol, kept: one stray point rescales the whole cloud; 0.1 of the radius is 30 cm in a room of
6 m; no number of any single object; a scale that is wrong goes unnoticed, as each cloud is divided by its own radius.
Faults of the release, not kept: it calls precision what is recall and the other way round (here each has its right
name); its PSNR is 6.02 dB too low, being computed on values in [-1, 1] with a range of 1; its Wasserstein distance is
that of all coordinates thrown together, and says nothing. Pictures are not compared here.
"""

from collections.abc import Sequence

import numpy as np

from regen3d.metrics.boxes import bounds_iou, bounds_of
from regen3d.metrics.points import Points, chamfer, f_score, hausdorff, precision, recall
from regen3d.metrics.protocols.base import PlacedMesh, Protocol, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.clouds import NOT_UPRIGHT, Samples, distances, merged, object_points, upright
from regen3d.metrics.registration import IcpSettings, apply, icp

SAMPLES = 100_000
"""Of each merged scene."""

TAU, STRICT_TAU = 0.1, 0.01
"""Thresholds of the F-score, and of precision and recall, in radii."""

ICP = IcpSettings(model="rigid", residual="point", pairs="source", iterations=200, tolerance=1e-6)
"""As the release asks PyTorch3D."""

VOTES = 10
"""One in so many points decides on the motion."""


def score(predicted: Sequence[PlacedMesh], true: Sequence[PlacedMesh], settings: ProtocolSettings) -> ProtocolResult:
    """See the module."""
    if not predicted:
        return ProtocolResult(protocol="regen", scene={"f_score": 0.0, "box_iou": 0.0}, objects=())
    count = settings.samples or SAMPLES
    sides = (merged(upright(side, settings.camera)) for side in (predicted, true))
    ours, theirs = (_normalised(object_points(side, count, settings.seed)) for side in sides)
    moved = apply(icp(ours[::VOTES], theirs[::VOTES], ICP).target_from_source, ours)
    between = distances(Samples(moved), Samples(theirs))
    scene = {
        "chamfer_squared": chamfer(between, squared=True, halved=False),
        "f_score": f_score(between, TAU),
        "box_iou": bounds_iou(bounds_of(moved), bounds_of(theirs)),
        "hausdorff": hausdorff(between),
        "precision": precision(between, STRICT_TAU),
        "recall": recall(between, STRICT_TAU),
    }
    return ProtocolResult(protocol="regen", scene=scene, objects=(), notes=() if settings.camera else (NOT_UPRIGHT,))


def _normalised(points: Points) -> Points:
    offsets = points - points.mean(axis=0)
    return offsets / np.linalg.norm(offsets, axis=1).max()


REGEN = Protocol(
    name="regen",
    summary="3D-RE-GEN: whole scenes, each divided by its own radius, rigid ICP",
    samples=SAMPLES,
    score=score,
)
"""Its entry in the registry."""
