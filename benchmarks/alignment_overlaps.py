"""Objects that reach into each other where the true ones do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from benchmarks.oracle import OracleScene
from benchmarks.tables import table
from regen3d.align.penetration import carve, overlap
from regen3d.align.placed import PlacedObject
from regen3d.align.proportions import proportioned
from regen3d.types import Alignment, Similarity

ALLOWED_M = 0.01
"""Pairs that reach into each other by this much more than in truth are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOverlap:
    """The pair of a scene that reaches into each other most, compared with the truth."""

    scene: str
    """Name of the scene."""
    pair: tuple[str, str]
    """Names of the two; empty where no pair is worse than in truth."""
    depth_m: float
    """How deep, in the poses found."""
    true_depth_m: float
    """The same in the true poses."""
    pairs_beyond: int
    """Pairs of the scene that are worse than in truth by more than `ALLOWED_M`."""


def scene_overlap(scene: OracleScene, alignments: Mapping[str, Alignment]) -> SceneOverlap:
    """Compare all pairs of a scene, those of carriers and carried among them."""
    found = [
        PlacedObject(
            name=item.name,
            alignment=alignments[item.name],
            mesh=proportioned(scene.meshes[item.name], alignments[item.name].proportions),
            instance=item,
        )
        for item in scene.instances
    ]
    true = [
        replace(item, alignment=replace(item.alignment, world_from_object=_true_pose(scene, item.name)), mesh=mesh)
        for item, mesh in zip(found, (scene.true_meshes[item.name] for item in scene.instances), strict=True)
    ]
    depths, true_depths = _depths(found), _depths(true)
    excess = {pair: depth - true_depths.get(pair, 0.0) for pair, depth in depths.items()}
    excess = {pair: more for pair, more in excess.items() if more > 0.0}
    worst = max(excess, key=excess.__getitem__, default=("", ""))
    return SceneOverlap(
        scene=scene.folder.name,
        pair=worst,
        depth_m=depths.get(worst, 0.0),
        true_depth_m=true_depths.get(worst, 0.0),
        pairs_beyond=sum(value > ALLOWED_M for value in excess.values()),
    )


def overlap_table(overlaps: Sequence[SceneOverlap]) -> str:
    """One row a scene."""
    rows = [
        (
            item.scene,
            " in ".join(item.pair) if item.pair[0] else "-",
            f"{100.0 * item.depth_m:.1f} cm",
            f"{100.0 * item.true_depth_m:.1f} cm",
            str(item.pairs_beyond),
        )
        for item in overlaps
    ]
    headings = ("scene", "deepest pair", "depth", "in truth", "pairs over 1 cm")
    return table("Objects in each other, beyond what the truth has", headings, rows)


def _true_pose(scene: OracleScene, name: str) -> Similarity:
    """Where an object truly is, in our world."""
    theirs = next(pose.world_from_object for pose in scene.truth if pose.name == name)
    return Similarity.of_matrix(np.linalg.inv(scene.theirs_from_ours) @ theirs)


def _depths(items: Sequence[PlacedObject]) -> dict[tuple[str, str], float]:
    """How deep the two of each pair reach into each other, metres; those that do not are left out."""
    solids = {item.name: carve(item.mesh) for item in items}
    found = {
        (first.name, second.name): overlap(first, second, (solids[first.name], solids[second.name]))
        for first, second in combinations(items, 2)
    }
    return {pair: reach.depth_m for pair, reach in found.items() if reach is not None}
