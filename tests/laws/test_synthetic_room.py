"""The test ground itself: picture, masks, depth, camera and poses tell the same story."""

from pathlib import Path

import numpy as np
import pytest

from regen3d.frames import floor_point, gravity_in_camera, pixel_centers, project, transform
from regen3d.inputs.boxes import read_boxes
from regen3d.inputs.camera import read_camera
from regen3d.inputs.image import read_image
from regen3d.inputs.masks import read_masks
from tests.synthetic.room import SyntheticRoom, furnished_room


def test_depth_of_the_floor_is_where_the_rays_meet_it(synthetic_room: SyntheticRoom) -> None:
    points = synthetic_room.geometry.image_points.points[synthetic_room.floor]
    expected = floor_point(synthetic_room.camera, pixel_centers(synthetic_room.camera.hw)[synthetic_room.floor])
    world = transform(synthetic_room.camera.world_from_camera, points)
    np.testing.assert_allclose(world, expected, atol=1e-5)


def test_camera_stands_over_the_origin_and_looks_down(synthetic_room: SyntheticRoom) -> None:
    np.testing.assert_allclose(synthetic_room.camera.position, [0.0, 1.5, 0.0])
    pitch = np.degrees(np.arcsin(gravity_in_camera(synthetic_room.camera)[2]))
    assert pitch == pytest.approx(12.0)
    assert synthetic_room.layout.bounds_min[2] < 0 < synthetic_room.layout.bounds_max[2], "the camera is in the room"


def test_objects_are_where_their_masks_are(synthetic_room: SyntheticRoom) -> None:
    camera = synthetic_room.camera
    for item, instance in zip(synthetic_room.objects, synthetic_room.instances, strict=True):
        world = transform(item.world_from_object.matrix, item.mesh.vertices)
        pixels = project(camera.intrinsics, transform(camera.camera_from_world, world))
        rows, columns = np.nonzero(item.amodal)
        np.testing.assert_allclose([columns.min(), rows.min()], pixels.min(axis=0), atol=1.5)
        np.testing.assert_allclose([columns.max() + 1, rows.max() + 1], pixels.max(axis=0), atol=1.5)
        assert not (instance.mask & ~item.amodal).any()
        assert not instance.is_truncated


def test_objects_stand_on_their_supports(synthetic_room: SyntheticRoom) -> None:
    tops = {"floor": 0.0} | {
        item.name: float(transform(item.world_from_object.matrix, item.mesh.vertices)[:, 1].max())
        for item in synthetic_room.objects
    }
    for item in synthetic_room.objects:
        assert item.mesh.vertices[:, 1].min() == pytest.approx(0.0)
        np.testing.assert_allclose(item.mesh.vertices[:, ::2].max(0), -item.mesh.vertices[:, ::2].min(0), atol=1e-9)
        assert item.world_from_object.translation[1] == pytest.approx(tops[item.support])


def test_outlines_turn_outwards(synthetic_room: SyntheticRoom) -> None:
    for item in synthetic_room.objects:
        corners = item.mesh.vertices[item.mesh.faces]
        volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        assert volume > 0, item.name


def test_sides_of_the_room_face_inwards(synthetic_room: SyntheticRoom) -> None:
    for face, mesh in synthetic_room.parts.items():
        a, b, c = mesh.vertices[mesh.faces[0]]
        assert np.cross(b - a, c - a) @ (synthetic_room.camera.position - a) > 0, face


def test_masks_do_not_overlap_and_the_chair_hides_the_cabinet(synthetic_room: SyntheticRoom) -> None:
    assert sum(instance.mask.astype(int) for instance in synthetic_room.instances).max() == 1
    assert synthetic_room.view("cabinet-1").ignore.sum() > 1000
    assert not synthetic_room.view("chair-1").ignore.any()


def test_plate_is_the_empty_room(synthetic_room: SyntheticRoom, synthetic_empty_room: SyntheticRoom) -> None:
    np.testing.assert_array_equal(synthetic_room.plate, synthetic_empty_room.image)
    np.testing.assert_array_equal(synthetic_room.plate_depth, synthetic_empty_room.depth)
    assert synthetic_empty_room.objects == synthetic_empty_room.instances == ()
    changed = (synthetic_room.image != synthetic_room.plate).any(axis=2)
    masks = np.any([item.amodal for item in synthetic_room.objects], axis=0)
    assert changed[masks].mean() > 0.97
    # Half-covered pixels at outlines change too.
    assert changed[~masks].mean() < 0.02


def test_room_is_the_same_in_every_run(synthetic_room: SyntheticRoom) -> None:
    again = furnished_room()
    np.testing.assert_array_equal(again.image, synthetic_room.image)
    np.testing.assert_array_equal(again.depth, synthetic_room.depth)


def test_written_inputs_read_back(synthetic_room: SyntheticRoom, synthetic_inputs: Path) -> None:
    picture = read_image(synthetic_inputs / "image.png")
    np.testing.assert_array_equal(picture.pixels, synthetic_room.image)
    masks = read_masks(synthetic_inputs / "masks", picture).instances
    assert {item.name: int(item.mask.sum()) for item in masks} == {
        item.name: int(item.mask.sum()) for item in synthetic_room.instances
    }
    boxes = read_boxes(synthetic_inputs / "boxes.json", picture)
    assert [item.label for item in boxes] == [item.label for item in synthetic_room.instances]
    camera = read_camera(synthetic_inputs / "camera.json", picture)
    np.testing.assert_allclose(camera.intrinsics, synthetic_room.camera.intrinsics)
    assert camera.height_m == pytest.approx(1.5)
