"""VGGT: the way onto its canvas and back, what its numbers mean, and the answer that is made of them.

The network itself is on no package registry: its forward pass is not run here.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import registry
from models.base import GeometryEstimator, GeometryRequest
from models.geometry.answer import DepthMap, DepthPair, geometry_of
from models.geometry.framing import (
    Framing,
    canvas_intrinsics,
    cropped,
    framed,
    framing_of,
    picture_intrinsics,
)
from models.geometry.fusion import VggtWithMoge, in_metres
from models.geometry.scaling import median_ratio
from models.geometry.vggt import Prediction, VggtGeometry, VggtOptions, pair_of, share_of_confidence
from regen3d.errors import DegenerateGeometryError, ModelOutputError, NotInstalledError
from regen3d.frames import gravity_in_camera, intrinsics_from_focal, pixel_centers, project, unproject
from regen3d.types import KnownCamera
from tests.synthetic.room import SyntheticRoom

SIZES = st.tuples(st.integers(90, 3000), st.integers(90, 3000)).filter(lambda hw: 0.34 < hw[0] / hw[1] < 3.0)
UNIT = 0.37
"""Metres in a unit of the depth below."""


@given(hw=SIZES)
def test_the_canvas_is_what_vggt_was_trained_with(hw: tuple[int, int]) -> None:
    framing = framing_of(hw, 518, 14)
    height, width = framing.canvas_hw
    assert width == 518
    assert height <= width
    assert height % 14 == width % 14 == 0
    assert framing.inner_hw == framing.canvas_hw or hw[0] > hw[1]
    ratio = (framing.inner_hw[1] / framing.inner_hw[0]) / (hw[1] / hw[0])
    assert abs(ratio - 1.0) < 8 / min(framing.inner_hw)


@given(hw=SIZES, focal=st.floats(200.0, 3000.0), x=st.floats(-1.0, 1.0), y=st.floats(-1.0, 1.0))
def test_a_camera_goes_onto_the_canvas_and_comes_back(hw: tuple[int, int], focal: float, x: float, y: float) -> None:
    framing = framing_of(hw, 518, 14)
    intrinsics = intrinsics_from_focal(focal, (hw[1], hw[0]))
    there = canvas_intrinsics(intrinsics, framing)
    np.testing.assert_allclose(picture_intrinsics(there, framing), intrinsics, rtol=1e-12)
    # A point is seen at the same place of the picture, wherever that lies on the canvas.
    point = np.array([[x, y, 2.0]])
    on_picture, on_canvas = project(intrinsics, point)[0], project(there, point)[0]
    np.testing.assert_allclose((framing.canvas_from_picture @ [*on_picture, 1.0])[:2], on_canvas, atol=1e-9)
    # VGGT puts the principal point in the middle of its canvas: padding is even, so that is the picture's middle too.
    np.testing.assert_allclose(there[:2, 2], np.array(framing.canvas_hw[::-1]) / 2, atol=0.51)


def test_padding_is_white_and_cut_off_again() -> None:
    image = np.full((300, 200, 3), 51, dtype=np.uint8)
    framing = framing_of((300, 200), 518, 14)
    canvas = framed(image, framing)
    assert canvas.shape == (3, 518, 518)
    assert canvas[:, :, 0].min() == 1.0
    inner = cropped(canvas[0].astype(np.float64), framing)
    assert inner.shape == (518, 350)
    np.testing.assert_allclose(inner, 0.2, atol=1e-6)


def test_confidence_is_the_logistic_of_the_logit() -> None:
    logits = np.linspace(-8.0, 8.0, 33)
    shares = share_of_confidence(1.0 + np.exp(logits))
    np.testing.assert_allclose(shares, 1.0 / (1.0 + np.exp(-logits)), rtol=1e-9)
    assert share_of_confidence(np.array([1.0, 2.0, 5.0])) == pytest.approx([0.0, 0.5, 0.8])


@pytest.fixture(scope="module")
def framing() -> Framing:
    return framing_of((360, 480), 518, 14)


@pytest.fixture(scope="module")
def prediction(synthetic_room: SyntheticRoom, framing: Framing) -> Prediction:
    """What VGGT would say of the synthetic room if it were perfect, in units of its own."""
    intrinsics = canvas_intrinsics(synthetic_room.camera.intrinsics, framing)
    depths = [_resampled(depth, framing) / UNIT for depth in (synthetic_room.depth, synthetic_room.plate_depth)]
    still = np.eye(4)[:3]
    return Prediction(
        intrinsics=np.stack([intrinsics, intrinsics]),
        camera_from_world=np.stack([still, still]),
        depth=np.stack(depths),
        raw_confidence=np.full((2, *framing.canvas_hw), 6.0),
    )


@pytest.fixture(scope="module")
def pair(prediction: Prediction, framing: Framing) -> DepthPair:
    return pair_of(prediction, framing, 0.5)


@pytest.fixture(scope="module")
def request_of_room(synthetic_room: SyntheticRoom) -> GeometryRequest:
    masks = tuple(item.mask for item in synthetic_room.instances)
    return GeometryRequest(image=synthetic_room.image, plate=synthetic_room.plate, objects=masks)


def _resampled(depth: np.ndarray, framing: Framing) -> np.ndarray:
    """Depth at the canvas pixels' centres: of the nearest pixel of the picture."""
    centres = pixel_centers(framing.canvas_hw)
    back = np.linalg.inv(framing.canvas_from_picture)
    u, v = centres[..., 0] * back[0, 0] + back[0, 2], centres[..., 1] * back[1, 1] + back[1, 2]
    return depth[v.astype(int).clip(0, depth.shape[0] - 1), u.astype(int).clip(0, depth.shape[1] - 1)].astype(float)


