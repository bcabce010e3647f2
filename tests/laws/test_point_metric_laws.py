"""Laws of distances between point sets, of samples and of bands; and four libraries that agree with them."""

import ctypes
from types import ModuleType

import numpy as np
import point_cloud_utils
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import cKDTree
from scipy.spatial.distance import directed_hausdorff

from regen3d.frames import rotation_about_y
from regen3d.metrics.bootstrap import bootstrap
from regen3d.metrics.points import (
    chamfer,
    diagonal,
    f_score,
    hausdorff,
    mean_distance,
    nearest_distances,
    precision,
    recall,
)
from regen3d.metrics.sampling import sample_surface

places = st.floats(-3.0, 3.0, width=32)
clouds = st.integers(1, 40).flatmap(lambda n: hnp.arrays(np.float64, (n, 3), elements=places))
angles = st.floats(-np.pi, np.pi)
shifts = hnp.arrays(np.float64, 3, elements=places)
thresholds = st.sampled_from([0.1, 0.05, 0.01])


@pytest.fixture(scope="module")
def open3d() -> ModuleType:
    """Open3D, which needs libusb in the process before it loads."""
    import libusb_package

    ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    return pytest.importorskip("open3d")


@given(clouds, thresholds)
def test_a_cloud_is_at_no_distance_from_itself(cloud: np.ndarray, threshold: float) -> None:
    distances = nearest_distances(cloud, cloud)
    assert chamfer(distances, squared=True, halved=False) == chamfer(distances, squared=False, halved=True) == 0.0
    assert f_score(distances, threshold) == 1.0
    assert hausdorff(distances) == hausdorff(distances, 95.0) == 0.0


@given(clouds, clouds, thresholds)
def test_both_ways_make_them_symmetric(a: np.ndarray, b: np.ndarray, threshold: float) -> None:
    there, back = nearest_distances(a, b), nearest_distances(b, a)
    for squared in (True, False):
        assert chamfer(there, squared=squared, halved=False) == chamfer(back, squared=squared, halved=False)
    assert f_score(there, threshold) == pytest.approx(f_score(back, threshold))
    assert hausdorff(there) == hausdorff(back)
    assert precision(there, threshold) == recall(back, threshold)


@given(clouds, clouds, angles, shifts)
def test_a_rigid_motion_of_both_changes_nothing(a: np.ndarray, b: np.ndarray, turn: float, shift: np.ndarray) -> None:
    rotation = rotation_about_y(turn) @ rotation_about_y(0.7)[[1, 2, 0]][:, [1, 2, 0]]
    still = nearest_distances(a, b)
    moved = nearest_distances(a @ rotation.T + shift, b @ rotation.T + shift)
    np.testing.assert_allclose(moved.predicted_to_true, still.predicted_to_true, atol=1e-9)
    np.testing.assert_allclose(moved.true_to_predicted, still.true_to_predicted, atol=1e-9)


@given(clouds, clouds, st.floats(0.1, 10.0))
def test_scale(a: np.ndarray, b: np.ndarray, scale: float) -> None:
    one, other = nearest_distances(a, b), nearest_distances(scale * a, scale * b)
    for squared, factor in ((False, scale), (True, scale**2)):
        expected = factor * chamfer(one, squared=squared, halved=False)
        assert chamfer(other, squared=squared, halved=False) == pytest.approx(expected, abs=1e-9)
    assert hausdorff(other) == pytest.approx(scale * hausdorff(one), abs=1e-9)
    assert diagonal(scale * a) == pytest.approx(scale * diagonal(a))


