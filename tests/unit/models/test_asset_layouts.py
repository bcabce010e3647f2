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
from regen3d.meshes.quality import is_closed_surface, uv_overlap
from regen3d.metrics.mesh_quality import mesh_quality
from regen3d.render.triangles import triangle_areas
from regen3d.types import Camera, FittedBox, Mesh

VARIANTS = [(name, k) for name, builders in sorted(TEMPLATES.items()) for k in range(len(builders))]


def built(name: str, k: int) -> Surface:
    size = CATEGORIES[name].prior.median_m
    return join(TEMPLATES[name][k]((float(size[0]), float(size[1]), float(size[2]))), size)


def laid(surface: Surface, size_px: int) -> Mesh:
    """A surface on a texture of a side."""
    uv, blank = pack(surface, size_px) / size_px, np.zeros((1, 1, 3), dtype=np.uint8)
    return Mesh(vertices=surface.vertices, faces=surface.faces, uv=uv, texture=blank)


def drawn_areas(mesh: Mesh) -> np.ndarray:
    """Shares of the texture that faces cover."""
    return triangle_areas(np.pad(mesh.uv, ((0, 0), (0, 1)))[mesh.faces])


@pytest.mark.parametrize(("name", "k"), VARIANTS)
def test_most_of_the_surface_has_texels_of_one_size(name: str, k: int) -> None:
    assert mesh_quality(laid(built(name, k), 1024)).texel_spread < 2.0


@pytest.mark.parametrize(("name", "k"), VARIANTS)
def test_layouts_do_not_overlap_at_the_greatest_proportions(name: str, k: int) -> None:
    size, template = CATEGORIES[name].prior.median_m, TEMPLATES[name][k]
    parts = template((float(size[0]), float(size[1]), float(size[2])), np.full(len(template.ranges), REACH))
    assert uv_overlap(laid(join(parts, size), 1024), 1024) < 0.02


def test_a_table_top_fills_its_texture() -> None:
    assert drawn_areas(laid(built("table", 4), 512)).sum() > 0.5


@pytest.mark.parametrize(("height_m", "arcs"), [(0.03, 3), (3.0, 1)])
def test_a_low_band_is_cut_into_arcs_and_stays_closed(height_m: float, arcs: int) -> None:
    ring = lathe(np.array([0.5, 0.5]), np.array([0.0, height_m]))
    widths = [np.ptp(ring.layout[ring.chart == chart, 0]) for chart in range(ring.chart.max() + 1)]
    # The two discs are as wide as the ring.
    assert sorted(widths) == pytest.approx(sorted([1.0, 1.0, *arcs * [np.pi / arcs]]), rel=0.05)
    assert is_closed_surface(ring.vertices, ring.faces)


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


@pytest.mark.parametrize(("name", "k"), [("plant", 2), ("floor lamp", 2), ("cabinet", 0), ("chair", 0)])
def test_no_texel_is_larger_than_a_pixel_while_there_is_a_larger_texture(name: str, k: int) -> None:
    surface, size = built(name, k), CATEGORIES[name].prior.median_m
    area = triangle_areas(surface.vertices[surface.faces]).sum()
    ahead = np.diag([1.0, -1.0, -1.0, 1.0])
    camera = Camera(intrinsics=intrinsics_from_focal(800.0, (960, 720)), width=960, height=720, world_from_camera=ahead)
    for distance_m in (1.0, 1.4, 2.0, 2.8, 4.0, 5.6):
        pose = upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -distance_m - 0.5 * size[2]]))
        side = texture_side(surface, FittedBox(size_m=size, world_from_object=pose, iou=1.0), camera)
        texel_m = np.sqrt(area / drawn_areas(laid(surface, side)).sum()) / side
        assert side == TEXTURE_PX[-1] or texel_m < 1.02 * distance_m / 800.0
