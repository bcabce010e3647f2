"""Whatever made a mesh, it enters a scene clean, standing at the origin of its frame."""

from dataclasses import replace

import numpy as np

from regen3d.frames import transform
from regen3d.meshes.hygiene import cleaned
from regen3d.types import Asset


def tidied(asset: Asset, *, by_hand: bool = False, seed: int = 0) -> Asset:
    """An asset with a clean mesh, and a note on what had to be done; a clean one comes back as it is.

    Args:
        asset: from any generator, or from the user.
        by_hand: see `regen3d.meshes.hygiene.cleaned`.
        seed: for the points at which colours and gaps are measured.

    Raises:
        InvalidMeshError: nothing is left of the mesh.
    """
    light, report = cleaned(asset.mesh, by_hand=by_hand, seed=seed)
    if not report.sentence:
        return asset
    low, high = light.vertices.min(axis=0), light.vertices.max(axis=0)
    base = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    pose = asset.pose_hint
    if pose is not None:
        pose = replace(pose, translation=transform(pose.matrix, base))
    mesh = replace(light, vertices=light.vertices - base)
    return replace(asset, mesh=mesh, pose_hint=pose, notes=(*asset.notes, report.sentence))
