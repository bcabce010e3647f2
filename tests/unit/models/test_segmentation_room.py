"""What the segmenter finds by holding a picture against its room: colours, leftovers, fronts, furniture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import SegmentRequest
from models.segmentation import embedded
from models.segmentation.fronts import find_fronts, standing_distance
from models.segmentation.furniture import find_furniture
from models.segmentation.grabcut import outline_of, snap
from models.segmentation.leftovers import SMALLEST, find_leftovers
from models.segmentation.straight import View, straighten
from models.segmentation.surfaces import COLOURS, Backdrop, memberships, own_colours, see_backdrop
from regen3d.frames import intrinsics_from_focal, project, transform, world_from_gravity
from regen3d.room.box import FACES, box_image
from regen3d.room.solve import SolvedRoom
from regen3d.types import Camera, Mask, Rgb, RoomLayout

WH = (480, 360)
PAINT = {"floor": (120, 85, 55), "ceiling": (235, 235, 235), "wall_back": (150, 170, 150), "wall_left": (190, 180, 160)}
WHITE, DARK, RED = (228, 226, 220), (150, 148, 140), (170, 30, 40)


@pytest.fixture(scope="module")
def room() -> SolvedRoom:
    """A camera 1.5 m above the floor that looks 12 degrees down at a wall 4 m away."""
    pitch = np.radians(12.0)
    camera = Camera(
        intrinsics=intrinsics_from_focal(380.0, WH),
        width=WH[0],
        height=WH[1],
        world_from_camera=world_from_gravity(np.array([0.0, np.cos(pitch), np.sin(pitch)]), 1.5),
    )
    layout = RoomLayout(
        yaw_rad=0.0,
        bounds_min=np.array([-2.0, 0.0, -4.0]),
        bounds_max=np.array([2.2, 2.6, 0.5]),
        seen=frozenset({"floor", "wall_back", "wall_left", "wall_right"}),
        confidence=1.0,
    )
    return SolvedRoom(camera=camera, layout=layout, confidence=1.0, notes=())


def empty(room: SolvedRoom) -> Rgb:
    """The room with a little noise on every side."""
    side, _ = box_image(room.camera, room.layout)
    paint = np.array([PAINT.get(face, PAINT["wall_left"]) for face in FACES])
    noise = np.random.default_rng(0).normal(0.0, 2.0, (*side.shape, 1))
    return np.clip(paint[side] + noise, 0, 255).astype(np.uint8)


def draw(image: Rgb, room: SolvedRoom, points: list[tuple[float, float, float]], colour: tuple[int, int, int]) -> Mask:
    """Paint the polygon between points of the world, and say where it is."""
    pixels = project(room.camera.intrinsics, transform(room.camera.camera_from_world, np.array(points)))
    mask = cv2.fillPoly(np.zeros(image.shape[:2], np.uint8), [np.round(pixels * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    image[mask > 0] = colour
    return mask > 0


def draw_cabinet(image: Rgb, room: SolvedRoom, left: float, right: float) -> Mask:
    """A closed cabinet of 0.9 m before the back wall, seen from the front and from above."""
    top = draw(image, room, [(left, 0.9, -3.4), (right, 0.9, -3.4), (right, 0.9, -4.0), (left, 0.9, -4.0)], DARK)
    return top | draw(image, room, [(left, 0, -3.4), (right, 0, -3.4), (right, 0.9, -3.4), (left, 0.9, -3.4)], WHITE)


def draw_picture(image: Rgb, room: SolvedRoom) -> Mask:
    """A red picture in a black frame on the back wall."""
    frame = draw(image, room, rectangle(-0.5, 0.2, 1.35, 1.8), (25, 20, 20))
    draw(image, room, rectangle(-0.42, 0.12, 1.43, 1.72), RED)
    return frame


def rectangle(left: float, right: float, low: float, high: float) -> list[tuple[float, float, float]]:
    """Corners of a rectangle on the back wall."""
    return [(left, low, -4.0), (right, low, -4.0), (right, high, -4.0), (left, high, -4.0)]


def iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


def backdrop_of(image: Rgb, room: SolvedRoom) -> Backdrop:
    return see_backdrop(image, room, [], 0)


class TestSurfaces:
    def test_what_has_other_colours_than_its_wall_is_strange(self, room: SolvedRoom) -> None:
        image = empty(room)
        picture = draw_picture(image, room)
        strange = backdrop_of(image, room).strange
        assert strange[picture].mean() > 0.8
        assert strange[~picture].mean() < 0.1

    def test_the_colour_of_another_side_is_strange_on_this_one(self, room: SolvedRoom) -> None:
        image = empty(room)
        spot = draw(image, room, rectangle(0.0, 0.6, 1.3, 1.9), PAINT["floor"])
        assert backdrop_of(image, room).strange[spot].mean() > 0.8

    @given(st.integers(1, 40), st.integers(1, 40))
    @settings(max_examples=20)
    def test_memberships_sum_to_one(self, height: int, width: int) -> None:
        image = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
        colours = own_colours(image, np.ones((height, width), bool), 0)
        assert 1 <= len(colours) <= max(COLOURS, 1)
        assert memberships(image, colours).sum(axis=-1) == pytest.approx(1.0)


class TestLeftovers:
    def test_a_rectangle_on_the_wall_is_a_picture(self, room: SolvedRoom) -> None:
        image = empty(room)
        picture = draw_picture(image, room)
        finds = find_leftovers(image, backdrop_of(image, room), np.zeros(picture.shape, bool))
        assert [find.label for find in finds] == ["picture"]
        assert iou(finds[0].mask, picture) > 0.9

    def test_a_thing_on_the_floor_is_an_object(self, room: SolvedRoom) -> None:
        image = empty(room)
        cv2.ellipse(image, (250, 300), (30, 20), 0, 0, 360, RED, -1)
        finds = find_leftovers(image, backdrop_of(image, room), np.zeros(image.shape[:2], bool))
        assert [find.label for find in finds] == ["object"]

    def test_a_thin_strip_that_goes_on_from_a_thing_is_not_of_it(self, room: SolvedRoom) -> None:
        """The shade of a lamp before the narrow side of a bookcase."""
        image = empty(room)
        cv2.rectangle(image, (230, 60), (238, 200), WHITE, -1)
        shade = cv2.ellipse(np.zeros(image.shape[:2], np.uint8), (220, 190), (28, 18), 0, 0, 360, 1, -1) > 0
        image[shade] = RED
        finds = find_leftovers(image, backdrop_of(image, room), np.zeros(image.shape[:2], bool))
        assert len(finds) == 1
        assert iou(finds[0].mask, shade) > 0.8

    def test_what_is_known_is_not_found_again(self, room: SolvedRoom) -> None:
        image = empty(room)
        picture = draw_picture(image, room)
        assert find_leftovers(image, backdrop_of(image, room), picture) == []

    def test_a_shadow_has_no_outline(self, room: SolvedRoom) -> None:
        image = empty(room)
        y, x = np.mgrid[: WH[1], : WH[0]]
        shade = 1.0 - 0.6 * np.exp(-((x - 250) ** 2 + (y - 290) ** 2) / (2 * 45.0**2))
        dark = (image * shade[..., None]).astype(np.uint8)
        assert find_leftovers(dark, backdrop_of(dark, room), np.zeros(image.shape[:2], bool)) == []


class TestStraight:
    @given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.5, 5.0))
    @settings(max_examples=25)
    def test_pixels_of_view_and_picture_agree(self, room: SolvedRoom, right: float, down: float, ahead: float) -> None:
        view = seen(empty(room), room)
        pixel = np.array([right, down]) * view.valid.shape[::-1]
        mapped = view.picture_from_view @ np.append(pixel, 1.0)
        assert view.project(view.rays(pixel) * ahead) == pytest.approx(mapped[:2] / mapped[2], abs=1e-6)

    def test_fronts_are_upright_rectangles_at_any_distance(self, room: SolvedRoom) -> None:
        image = empty(room)
        mask = draw(image, room, [(0.5, 0, -2.9), (1.2, 0, -2.9), (1.2, 0.8, -2.9), (0.5, 0.8, -2.9)], RED)
        warped = seen(image, room).warp(mask.astype(np.float64)) > 0.5
        rows, columns = np.nonzero(warped)
        assert warped.sum() > 0.97 * (np.ptp(rows) + 1) * (np.ptp(columns) + 1)

    def test_a_wall_out_of_view_gives_no_view(self, room: SolvedRoom) -> None:
        image = empty(room)[:60, :60]
        camera = Camera(
            intrinsics=intrinsics_from_focal(600.0, (60, 60)),
            width=60,
            height=60,
            world_from_camera=room.camera.world_from_camera,
        )
        assert (
            straighten(image, SolvedRoom(camera=camera, layout=room.layout, confidence=1.0, notes=()), "wall_left")
            is None
        )


class TestFronts:
    def test_a_front_is_among_the_firm_rectangles(self, room: SolvedRoom) -> None:
        image = empty(room)
        draw_cabinet(image, room, -0.2, 0.7)
        view, backdrop = seen(image, room), backdrop_of(image, room)
        fronts = find_fronts(view, 4.0 / 1.5, backdrop.colours)
        corners = np.array([[-0.2, 0.9, -3.4], [0.7, 0.0, -3.4]])
        places = (corners[:, :2] - [0.0, 1.5]) / 3.4
        true = np.concatenate([(place - view.origin) * [view.zoom, -view.zoom] for place in places])
        close = np.abs(fronts.boxes - true).max(axis=1) < 5
        assert close.any()
        assert fronts.firmness[close].max() > 0.8
        assert np.nanmin(fronts.contrast[close], axis=1).max() > 0.5

    def test_where_a_front_stands(self) -> None:
        assert standing_distance(np.array([-0.5, 0.3])).tolist() == [2.0, np.inf]


class TestFurniture:
    def test_a_cabinet_is_found_with_its_top(self, room: SolvedRoom) -> None:
        image = empty(room)
        cabinet = draw_cabinet(image, room, -0.2, 0.7)
        finds = find_furniture(image, room, backdrop_of(image, room), np.zeros(cabinet.shape, bool))
        assert [find.label for find in finds] == ["cabinet"]
        assert iou(finds[0].mask, cabinet) > 0.85

    def test_a_small_front_is_a_rest_of_something(self, room: SolvedRoom) -> None:
        """A piece of wall between things comes to as little of the picture."""
        camera = replace(room.camera, intrinsics=intrinsics_from_focal(760.0, (960, 720)), width=960, height=720)
        layout = replace(room.layout, bounds_min=np.array([-2.0, 0.0, -6.0]))
        far = replace(room, camera=camera, layout=layout)
        for wide, high, labels in ((0.31, 0.28, []), (0.5, 0.5, ["cabinet"])):
            image = empty(far)
            corners = [(0.3, 0.0), (0.3 + wide, 0.0), (0.3 + wide, high), (0.3, high)]
            mask = draw(image, far, [(x, y, -5.9) for x, y in corners], WHITE)
            assert (mask.mean() < SMALLEST) == (not labels)
            finds = find_furniture(image, far, backdrop_of(image, far), np.zeros(mask.shape, bool))
            assert [find.label for find in finds] == labels

    def test_an_empty_room_has_none(self, room: SolvedRoom) -> None:
        image = empty(room)
        assert find_furniture(image, room, backdrop_of(image, room), np.zeros(image.shape[:2], bool)) == []

    def test_the_gap_between_two_things_is_none(self, room: SolvedRoom) -> None:
        image = empty(room)
        known = draw_cabinet(image, room, -1.2, -0.2) | draw_cabinet(image, room, 0.4, 1.4)
        assert find_furniture(image, room, backdrop_of(image, room), known) == []


class TestSegmenter:
    def test_pictures_stay_in_the_texture_unless_asked_for(
        self, room: SolvedRoom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image = empty(room)
        picture = draw_picture(image, room)
        monkeypatch.setattr(embedded, "solve_room", lambda *_: room)
        monkeypatch.setattr(embedded, "detect", lambda *_: [])
        segmenter = embedded.EmbeddedSegmenter()
        requests = [SegmentRequest(image=image), SegmentRequest(image=image, labels=("painting",))]
        silent, asked = segmenter.segment(requests)
        assert silent.instances == ()
        assert any("picture" in note for note in silent.notes)
        assert [item.name for item in asked.instances] == ["painting-1"]
        assert iou(asked.instances[0].mask, picture) > 0.9
        assert asked.notes == ()


class TestSnap:
    def test_a_rough_outline_moves_to_the_edge(self) -> None:
        image = np.full((300, 400, 3), (120, 120, 120), np.uint8)
        cv2.circle(image, (200, 150), 70, RED, -1)
        truth = (image == RED).all(axis=-1)
        rough = cv2.erode(truth.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert iou(snap(image, rough, 0), truth) > 0.985 > iou(rough, truth)

    def test_the_outline_leaves_out_the_border_of_the_picture(self) -> None:
        mask = np.zeros((20, 30), bool)
        mask[5:, 10:20] = True
        outline = outline_of(mask)
        assert outline[5, 10:20].all()
        assert not outline[-1, 11:19].any()


def seen(image: Rgb, room: SolvedRoom) -> View:
    view = straighten(image, room, "wall_back")
    assert view is not None
    return view
