"""Deciding between poses that the silhouette cannot tell apart, by the look of the textured mesh."""

import numpy as np

from regen3d.align.pose import SupportPlane, similarity
from regen3d.align.refine import Refined
from regen3d.align.target import Target
from regen3d.render.scene import PlacedMesh, render
from regen3d.types import Camera, Mesh, Similarity

APPEARANCE_WEIGHT = 0.12
"""Cost of a mesh that looks like the negative of the picture: outweighs noise in silhouette and points (0.01 to 0.05
between equal poses), not a different outline (0.1 and more)."""

LEAST_CONTRAST = 4.0
"""Standard deviation of colours, of 255, below which a surface is plain and its look says nothing."""


def rank_by_appearance(refined: Refined, target: Target, mesh: Mesh, plane: SupportPlane) -> Refined:
    """Add the cost of looking different to each pose that can still win, and sort again."""
    neutral = 0.5 * APPEARANCE_WEIGHT
    energies = refined.energies + neutral
    for k in np.flatnonzero(refined.energies < refined.energies[0] + APPEARANCE_WEIGHT):
        pose = similarity(plane, refined.parameters[k], mesh.vertices)
        energies[k] -= neutral * look_correlation(mesh, pose, target)
    order = np.argsort(energies, kind="stable")
    return Refined(parameters=refined.parameters[order], energies=energies[order])


def look_correlation(mesh: Mesh, world_from_object: Similarity, target: Target) -> float:
    """Correlation in -1..1 of the rendered colours with the picture's, over pixels of both; 0 where one is plain.

    Each channel's mean is taken off first: light changes brightness and tint, not the pattern.
    """
    camera = Camera(
        intrinsics=target.intrinsics,
        width=target.hw[1],
        height=target.hw[0],
        world_from_camera=np.linalg.inv(target.camera_from_world),
    )
    rendering = render([PlacedMesh(mesh=mesh, world_from_mesh=world_from_object.matrix)], camera)
    shared = (rendering.index == 0) & (target.mask > 0.9)
    if shared.sum() < 20:
        return 0.0
    drawn, seen = rendering.color[shared].astype(np.float64), target.picture[shared].astype(np.float64)
    drawn, seen = drawn - drawn.mean(axis=0), seen - seen.mean(axis=0)
    if min(drawn.std(), seen.std()) < LEAST_CONTRAST:
        return 0.0
    return float((drawn * seen).sum() / np.sqrt((drawn**2).sum() * (seen**2).sum()))
