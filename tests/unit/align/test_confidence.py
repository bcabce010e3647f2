"""How sure a pose is: monotone in what speaks for it, and honest about what is not seen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen3d.align.confidence import (
    DOUBTFUL,
    FEATURES,
    WEIGHTS,
    ambiguity,
    pose_confidence,
    pose_features,
)
from regen3d.frames import intrinsics_from_focal, upright, world_from_gravity
from regen3d.types import Alignment, Camera, Instance, ObjectView

HW = (90, 120)


def view(mask=None, ignore=None):
    camera = Camera(
        intrinsics=intrinsics_from_focal(100.0, (HW[1], HW[0])),
        width=HW[1],
        height=HW[0],
        world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.2]), 1.5),
    )
    if mask is None:
        mask = np.zeros(HW, dtype=bool)
        mask[30:60, 40:80] = True
    instance = Instance(name="chair-1", label="chair", score=1.0, mask=mask)
    ignore = np.zeros(HW, dtype=bool) if ignore is None else ignore
    return ObjectView(instance=instance, image=np.zeros((*HW, 3), dtype=np.uint8), ignore=ignore, camera=camera)


def pose(**changes):
    alignment = Alignment(
        world_from_object=upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -3.0])),
        support="floor",
        mask_iou=0.95,
        contact_gap_m=0.0,
        point_residual_m=0.01,
        runner_up_margin=0.1,
    )
    return replace(alignment, **changes)


@settings(max_examples=40)
@given(
    iou=st.floats(0.0, 1.0),
    margin=st.floats(0.0, 1.0),
    residual=st.one_of(st.none(), st.floats(0.0, 2.0)),
    gain=st.floats(0.0, 1.0),
)
def test_confidence_is_a_probability_that_grows_with_the_mask_and_the_lead(iou, margin, residual, gain):
    before = pose_confidence(pose(mask_iou=iou, runner_up_margin=margin, point_residual_m=residual), view())
    better = pose(mask_iou=iou + gain * (1.0 - iou), runner_up_margin=margin + gain, point_residual_m=residual)
    assert 0.0 <= before <= pose_confidence(better, view()) <= 1.0


def test_points_that_are_off_make_a_pose_less_sure():
    assert pose_confidence(pose(point_residual_m=0.2), view()) < pose_confidence(pose(point_residual_m=0.005), view())


def test_features_come_in_the_order_of_their_names():
    found = dict(zip(FEATURES, pose_features(pose(point_residual_m=None), view()), strict=True))
    assert len(WEIGHTS) == len(FEATURES)
    assert found["mask error"] == pytest.approx(0.05)
    assert found["lead"] == pytest.approx(0.1)
    assert found["log size"] == pytest.approx(0.5 * np.log(30 * 40 / (90 * 120)))
    assert found["point residual"] == 0.0


def test_only_poses_that_are_less_than_sure_are_called_ambiguous():
    assert ambiguity(pose(), DOUBTFUL) is None
    sentence = ambiguity(pose(mask_iou=0.4), 0.3)
    assert sentence is not None
    assert sentence.startswith("ambiguous: the pose is right with a probability of 30 %")
    lost = pose(mask_iou=0.05, runner_up_margin=0.0, point_residual_m=0.5)
    assert pose_confidence(lost, view()) < DOUBTFUL < pose_confidence(pose(mask_iou=0.98, runner_up_margin=0.3), view())


def test_an_empty_mask_is_no_crash():
    assert 0.0 <= pose_confidence(pose(mask_iou=0.0), view(np.zeros(HW, dtype=bool))) <= 1.0
