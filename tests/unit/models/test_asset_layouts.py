"""Layouts of furniture: even, without overlap, on textures as fine as the picture."""

import numpy as np
import pytest

from models.assets.embedded import TEXTURE_PX, texture_side
from models.assets.furniture.registry import TEMPLATES
from models.assets.furniture.template import REACH
from models.assets.packing import along_skyline, gap_px, pack
from models.assets.primitives import box, lathe
from models.assets.sizes import CATEGORIES
from models.assets.solid import Surface, join
from regen3d.errors import InvalidMeshError
from regen3d.frames import intrinsics_from_focal, upright, world_from_gravity
from regen3d.meshes.quality import uv_overlap
from regen3d.types import Camera, FittedBox, Mesh

VARIANTS = [(name, k) for name, builders in sorted(TEMPLATES.items()) for k in range(len(builders))]


def built(name: str, k: int) -> Surface:
    size = CATEGORIES[name].prior.median_m
    return join(TEMPLATES[name][k]((float(size[0]), float(size[1]), float(size[2]))), size)


@pytest.mark.parametrize(("name", "k"), VARIANTS)
def test_most_of_the_surface_has_texels_of_one_size(name: str, k: int) -> None:
    surface = built(name, k)
    layout = pack(surface, 1024)
    corners, flat = surface.vertices[surface.faces], layout[surface.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    one, two = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    density = np.sqrt(np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / area)
    order = np.argsort(density)
    low, high = np.interp((0.1, 0.9), np.cumsum(area[order]) / area.sum(), density[order])
    assert high < 2.0 * low


@pytest.mark.parametrize(("name", "k"), VARIANTS)
def test_layouts_do_not_overlap_at_the_greatest_proportions(name: str, k: int) -> None:
    size, template = CATEGORIES[name].prior.median_m, TEMPLATES[name][k]
    parts = template((float(size[0]), float(size[1]), float(size[2])), np.full(len(template.ranges), REACH))
    surface = join(parts, size)
    uv, blank = pack(surface, 1024) / 1024, np.zeros((1, 1, 3), dtype=np.uint8)
    assert uv_overlap(Mesh(vertices=surface.vertices, faces=surface.faces, uv=uv, texture=blank), 1024) < 0.02


def test_a_table_top_fills_its_texture() -> None:
    layout, surface = pack(built("table", 4), 512), built("table", 4)
    flat = layout[surface.faces]
    one, two = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    assert 0.5 * np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]).sum() > 0.5 * 512**2


def test_a_low_band_is_cut_into_arcs_and_stays_closed() -> None:
    ring = lathe(np.array([0.5, 0.5]), np.array([0.0, 0.03]))
    assert ring.chart.max() + 1 == 5
    assert np.ptp(ring.layout, axis=0)[0] < 0.4 * 2 * np.pi * 0.5 * 3
    tall = lathe(np.array([0.5, 0.5]), np.array([0.0, 3.0]))
    assert tall.chart.max() + 1 == 3


def test_rectangles_along_a_skyline_keep_apart() -> None:
    sizes = np.random.default_rng(2).uniform(3.0, 40.0, (60, 2))
    corners = along_skyline(sizes, 256)
    assert corners is not None
    covered = np.zeros((256, 256), dtype=int)
    for (x, y), (width, height) in zip(np.ceil(corners), np.floor(sizes) - 1, strict=True):
        covered[int(y) : int(y + height), int(x) : int(x + width)] += 1
    assert covered.max() == 1
    assert (corners + sizes).max() <= 256
    assert along_skyline(sizes, 150) is None


def test_gaps_grow_with_the_texture() -> None:
    assert [gap_px(side) for side in (256, 1024, 2048)] == [2, 4, 8]


def test_more_charts_than_texels_are_refused() -> None:
    parts = [box((x, 0, z), (x + 0.9, 1, z + 0.9)) for x in range(8) for z in range(8)]
    with pytest.raises(InvalidMeshError, match="384 charts do not fit on 32 px"):
        pack(join(parts, np.array([8.0, 1.0, 8.0])), 32)


@pytest.mark.parametrize(("distance_m", "side"), [(6.0, TEXTURE_PX[0]), (1.5, TEXTURE_PX[1])])
def test_textures_are_as_fine_as_the_picture(distance_m: float, side: int) -> None:
    camera = Camera(
        intrinsics=intrinsics_from_focal(800.0, (960, 720)),
        width=960,
        height=720,
        world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.2]), 1.5),
    )
    pose = upright(yaw_rad=0.3, translation=np.array([0.0, 0.0, -distance_m]))
    fitted = FittedBox(size_m=np.array([0.9, 0.8, 0.5]), world_from_object=pose, iou=1.0)
    surface = join([box((-0.45, 0, -0.25), (0.45, 0.8, 0.25))], fitted.size_m)
    assert texture_side(surface, fitted, camera) == side
