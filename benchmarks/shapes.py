"""How near one shape comes to another when place, size and heading do not count."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from regen3d.frames import rotation_about_y
from regen3d.metrics.points import chamfer, f_score, nearest_distances

THRESHOLD = 0.05
"""Distance within which a point counts as found, where the true shape's radius is 1."""
HEADINGS, ROUNDS = 4, 25
"""Yaws from which the alignment starts, and its steps: the error changes by under 1 % in later ones."""
COARSE_POINTS = 2500
"""Points of each set that are aligned; all are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeScore:
    """Distances between two surfaces after the best similarity, where the true radius is 1."""

    chamfer: float
    """Mean distance from either surface to the other, summed."""
    f_score: float
    """Harmonic mean of the shares of either surface within `THRESHOLD` of the other."""


def shape_score(found: Float[np.ndarray, "n 3"], true: Float[np.ndarray, "m 3"]) -> ShapeScore:
    """Compare points of two surfaces, both in a frame with Y up, in random order.

    The found points are moved, turned and scaled onto the true ones by iterating closest points in both directions
    (Besl and McKay 1992) with the similarity of Umeyama 1991, from several headings; the best counts.
    """
    true = true - true.mean(axis=0)
    true = true / np.linalg.norm(true, axis=1).max()
    found = found - found.mean(axis=0)
    found = found * np.sqrt((true**2).sum() / len(true) / ((found**2).sum() / len(found)))
    scores = []
    for turn in range(HEADINGS):
        placed = _aligned(found @ rotation_about_y(2 * np.pi * turn / HEADINGS).T, true)
        distances = nearest_distances(placed, true)
        score = ShapeScore(
            chamfer=chamfer(distances, squared=False, halved=False), f_score=f_score(distances, THRESHOLD)
        )
        scores.append(score)
    return min(scores, key=lambda score: score.chamfer)


def _aligned(found: Float[np.ndarray, "n 3"], true: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, "n 3"]:
    coarse = true[:COARSE_POINTS]
    tree = KDTree(coarse)
    for _ in range(ROUNDS):
        part = found[:COARSE_POINTS]
        source = np.concatenate([part, part[KDTree(part).query(coarse)[1]]])
        target = np.concatenate([coarse[tree.query(part)[1]], coarse])
        found = _similarity(source, target, found)
    return found


def _similarity(
    source: Float[np.ndarray, "k 3"], target: Float[np.ndarray, "k 3"], points: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n 3"]:
    """Points moved by the similarity that takes source to target best (Umeyama 1991, eq. 40-43)."""
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    left, values, right = np.linalg.svd((target - aim).T @ (source - middle))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = float((values * sign).sum() / ((source - middle) ** 2).sum())
    return scale * (points - middle) @ ((left * sign) @ right).T + aim
