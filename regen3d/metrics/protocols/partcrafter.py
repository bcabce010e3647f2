"""The protocol of PartCrafter (arXiv 2506.05573, `metric_utils.py` of its release), for scenes of objects.

- Normalisation: PartCrafter works in a cube in which the data set has put the scene. Here one similarity takes both
  sides there: that which brings the true scene's box, along the axes of the true camera's world, to [-1, 1] along its
  longest side. No alignment.
- Surfaces: all objects merged; 10,000 even samples of each side (204,800 in its training).
- Numbers: Chamfer distance as the sum of both mean distances, not squared; F-score at 0.1; and `part_overlap_iou`, the
  mean IoU of each two predicted objects on a grid of 64 voxels a side, filled where meshes are closed: how much
  predictions stick in each other. Lower is better, and it does not look at the truth.

Known faults of the protocol, kept: the part overlap is best for a single object, or for objects far apart; 0.1 in the
cube is 30 cm in a room of 6 m. The release's F-score is not defined where nothing matches; here it is 0. Its voxels are
filled whether a mesh is closed or not, and those outside of the cube count; here not.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from regen3d.metrics.points import chamfer, f_score
from regen3d.metrics.protocols.base import PlacedMesh, Protocol, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.clouds import Samples, distances, in_true_cube, merged, object_points
from regen3d.metrics.surfaces import Surface
from regen3d.metrics.voxels import RESOLUTION, VoxelGrid, Voxels, is_watertight, solid_voxels, surface_voxels, voxel_iou

SAMPLES = 10_000
"""Of each merged scene."""

TAU = 0.1
"""Threshold of the F-score."""

GRID = VoxelGrid(
    origin=np.full(3, -1.0), pitch=np.full(3, 2.0 / RESOLUTION), shape=(RESOLUTION, RESOLUTION, RESOLUTION)
)
"""Over the cube."""


def score(predicted: Sequence[PlacedMesh], true: Sequence[PlacedMesh], settings: ProtocolSettings) -> ProtocolResult:
    """See the module."""
    if not predicted:
        return ProtocolResult(protocol="partcrafter", scene={"f_score": 0.0}, objects=())
    ours, theirs = in_true_cube(predicted, true, 1.0, settings.camera)
    count = settings.samples or SAMPLES
    found, wanted = (Samples(object_points(merged(side), count, settings.seed)) for side in (ours, theirs))
    between = distances(found, wanted)
    scene = {"chamfer": chamfer(between, squared=False, halved=False), "f_score": f_score(between, TAU)}
    if len(ours) > 1:
        taken = [_voxels(mesh, settings.seed) for mesh in ours]
        scene["part_overlap_iou"] = float(np.mean([voxel_iou(a, b) for a, b in combinations(taken, 2)]))
    return ProtocolResult(protocol="partcrafter", scene=scene, objects=())


def _voxels(mesh: PlacedMesh, seed: int) -> Voxels:
    surface = Surface(vertices=mesh.vertices, faces=mesh.faces)
    shell = surface_voxels(surface, GRID, seed)
    return shell | solid_voxels(surface, GRID) if is_watertight(surface) else shell


PARTCRAFTER = Protocol(
    name="partcrafter",
    summary="PartCrafter: whole scenes in the true cube, no alignment; and how much predictions overlap each other",
    samples=SAMPLES,
    score=score,
)
"""Its entry in the registry."""
