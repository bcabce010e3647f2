"""How far two point sets lie apart: one nearest-neighbour pass, from which every distance and share follows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from regen3d.errors import DegenerateGeometryError

WORKERS = 2
"""Threads of a query; the result does not depend on it."""

Points = Float[np.ndarray, "_ 3"]
"""Points in any one frame and unit; any number, so the axis has no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestDistances:
    """Distance from each point of either set to the nearest point of the other, in the points' unit."""

    predicted_to_true: Float[np.ndarray, " p"]
    """One for each predicted point: large where something stands that should not."""
    true_to_predicted: Float[np.ndarray, " t"]
    """One for each true point: large where something is missing."""


def nearest_distances(predicted: Points, true: Points) -> NearestDistances:
    """Distances between two point sets of the same frame and unit, both ways, exact.

    Raises:
        DegenerateGeometryError: a set is empty or holds values that are not finite.
    """
    return NearestDistances(
        predicted_to_true=nearest_distance(predicted, true), true_to_predicted=nearest_distance(true, predicted)
    )


def nearest_distance(points: Points, targets: Points) -> Float[np.ndarray, " n"]:
    """Distance from each point to the nearest target, exact.

    Raises:
        DegenerateGeometryError: a set is empty or holds values that are not finite.
    """
    for what, cloud in (("points", points), ("targets", targets)):
        if len(cloud) == 0 or not np.isfinite(cloud).all():
            raise DegenerateGeometryError(
                f"no distance between point sets: {len(cloud)} {what}, empty or not finite; "
                "count what has no points as missing instead"
            )
    # Loose nodes and large leaves: as fast as the defaults where the surfaces are near, and two to three times as
    # fast where they are far apart or concentric (benchmarks/metrics.py).
    return KDTree(targets, leafsize=64, compact_nodes=False).query(points, workers=WORKERS)[0]


def chamfer(distances: NearestDistances, *, squared: bool, halved: bool) -> float:
    """Chamfer distance: the mean distance one way plus the mean distance the other way.

    Args:
        distances: between the two sets.
        squared: mean of squared distances (unit squared), as in Fan et al. 2017, eq. 1, and PyTorch3D; else of
            distances.
        halved: half of the sum, so that it reads as a distance; else the sum.
    """
    total = mean_distance(distances.predicted_to_true, squared=squared) + mean_distance(
        distances.true_to_predicted, squared=squared
    )
    return 0.5 * total if halved else total


def mean_distance(distances: Float[np.ndarray, " n"], *, squared: bool = False) -> float:
    """Chamfer distance of one direction: the mean of distances, or of their squares."""
    return float(np.mean(distances**2 if squared else distances))


def precision(distances: NearestDistances, threshold: float) -> float:
    """Share of predicted points that lie nearer to the truth than a threshold, 0..1."""
    return float(np.mean(distances.predicted_to_true < threshold))


def recall(distances: NearestDistances, threshold: float) -> float:
    """Share of true points that lie nearer to the prediction than a threshold, 0..1."""
    return float(np.mean(distances.true_to_predicted < threshold))


def f_score(distances: NearestDistances, threshold: float) -> float:
    """Harmonic mean of precision and recall at a threshold in the points' unit, 0..1; 0 where both are 0.

    Source: Knapitsch et al. 2017, "Tanks and Temples", section 3.3.
    """
    found, covered = precision(distances, threshold), recall(distances, threshold)
    return 2.0 * found * covered / (found + covered) if found + covered > 0.0 else 0.0


def hausdorff(distances: NearestDistances, percentile: float = 100.0) -> float:
    """Hausdorff distance: the greater of both directions' greatest distances.

    Args:
        distances: between the two sets.
        percentile: of each direction's distances, 0..100; 100 is the exact distance, 95 one that no single stray point
            decides.

    Source: Huttenlocher et al. 1993, "Comparing images using the Hausdorff distance", section IV for the percentile.
    """
    ways = (distances.predicted_to_true, distances.true_to_predicted)
    return max(float(np.percentile(way, percentile)) for way in ways)


def diagonal(points: Points) -> float:
    """Length of the diagonal of the axis-aligned box round points: the unit of relative thresholds."""
    return float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
