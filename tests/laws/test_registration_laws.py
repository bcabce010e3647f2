"""Laws of registration: what was moved is moved back, rotations are rotations, nothing moves what lies right."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from regen3d.metrics.registration import (
    IDENTITY,
    IcpSettings,
    apply,
    compose,
    fit_rigid,
    fit_similarity,
    icp,
    invert,
)
from regen3d.types import Similarity

seeds = st.integers(0, 2**31)
models = st.sampled_from(["rigid", "similarity"])
residuals = st.sampled_from(["point", "plane"])
pairs = st.sampled_from(["source", "both"])


@st.composite
def motions(draw: st.DrawFn, *, angle: float = np.pi, far: float = 5.0, scaled: bool = True) -> Similarity:
    direction = np.random.default_rng(draw(seeds)).normal(size=(2, 3))
    axis, way = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    return Similarity(
        rotation=Rotation.from_rotvec(draw(st.floats(0, angle)) * axis).as_matrix(),
        translation=draw(st.floats(0, far)) * way,
        scale=draw(st.floats(0.1, 10.0)) if scaled else 1.0,
    )


def cloud(seed: int, count: int = 300) -> np.ndarray:
    """Points of a corner of a room with a ball in it: nothing of it slides along itself."""
    rng = np.random.default_rng(seed)
    ball = rng.normal(size=(count, 3))
    ball = 0.2 * ball / np.linalg.norm(ball, axis=1, keepdims=True) + [0.6, 0.4, 0.3]
    walls = rng.random((count, 3)) * [1.0, 0.8, 0.6]
    walls[np.arange(count), rng.integers(0, 3, count)] = 0.0
    return np.concatenate([ball, walls])


def assert_close(a: Similarity, b: Similarity, tolerance: float) -> None:
    np.testing.assert_allclose(a.matrix, b.matrix, atol=tolerance)


@given(seeds, motions())
def test_closed_form_gives_the_motion_back(seed: int, motion: Similarity) -> None:
    points = np.random.default_rng(seed).normal(size=(12, 3))
    assert_close(fit_similarity(points, apply(motion, points)), motion, 1e-8)
    rigid = Similarity(rotation=motion.rotation, translation=motion.translation, scale=1.0)
    assert_close(fit_rigid(points, apply(rigid, points)), rigid, 1e-8)


@given(seeds, st.booleans())
def test_closed_form_is_a_proper_rotation_and_the_best(seed: int, mirrored: bool) -> None:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(8, 3))
    target = source * [1, 1, -1] if mirrored else rng.normal(size=(8, 3))
    found = fit_similarity(source, target)
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)

    def cost(transform: Similarity) -> float:
        return float(((apply(transform, source) - target) ** 2).sum())

    for _ in range(5):
        nudge = Similarity(
            rotation=Rotation.from_rotvec(0.05 * rng.normal(size=3)).as_matrix(),
            translation=0.05 * rng.normal(size=3),
            scale=float(np.exp(0.05 * rng.normal())),
        )
        assert cost(found) <= cost(compose(nudge, found)) + 1e-9


@given(motions(), motions())
def test_similarities_form_a_group(a: Similarity, b: Similarity) -> None:
    np.testing.assert_allclose(compose(a, b).matrix, a.matrix @ b.matrix, atol=1e-9)
    assert_close(compose(a, invert(a)), IDENTITY, 1e-9)
    points = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(apply(compose(a, b), points), apply(a, apply(b, points)), atol=1e-9)


@settings(max_examples=15)
@given(seeds, models, residuals, pairs)
def test_nothing_moves_what_lies_right(seed: int, model: str, residual: str, paired: str) -> None:
    points = cloud(seed)
    found = icp(points, points, IcpSettings(model=model, residual=residual, pairs=paired))
    assert found.converged
    assert found.rmse == pytest.approx(0.0, abs=1e-9)
    assert_close(found.target_from_source, IDENTITY, 1e-9)


@settings(max_examples=25)
@given(seeds, motions(angle=np.radians(10), far=0.05, scaled=False), residuals, pairs)
def test_rigid_icp_gives_the_motion_of_a_copy_back(seed: int, motion: Similarity, residual: str, paired: str) -> None:
    points = cloud(seed)
    found = icp(points, apply(motion, points), IcpSettings(residual=residual, pairs=paired))
    assert_close(found.target_from_source, motion, 1e-6)


@settings(max_examples=25)
@given(seeds, motions(angle=np.radians(10), far=0.05, scaled=False), st.floats(0.85, 1.15), residuals)
def test_similarity_icp_gives_the_motion_of_a_copy_back(
    seed: int, motion: Similarity, scale: float, residual: str
) -> None:
    points = cloud(seed)
    motion = Similarity(rotation=motion.rotation, translation=motion.translation, scale=scale)
    found = icp(points, apply(motion, points), IcpSettings(model="similarity", residual=residual))
    assert_close(found.target_from_source, motion, 1e-6)


@settings(max_examples=15)
@given(seeds, motions(angle=np.radians(8), far=0.03, scaled=False), motions(scaled=True))
def test_icp_finds_the_same_wherever_and_however_large_both_sets_are(
    seed: int, motion: Similarity, place: Similarity
) -> None:
    points = cloud(seed)
    moved = apply(motion, points)
    here = icp(points, moved, IcpSettings()).target_from_source
    there = icp(apply(place, points), apply(place, moved), IcpSettings()).target_from_source
    assert_close(compose(invert(place), compose(there, place)), here, 1e-6)


@settings(max_examples=15)
@given(seeds, motions(angle=np.radians(8), far=0.03, scaled=False), st.floats(0.001, 0.01))
def test_icp_is_nearer_than_where_it_started(seed: int, motion: Similarity, noise: float) -> None:
    points = cloud(seed)
    rng = np.random.default_rng(seed)
    moved = apply(motion, points) + noise * rng.normal(size=points.shape)
    found = icp(points, moved, IcpSettings())
    assume(np.linalg.norm(motion.matrix - np.eye(4)) > 4 * noise)
    np.testing.assert_allclose(found.target_from_source.matrix, motion.matrix, atol=4 * noise)
