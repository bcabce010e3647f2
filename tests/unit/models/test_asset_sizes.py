"""Usual sizes, and what a mask tells beside them."""

import numpy as np
import pytest

from models.assets.candidates import known_candidates
from models.assets.furniture.registry import TEMPLATES
from models.assets.sizes import CATEGORIES
from models.assets.solid import join
from regen3d.frames import intrinsics_from_focal, transform, upright, world_from_gravity
from regen3d.render.raster import rasterize
from regen3d.types import Camera, FittedBox, Instance, ObjectView

WIDTH = 0


@pytest.mark.parametrize(("name", "axis", "sold_m"), [("stove", WIDTH, (0.5, 1.1))])
def test_the_smallest_and_the_largest_models_sold_are_no_surprise(
    name: str, axis: int, sold_m: tuple[float, float]
) -> None:
    prior = CATEGORIES[name].prior
    off = np.abs(np.log(np.array(sold_m) / prior.median_m[axis])) / prior.log_sigma[axis]
    assert off.max() < 1.5


@pytest.mark.parametrize(("k", "tried"), [(0, {"plant/0", "plant/1"}), (1, {"plant/0", "plant/1"}), (2, {"plant/2"})])
def test_fronds_are_tried_where_a_plant_is_mostly_strands(k: int, tried: set[str]) -> None:
    camera = Camera(
        intrinsics=intrinsics_from_focal(500.0, (480, 360)),
        width=480,
        height=360,
        world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.2]), 1.4),
    )
    pose = upright(yaw_rad=0.3, translation=np.array([0.0, 0.0, -2.5]))
    box = FittedBox(size_m=np.array([0.8, 1.15, 0.8]), world_from_object=pose, iou=1.0)
    surface = join(TEMPLATES["plant"][k]((0.8, 1.15, 0.8)), box.size_m)
    vertices = transform(camera.camera_from_world @ pose.matrix, surface.vertices)
    mask = rasterize(vertices, surface.faces, camera.intrinsics, camera.hw).face >= 0
    view = ObjectView(
        instance=Instance(name="plant-1", label="plant", score=1.0, mask=mask),
        image=np.zeros((*camera.hw, 3), dtype=np.uint8),
        ignore=np.zeros_like(mask),
        camera=camera,
    )
    assert {candidate.name for candidate in known_candidates(view, CATEGORIES["plant"], box)} == tried
