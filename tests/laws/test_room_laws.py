"""Laws of the room box: every ray leaves it once, on the side and at the depth that the box says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regen3d.frames import (
    intrinsics_from_focal,
    pixel_centers,
    project,
    rotation_about_y,
    transform,
    unproject,
    world_from_gravity,
)
from regen3d.room.box import FACES, box_image, contains_camera, face_axis
from regen3d.room.depth import room_points
from regen3d.room.from_points import fit_layout
from regen3d.room.panel import face_panel, panel_fractions, texel_pixels
from regen3d.types import Camera, RoomLayout

WH = (48, 36)


@st.composite
def rooms(draw: st.DrawFn) -> tuple[Camera, RoomLayout]:
    pitch, roll = draw(st.floats(-0.2, 0.6)), draw(st.floats(-0.1, 0.1))
    height = draw(st.floats(0.8, 2.0))
    gravity = np.array([np.sin(roll), np.cos(roll) * np.cos(pitch), np.sin(pitch)])
    camera = Camera(
        intrinsics=intrinsics_from_focal(draw(st.floats(25.0, 70.0)), WH),
        width=WH[0],
        height=WH[1],
        world_from_camera=world_from_gravity(gravity, height),
    )
    layout = RoomLayout(
        yaw_rad=draw(st.floats(-0.78, 0.78)),
        bounds_min=np.array([-draw(st.floats(0.5, 5.0)), 0.0, -draw(st.floats(1.0, 8.0))]),
        bounds_max=np.array([draw(st.floats(0.5, 5.0)), height + draw(st.floats(0.3, 2.0)), draw(st.floats(0.3, 1.0))]),
        seen=frozenset(FACES),
        confidence=1.0,
    )
    return camera, layout


@settings(max_examples=30)
@given(rooms())
def test_rays_end_on_the_side_they_name(room: tuple[Camera, RoomLayout]) -> None:
    camera, layout = room
    assert contains_camera(camera, layout)
    sides, depth = box_image(camera, layout)
    assert (depth > 0).all()
    world = transform(camera.world_from_camera, unproject(camera.intrinsics, pixel_centers(camera.hw), depth))
    inside = world @ rotation_about_y(layout.yaw_rad)
    assert (inside > layout.bounds_min - 1e-6).all()
    assert (inside < layout.bounds_max + 1e-6).all()
    for index, face in enumerate(FACES):
        axis, sign = face_axis(face)
        bound = (layout.bounds_max if sign > 0 else layout.bounds_min)[axis]
        np.testing.assert_allclose(inside[sides == index][:, axis], bound, atol=1e-6)


@settings(max_examples=30)
@given(rooms(), st.sampled_from(FACES))
def test_panel_and_picture_are_inverse(room: tuple[Camera, RoomLayout], face: str) -> None:
    camera, layout = room
    panel = face_panel(layout, face, 24)
    assert np.isclose(np.cross(panel.right, panel.up) @ (camera.position - panel.corner) > 0, True)
    pixels = texel_pixels(panel, camera)
    ahead = np.isfinite(pixels).all(axis=-1)
    rows, columns = np.nonzero(ahead)
    fractions = panel_fractions(panel, camera, pixels[ahead])
    np.testing.assert_allclose(fractions[:, 0] * panel.wh[0], columns + 0.5, atol=1e-4)
    np.testing.assert_allclose((1 - fractions[:, 1]) * panel.wh[1], rows + 0.5, atol=1e-4)


@settings(max_examples=20)
@given(rooms(), st.floats(0.5, 2.0))
def test_depth_scales_with_the_room(room: tuple[Camera, RoomLayout], factor: float) -> None:
    camera, layout = room
    pose = camera.world_from_camera.copy()
    pose[:3, 3] *= factor
    larger = RoomLayout(
        yaw_rad=layout.yaw_rad,
        bounds_min=layout.bounds_min * factor,
        bounds_max=layout.bounds_max * factor,
        seen=layout.seen,
        confidence=1.0,
    )
    grown = Camera(intrinsics=camera.intrinsics, width=WH[0], height=WH[1], world_from_camera=pose)
    np.testing.assert_allclose(box_image(grown, larger)[1], box_image(camera, layout)[1] * factor, rtol=1e-6)


@settings(max_examples=20)
@given(rooms())
def test_points_project_back_and_the_fitted_box_holds_them(room: tuple[Camera, RoomLayout]) -> None:
    camera, layout = room
    points = room_points(camera, layout)
    np.testing.assert_allclose(project(camera.intrinsics, points.points), pixel_centers(camera.hw), atol=1e-6)
    fitted = fit_layout(points, camera)
    assert contains_camera(camera, fitted)
    assert -np.pi / 4 - 1e-9 <= fitted.yaw_rad <= np.pi / 4 + 1e-9