@given(clouds, clouds)
def test_order_among_the_measures(a: np.ndarray, b: np.ndarray) -> None:
    distances = nearest_distances(a, b)
    half = chamfer(distances, squared=False, halved=True)
    assert chamfer(distances, squared=False, halved=False) == pytest.approx(2 * half)
    assert half <= hausdorff(distances) + 1e-12
    assert hausdorff(distances, 95.0) <= hausdorff(distances) + 1e-12
    shares = [f_score(distances, threshold) for threshold in (0.01, 0.05, 0.1, 1.0, 100.0)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_more_noise_is_farther(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, noise = rng.random((400, 3)), rng.normal(size=(400, 3))
    levels = [nearest_distances(true + sigma * noise, true) for sigma in (0.0, 0.02, 0.1, 0.5)]
    for measure in (lambda d: chamfer(d, squared=False, halved=False), hausdorff, lambda d: -f_score(d, 0.03)):
        values = [measure(level) for level in levels]
        assert values == sorted(values)
        assert values[-1] > values[0]


@given(clouds, clouds)
def test_scipy_agrees(a: np.ndarray, b: np.ndarray) -> None:
    distances = nearest_distances(a, b)
    np.testing.assert_allclose(distances.predicted_to_true, cKDTree(b).query(a)[0])
    both = max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0])
    assert hausdorff(distances) == pytest.approx(both)


def test_point_cloud_utils_agrees(rng: np.random.Generator) -> None:
    a, b = rng.random((700, 3)), rng.random((900, 3)) * 1.2
    distances = nearest_distances(a, b)
    assert chamfer(distances, squared=False, halved=False) == pytest.approx(point_cloud_utils.chamfer_distance(a, b))
    assert hausdorff(distances) == pytest.approx(point_cloud_utils.hausdorff_distance(a, b))


def test_open3d_agrees(open3d: ModuleType, rng: np.random.Generator) -> None:
    a, b = rng.random((500, 3)), rng.random((800, 3)) + 0.1
    clouds = [open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points)) for points in (a, b)]
    theirs = np.asarray(clouds[0].compute_point_cloud_distance(clouds[1]))
    ours = nearest_distances(a, b).predicted_to_true
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert mean_distance(ours, squared=True) == pytest.approx(np.mean(theirs**2))


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(100, 2000))
def test_each_face_gets_its_share(seed: int, count: int) -> None:
    torus = trimesh.creation.torus(1.0, 0.3, major_sections=12, minor_sections=8)
    samples = sample_surface(torus.vertices, torus.faces, count, seed)
    shares = count * torus.area_faces / torus.area
    assert (np.abs(np.bincount(samples.faces, minlength=len(shares)) - shares) < 2.0).all()
    np.testing.assert_allclose(samples.normals, torus.face_normals[samples.faces], atol=1e-6)
    heights = np.einsum("ni,ni->n", samples.points - torus.triangles[samples.faces, 0], samples.normals)
    np.testing.assert_allclose(heights, 0.0, atol=1e-9)


def test_trimesh_samples_the_same_surface() -> None:
    mesh = trimesh.creation.cone(radius=0.7, height=1.9)
    ours = sample_surface(mesh.vertices, mesh.faces, 60_000, 0).points
    theirs = np.asarray(trimesh.sample.sample_surface(mesh, 60_000, seed=0)[0])
    np.testing.assert_allclose(ours.mean(axis=0), theirs.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(theirs.T), atol=0.01)


@given(hnp.arrays(np.float64, st.integers(1, 30), elements=places), st.floats(0.1, 5.0), places)
def test_bands_hold_their_value_and_follow_the_scores(values: np.ndarray, scale: float, shift: float) -> None:
    for statistic in ("mean", "median"):
        band = bootstrap(values, statistic, resamples=200)
        assert values.min() - 1e-9 <= band.low <= band.high <= values.max() + 1e-9
        moved = bootstrap(scale * values + shift, statistic, resamples=200)
        assert moved.low == pytest.approx(scale * band.low + shift, abs=1e-6)
        assert moved.high == pytest.approx(scale * band.high + shift, abs=1e-6)


def test_bands_hold_the_truth_as_often_as_they_say(rng: np.random.Generator) -> None:
    bands = [bootstrap(rng.normal(size=60), resamples=400, seed=k) for k in range(300)]
    held = np.mean([band.low <= 0.0 <= band.high for band in bands])
    assert 0.89 < held < 0.99
