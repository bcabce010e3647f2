"""Registration by itself and against Open3D and trimesh."""

import ctypes

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from regen3d.errors import DegenerateGeometryError
from regen3d.metrics.registration import (
    IcpSettings,
    apply,
    estimate_normals,
    fit_rigid,
    fit_similarity,
    fit_similarity_both_ways,
    icp,
    icp_with,
)
from regen3d.types import Similarity

MOTION = Similarity(
    rotation=Rotation.from_rotvec([0.05, 0.12, -0.04]).as_matrix(), translation=np.array([0.03, -0.02, 0.05]), scale=1.0
)


def surface(count: int = 2000, seed: int = 0) -> np.ndarray:
    """Points on a box and a ball upon it."""
    points, _ = trimesh.sample.sample_surface(trimesh.creation.box((1.0, 0.6, 0.4)), count // 2, seed=seed)
    ball, _ = trimesh.sample.sample_surface(trimesh.creation.icosphere(radius=0.2), count // 2, seed=seed)
    return np.concatenate([points, np.array([0.2, 0.4, 0.0]) + ball])


def open3d_icp(source: np.ndarray, target: np.ndarray, *, residual: str, scaled: bool = False) -> np.ndarray:
    """Open3D's answer to the same question, or a skipped test where it cannot be imported."""
    libusb = pytest.importorskip("libusb_package")
    ctypes.CDLL(str(libusb.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    open3d = pytest.importorskip("open3d", exc_type=ImportError)
    clouds = [open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points)) for points in (source, target)]
    registration = open3d.pipelines.registration
    if residual == "plane":
        clouds[1].normals = open3d.utility.Vector3dVector(estimate_normals(target))
        method = registration.TransformationEstimationPointToPlane()
    else:
        method = registration.TransformationEstimationPointToPoint(scaled)
    stop = registration.ICPConvergenceCriteria(1e-12, 1e-12, 200)
    return registration.registration_icp(*clouds, 10.0, np.eye(4), method, stop).transformation


@pytest.mark.parametrize("residual", ["point", "plane"])
def test_rigid_icp_agrees_with_open3d_on_two_samplings_of_one_surface(residual: str) -> None:
    source, target = surface(seed=1), apply(MOTION, surface(seed=2))
    theirs = open3d_icp(source, target, residual=residual)
    ours = icp(source, target, IcpSettings(residual=residual, pairs="source", tolerance=1e-12))
    np.testing.assert_allclose(ours.target_from_source.matrix, theirs, atol=2e-4)
    np.testing.assert_allclose(ours.target_from_source.matrix, MOTION.matrix, atol=0.02)


def test_similarity_icp_agrees_with_open3d_on_a_copy() -> None:
    motion = Similarity(rotation=MOTION.rotation, translation=MOTION.translation, scale=1.05)
    source = surface()
    theirs = open3d_icp(source, apply(motion, source), residual="point", scaled=True)
    ours = icp(source, apply(motion, source), IcpSettings(model="similarity")).target_from_source.matrix
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_closed_forms_agree_with_trimesh(rng: np.random.Generator) -> None:
    source, noise = rng.normal(size=(2, 20, 3))
    motion = Similarity(rotation=MOTION.rotation, translation=MOTION.translation, scale=1.7)
    # Its scale is the ratio of both spreads, ours the least-squares one: they agree where pairs fit exactly.
    for fit, scaled, target in ((fit_rigid, False, source + noise), (fit_similarity, True, apply(motion, source))):
        theirs, _, _ = trimesh.registration.procrustes(source, target, reflection=False, scale=scaled)
        np.testing.assert_allclose(fit(source, target).matrix, theirs, atol=1e-9)


def test_icp_agrees_with_trimesh() -> None:
    source, target = surface(600, seed=1), apply(MOTION, surface(600, seed=2))
    theirs, _, _ = trimesh.registration.icp(
        source, target, threshold=1e-14, max_iterations=200, reflection=False, scale=False
    )
    ours = icp(source, target, IcpSettings(pairs="source", tolerance=1e-14))
    np.testing.assert_allclose(ours.target_from_source.matrix, theirs, atol=2e-3)


def test_a_free_scale_does_not_collapse_under_noise(rng: np.random.Generator) -> None:
    """With the least-squares scale and one-way pairs the source shrinks to a point."""
    target = surface()
    source = target + 0.2 * rng.normal(size=target.shape)
    with pytest.raises(DegenerateGeometryError):
        icp_with(source, target, fit_similarity, IcpSettings(pairs="source"))
    scales = {
        paired: icp(source, target, IcpSettings(model="similarity", pairs=paired)).target_from_source.scale
        for paired in ("source", "both")
    }
    assert 0.3 < scales["source"] < scales["both"] - 0.1 < 1.0


def test_the_symmetric_scale_is_the_same_both_ways(rng: np.random.Generator) -> None:
    source, target = rng.normal(size=(2, 30, 3))
    there, back = fit_similarity_both_ways(source, target), fit_similarity_both_ways(target, source)
    np.testing.assert_allclose(there.matrix @ back.matrix, np.eye(4), atol=1e-9)
    assert fit_similarity(source, target).scale * fit_similarity(target, source).scale < 0.9


def test_planes_need_fewer_steps_than_points() -> None:
    source, target = surface(seed=1), apply(MOTION, surface(seed=2))
    steps = [icp(source, target, IcpSettings(residual=residual)).iterations for residual in ("point", "plane")]
    assert steps[1] < steps[0]


def test_motion_along_a_plane_is_not_made_up() -> None:
    """A flat cloud above a flat one: nothing says where along the plane it belongs, so it only comes down."""
    flat = np.random.default_rng(0).random((500, 3)) * [1.0, 0.0, 1.0]
    found = icp(
        np.array([0.0, 0.2, 0.0]) + flat, flat, IcpSettings(residual="plane", pairs="source")
    ).target_from_source
    np.testing.assert_allclose(found.translation, [0.0, -0.2, 0.0], atol=1e-6)
    np.testing.assert_allclose(found.rotation, np.eye(3), atol=1e-6)


def test_normals_of_a_ball_point_outwards_or_inwards() -> None:
    ball, _ = trimesh.sample.sample_surface(trimesh.creation.icosphere(subdivisions=4), 4000, seed=0)
    cosine = np.abs((estimate_normals(ball) * ball).sum(axis=1))
    assert cosine.min() > 0.97


def test_steps_are_limited_and_said_to_be() -> None:
    source, target = surface(seed=1), apply(MOTION, surface(seed=2))
    found = icp(source, target, IcpSettings(iterations=2))
    assert (found.iterations, found.converged) == (2, False)


def test_a_fit_of_ones_own_is_used() -> None:
    points = surface(100)
    calls = []

    def stay(moved: np.ndarray, aims: np.ndarray) -> Similarity:
        calls.append(len(moved))
        return Similarity(rotation=np.eye(3), translation=np.zeros(3), scale=1.0)

    found = icp_with(points, apply(MOTION, points), stay, IcpSettings(pairs="source"))
    assert calls == [100, 100]
    np.testing.assert_array_equal(found.target_from_source.matrix, np.eye(4))


@pytest.mark.parametrize("points", [np.zeros((2, 3)), np.zeros((5, 3)), np.arange(15.0).reshape(5, 3)])
def test_too_few_points_or_a_line_are_refused(points: np.ndarray) -> None:
    with pytest.raises(DegenerateGeometryError, match="three"):
        fit_rigid(points, points)
    with pytest.raises(DegenerateGeometryError, match="three"):
        icp(points, points, IcpSettings())
