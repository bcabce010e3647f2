"""How long a metre is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.geometry.metres import ScaleRequest, in_metres
from regen3d.align.box import fit_box
from regen3d.errors import ConfigError
from regen3d.frames import transform
from regen3d.inputs.length import KnownLength
from regen3d.room.metres import HEIGHT_LOG_SIGMA, MISTAKEN, WIDEST, Witness, likeliest_factor, rescaled
from regen3d.types import Geometry
from tests.synthetic.room import SyntheticRoom


def witness(factor: float, sigma: float = 0.1) -> Witness:
    return Witness(log_factors=np.log([factor]), log_sigmas=np.array([sigma]))


def test_nothing_said_leaves_the_usual_height() -> None:
    factor, deviation = likeliest_factor([], 1.5)
    assert factor == pytest.approx(1.0)
    # Of a mixture: the usual height, and whatever a camera that was held elsewhere may have.
    variance = (1 - MISTAKEN) * HEIGHT_LOG_SIGMA**2 + MISTAKEN * WIDEST**2 / 3
    assert deviation == pytest.approx(np.sqrt(variance), rel=0.01)


@given(factor=st.floats(0.85, 1.18), count=st.integers(1, 5))
def test_witnesses_pull_towards_their_factor_and_no_further(factor: float, count: int) -> None:
    found, deviation = likeliest_factor([witness(factor)] * count, 1.5)
    assert min(1.0, factor) - 1e-3 <= found <= max(1.0, factor) + 1e-3
    assert abs(np.log(found / factor)) < abs(np.log(factor)) + 1e-3
    assert deviation < HEIGHT_LOG_SIGMA


def test_a_camera_that_was_held_low_is_outvoted() -> None:
    """Furniture that agrees wins over how high cameras usually are."""
    assert likeliest_factor([witness(0.6, 0.1)] * 3, 1.5)[0] == pytest.approx(0.6, rel=0.02)


def test_one_mistaken_witness_is_outvoted() -> None:
    good = [witness(1.1, 0.08)] * 3
    found = likeliest_factor([*good, witness(2.0, 0.08)], 1.5)[0]
    assert found == pytest.approx(likeliest_factor(good, 1.5)[0], rel=0.01)


def test_a_word_with_two_meanings_counts_as_the_likelier_one() -> None:
    either = Witness(log_factors=np.log([1.9, 1.1]), log_sigmas=np.array([0.1, 0.1]))
    found = likeliest_factor([either], 1.5)[0]
    assert found == pytest.approx(likeliest_factor([witness(1.1)], 1.5)[0], rel=0.02)
    assert likeliest_factor([either], 3.0)[0] < 1.0


def test_all_lengths_grow_alike(synthetic_room: SyntheticRoom) -> None:
    geometry = synthetic_room.geometry
    grown = rescaled(geometry, 1.25, "The test says so.")
    assert grown.scale_source == "The test says so."
    world, larger = (
        transform(each.camera.world_from_camera, each.image_points.points[::40, ::40]) for each in (geometry, grown)
    )
    np.testing.assert_allclose(larger, 1.25 * world, atol=1e-9)
    assert grown.layout is not None
    assert geometry.layout is not None
    np.testing.assert_allclose(grown.layout.bounds_max, 1.25 * geometry.layout.bounds_max)
    np.testing.assert_array_equal(grown.camera.intrinsics, geometry.camera.intrinsics)


@pytest.fixture(scope="module")
def small(synthetic_room: SyntheticRoom) -> Geometry:
    """The room seen from 1.5 m as if from 1.2 m."""
    return rescaled(synthetic_room.geometry, 0.8, "")


def request_of(room: SyntheticRoom) -> ScaleRequest:
    return ScaleRequest(image=room.image, instances=room.instances)


def test_usual_heights_bring_metres_back(small: Geometry, synthetic_room: SyntheticRoom) -> None:
    found = in_metres(small, request_of(synthetic_room))
    assert found.camera.position[1] == pytest.approx(1.5, rel=0.1)
    assert "table-1" in found.scale_source


def test_the_ceiling_says_what_furniture_would(small: Geometry, synthetic_room: SyntheticRoom) -> None:
    assert small.layout is not None
    request = ScaleRequest(image=synthetic_room.image, instances=())
    found = []
    for height in (2.0, 2.5, 3.0):
        top = np.array([*small.layout.bounds_max[:1], height, *small.layout.bounds_max[2:]])
        layout = replace(small.layout, seen=small.layout.seen | {"ceiling"}, bounds_max=top)
        found.append(in_metres(replace(small, layout=layout), request))
    low, usual, high = (each.camera.position[1] for each in found)
    assert low > usual > high
    assert all("the ceiling" in each.scale_source for each in found)


def test_what_the_border_cuts_at_the_side_is_not_measured(small: Geometry, synthetic_room: SyntheticRoom) -> None:
    request = request_of(synthetic_room)
    whole = in_metres(small, request)
    table = next(item for item in request.instances if item.name == "table-1")
    cut = table.mask.copy()
    cut[np.flatnonzero(cut.any(axis=1))[0], : np.flatnonzero(cut.any(axis=0))[0]] = True
    instances = tuple(replace(item, mask=cut) if item is table else item for item in request.instances)
    found = in_metres(small, replace(request, instances=instances))
    assert "table-1" in whole.scale_source
    assert "table-1" not in found.scale_source


def test_a_known_length_is_that_of_the_fitted_object(small: Geometry, synthetic_room: SyntheticRoom) -> None:
    length = KnownLength(name="table-1", dimension="height", metres=0.74)
    found = in_metres(small, replace(request_of(synthetic_room), length=length))
    assert found.camera.position[1] == pytest.approx(1.5, rel=0.05)
    assert "table-1, 0.74 m" in found.scale_source
    assert found.image_points.scale == "metric"
    view = replace(synthetic_room.view("table-1"), camera=found.camera)
    assert fit_box(view, prior=None, seed=0, absolute=False).size_m[1] == pytest.approx(0.74, rel=0.1)


def test_a_length_of_no_object_is_refused(small: Geometry, synthetic_room: SyntheticRoom) -> None:
    length = KnownLength(name="sofa-1", dimension="height", metres=0.8)
    with pytest.raises(ConfigError, match="sofa-1"):
        in_metres(small, replace(request_of(synthetic_room), length=length))


def test_known_metres_are_left_alone(small: Geometry, synthetic_room: SyntheticRoom) -> None:
    request = request_of(synthetic_room)
    assert in_metres(small, replace(request, height_known=True)) is small
    measured = replace(small, scale_source="Metres come from a tape measure.")
    assert in_metres(measured, request) is measured


def test_the_distance_of_focus_counts(small: Geometry, synthetic_room: SyntheticRoom) -> None:
    request = ScaleRequest(image=synthetic_room.image, instances=())
    assert small.layout is not None
    small = replace(small, layout=replace(small.layout, seen=small.layout.seen - {"ceiling"}))
    assert in_metres(small, request) is small
    height, width = synthetic_room.depth.shape
    middle = float(np.linalg.norm(small.image_points.points[height // 2, width // 2]))
    near, far = (in_metres(small, replace(request, focus_m=factor * middle)) for factor in (1.0, 1.5))
    assert 1.2 < near.camera.position[1] < 1.5 < far.camera.position[1] < 1.8
    assert "focus" in near.scale_source
