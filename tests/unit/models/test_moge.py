"""MoGe-2: normalised numbers in pixels, two views in one scale. The network is on no package registry: not run here."""

from dataclasses import replace

import numpy as np
import pytest

from models import registry
from models.base import GeometryEstimator, GeometryRequest
from models.geometry.answer import geometry_of, horizontal_fov_deg
from models.geometry.moge import MogeGeometry, MogeView, joined, view_of
from regen3d.errors import ModelOutputError, NotInstalledError
from tests.synthetic.room import SyntheticRoom


def view(room: SyntheticRoom, depth: np.ndarray) -> MogeView:
    """What MoGe would say if it were perfect."""
    normalised = np.diag([1 / room.camera.width, 1 / room.camera.height, 1.0]) @ room.camera.intrinsics
    return view_of(depth, normalised)


def test_normalised_intrinsics_become_pixels(synthetic_room: SyntheticRoom) -> None:
    found = view(synthetic_room, synthetic_room.depth)
    np.testing.assert_allclose(found.intrinsics, synthetic_room.camera.intrinsics, rtol=1e-12)
    camera = synthetic_room.camera
    assert horizontal_fov_deg(found.intrinsics, camera.width) == pytest.approx(camera.hfov_deg)


def test_pixels_that_moge_leaves_out_have_no_point(synthetic_room: SyntheticRoom) -> None:
    depth = synthetic_room.depth.astype(float)
    depth[:50] = np.inf
    found = view(synthetic_room, depth).depth_map
    assert not found.valid[:50].any()
    assert np.isfinite(found.depth).all()
    with pytest.raises(ModelOutputError, match="0 pixels a depth"):
        view(synthetic_room, np.full_like(depth, np.inf))


def test_the_empty_room_takes_the_scale_of_the_picture(synthetic_room: SyntheticRoom) -> None:
    masks = tuple(item.mask for item in synthetic_room.instances)
    request = GeometryRequest(image=synthetic_room.image, plate=synthetic_room.plate, objects=masks)
    clear = ~np.any(masks, axis=0)
    image = view(synthetic_room, synthetic_room.depth)
    plate = view(synthetic_room, synthetic_room.plate_depth * 1.3)
    pair = joined(image, plate, clear)
    np.testing.assert_allclose(pair.plate.depth, synthetic_room.plate_depth, rtol=1e-3)
    geometry = geometry_of(pair, request)
    assert geometry.image_points.scale == "metric"
    assert geometry.camera.position[1] == pytest.approx(synthetic_room.camera.position[1], rel=0.02)
    assert geometry.notes == ()


def test_views_without_common_pixels_are_said(synthetic_room: SyntheticRoom) -> None:
    image = view(synthetic_room, synthetic_room.depth)
    pair = joined(image, image, np.zeros(synthetic_room.depth.shape, dtype=bool))
    assert "too few points" in pair.notes[0]
    assert replace(pair, notes=()).scale == "metric"


def test_loading_without_the_package_says_what_to_do() -> None:
    model = MogeGeometry()
    assert isinstance(model, GeometryEstimator)
    assert model.estimate([]) == []
    if not registry.find("geometry", "moge").missing:
        pytest.skip("moge is installed here")
    with pytest.raises(NotInstalledError, match=r"pip install git\+https://github.com/microsoft/MoGe.git"):
        model.load()
