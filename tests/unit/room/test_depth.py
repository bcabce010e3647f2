"""Point maps of the room box and of the objects in it."""

import numpy as np
import pytest

from regen3d.errors import DegenerateGeometryError
from regen3d.room.depth import room_points, scene_points
from regen3d.room.from_points import camera_from_points, fit_layout
from regen3d.types import PointMap
from tests.synthetic.room import SyntheticRoom


def test_the_empty_rooms_depth_is_exact(synthetic_room: SyntheticRoom) -> None:
    points = room_points(synthetic_room.camera, synthetic_room.layout)
    np.testing.assert_allclose(points.points[..., 2], synthetic_room.plate_depth, rtol=1e-3)
    assert points.scale == "metric"
    assert points.valid.all()


def test_objects_stand_before_the_room_near_their_true_depth(synthetic_room: SyntheticRoom) -> None:
    masks = [item.mask for item in synthetic_room.instances]
    points = scene_points(synthetic_room.camera, synthetic_room.layout, masks)
    depth = points.points[..., 2]
    empty = room_points(synthetic_room.camera, synthetic_room.layout)
    outside = ~np.any(masks, axis=0)
    np.testing.assert_array_equal(depth[outside], empty.points[..., 2][outside])
    assert (depth <= empty.points[..., 2] + 1e-9).all()
    for item in synthetic_room.instances:
        error = np.abs(depth[item.mask] / synthetic_room.depth[item.mask] - 1.0)
        assert np.median(error) < 0.2, item.name
        assert points.confidence[item.mask].max() < empty.confidence.max()


def test_camera_and_box_come_back_from_points(synthetic_room: SyntheticRoom) -> None:
    points = room_points(synthetic_room.camera, synthetic_room.layout)
    camera = camera_from_points(points, synthetic_room.camera.intrinsics, seed=0)
    assert camera.position[1] == pytest.approx(1.5, rel=0.01)
    layout = fit_layout(points, camera)
    assert np.degrees(layout.yaw_rad) == pytest.approx(15.0, abs=0.5)
    assert layout.bounds_min[2] == pytest.approx(synthetic_room.layout.bounds_min[2], rel=0.02)
    assert layout.bounds_max[0] == pytest.approx(synthetic_room.layout.bounds_max[0], rel=0.02)
    assert {"floor", "wall_back", "wall_right"} <= layout.seen
    assert "wall_front" not in layout.seen


def test_too_few_points_are_refused(synthetic_room: SyntheticRoom) -> None:
    height, width = synthetic_room.camera.hw
    empty = PointMap(
        points=np.zeros((height, width, 3)),
        valid=np.zeros((height, width), bool),
        confidence=np.zeros((height, width)),
        scale="relative",
    )
    with pytest.raises(DegenerateGeometryError, match="at least 100"):
        fit_layout(empty, synthetic_room.camera)
    with pytest.raises(DegenerateGeometryError, match="at least 100"):
        camera_from_points(empty, synthetic_room.camera.intrinsics, seed=0)
