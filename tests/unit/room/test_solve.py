"""Camera and room box of a picture."""

import numpy as np
import pytest

from regen3d.frames import gravity_in_camera, rotation_about_y, world_from_gravity
from regen3d.metrics.camera import angle_deg
from regen3d.room.box import room_position, room_rays
from regen3d.room.layout import BELIEVABLE
from regen3d.room.lines import detect_segments, masked_share, room_segments, segment_lengths
from regen3d.room.solve import SolvedRoom, _camera, solve_camera, solve_room
from regen3d.room.vanishing import Manhattan
from regen3d.types import KnownCamera
from tests.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def solved(synthetic_room: SyntheticRoom) -> SolvedRoom:
    return solve_room(synthetic_room.image, [item.mask for item in synthetic_room.instances], None, seed=0)


def test_segments_of_a_square_are_its_sides() -> None:
    image = np.full((120, 160, 3), 230, np.uint8)
    image[30:90, 40:120] = 20
    segments = detect_segments(image, 20.0)
    assert len(segments) == 4
    np.testing.assert_allclose(np.sort(segment_lengths(segments)), [60, 60, 80, 80], atol=6)
    assert set(np.round(np.abs(segments[:, [0, 2]] - 80).min(axis=1) / 40)) == {1.0}


def test_a_blank_picture_has_no_segments() -> None:
    assert detect_segments(np.full((60, 80, 3), 128, np.uint8), 5.0).shape == (0, 4)


def test_segments_over_objects_are_not_the_rooms() -> None:
    mask = np.zeros((100, 100), bool)
    mask[:, :50] = True
    segments = np.array([[10.0, 10.0, 40.0, 40.0], [60.0, 10.0, 90.0, 40.0], [40.0, 50.0, 60.0, 50.0]])
    np.testing.assert_allclose(masked_share(segments, mask), [1.0, 0.0, 0.5])
    assert room_segments(segments, mask, 2).tolist() == [False, True, False]


