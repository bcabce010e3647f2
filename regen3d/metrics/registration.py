"""Moving one point set onto another: closed forms for known pairs, iterative closest points (ICP) for unknown ones.

Plain numpy and scipy, so that the same numbers come out on every machine. All points are in one frame and unit; the
transform found is `target_from_source`. ICP finds the nearest minimum, not the best one: give it a start that is near.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Integer
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from regen3d.errors import DegenerateGeometryError
from regen3d.metrics.points import WORKERS, Points
from regen3d.types import Similarity

IDENTITY = Similarity(rotation=np.eye(3), translation=np.zeros(3), scale=1.0)
"""Leaves points where they are."""

NORMAL_NEIGHBOURS = 16
"""Points that a normal is estimated from: a surface patch of 2 to 3 sample spacings, wide enough to average noise."""

_RELATIVE_RANK = 1e-9
"""Singular values below this share of the greatest count as zero: float64 sums over 10^5 points err by 1e-11."""

_EXACT = 1e-12
"""A residual below this share of the target's size is rounding: there is nothing left to move."""

PairFit = Callable[[Points, Points], Similarity]
"""A transform that takes points onto as many others, pair by pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IcpSettings:
    """How points are paired, what may move, and when to stop."""

    model: Literal["rigid", "similarity"] = "rigid"
    """Whether the scale stays 1."""
    residual: Literal["point", "plane"] = "point"
    """Distance to the paired point (Besl and McKay), or to the plane through it (Chen and Medioni)."""
    pairs: Literal["source", "both"] = "both"
    """Each source point with its nearest target point, as is usual; or also each target point with its nearest source
    point, without which a free scale makes the source fit a part of the target."""
    iterations: int = 200
    """At most."""
    tolerance: float = 1e-7
    """Stop when the residual changes by less than this share of itself; identical pairs stop in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where ICP came to rest."""

    target_from_source: Similarity
    """The transform found."""
    rmse: float
    """Root mean square distance of the last pairs, in the points' unit."""
    iterations: int
    """Steps taken."""
    converged: bool
    """Whether it stopped by itself."""


def fit_similarity(source: Points, target: Points) -> Similarity:
    """The similarity that takes points onto others, pair by pair, with the least sum of squared distances.

    Raises:
        DegenerateGeometryError: fewer than three points, or all on one line.

    Source: Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns", eq. 40-43.
    """
    pairs = _Pairs(source, target)
    return pairs.similarity(float((pairs.singular * pairs.signs).sum() / pairs.source_spread))


def fit_similarity_both_ways(source: Points, target: Points) -> Similarity:
    """The similarity that fits as well from source to target as back: its inverse fits the target to the source.

    The least-squares scale comes out too small where pairs are uncertain, and ICP repeats that until the source is a
    point; this one does not.

    Raises:
        DegenerateGeometryError: fewer than three points, or all on one line.

    Source: Horn 1987, "Closed-form solution of absolute orientation using unit quaternions", section 2.D.
    """
    pairs = _Pairs(source, target)
    return pairs.similarity(float(np.sqrt(pairs.target_spread / pairs.source_spread)))


def fit_rigid(source: Points, target: Points) -> Similarity:
    """The rotation and translation that take points onto others, pair by pair; scale 1.

    Raises:
        DegenerateGeometryError: fewer than three points, or all on one line.

    Source: Umeyama 1991, eq. 40-43 with scale 1 (Kabsch 1976).
    """
    return _Pairs(source, target).similarity(1.0)


class _Pairs:
    """What the closed forms share: middles, spreads and the rotation."""

    def __init__(self, source: Points, target: Points) -> None:
        self.source_middle, self.target_middle = source.mean(axis=0), target.mean(axis=0)
        source_offsets, target_offsets = source - self.source_middle, target - self.target_middle
        self.source_spread, self.target_spread = (source_offsets**2).sum(), (target_offsets**2).sum()
        left, self.singular, right = np.linalg.svd(target_offsets.T @ source_offsets)
        if len(source) < 3 or self.singular[1] <= _RELATIVE_RANK * max(self.singular[0], np.finfo(float).tiny):
            raise DegenerateGeometryError(
                f"{len(source)} pairs of points determine no rotation: three are needed that are not on one line"
            )
        # A reflection would fit better where the points are nearly flat: turn its weakest axis round.
        self.signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
        self.rotation = (left * self.signs) @ right

    def similarity(self, scale: float) -> Similarity:
        """With the middles on each other at a scale."""
        translation = self.target_middle - scale * self.rotation @ self.source_middle
        return Similarity(rotation=self.rotation, translation=translation, scale=scale)


def apply(transform: Similarity, points: Points) -> Points:
    """Points after a similarity."""
    return transform.scale * points @ transform.rotation.T + transform.translation


def compose(outer: Similarity, inner: Similarity) -> Similarity:
    """The similarity that does the inner one first."""
    return Similarity(
        rotation=outer.rotation @ inner.rotation,
        translation=outer.scale * outer.rotation @ inner.translation + outer.translation,
        scale=outer.scale * inner.scale,
    )


def invert(transform: Similarity) -> Similarity:
    """The similarity that undoes another."""
    rotation, scale = transform.rotation.T, 1.0 / transform.scale
    return Similarity(rotation=rotation, translation=-scale * rotation @ transform.translation, scale=scale)