def test_depth_comes_back_to_its_pixels_without_edges(pair: DepthPair, synthetic_room: SyntheticRoom) -> None:
    assert pair.scale == "relative"
    np.testing.assert_allclose(pair.intrinsics, synthetic_room.camera.intrinsics, rtol=1e-9)
    for found, truth in ((pair.image, synthetic_room.depth), (pair.plate, synthetic_room.plate_depth)):
        error = np.abs(found.depth[found.valid] * UNIT / truth[found.valid] - 1.0)
        assert found.valid.mean() > 0.9
        assert error.max() < 0.04
    step = np.abs(np.diff(synthetic_room.depth, axis=1))[:, :-1] > 0.3
    assert not pair.image.valid[:, 1:-1][step].any()


def test_the_answer_has_gravity_height_and_one_frame(
    pair: DepthPair, request_of_room: GeometryRequest, synthetic_room: SyntheticRoom
) -> None:
    geometry = geometry_of(pair, request_of_room)
    gravity = gravity_in_camera(synthetic_room.camera)
    assert gravity_in_camera(geometry.camera) @ gravity > np.cos(np.radians(1.0))
    assert geometry.camera.position[1] == pytest.approx(1.5)
    assert geometry.image_points.scale == geometry.plate_points.scale == "relative"
    assert any("relative" in note for note in geometry.notes)
    assert geometry.layout is not None
    for points, truth in (
        (geometry.image_points, synthetic_room.depth),
        (geometry.plate_points, synthetic_room.plate_depth),
    ):
        # The synthetic camera happens to stand where relative scale assumes it.
        ratio = points.points[..., 2][points.valid] / truth[points.valid]
        assert np.median(ratio) == pytest.approx(1.0, abs=0.02)
        pixels = project(geometry.camera.intrinsics, points.points[points.valid])
        np.testing.assert_allclose(pixels, pixel_centers(geometry.camera.hw)[points.valid], atol=0.01)
    size = geometry.layout.bounds_max - geometry.layout.bounds_min
    true_size = synthetic_room.layout.bounds_max - synthetic_room.layout.bounds_min
    assert size[0] == pytest.approx(true_size[0], rel=0.1)


def test_a_known_height_makes_it_metric(
    pair: DepthPair, request_of_room: GeometryRequest, synthetic_room: SyntheticRoom
) -> None:
    camera = synthetic_room.camera
    known = KnownCamera(
        intrinsics=camera.intrinsics,
        width=camera.width,
        height=camera.height,
        gravity=gravity_in_camera(camera),
        height_m=1.2,
    )
    geometry = geometry_of(pair, replace(request_of_room, known_camera=known))
    assert geometry.image_points.scale == "metric"
    np.testing.assert_array_equal(geometry.camera.intrinsics, camera.intrinsics)
    assert geometry.camera.position[1] == pytest.approx(1.2)
    np.testing.assert_allclose(gravity_in_camera(geometry.camera), gravity_in_camera(camera), atol=1e-9)
    valid = geometry.plate_points.valid
    ratio = geometry.plate_points.points[..., 2][valid] / synthetic_room.plate_depth[valid]
    assert np.median(ratio) == pytest.approx(1.2 / 1.5, rel=0.02)


def test_what_the_plate_handed_on_is_used(
    pair: DepthPair, request_of_room: GeometryRequest, synthetic_room: SyntheticRoom
) -> None:
    handed = replace(request_of_room, camera=synthetic_room.camera, layout=synthetic_room.layout)
    geometry = geometry_of(pair, handed)
    assert geometry.layout is synthetic_room.layout
    np.testing.assert_array_equal(geometry.camera.world_from_camera, synthetic_room.camera.world_from_camera)
    valid = geometry.plate_points.valid
    np.testing.assert_allclose(
        geometry.plate_points.points[..., 2][valid], synthetic_room.plate_depth[valid], rtol=0.06
    )