def test_a_picture_cropped_off_centre_keeps_its_lens(synthetic_room: SyntheticRoom) -> None:
    part = np.s_[: 3 * synthetic_room.image.shape[0] // 4, synthetic_room.image.shape[1] // 4 :]
    image = np.ascontiguousarray(synthetic_room.image[part])
    camera, _ = solve_camera(image, [item.mask[part] for item in synthetic_room.instances], None, seed=0)
    true = synthetic_room.camera.intrinsics
    shift = np.array([synthetic_room.image.shape[1] // 4, 0.0])
    assert camera.intrinsics[0, 0] == pytest.approx(true[0, 0], rel=0.05)
    np.testing.assert_allclose(camera.intrinsics[:2, 2], true[:2, 2] - shift, atol=0.04 * image.shape[1])
    assert angle_deg(gravity_in_camera(camera), gravity_in_camera(synthetic_room.camera)) < 1.0


def test_a_whole_picture_keeps_its_principal_point(solved: SolvedRoom) -> None:
    camera = solved.camera
    np.testing.assert_allclose(camera.intrinsics[:2, 2], [camera.width / 2, camera.height / 2])


@pytest.mark.parametrize("yaw", [0.26187292455679656, 0.2618729240924549, -0.4])
def test_a_known_camera_is_kept_to_the_last_bit_whatever_directions_are_found(
    yaw: float, synthetic_room: SyntheticRoom
) -> None:
    true = synthetic_room.camera
    known = KnownCamera(
        intrinsics=true.intrinsics,
        width=true.width,
        height=true.height,
        gravity=np.array([0.0, np.cos(0.2), np.sin(0.2)]),
        height_m=1.5,
    )
    expected = world_from_gravity(known.gravity, 1.5)
    rounding = rotation_about_y(1e-12)[[1, 2, 0]][:, [1, 2, 0]]
    manhattan = Manhattan(
        intrinsics=true.intrinsics,
        camera_from_room=rounding @ expected[:3, :3].T @ rotation_about_y(yaw),
        axes=np.zeros(0, dtype=np.int64),
        confidence=1.0,
        notes=(),
    )
    camera, found = _camera(manhattan, true.hw, known, 1.0)
    assert np.array_equal(camera.world_from_camera, expected)
    assert found == pytest.approx(yaw)


def test_focal_length_and_gravity_are_found(solved: SolvedRoom, synthetic_room: SyntheticRoom) -> None:
    assert solved.camera.intrinsics[0, 0] == pytest.approx(350.0, rel=0.02)
    cosine = gravity_in_camera(solved.camera) @ gravity_in_camera(synthetic_room.camera)
    assert np.degrees(np.arccos(min(cosine, 1.0))) < 0.5
    assert np.degrees(solved.layout.yaw_rad) == pytest.approx(15.0, abs=0.5)


def test_visible_walls_are_found(solved: SolvedRoom, synthetic_room: SyntheticRoom) -> None:
    truth = synthetic_room.layout
    assert solved.layout.confidence > BELIEVABLE
    assert {"floor", "wall_back"} <= solved.layout.seen
    assert solved.layout.bounds_min[2] == pytest.approx(truth.bounds_min[2], rel=0.03)
    assert solved.layout.bounds_max[0] == pytest.approx(truth.bounds_max[0], rel=0.03)


def test_what_the_user_knows_is_kept(synthetic_room: SyntheticRoom) -> None:
    camera = synthetic_room.camera
    gravity = gravity_in_camera(camera)
    known = KnownCamera(
        intrinsics=camera.intrinsics, width=camera.width, height=camera.height, gravity=gravity, height_m=1.7
    )
    solved = solve_room(synthetic_room.image, [], known, seed=0)
    np.testing.assert_array_equal(solved.camera.intrinsics, camera.intrinsics)
    np.testing.assert_allclose(gravity_in_camera(solved.camera), gravity, atol=1e-9)
    assert solved.camera.position[1] == pytest.approx(1.7)


def test_a_blank_picture_gives_an_assumed_room_and_says_so() -> None:
    solved = solve_room(np.full((120, 160, 3), 128, np.uint8), [], None, seed=0)
    assert solved.confidence == 0.0
    assert solved.layout.confidence < BELIEVABLE
    assert solved.camera.intrinsics[0, 0] == pytest.approx(0.8 * 160)
    assert any("assumed" in note for note in solved.notes)


def test_assumed_walls_stand_behind_the_objects() -> None:
    image = np.full((120, 160, 3), 128, np.uint8)
    masks = [np.zeros((120, 160), bool) for _ in range(2)]
    masks[0][40:80, 10:40] = True
    masks[1][50:100, 110:150] = True
    solved = solve_room(image, masks, None, seed=0)
    feet = np.array([[25.5, 80.0], [130.5, 100.0]])
    rays = room_rays(solved.camera, solved.layout, feet)
    ground = room_position(solved.camera, solved.layout) - rays * (solved.camera.position[1] / rays[:, 1:2])
    assert solved.layout.confidence < BELIEVABLE
    assert (ground[:, 2] > solved.layout.bounds_min[2] + 1.0).all()
    assert (ground[:, 0] > solved.layout.bounds_min[0] + 1.0).all()
    assert (ground[:, 0] < solved.layout.bounds_max[0] - 1.0).all()


def test_noise_is_no_room() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    assert solve_room(noise, [], None, seed=0).layout.confidence < BELIEVABLE


def test_a_picture_covered_by_objects_gives_an_answer() -> None:
    image = np.full((90, 120, 3), 128, np.uint8)
    solved = solve_room(image, [np.ones((90, 120), bool)], None, seed=0)
    assert np.isfinite(solved.layout.bounds_max).all()


def test_the_same_seed_gives_the_same_room(solved: SolvedRoom, synthetic_room: SyntheticRoom) -> None:
    again = solve_room(synthetic_room.image, [item.mask for item in synthetic_room.instances], None, seed=0)
    np.testing.assert_array_equal(again.camera.intrinsics, solved.camera.intrinsics)
    np.testing.assert_array_equal(again.layout.bounds_min, solved.layout.bounds_min)
