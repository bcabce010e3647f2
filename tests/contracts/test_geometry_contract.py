"""What every geometry estimator that runs here must keep."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.base import GeometryEstimator, GeometryRequest
from models.geometry.embedded import EmbeddedGeometry
from models.geometry.fusion import FusionOptions, VggtWithMoge
from models.geometry.moge import MogeGeometry, MogeOptions
from models.geometry.vggt import VggtGeometry, VggtOptions
from models.weights import FOLDER_VARIABLE
from regen3d.frames import gravity_in_camera, pixel_centers, project
from regen3d.types import Geometry, KnownCamera
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.stand_ins import networks_of

ESTIMATORS = {
    "embedded": EmbeddedGeometry,
    "moge": lambda: MogeGeometry(MogeOptions(device="cpu")),
    "vggt": lambda: VggtGeometry(VggtOptions(device="cpu")),
    "vggt+moge": lambda: VggtWithMoge(FusionOptions(device="cpu")),
}
"""The networks are stand-ins with the interface of VGGT and MoGe-2 that know the truth; the rest is what runs."""


@pytest.fixture(scope="module", params=list(ESTIMATORS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def estimator(
    name: str, synthetic_room: SyntheticRoom, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GeometryEstimator]:
    root = tmp_path_factory.mktemp("weights")
    with networks_of(synthetic_room, root), pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(root))
        model = ESTIMATORS[name]()
        model.load()
        yield model
        model.close()


@pytest.fixture(scope="module")
def request_of_room(synthetic_room: SyntheticRoom) -> GeometryRequest:
    masks = tuple(item.mask for item in synthetic_room.instances)
    return GeometryRequest(image=synthetic_room.image, plate=synthetic_room.plate, objects=masks)


@pytest.fixture(scope="module")
def answer(estimator: GeometryEstimator, request_of_room: GeometryRequest) -> Geometry:
    return estimator.estimate([request_of_room])[0]


def test_it_is_a_geometry_estimator(estimator: GeometryEstimator) -> None:
    assert isinstance(estimator, GeometryEstimator)
    assert estimator.estimate([]) == []


def test_point_maps_lie_under_their_pixels(answer: Geometry) -> None:
    for points in (answer.image_points, answer.plate_points):
        assert points.valid.shape == answer.camera.hw
        assert ((points.confidence >= 0) & (points.confidence <= 1)).all()
        pixels = project(answer.camera.intrinsics, points.points)
        np.testing.assert_allclose(pixels[points.valid], pixel_centers(answer.camera.hw)[points.valid], atol=0.01)
        assert (points.points[points.valid][:, 2] > 0).all()


def test_objects_stand_before_the_plate(answer: Geometry, name: str) -> None:
    both = answer.image_points.valid & answer.plate_points.valid
    front, back = answer.image_points.points[both][:, 2], answer.plate_points.points[both][:, 2]
    assert (front <= back * (1.0 if name == "embedded" else 1.01) + 1e-6).all()


def test_confidence_is_a_share(answer: Geometry) -> None:
    assert 0.0 <= answer.confidence <= 1.0


def test_what_the_plate_handed_on_is_used(
    estimator: GeometryEstimator, request_of_room: GeometryRequest, synthetic_room: SyntheticRoom, name: str
) -> None:
    handed = replace(request_of_room, camera=synthetic_room.camera, layout=synthetic_room.layout)
    geometry = estimator.estimate([handed])[0]
    np.testing.assert_array_equal(geometry.camera.intrinsics, synthetic_room.camera.intrinsics)
    assert geometry.layout is synthetic_room.layout
    # Networks see 518 pixels, and say nothing at edges.
    valid = geometry.plate_points.valid
    assert valid.mean() > 0.9
    error = np.abs(geometry.plate_points.points[..., 2][valid] / synthetic_room.plate_depth[valid] - 1.0)
    assert error.max() < (1e-3 if name == "embedded" else 0.06)


def test_known_camera_is_kept(
    estimator: GeometryEstimator, request_of_room: GeometryRequest, synthetic_room: SyntheticRoom
) -> None:
    camera = synthetic_room.camera
    known = KnownCamera(intrinsics=camera.intrinsics, width=camera.width, height=camera.height, height_m=1.2)
    geometry = estimator.estimate([replace(request_of_room, known_camera=known)])[0]
    np.testing.assert_array_equal(geometry.camera.intrinsics, camera.intrinsics)
    assert geometry.camera.position[1] == pytest.approx(1.2)


@pytest.mark.parametrize("scene_name", ["bedroom", "dining_room", "kitchen", "living_room", "office"])
@pytest.mark.parametrize("name", ["embedded"], indirect=True)
def test_rendered_rooms_are_measured(estimator: GeometryEstimator, data_root: Path, scene_name: str) -> None:
    scene = data_root / "scenes" / scene_name
    image = cv2.cvtColor(cv2.imread(str(scene / "image.png")), cv2.COLOR_BGR2RGB)
    ids = cv2.imread(str(scene / "instances.png"), cv2.IMREAD_GRAYSCALE)
    masks = tuple(ids == k for k in np.unique(ids[ids > 0]))
    geometry = estimator.estimate([GeometryRequest(image=image, plate=image, objects=masks)])[0]
    truth = np.load(scene / "background_depth.npy").astype(float)
    ratio = geometry.plate_points.points[..., 2] / truth
    assert np.median(np.abs(ratio / np.median(ratio) - 1.0)) < 0.02
    assert gravity_in_camera(geometry.camera)[1] > 0.9
    assert geometry.layout is not None
    assert geometry.layout.confidence > 0.5
