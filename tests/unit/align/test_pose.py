"""Laws of planes, poses, proxies and height maps."""

import numpy as np
import pytest
import trimesh

from regen3d.align.heights import contact_height, height_map
from regen3d.align.planes import SIDES, room_side, wall_behind
from regen3d.align.pose import FLOOR, plane_coordinates
from regen3d.align.proxy import FACE_BUDGET, is_round, make_proxy, simplify, upright_axis
from regen3d.errors import InvalidMeshError
from regen3d.frames import intrinsics_from_focal, rotation_about_y, world_from_gravity
from regen3d.types import Camera, Mesh, RoomLayout

LAYOUT = RoomLayout(
    yaw_rad=0.3,
    bounds_min=np.array([-2.0, 0.0, -4.0]),
    bounds_max=np.array([1.5, 2.6, 1.0]),
    seen=frozenset(),
    confidence=1.0,
)
PLANES = [FLOOR, *(room_side(LAYOUT, face) for face in SIDES)]


def cloud(seed, n=30):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (n, 3))


@pytest.mark.parametrize("face", list(SIDES))
def test_sides_of_the_room_face_inward(face):
    plane = room_side(LAYOUT, face)
    middle = rotation_about_y(0.3) @ (0.5 * (LAYOUT.bounds_min + LAYOUT.bounds_max))
    assert (middle - plane.origin) @ plane.normal > 0.5
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.axes @ plane.normal, 0.0, atol=1e-12)
    np.testing.assert_allclose(plane_coordinates(plane, plane.origin), 0.0, atol=1e-12)


def test_the_wall_behind_a_pixel_is_the_one_that_its_ray_leaves_through():
    world = world_from_gravity(np.array([0.0, 1.0, 0.1]), 1.5)
    camera = Camera(intrinsics=intrinsics_from_focal(50.0, (200, 100)), width=200, height=100, world_from_camera=world)
    found = [wall_behind(LAYOUT, camera, np.array([u, 50.0])) for u in (2.0, 100.0, 198.0)]
    assert found == ["wall_left", "wall_back", "wall_right"]


def wavy(n):
    """A bumpy ball of n x n vertices."""
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, n), np.linspace(0.01, np.pi - 0.01, n))
    r = 1.0 + 0.1 * np.sin(5 * u) * np.sin(v)
    vertices = np.stack([r * np.cos(u) * np.sin(v), r * np.cos(v), r * np.sin(u) * np.sin(v)], -1).reshape(-1, 3)
    grid = np.arange(n * n).reshape(n, n)
    a, b, c, d = (g.ravel() for g in (grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]))
    return vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])


def test_simplified_meshes_keep_within_the_budget_and_the_shape():
    vertices, faces = wavy(100)
    merged, kept = simplify(vertices, faces)
    assert len(kept) <= FACE_BUDGET
    np.testing.assert_allclose(np.ptp(merged, axis=0), np.ptp(vertices, axis=0), rtol=0.1)
    small, same = simplify(*wavy(10))
    assert len(same) == len(wavy(10)[1])
    assert len(small) == 100


def test_boxes_have_an_axis_and_balls_have_none():
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (0, 1) for k in (-0.5, 0.5)], dtype=float)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([t for a, b, c, d in quads for t in ([a, b, c], [a, c, d])])
    for yaw in (0.0, 0.4, -0.6):
        axis, boxiness = upright_axis(corners @ rotation_about_y(yaw).T, faces)
        assert (axis - yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4 == pytest.approx(0.0, abs=1e-9)
        assert boxiness > 0.5
    assert upright_axis(*wavy(60))[1] < 0.1


def test_bodies_of_revolution_have_no_way_to_face_and_polygons_have():
    ball = trimesh.creation.icosphere(subdivisions=3)
    square = trimesh.creation.box((1.0, 0.5, 1.0))
    for body, expected in ((ball, True), (square, False)):
        vertices, faces = np.asarray(body.vertices), np.asarray(body.faces)
        mesh = Mesh(
            vertices=vertices, faces=faces, uv=np.zeros((len(vertices), 2)), texture=np.zeros((2, 2, 3), np.uint8)
        )
        assert is_round(make_proxy(mesh, 0)) is expected


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.zeros((3, 3)), np.array([[0, 1, 2]]), "one point"),
        (np.eye(3), np.zeros((0, 3), dtype=np.int64), "0 faces"),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]]), "not finite"),
        (np.eye(3), np.array([[0, 0, 1]]), "area"),
    ],
)
def test_meshes_without_a_surface_are_refused(vertices, faces, message):
    mesh = Mesh(vertices=vertices, faces=faces, uv=np.zeros((3, 2)), texture=np.zeros((1, 1, 3), dtype=np.uint8))
    with pytest.raises(InvalidMeshError, match=message):
        make_proxy(mesh, 0)


def test_height_maps_hold_the_upper_surface():
    step = np.array([[0.0, 0.4, 0.0], [1.0, 0.4, 0.0], [1.0, 0.4, 1.0], [0.0, 0.4, 1.0]])
    low = step - np.array([0.0, 0.3, 0.0])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    surface = height_map(np.concatenate([low, step]), np.concatenate([faces, faces + 4]))
    inner = surface.height[5:95, 5:95]
    np.testing.assert_allclose(inner, 0.4, atol=1e-3)
    footprint = np.array([[0.9, 0.0, 0.9], [1.1, 0.0, 1.1]])
    level, gap = contact_height(surface, footprint, np.array([0.5, 1.5, 3.0]), 0.95)
    assert level is None or level == pytest.approx(0.4, abs=0.01)
    assert np.isnan(gap) or abs(gap) < 0.01
