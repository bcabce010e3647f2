import numpy as np
import pytest
import trimesh

from regen3d.metrics.plausibility import contact_gaps_m, floating_share, penetration, penetrations, wall_gap_m
from regen3d.metrics.surfaces import Surface
from regen3d.types import RoomLayout


def block(size: tuple[float, float, float], base: tuple[float, float, float]) -> Surface:
    mesh = trimesh.creation.box(size)
    return Surface(vertices=np.array(mesh.vertices) + base + np.array([0, size[1] / 2, 0]), faces=np.array(mesh.faces))


ROOM = RoomLayout(
    yaw_rad=0.0,
    bounds_min=np.array([-2.0, 0.0, -2.0]),
    bounds_max=np.array([2.0, 2.5, 2.0]),
    seen=frozenset(),
    confidence=1.0,
)


def test_gap_to_the_floor_and_to_the_object_below() -> None:
    table = block((1, 0.7, 1), (0, 0, 0))
    gaps = contact_gaps_m([table, block((0.2, 0.2, 0.2), (0, 0.73, 0)), block((0.2, 0.2, 0.2), (1.5, -0.04, 0))])
    np.testing.assert_allclose(gaps, [0.0, 0.03, -0.04], atol=1e-6)


def test_a_neighbour_carries_nothing() -> None:
    tall = block((0.4, 2.0, 0.4), (0, 0, 0))
    beside = block((0.4, 0.4, 0.4), (0.405, 0.5, 0))
    np.testing.assert_allclose(contact_gaps_m([tall, beside]), [0.0, 0.5], atol=1e-6)


def test_what_hangs_on_a_wall_does_not_float() -> None:
    picture, balloon = block((0.02, 0.5, 0.5), (-1.98, 1.2, 0)), block((0.3, 0.3, 0.3), (0, 1.0, 0))
    assert wall_gap_m(picture, ROOM) == pytest.approx(0.01)
    assert floating_share([picture, balloon], ROOM) == 0.5
    assert floating_share([picture, balloon]) == 1.0
    assert floating_share([]) == 0.0


def test_common_part_of_blocks() -> None:
    common = penetration(block((1, 1, 1), (0, 0, 0)), block((1, 1, 1), (0.9, 0, 0)))
    assert common.volume_m3 == pytest.approx(0.1, rel=0.02)
    assert common.depth_m == pytest.approx(0.1, rel=0.05)


def test_no_common_part_under_a_table() -> None:
    top = trimesh.creation.box((1, 0.05, 1)).apply_translation((0, 0.7, 0))
    legs = [
        trimesh.creation.box((0.05, 0.7, 0.05)).apply_translation((x, 0.35, z))
        for x in (-0.4, 0.4)
        for z in (-0.4, 0.4)
    ]
    mesh = trimesh.util.concatenate([top, *legs])
    table = Surface(vertices=np.array(mesh.vertices), faces=np.array(mesh.faces))
    assert penetrations([table, block((0.5, 0.5, 0.5), (0, 0, 0)), block((0.2, 0.2, 0.2), (0, 0.74, 0))]) == {}
    assert list(penetrations([table, block((0.2, 0.3, 0.2), (0, 0.69, 0))])) == [(0, 1)]
