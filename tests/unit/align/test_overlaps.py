"""The benchmark's table of objects that reach into each other."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.alignment_overlaps import overlap_table, scene_overlap
from benchmarks.oracle import OracleScene, TruePose
from regen3d.frames import intrinsics_from_focal, upright, world_from_gravity
from regen3d.metrics.boxes import UprightBox
from regen3d.types import Alignment, Camera, Instance
from tests.synthetic.furniture import boxes_mesh

HW = (60, 80)
CAMERA = Camera(
    intrinsics=intrinsics_from_focal(70.0, (80, 60)),
    width=HW[1],
    height=HW[0],
    world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.2]), 1.5),
)
BLOCK = boxes_mesh([((-0.3, 0.0, -0.3), (0.3, 0.6, 0.3))], (128, 128, 128), np.random.default_rng(0))


def at(x):
    return upright(yaw_rad=0.0, translation=np.array([x, 0.0, -3.0]))


def scene_of(places):
    """Blocks whose true places are given; the truth's world is turned against ours."""
    theirs = upright(yaw_rad=0.4, translation=np.array([1.0, 0.0, 2.0])).matrix
    box = UprightBox(base=np.zeros(3), size_m=np.ones(3), yaw_rad=0.0)
    mask = np.ones(HW, dtype=bool)
    return OracleScene(
        folder=Path("room"),
        image=np.zeros((*HW, 3), dtype=np.uint8),
        camera=CAMERA,
        theirs_from_ours=theirs,
        instances=tuple(Instance(name=name, label="box", score=1.0, mask=mask) for name in places),
        meshes=dict.fromkeys(places, BLOCK),
        true_meshes=dict.fromkeys(places, BLOCK),
        points=None,
        background=None,
        floor=mask,
        truth=tuple(
            TruePose(
                name=name,
                world_from_object=theirs @ at(x).matrix,
                support="floor",
                visible_fraction=1.0,
                truncated=False,
                symmetry_deg=90.0,
                axes_yaw_rad=0.0,
                box=box,
            )
            for name, x in places.items()
        ),
    )


def found_at(places):
    return {
        name: Alignment(
            world_from_object=at(x),
            support="floor",
            mask_iou=1.0,
            contact_gap_m=0.0,
            point_residual_m=None,
            runner_up_margin=1.0,
        )
        for name, x in places.items()
    }


def test_only_what_is_deeper_than_in_truth_counts():
    true = {"a": 0.0, "b": 0.58, "c": 1.5}
    same = scene_overlap(scene_of(true), found_at(true))
    assert same.depth_m == pytest.approx(same.true_depth_m, abs=1e-6)
    assert same.pairs_beyond == 0
    closer = scene_overlap(scene_of(true), found_at(true | {"b": 0.575}))
    assert closer.pair == ("a", "b")
    assert closer.true_depth_m == pytest.approx(0.02, abs=0.005)
    assert closer.depth_m == pytest.approx(closer.true_depth_m + 0.005, abs=0.002)
    assert closer.pairs_beyond == 0
    moved = scene_overlap(scene_of(true), found_at(true | {"c": 1.08}))
    assert moved.pair == ("b", "c")
    assert moved.depth_m == pytest.approx(0.1, abs=0.01)
    assert moved.true_depth_m == 0.0
    assert moved.pairs_beyond == 1
    assert "b in c" in overlap_table([moved])
    apart = scene_overlap(scene_of({"a": 0.0, "b": 1.0}), found_at({"a": 0.0, "b": 1.0}))
    assert apart.pair == ("", "")
    assert apart.depth_m == 0.0
