"""The empty room: its picture and its textured surfaces."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from regen3d.room.build import build_room
from regen3d.room.panel import LARGEST_STRETCH, face_panel, stretch, texel_pixels
from regen3d.room.plate import fill_room, hole_mask
from regen3d.room.surfaces import room_meshes
from regen3d.types import Face, Mesh
from tests.synthetic.room import SyntheticRoom


def psnr(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    return float(10 * np.log10(255.0**2 / np.mean((a.astype(float) - b)[mask] ** 2)))


def test_the_hole_is_filled_along_walls_and_floor(synthetic_room: SyntheticRoom) -> None:
    room = synthetic_room
    hole = hole_mask([item.mask for item in room.instances], room.camera.hw)
    plate, invented = fill_room(room.image, hole, room.camera, room.layout)
    assert (hole <= invented).all()
    np.testing.assert_array_equal(plate[~invented], room.image[~invented])
    flat = np.asarray(cv2.inpaint(room.image, hole.astype(np.uint8), 5, cv2.INPAINT_TELEA))
    assert psnr(plate, room.plate, hole) > 20.0
    assert psnr(plate, room.plate, hole) > psnr(flat, room.plate, hole)


def test_no_objects_no_hole(synthetic_room: SyntheticRoom) -> None:
    assert not hole_mask([], synthetic_room.camera.hw).any()


def test_an_object_at_the_border_is_taken_whole() -> None:
    mask = np.zeros((80, 100), bool)
    mask[60:, :20] = True
    assert (mask <= hole_mask([mask], (80, 100))).all()


@pytest.fixture(scope="module")
def meshes(synthetic_room: SyntheticRoom) -> dict[Face, Mesh]:
    return room_meshes(synthetic_room.plate, synthetic_room.camera, synthetic_room.layout)


def test_sides_face_inwards_and_close_the_box(meshes: dict[Face, Mesh], synthetic_room: SyntheticRoom) -> None:
    room = synthetic_room
    assert set(meshes) == set(room.parts)
    middle = np.mean([mesh.vertices.mean(axis=0) for mesh in room.parts.values()], axis=0)
    for face, mesh in meshes.items():
        expected = np.sort(np.round(room.parts[face].vertices, 6), axis=0)
        np.testing.assert_allclose(np.sort(np.round(mesh.vertices, 6), axis=0), expected, atol=1e-6)
        for corners in mesh.vertices[mesh.faces]:
            normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
            assert normal @ (middle - corners[0]) > 0, face


def test_textures_show_what_the_plate_shows(meshes: dict[Face, Mesh], synthetic_room: SyntheticRoom) -> None:
    mesh = meshes["wall_back"]
    truth = synthetic_room.parts["wall_back"].texture.reshape(-1, 3)
    assert np.abs(np.median(mesh.texture.reshape(-1, 3), axis=0) - np.median(truth, axis=0)).max() < 12
    height = mesh.texture.shape[0]
    assert np.abs(mesh.texture[: height // 2].astype(float) - mesh.texture[: height // 2].mean()).max() < 90


def test_a_side_out_of_view_is_plain(meshes: dict[Face, Mesh]) -> None:
    mesh = meshes["wall_front"]
    assert len(np.unique(mesh.texture.reshape(-1, 3), axis=0)) == 1


def test_room_says_where_its_metres_come_from(synthetic_room: SyntheticRoom) -> None:
    geometry = replace(synthetic_room.geometry, layout=None)
    room = build_room(synthetic_room.plate, geometry)
    assert "1.5 m" in room.scale_source
    assert any("fitted" in note for note in room.notes)
    np.testing.assert_allclose(room.layout.bounds_min[1:], synthetic_room.layout.bounds_min[1:], atol=0.1)


def test_a_pixel_square_on_is_not_stretched_and_one_seen_askew_is() -> None:
    rows, columns = np.mgrid[:64, :48].astype(np.float64)
    square_on = np.stack([3.0 * columns, 3.0 * rows], axis=-1)
    np.testing.assert_allclose(stretch(square_on), 1.0, atol=1e-6)
    askew = np.stack([3.0 * columns + 0.5 * rows, 0.2 * rows], axis=-1)
    true = np.linalg.svd(np.array([[3.0, 0.5], [0.0, 0.2]]))[1]
    np.testing.assert_allclose(stretch(askew), true[0] / true[1], rtol=1e-6)
    assert np.isinf(stretch(np.full((40, 40, 2), np.nan))).all()


def test_no_texture_is_stretched_more_than_stated(synthetic_room: SyntheticRoom) -> None:
    """What the picture shows too askew is not taken from it: painted red, it colours no texel."""
    camera = replace(synthetic_room.camera, world_from_camera=synthetic_room.camera.world_from_camera.copy())
    camera.world_from_camera[1, 3] = 0.12  # the floor seen from a hand's breadth above it
    plate = synthetic_room.plate.copy()
    pixels = texel_pixels(face_panel(synthetic_room.layout, "floor", 512), camera)
    askew = (stretch(pixels) > LARGEST_STRETCH) & np.isfinite(pixels).all(axis=-1)
    x, y = pixels[askew].astype(int).T
    inside = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
    assert inside.sum() > 100
    plate[y[inside], x[inside]] = (255, 0, 0)
    texture = room_meshes(plate, camera, synthetic_room.layout)["floor"].texture.astype(int)
    red = (texture[..., 0] > 200) & (texture[..., 1:].max(axis=-1) < 60)
    assert red.mean() < 0.01
