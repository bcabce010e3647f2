"""The protocol of DepR (ICCV 2025, `eval_scene.py` of its release).

- Surfaces: all objects merged; 10,000 even samples of each side.
- Alignment: the prediction is scaled by the cube root of the ratio of the volumes of both least oriented boxes, its
  mean is brought to the true mean, and a similarity is searched from 20 yaws. The release draws the yaws at random and
  takes 200 steps of Adam on the squared Chamfer distance from each; here they are spread evenly, about the up axis, and
  each is tried by a few steps of ICP with a free scale (pairs both ways), and the best three are refined. As there, the
  best of all counts.
- Numbers: Chamfer distance as the sum of both mean squared distances, and its half from prediction to truth
  (`chamfer_squared_one_way`); F-score at 0.002 and 0.1, in the truth's unit.

Known faults of the protocol, kept: its F-scores compare squared distances with their thresholds, so that 0.002 stands
for 4.5 cm and 0.1 for 31.6 cm (the release gives them in per cent, here they are shares). The alignment takes away
every error of place, orientation and scale of the whole scene, and may turn a room by 90 degrees. The release skips
scenes that cannot be sampled; here they count with F-scores of 0.
"""

from collections.abc import Sequence

import numpy as np

from regen3d.errors import DegenerateGeometryError
from regen3d.frames import rotation_about_y
from regen3d.metrics.points import NearestDistances, Points, chamfer, f_score, mean_distance
from regen3d.metrics.protocols.base import PlacedMesh, Protocol, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.clouds import Samples, distances, merged, object_points, upright
from regen3d.metrics.registration import IcpSettings, Registration, apply, icp
from regen3d.types import Similarity

SAMPLES = 10_000
"""Of each merged scene."""

THRESHOLDS = {"0002": 0.002, "0100": 0.1}
"""Of F-scores, compared with squared distances."""

YAWS = 20
"""Starts of the search."""

KEPT = 3
"""Starts that are refined to the end."""

TRY = IcpSettings(model="similarity", pairs="both", iterations=15, tolerance=1e-3)
"""For every start."""

REFINE = IcpSettings(model="similarity", pairs="both", iterations=100, tolerance=1e-6)
"""For those that are kept."""

TRY_POINTS, REFINE_POINTS = 300, 1_000
"""Points of each side that decide on the motion."""


def score(predicted: Sequence[PlacedMesh], true: Sequence[PlacedMesh], settings: ProtocolSettings) -> ProtocolResult:
    """See the module."""
    if not predicted:
        return ProtocolResult(protocol="depr", scene={f"f_score_{key}": 0.0 for key in THRESHOLDS}, objects=())
    count = settings.samples or SAMPLES
    sides = (merged(upright(side, settings.camera)) for side in (predicted, true))
    ours, theirs = (object_points(side, count, settings.seed) for side in sides)
    between = _best(ours, theirs)
    scene = {
        "chamfer_squared": chamfer(between, squared=True, halved=False),
        "chamfer_squared_one_way": mean_distance(between.predicted_to_true, squared=True),
        **{f"f_score_{key}": f_score(between, float(np.sqrt(tau))) for key, tau in THRESHOLDS.items()},
    }
    return ProtocolResult(protocol="depr", scene=scene, objects=())


def _best(ours: Points, theirs: Points) -> NearestDistances:
    scale = float(np.cbrt(_box_volume(theirs) / _box_volume(ours)))
    starts = []
    for yaw in 2.0 * np.pi * np.arange(YAWS) / YAWS:
        rotation = rotation_about_y(float(yaw))
        translation = theirs.mean(axis=0) - scale * rotation @ ours.mean(axis=0)
        starts.append(Similarity(rotation=rotation, translation=translation, scale=scale))
    tried = sorted((_refined(ours, theirs, start, TRY, TRY_POINTS) for start in starts), key=lambda found: found.rmse)[
        :KEPT
    ]
    refined = [_refined(ours, theirs, found.target_from_source, REFINE, REFINE_POINTS) for found in tried]
    best = min(refined, key=lambda found: found.rmse)
    return distances(Samples(apply(best.target_from_source, ours)), Samples(theirs))


def _refined(ours: Points, theirs: Points, start: Similarity, settings: IcpSettings, count: int) -> Registration:
    step = max(len(ours) // count, 1)
    return icp(ours[::step], theirs[::step], settings, start)


def _box_volume(points: Points) -> float:
    from trimesh.bounds import oriented_bounds

    volume = float(np.prod(oriented_bounds(points)[1]))
    if volume <= 0.0:
        raise DegenerateGeometryError("a flat scene has no box whose volume says how large it is")
    return volume


DEPR = Protocol(
    name="depr",
    summary="DepR: whole scenes after the best similarity of 20 starts, thresholds on squared distances",
    samples=SAMPLES,
    score=score,
)
"""Its entry in the registry."""