def test_a_wrong_lens_is_said(pair: DepthPair, request_of_room: GeometryRequest) -> None:
    known = KnownCamera(intrinsics=intrinsics_from_focal(200.0, (480, 360)), width=480, height=360)
    geometry = geometry_of(pair, replace(request_of_room, known_camera=known))
    assert any("known to see 100 degrees" in note for note in geometry.notes)


def test_no_floor_falls_back_on_lines_and_says_so(
    pair: DepthPair, request_of_room: GeometryRequest, synthetic_room: SyntheticRoom
) -> None:
    world = unproject(synthetic_room.camera.intrinsics, pixel_centers((360, 480)), synthetic_room.plate_depth * 1.0)
    upper = world @ gravity_in_camera(synthetic_room.camera) < 0.4
    walls = replace(pair, plate=replace(pair.plate, valid=pair.plate.valid & upper))
    geometry = geometry_of(walls, request_of_room)
    assert any("show no floor" in note for note in geometry.notes)
    assert geometry.camera.position[1] == pytest.approx(1.5)


def test_two_cameras_where_there_is_one_are_said(prediction: Prediction, framing: Framing) -> None:
    moved = prediction.camera_from_world.copy()
    moved[1, 0, 3] = 0.2 * float(np.median(prediction.depth[0]))
    pair, steady = (pair_of(item, framing, 0.5) for item in (replace(prediction, camera_from_world=moved), prediction))
    assert "another place (0.0 degrees, 20%" in pair.notes[0]
    assert pair.confidence == pytest.approx(steady.confidence / 2)
    assert steady.notes == ()


def test_output_that_cannot_be_used_is_refused(prediction: Prediction, framing: Framing) -> None:
    with pytest.raises(ModelOutputError, match="VGGT answered depth of which 0% is finite"):
        pair_of(replace(prediction, depth=np.full_like(prediction.depth, np.nan)), framing, 0.5)
    with pytest.raises(ModelOutputError, match=r"VGGT trusts 0 pixels at a confidence of 0.9.*smaller min_confidence"):
        pair_of(prediction, framing, 0.9)


def test_metres_of_one_network_scale_the_other(pair: DepthPair, synthetic_room: SyntheticRoom) -> None:
    rng = np.random.default_rng(0)
    wrong = rng.random(synthetic_room.depth.shape) < 0.3
    noisy = np.where(wrong, 9.0, synthetic_room.depth * rng.normal(1.0, 0.02, wrong.shape))
    everywhere = np.ones(wrong.shape, dtype=bool)
    metric = DepthMap(depth=noisy, valid=everywhere, confidence=everywhere.astype(float))
    fused = in_metres(pair, metric)
    assert fused.scale == "metric"
    valid = fused.plate.valid
    assert np.median(fused.plate.depth[valid] / synthetic_room.plate_depth[valid]) == pytest.approx(1.0, abs=0.05)
    assert "Metres come from MoGe-2" in fused.notes[-1]
    assert fused.confidence == pair.confidence


def test_too_little_in_common_stays_relative(pair: DepthPair) -> None:
    nowhere = replace(pair.image, valid=np.zeros_like(pair.image.valid))
    fused = in_metres(pair, nowhere)
    assert fused.scale == "relative"
    assert "stay relative" in fused.notes[-1]
    assert median_ratio(nowhere, pair.image, pair.image.valid) is None


@pytest.mark.parametrize(("name", "package"), [("vggt", "vggt"), ("vggt+moge", "vggt"), ("moge", "moge")])
def test_a_missing_package_is_named_with_its_command(name: str, package: str) -> None:
    adapter = registry.find("geometry", name)
    if package not in adapter.missing:
        pytest.skip(f"{package} is installed here")
    with pytest.raises(NotInstalledError, match=rf"needs .*{package}.*: install with `pip install"):
        registry.construct(adapter)


@pytest.mark.parametrize("made", [VggtGeometry, VggtWithMoge])
def test_loading_without_the_package_says_what_to_do(made: type) -> None:
    if not registry.find("geometry", "vggt").missing:
        pytest.skip("vggt is installed here")
    model = made()
    assert isinstance(model, GeometryEstimator)
    assert model.estimate([]) == []
    with pytest.raises(NotInstalledError, match="VGGT needs the package vggt"):
        model.load()
    model.close()


def test_options_are_read_from_text() -> None:
    adapter = registry.find("geometry", "vggt")
    options = registry.read_options(adapter, VggtGeometry, {"min_confidence": "0.8"})
    assert options == VggtOptions(min_confidence=0.8)


def test_a_map_above_the_lens_has_no_floor(pair: DepthPair, request_of_room: GeometryRequest) -> None:
    known = KnownCamera(
        intrinsics=pair.intrinsics, width=480, height=360, gravity=np.array([0.0, 0.0, -1.0]), height_m=1.5
    )
    with pytest.raises(DegenerateGeometryError, match="above the lens"):
        geometry_of(pair, replace(request_of_room, known_camera=known))
