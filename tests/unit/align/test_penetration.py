"""Laws of how far meshes reach into each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen3d.align.apart import ROUNDS, TOLERANCE_M
from regen3d.align.penetration import carve, exits, overlap
from regen3d.align.placed import PlacedObject, shifted
from regen3d.frames import rotation_about_y, upright
from regen3d.types import Alignment, Instance
from tests.synthetic.furniture import boxes_mesh, chair, table, turned_mesh

RNG = np.random.default_rng(0)
BOX = boxes_mesh([((-0.5, 0.0, -0.25), (0.5, 0.8, 0.25))], (128, 128, 128), RNG)
BOWL = turned_mesh(
    np.array([[0.0, 0.0], [0.3, 0.0], [0.3, 0.3], [0.28, 0.3], [0.28, 0.02], [0.0, 0.02]]), (128, 128, 128)
)
SOLIDS = {"box": carve(BOX), "bowl": carve(BOWL), "chair": carve(chair(RNG)), "table": carve(table(RNG))}
MESHES = {"box": BOX, "bowl": BOWL, "chair": chair(RNG), "table": table(RNG)}


def placed(kind, place, yaw_rad=0.0, scale=1.0):
    alignment = Alignment(
        world_from_object=upright(yaw_rad=yaw_rad, translation=np.array(place), scale=scale),
        support="floor",
        mask_iou=1.0,
        contact_gap_m=0.0,
        point_residual_m=None,
        runner_up_margin=1.0,
    )
    instance = Instance(name=kind, label=kind, score=1.0, mask=np.ones((2, 2), dtype=bool))
    return PlacedObject(name=kind, alignment=alignment, mesh=MESHES[kind], instance=instance)


def found(one, two):
    return overlap(one, two, (SOLIDS[one.name], SOLIDS[two.name]))


def test_exits_are_distances_to_the_sides():
    inside = exits(SOLIDS["box"], np.array([[0.1, 0.3, -0.05]]))[0]
    np.testing.assert_allclose(inside, [0.6, 0.4, 0.3, 0.5, 0.2, 0.3], atol=1e-3)
    assert (exits(SOLIDS["box"], np.array([[0.0, 0.9, 0.0], [0.6, 0.3, 0.0]])) < 0.0).any(axis=1).all()


def test_a_bowl_and_the_room_under_a_table_are_free():
    assert (exits(SOLIDS["bowl"], np.array([[0.0, 0.15, 0.0]])) <= 0.0).any()
    assert found(placed("chair", (0.0, 0.0, 0.3)), placed("table", (0.0, 0.0, 0.0))) is not None
    assert found(placed("chair", (0.0, 0.0, 0.3), np.pi), placed("table", (0.0, 0.0, 0.0))) is None


@settings(max_examples=10)
@given(x=st.floats(-1.2, 1.2), z=st.floats(-0.8, 0.8), yaw=st.floats(-3.0, 3.0), turn=st.floats(-3.0, 3.0))
def test_the_way_out_leads_out_and_the_frame_does_not_matter(x, z, yaw, turn):
    one, two = placed("box", (x, 0.0, z), yaw), placed("box", (0.0, 0.0, 0.0))
    answer = found(one, two)
    whole = rotation_about_y(turn)
    turned = found(placed("box", whole @ [x, 0.0, z], yaw + turn), placed("box", (0.0, 0.0, 0.0), turn))
    assert (answer is None) == (turned is None)
    if answer is None:
        return
    assert turned is not None
    assert turned.depth_m == pytest.approx(answer.depth_m, abs=2e-3)
    assert answer.depth_m <= np.linalg.norm(answer.ways[0]) + 1e-6
    assert (np.diff(np.linalg.norm(answer.ways, axis=1)) >= 0.0).all()
    for _ in range(ROUNDS):
        if answer is not None:
            one = shifted(one, answer.ways[0])
            answer = found(one, two)
    assert answer is None or answer.depth_m < TOLERANCE_M


def test_depth_scales_with_the_scene():
    small = found(placed("box", (0.8, 0.0, 0.0)), placed("box", (0.0, 0.0, 0.0)))
    large = found(placed("box", (1.6, 0.0, 0.0), scale=2.0), placed("box", (0.0, 0.0, 0.0), scale=2.0))
    assert small is not None
    assert large is not None
    assert small.depth_m == pytest.approx(0.2, abs=0.01)
    assert large.depth_m == pytest.approx(2.0 * small.depth_m, abs=0.01)


def test_holes_and_stray_faces_do_not_turn_a_solid_inside_out():
    torn = replace(BOX, faces=BOX.faces[:-1])
    flipped = replace(BOX, faces=BOX.faces[:, ::-1])
    middle = np.array([[-0.3, 0.2, 0.1]])
    assert (exits(carve(flipped), middle) > 0.0).all()
    assert (exits(carve(torn), middle) > 0.0).all() or (exits(carve(torn), -middle * [1, -1, 1]) > 0.0).all()
