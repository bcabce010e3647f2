import numpy as np
import pytest

from regen3d.errors import InvalidMeshError
from regen3d.frames import intrinsics_from_focal
from regen3d.render.framing import framing_camera
from regen3d.render.scene import EMPTY_GREY, PlacedMesh, render, sample_texture
from regen3d.types import Camera, Mesh


def quad(*, texture, z=-3.0, half=1.0):
    """A square that faces +Z, upright in the world."""
    vertices = half * np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    uv = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    world = np.eye(4)
    world[2, 3] = z
    mesh = Mesh(vertices=vertices, faces=np.array([[0, 1, 2], [0, 2, 3]]), uv=uv, texture=texture)
    return PlacedMesh(mesh=mesh, world_from_mesh=world)


@pytest.fixture
def camera():
    """At the origin of the world, looking along -Z, y up."""
    world_from_camera = np.diag([1.0, -1.0, -1.0, 1.0])
    return Camera(
        intrinsics=intrinsics_from_focal(60.0, (80, 60)), width=80, height=60, world_from_camera=world_from_camera
    )


def plain(color):
    return np.full((2, 2, 3), color, dtype=np.uint8)


def test_texture_is_upright_and_not_mirrored(camera):
    texture = np.zeros((2, 2, 3), dtype=np.uint8)
    texture[0, 0], texture[0, 1], texture[1, 0], texture[1, 1] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
    picture = render([quad(texture=texture)], camera).color
    assert picture[20, 30].argmax() == 0
    assert picture[20, 50].argmax() == 1
    assert picture[40, 30].argmax() == 2
    assert (picture[40, 50][:2] > 200).all()


def test_nearer_mesh_hides_and_index_tells_which(camera):
    placed = [quad(texture=plain(200), z=-3.0, half=2.0), quad(texture=plain(50), z=-2.0, half=0.5)]
    rendering = render(placed, camera)
    assert rendering.index[30, 40] == 1
    assert rendering.index[30, 10] == 0
    assert rendering.depth[30, 40] == pytest.approx(2.0)
    assert rendering.depth[30, 10] == pytest.approx(3.0)
    assert (rendering.color[30, 40] == 50).all()


def test_background_shows_where_nothing_is(camera):
    background = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    rendering = render([quad(texture=plain(9), half=0.2)], camera, background=background)
    empty = rendering.index < 0
    np.testing.assert_array_equal(rendering.color[empty], background[empty])
    assert np.isinf(rendering.depth[empty]).all()
    assert (render([], camera).color == EMPTY_GREY).all()


def test_culled_walls_vanish_from_behind(camera):
    behind = quad(texture=plain(9))
    turned = np.diag([-1.0, 1.0, -1.0, 1.0])
    turned[2, 3] = -3.0
    seen_from_behind = PlacedMesh(mesh=behind.mesh, world_from_mesh=turned, cull_back=True)
    assert (render([seen_from_behind], camera).index == -1).all()
    seen_from_front = PlacedMesh(mesh=behind.mesh, world_from_mesh=behind.world_from_mesh, cull_back=True)
    assert (render([seen_from_front], camera).index == 0).any()


def test_headlight_dims_what_turns_away(camera):
    tilted = quad(texture=plain(200))
    turn = np.eye(4)
    turn[[0, 0, 2, 2], [0, 2, 0, 2]] = [0.5, 0.866, -0.866, 0.5]
    turned = PlacedMesh(mesh=tilted.mesh, world_from_mesh=tilted.world_from_mesh @ turn)
    front = render([tilted], camera, shaded=True).color[30, 40, 0]
    side = render([turned], camera, shaded=True).color[30, 40, 0]
    assert side < 0.8 * front


def test_sample_texture_blends_and_repeats():
    texture = np.zeros((1, 2, 3), dtype=np.uint8)
    texture[0, 1] = 200
    colors = sample_texture(texture, np.array([[0.25, 0.5], [0.75, 0.5], [0.5, 0.5], [1.75, -3.0]]))
    np.testing.assert_array_equal(colors[:, 0], [0, 200, 100, 200])


@pytest.mark.parametrize(
    ("azimuth", "elevation"), [(0.0, 0.0), (35.0, 20.0), (200.0, 60.0), (0.0, 89.0), (120.0, -30.0)]
)
def test_framing_shows_everything_and_fills_the_picture(azimuth, elevation):
    placed = quad(texture=plain(9), half=0.7)
    box = np.random.default_rng(0).uniform(-0.7, 0.7, (40, 3))
    faces = np.random.default_rng(1).integers(0, 40, (80, 3))
    mesh = Mesh(vertices=box, faces=faces, uv=np.zeros((40, 2)), texture=plain(9))
    item = PlacedMesh(mesh=mesh, world_from_mesh=placed.world_from_mesh)
    camera = framing_camera([item], (60, 80), azimuth, elevation)
    shown = render([item], camera).index >= 0
    assert not np.concatenate([shown[0], shown[-1], shown[:, 0], shown[:, -1]]).any()
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    assert max(np.ptp(rows) / 60, np.ptp(columns) / 80) > 0.6


def test_framing_nothing_is_an_error():
    with pytest.raises(InvalidMeshError, match="no vertices"):
        framing_camera([], (10, 10), 0.0, 0.0)
