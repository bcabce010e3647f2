"""Rooms with truth as another camera sees them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.truth import Truth, load_truth
from benchmarks.viewpoints import drawn, raised
from regen3d.frames import project, transform
from regen3d.metrics.masks import mask_iou

PART = 5
"""Odd, so that middles of the small pixels are middles of large ones."""


@pytest.fixture(scope="module")
def truth(data_root: Path) -> Truth:
    """A room whose camera takes small pictures."""
    whole = load_truth(data_root / "scenes" / "living_room")
    camera = whole.camera
    small = replace(
        camera,
        intrinsics=np.diag([1 / PART, 1 / PART, 1.0]) @ camera.intrinsics,
        width=camera.width // PART,
        height=camera.height // PART,
    )
    return replace(whole, camera=small, depth=whole.depth[PART // 2 :: PART, PART // 2 :: PART])


@pytest.mark.parametrize("by_m", [-0.5, 0.0, 0.5])
def test_a_raised_camera_looks_at_the_same_middle(truth: Truth, by_m: float) -> None:
    camera = raised(truth, by_m)
    height, width = camera.hw
    middle = truth.camera.position + truth.depth[height // 2, width // 2] * truth.camera.world_from_camera[:3, 2]
    seen = project(camera.intrinsics, transform(camera.camera_from_world, middle[None]))[0]
    np.testing.assert_allclose(seen, camera.intrinsics[:2, 2], atol=1e-6)
    assert camera.position[1] == pytest.approx(truth.camera.position[1] + by_m)
    rotation = camera.world_from_camera[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    assert rotation[1, 0] == pytest.approx(0.0, abs=1e-6)


def test_from_where_it_was_taken_a_room_is_drawn_as_it_is(truth: Truth) -> None:
    seen = drawn(truth, truth.camera)
    assert seen.image.shape == (*truth.camera.hw, 3)
    for k, item in enumerate(truth.objects):
        mask = item.mask[PART // 2 :: PART, PART // 2 :: PART]
        if mask.sum() > 200:
            assert mask_iou(seen.index == k, mask) > 0.98, item.name
    bare = seen.index < 0
    np.testing.assert_allclose(seen.empty_depth[bare], truth.depth[bare], rtol=0.005)