def icp(source: Points, target: Points, settings: IcpSettings, start: Similarity = IDENTITY) -> Registration:
    """Move one point set onto another whose points correspond to no known ones.

    Args:
        source: points that move.
        target: points that stay; with `residual="plane"` their normals are estimated from their neighbours.
        settings: how.
        start: `target_from_source` to begin with.

    Raises:
        DegenerateGeometryError: a set has fewer than three points, or lies on one line.

    Source: Besl and McKay 1992, "A method for registration of 3-D shapes"; Chen and Medioni 1992 for planes.
    """
    if settings.residual == "plane":
        return _iterate(source, target, settings, start, _PlaneStep(target, settings.model))
    fit = fit_rigid if settings.model == "rigid" else fit_similarity_both_ways
    return icp_with(source, target, fit, settings, start)


def icp_with(
    source: Points, target: Points, fit: PairFit, settings: IcpSettings, start: Similarity = IDENTITY
) -> Registration:
    """ICP with a fit of one's own in place of the closed form; `settings.model` and `settings.residual` are not read.

    Published protocols differ in this step; see `regen3d.metrics.protocols.midi`.
    """
    return _iterate(source, target, settings, start, lambda moved, paired, _: fit(moved, paired))


def estimate_normals(points: Points, neighbours: int = NORMAL_NEIGHBOURS) -> Points:
    """Unit normals of a surface from samples of it, each of either sign: the direction in which neighbours vary least.

    Source: Hoppe et al. 1992, "Surface reconstruction from unorganized points", section 3.2.
    """
    _, nearest = KDTree(points).query(points, k=min(neighbours, len(points)), workers=WORKERS)
    patches = points[nearest] - points[nearest].mean(axis=1, keepdims=True)
    return np.linalg.eigh(np.einsum("nki,nkj->nij", patches, patches))[1][:, :, 0]


_Step = Callable[[Points, Points, Integer[np.ndarray, " n"]], Similarity]
"""Moved source points, their target points and the indices of those to the next motion."""


def _iterate(source: Points, target: Points, settings: IcpSettings, start: Similarity, step: _Step) -> Registration:
    pairing = _Pairing(source, target, both=settings.pairs == "both")
    transform, before, last = start, np.inf, None
    exact = _EXACT * float(np.ptp(target, axis=0).max())
    for iteration in range(1, settings.iterations + 1):
        chosen, paired = pairing.at(transform)
        moved, aims = apply(transform, source[chosen]), target[paired]
        transform = compose(step(moved, aims, paired), transform)
        rmse = _rms(apply(transform, source[chosen]) - aims)
        same = last is not None and all(np.array_equal(a, b) for a, b in zip(last, (chosen, paired), strict=True))
        settled = settings.residual == "point" and same
        if settled or rmse <= exact or abs(before - rmse) <= settings.tolerance * rmse:
            return Registration(target_from_source=transform, rmse=rmse, iterations=iteration, converged=True)
        before, last = rmse, (chosen, paired)
    return Registration(
        target_from_source=transform, rmse=float(before), iterations=settings.iterations, converged=False
    )


class _Pairing:
    """Nearest neighbours of two sets, one of which moves by similarities; no tree is built twice."""

    def __init__(self, source: Points, target: Points, *, both: bool) -> None:
        if min(len(source), len(target)) < 3:
            raise DegenerateGeometryError(
                f"{len(source)} points cannot be moved onto {len(target)}: each set needs three or more"
            )
        self._source, self._target = source, target
        self._target_tree = KDTree(target)
        self._source_tree = KDTree(source) if both else None

    def at(self, transform: Similarity) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " n"]]:
        """Indices of paired source and target points."""
        paired = np.asarray(self._target_tree.query(apply(transform, self._source), workers=WORKERS)[1])
        chosen = np.arange(len(self._source))
        if self._source_tree is None:
            return chosen, paired
        # A similarity keeps the order of distances: the target goes to the source's frame, and its tree stays.
        back = np.asarray(self._source_tree.query(apply(invert(transform), self._target), workers=WORKERS)[1])
        return np.concatenate([chosen, back]), np.concatenate([paired, np.arange(len(self._target))])


class _PlaneStep:
    """One linearised step towards the planes of the target points.

    Source: Low 2004, "Linear least-squares optimization for point-to-plane ICP surface registration", eq. 8, with a
    column for the logarithm of the scale.
    """

    def __init__(self, target: Points, model: Literal["rigid", "similarity"]) -> None:
        self._normals = estimate_normals(target)
        self._columns = 7 if model == "similarity" else 6

    def __call__(self, moved: Points, aims: Points, paired: Integer[np.ndarray, " n"]) -> Similarity:
        normals, middle = self._normals[paired], aims.mean(axis=0)
        offsets = moved - middle
        wanted = ((aims - moved) * normals).sum(axis=1)
        # Half of the residual makes scaling up as cheap as scaling down, as in `fit_similarity_both_ways`.
        scaling = (offsets * normals).sum(axis=1) + 0.5 * wanted
        rows = np.column_stack([np.cross(offsets, normals), normals, scaling])[:, : self._columns]
        # Directions in which the planes let the source slide get no motion: the least one is taken.
        motion = np.zeros(7)
        motion[: self._columns] = np.linalg.lstsq(rows.T @ rows, rows.T @ wanted, rcond=_RELATIVE_RANK)[0]
        rotation, scale = Rotation.from_rotvec(motion[:3]).as_matrix(), float(np.exp(motion[6]))
        return Similarity(rotation=rotation, translation=middle + motion[3:6] - scale * rotation @ middle, scale=scale)


def _rms(offsets: Points) -> float:
    return float(np.sqrt((offsets**2).sum(axis=1).mean()))
