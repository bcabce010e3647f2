import sys

import numpy as np
import pytest
import trimesh

from regen3d.errors import NotInstalledError
from regen3d.metrics.convex import convex_pieces, hull_corners
from regen3d.metrics.drop import drop_test
from regen3d.metrics.surfaces import Surface
from regen3d.types import RoomLayout

pytest.importorskip("mujoco")
pytest.importorskip("coacd")


def block(size: tuple[float, float, float], base: tuple[float, float, float], tilt_deg: float = 0.0) -> Surface:
    mesh = trimesh.creation.box(size).apply_translation((0, size[1] / 2, 0))
    mesh.apply_transform(trimesh.transformations.rotation_matrix(np.radians(tilt_deg), (0, 0, 1), (size[0] / 2, 0, 0)))
    return Surface(vertices=np.array(mesh.vertices) + base, faces=np.array(mesh.faces))


def test_what_stands_stays_and_what_floats_or_leans_falls() -> None:
    table, cup = block((1, 0.7, 1), (0, 0, 0)), block((0.1, 0.1, 0.1), (0.2, 0.7, 0))
    floating, leaning = block((0.3, 0.3, 0.3), (2, 0.2, 0)), block((0.2, 1.0, 0.2), (-2, 0, 0), tilt_deg=-30)
    result = drop_test([table, cup, floating, leaning])
    assert [fall is not None and fall.stable for fall in result.falls] == [True, True, False, False]
    assert result.falls[2].moved_m == pytest.approx(0.2, abs=0.02)
    assert result.falls[2].turned_deg < 3.0
    assert result.falls[3].turned_deg > 30.0
    assert result.stable_share == 0.5


def test_what_is_held_stays_and_counts_for_nothing() -> None:
    result = drop_test([block((0.3, 0.3, 0.3), (0, 1.5, 0))], held=frozenset({0}))
    assert (result.falls, result.stable_share) == ((None,), None)


def test_walls_hold_what_leans_on_them() -> None:
    room = RoomLayout(
        yaw_rad=0.0,
        bounds_min=np.array([-2.0, 0.0, -2.0]),
        bounds_max=np.array([2.0, 2.5, 2.0]),
        seen=frozenset(),
        confidence=1.0,
    )
    leaning = block((0.2, 1.5, 0.2), (0, 0, 0), tilt_deg=-12)
    shift = np.array([2.0 - leaning.vertices[:, 0].max(), 0.0, 0.0])
    against = Surface(vertices=leaning.vertices + shift, faces=leaning.faces)
    free, walled = drop_test([against]).falls[0], drop_test([against], room).falls[0]
    assert free.turned_deg > 30.0
    assert walled.turned_deg < free.turned_deg


def test_pieces_leave_room_under_a_table_and_reach_its_feet() -> None:
    top = trimesh.creation.box((1, 0.06, 1)).apply_translation((0, 0.7, 0))
    legs = [
        trimesh.creation.box((0.06, 0.7, 0.06)).apply_translation((x, 0.35, z))
        for x in (-0.4, 0.4)
        for z in (-0.4, 0.4)
    ]
    mesh = trimesh.util.concatenate([top, *legs])
    result = convex_pieces(Surface(vertices=np.array(mesh.vertices), faces=np.array(mesh.faces)))
    assert not result.hull_only
    assert len(result.pieces) >= 5
    volume = sum(trimesh.convex.convex_hull(piece).volume for piece in result.pieces)
    assert volume < 0.3 * mesh.convex_hull.volume
    assert min(piece[:, 1].min() for piece in result.pieces) == pytest.approx(0.0, abs=1e-9)


def test_a_flat_piece_is_thickened() -> None:
    corners = hull_corners(np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 1]]))
    assert np.ptp(corners[:, 1]) == pytest.approx(0.001)


@pytest.mark.parametrize("package", ["mujoco", "coacd"])
def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NotInstalledError, match=r"pip install '\.\[evaluate\]'"):
        drop_test([block((1, 1, 1), (0, 0, 0))])
