"""Furniture as code: closed parts, exact sizes, clean layouts, colours from the picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from models.assets.finish import FINISH, finish_of
from models.assets.fitting import FINE_PX, Candidate, best_fit
from models.assets.furniture.inflated import inflated
from models.assets.furniture.registry import HOLLOW, TEMPLATES, TURNED
from models.assets.furniture.tables import TABLE, table
from models.assets.furniture.template import REACH, Template, form_of
from models.assets.furniture.turned import BOTTLE, VASE, silhouette_profile, turned
from models.assets.grid import grid_of
from models.assets.morph import POSE, morph_at, surface_of
from models.assets.outlines import unknown_candidates
from models.assets.packing import pack
from models.assets.primitives import Part, blade, box, cushion, cylinder, lathe, rod
from models.assets.recipes import BOX, HOLLOW_LATHE, INFLATED, LAMP_LATHE, LATHE, surface_from, template_of
from models.assets.search import evolved
from models.assets.sizes import CATEGORIES, category_of, fitted_category
from models.assets.solid import Surface, join
from models.assets.texturing import textured
from models.assets.turning import turned_fits
from regen3d.errors import InvalidMeshError, ModelOutputError
from regen3d.frames import intrinsics_from_focal, transform, upright, world_from_gravity
from regen3d.meshes.hygiene import cleaned
from regen3d.meshes.quality import open_edges, welded
from regen3d.meshes.spreading import spread_colours
from regen3d.render.raster import rasterize
from regen3d.render.triangles import triangle_areas
from regen3d.types import Camera, Completion, FittedBox, Instance, Mesh, ObjectView, ShapeFit, Similarity

VARIANTS = [(name, k) for name, builders in sorted(TEMPLATES.items()) for k in range(len(builders))]
MAX_FACES = 25_000
GREY = np.full((2, 2, 3), 128, dtype=np.uint8)


def as_closed(part: Part) -> trimesh.Trimesh:
    mesh = trimesh.Trimesh(part.vertices, part.faces, process=False)
    mesh.merge_vertices(digits_vertex=7)
    mesh.update_faces(mesh.nondegenerate_faces())
    return mesh


@pytest.mark.parametrize(
    "part",
    [
        box((-1, 0, -1), (1, 2, 3)),
        cushion((-1, 0, -1), (1, 0.5, 1), 0.1),
        cylinder(0.3, (0, 1), top_radius=0.1),
        lathe(np.array([0.5, 0.2, 0.6, 0.55, 0.0]), np.array([0.0, 0.5, 1.0, 1.0, 0.2])),
        lathe(np.array([0.5, 0.3, 0.29, 0.49, 0.5]), np.array([0.0, 1.0, 1.0, 0.0, 0.0]), closed=True),
        rod((0, 0, 0), (0.3, 1, -0.4), 0.02),
        blade(0.6, 0.1, azimuth=1.0, rise=0.8, droop=0.3),
    ],
    ids=["box", "cushion", "frustum", "vessel", "ring", "rod", "blade"],
)
def test_primitives_are_closed_and_face_outwards(part: Part) -> None:
    mesh = as_closed(part)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0


def test_a_disc_is_blown_up_to_an_ellipsoid() -> None:
    y, x = np.indices((41, 41)) - 20
    (part,) = inflated((0.8, 0.8, 0.4), outline=x**2 + y**2 <= 20.5**2)
    assert len(open_edges(part.faces, welded(part.vertices))) == 0
    assert as_closed(part).volume == pytest.approx(4 / 3 * np.pi * 0.4 * 0.4 * 0.2, rel=0.08)


def test_a_cylinder_has_the_volume_of_a_cylinder() -> None:
    assert as_closed(cylinder(0.5, (0.0, 2.0), sides=64)).volume == pytest.approx(np.pi * 0.25 * 2.0, rel=0.01)


def test_every_builder_has_a_size_and_every_size_a_builder() -> None:
    assert set(TEMPLATES) == set(CATEGORIES)
    assert set(TEMPLATES) >= TURNED | HOLLOW


@pytest.mark.parametrize(("name", "k"), VARIANTS)
def test_furniture_is_closed_and_fills_its_size(name: str, k: int) -> None:
    size = CATEGORIES[name].prior.median_m
    parts = TEMPLATES[name][k]((float(size[0]), float(size[1]), float(size[2])))
    assert all(as_closed(part).volume > 0 for part in parts)
    surface = join(parts, size)
    assert np.ptp(surface.vertices, axis=0) == pytest.approx(size)
    assert surface.vertices[:, 1].min() == pytest.approx(0.0, abs=1e-9)
    assert 0 < len(surface.faces) < MAX_FACES
    plain = Mesh(vertices=surface.vertices, faces=surface.faces, uv=surface.layout, texture=GREY)
    assert cleaned(plain)[1].sentence == ""
    assert triangle_areas(surface.vertices[surface.faces]).min() > 0
    layout = pack(surface, 512)
    assert layout.min() >= 0
    assert layout.max() <= 512


@settings(max_examples=15)
@given(
    name=st.sampled_from(sorted(TEMPLATES)),
    size=st.tuples(*[st.floats(0.03, 4.0)] * 3),
)
def test_any_size_gives_a_finite_surface(name: str, size: tuple[float, float, float]) -> None:
    surface = join(TEMPLATES[name][0](size), np.array(size))
    assert np.isfinite(surface.vertices).all()
    assert np.ptp(surface.vertices, axis=0) == pytest.approx(np.array(size))


def test_charts_do_not_overlap() -> None:
    surface = join(table((1.2, 0.7, 0.8)), np.array([1.2, 0.7, 0.8]))
    layout = pack(surface, 256)
    chart = surface.chart[surface.faces[:, 0]]
    owner = np.full((256, 256), -1)
    for index in range(int(surface.chart.max()) + 1):
        flat = np.concatenate([layout, np.ones((len(layout), 1))], axis=1)
        drawn = rasterize(flat, surface.faces[chart == index], np.eye(3), (256, 256)).face >= 0
        assert (owner[drawn] == -1).all()
        owner[drawn] = index
    assert (owner >= 0).mean() > 0.3


def test_parts_without_extent_are_refused() -> None:
    with pytest.raises(InvalidMeshError, match="enclose nothing"):
        join([box((0, 0, 0), (1, 1, 0))], np.ones(3))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("chair", "chair"),
        ("Dining Table", "table"),
        ("red leather sofa", "sofa"),
        ("couch", "sofa"),
        ("potted plants", "plant"),
        ("wine_bottle", "bottle"),
        ("tv", "screen"),
        ("bookcase", "bookshelf"),
        ("boxes", "box"),
        ("glass", "cup"),
    ],
)
def test_labels_find_their_category(label: str, name: str) -> None:
    category = category_of(label)
    assert category is not None
    assert category.name == name


def test_what_is_no_furniture_has_no_category() -> None:
    assert category_of("elephant") is None
    assert category_of("") is None


def test_spread_takes_the_nearest_colour() -> None:
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    picture[0, 0], picture[7, 7] = (10, 20, 30), (200, 100, 50)
    known = np.zeros((8, 8), dtype=bool)
    known[0, 0] = known[7, 7] = True
    spread, distance = spread_colours(picture, known)
    assert tuple(spread[1, 2]) == (10, 20, 30)
    assert tuple(spread[6, 5]) == (200, 100, 50)
    assert distance[0, 3] == pytest.approx(3.0, abs=0.1)


def camera_at(pitch_deg: float = 15.0) -> Camera:
    pitch = np.radians(pitch_deg)
    gravity = np.array([0.0, np.cos(pitch), np.sin(pitch)])
    matrix = world_from_gravity(gravity, 1.5)
    return Camera(intrinsics=intrinsics_from_focal(420.0, (480, 360)), width=480, height=360, world_from_camera=matrix)


def view_of(parts: list[Part], fitted: FittedBox, label: str) -> ObjectView:
    """The object alone, red where its own x is negative and green elsewhere, before blue."""
    camera = camera_at()
    surface = join(parts, fitted.size_m)
    vertices = transform(camera.camera_from_world @ fitted.world_from_object.matrix, surface.vertices)
    raster = rasterize(vertices, surface.faces, camera.intrinsics, camera.hw)
    mask = raster.face >= 0
    side = np.einsum("nk,nk->n", raster.barycentric[mask], surface.vertices[surface.faces[raster.face[mask]], 0])
    image = np.full((*camera.hw, 3), (0, 0, 255), dtype=np.uint8)
    image[mask] = np.where(side[:, None] < 0, (220, 30, 20), (30, 180, 40))
    instance = Instance(name="thing-1", label=label, score=1.0, mask=mask)
    return ObjectView(instance=instance, image=image, ignore=np.zeros_like(mask), camera=camera)


def fitted_box(size: tuple[float, float, float], yaw_deg: float = 0.0) -> FittedBox:
    pose = upright(yaw_rad=np.radians(yaw_deg), translation=np.array([0.1, 0.0, -3.0]))
    return FittedBox(size_m=np.array(size), world_from_object=pose, iou=1.0)


def nothing_completed() -> Completion:
    return Completion(picture=np.zeros((1, 1, 4), dtype=np.uint8), origin_xy=(0, 0), box=None)


def test_texture_holds_the_object_and_never_the_background() -> None:
    fitted = fitted_box((1.2, 0.7, 0.8), 25.0)
    view = view_of(table((1.2, 0.7, 0.8)), fitted, "table")
    surface = join(table((1.2, 0.7, 0.8)), fitted.size_m)
    mesh = textured(surface, fitted, view, nothing_completed(), size_px=256, is_round=False)
    assert mesh.texture[..., 2].max() < 120
    centre = mesh.uv[mesh.faces].mean(axis=1)
    texel = mesh.texture[((1 - centre[:, 1]) * 256).astype(int), (centre[:, 0] * 256).astype(int)].astype(int)
    corners = mesh.vertices[mesh.faces]
    upwards = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 1] > 0.1
    x = corners[..., 0].mean(axis=1)
    assert (texel[upwards & (x < -0.1), 0] > 150).all()
    assert (texel[upwards & (x > 0.1), 1] > 120).all()


def test_the_far_side_mirrors_the_near_side() -> None:
    fitted = fitted_box((0.8, 0.8, 0.8), 45.0)
    parts = [box((-0.4, 0, -0.4), (0.4, 0.8, 0.4))]
    view = view_of(parts, fitted, "box")
    image = view.image.copy()
    image[view.instance.mask] = (120, 90, 60)
    x0, y0, x1, y1 = view.instance.box
    image[(y0 + y1) // 2 : y1, x0 : (x0 + x1) // 2] = (240, 240, 20)
    surface = join(parts, fitted.size_m)
    mesh = textured(surface, fitted, replace(view, image=image), nothing_completed(), size_px=128, is_round=False)
    yellow = (np.abs(mesh.texture.astype(int) - (240, 240, 20)).max(axis=2) < 30).mean()
    assert yellow > 0.05


def test_the_rim_of_a_small_round_body_is_not_dotted_with_its_other_side() -> None:
    fitted = fitted_box((0.2, 0.3, 0.2))
    parts = turned((0.2, 0.3, 0.2), profile=((0.8, 0.0), (1.0, 1.0)))
    view = view_of(parts, fitted, "vase")
    surface = join(parts, fitted.size_m)
    mesh = textured(surface, fitted, view, nothing_completed(), size_px=256, is_round=True)
    centre = mesh.uv[mesh.faces].mean(axis=1)
    texel = mesh.texture[((1 - centre[:, 1]) * 256).astype(int), (centre[:, 0] * 256).astype(int)].astype(int)
    middle, spread = mesh.vertices[mesh.faces].mean(axis=1), np.ptp(mesh.vertices[mesh.faces], axis=1)
    front = (middle[:, 2] > 0.03) & (np.abs(middle[:, 0]) > 0.02) & (spread[:, 1] > 0.02)
    assert front.sum() > 16
    assert ((texel[front, 0] > texel[front, 1]) == (middle[front, 0] < 0)).all()


def test_blank_beside_a_completed_part_is_not_blended_in() -> None:
    fitted = fitted_box((0.8, 0.8, 0.8))
    parts = [box((-0.4, 0, -0.4), (0.4, 0.8, 0.4))]
    view = view_of(parts, fitted, "box")
    _, y0, _, y1 = view.instance.box
    cut = y1 - 3
    alpha = view.instance.mask.copy()
    picture = np.where(alpha[..., None], (120, 90, 60), 255).astype(np.uint8)
    instance = replace(view.instance, mask=alpha & (np.arange(len(alpha)) < cut)[:, None])
    ignore = np.zeros_like(alpha)
    ignore[cut:] = True
    seen = replace(view, image=picture, instance=instance, ignore=ignore)
    whole = np.dstack([picture, np.where(alpha, 255, 0).astype(np.uint8)])
    completion = Completion(picture=whole, origin_xy=(0, 0), box=None)
    mesh = textured(join(parts, fitted.size_m), fitted, seen, completion, size_px=256, is_round=False)
    assert y0 < cut
    assert np.abs(mesh.texture.astype(int) - (120, 90, 60)).max() <= 2


def test_what_may_be_hidden_is_not_drawn_into_its_neighbours() -> None:
    truth = fitted_box((0.6, 0.88, 0.6))
    view = view_of(TEMPLATES["cabinet"][0]((0.6, 0.88, 0.6)), truth, "cabinet")
    x0, _, x1, _ = view.instance.box
    beside = np.ones_like(view.ignore)
    beside[:, x0:x1] = False
    start = replace(truth, size_m=np.array([0.9, 0.88, 0.5]))
    prior = CATEGORIES["cabinet"].prior
    candidate = Candidate(template=TEMPLATES["cabinet"][0], box=start, prior=prior)
    fit = best_fit([candidate], replace(view, ignore=beside), 0)
    assert fit.box.size_m[0] < 0.7


def silhouette_iou(surface: Surface, world_from_object: Similarity, view: ObjectView) -> float:
    grid = grid_of(view, FINE_PX)
    vertices = transform(grid.camera_from_world @ world_from_object.matrix, surface.vertices)
    return float(grid.compare(vertices[None], surface.faces).iou[0])


def test_an_outline_gives_back_the_profile_that_drew_it() -> None:
    truth = fitted_box((0.5, 1.0, 0.5))
    view = view_of(turned((0.5, 1.0, 0.5), profile=VASE), truth, "vase")
    fitted, profile = turned_fits(view, truth)[0]
    assert fitted.size_m == pytest.approx(truth.size_m, rel=0.08)
    heights = [height for _, height in VASE]
    expected = np.interp([y for _, y in profile], heights, [radius for radius, _ in VASE])
    assert np.abs(np.array([radius for radius, _ in profile]) - expected).mean() < 0.06


def test_a_bottle_is_not_taken_for_a_vase() -> None:
    truth = fitted_box((0.3, 0.9, 0.3))
    view = view_of(turned((0.3, 0.9, 0.3), profile=BOTTLE), truth, "bottle")
    right = silhouette_iou(join(turned((0.3, 0.9, 0.3), profile=BOTTLE), truth.size_m), truth.world_from_object, view)
    wrong = silhouette_iou(join(turned((0.3, 0.9, 0.3), profile=VASE), truth.size_m), truth.world_from_object, view)
    assert right > 0.93
    assert wrong < right - 0.1


def test_a_fit_finds_pose_and_proportions() -> None:
    truth = fitted_box((1.2, 0.7, 0.8), 20.0)
    view = view_of(table((1.2, 0.7, 0.8), leg=0.14, thick=0.11), truth, "table")
    pose = upright(yaw_rad=np.radians(32.0), translation=np.array([0.14, 0.0, -3.2]))
    start = replace(truth, world_from_object=pose)
    before = silhouette_iou(join(table((1.2, 0.7, 0.8)), start.size_m), pose, view)
    fit = best_fit([Candidate(template=Template(table, TABLE), box=start)], view, 0)
    assert fit.box.iou > max(0.92, before + 0.2)
    assert fit.box.iou == pytest.approx(silhouette_iou(fit.surface, fit.box.world_from_object, view))
    assert np.ptp(fit.surface.vertices, axis=0) == pytest.approx(fit.box.size_m)
    assert fit.box.world_from_object.translation[1] == 0.0
    found = Template(table, TABLE).values(fit.morph.deviation)
    assert found["leg"] == pytest.approx(0.14, abs=0.03)


def test_a_fit_keeps_to_one_core_and_gives_the_others_back() -> None:
    threads, seen = torch.get_num_threads(), set()

    def build(size: tuple[float, float, float]) -> list[Part]:
        seen.add(torch.get_num_threads())
        return table(size)

    truth = fitted_box((1.2, 0.7, 0.8))
    try:
        torch.set_num_threads(2)
        best_fit([Candidate(template=Template(build), box=truth)], view_of(table((1.2, 0.7, 0.8)), truth, "table"), 0)
        assert (seen, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(threads)


def test_the_right_template_wins() -> None:
    truth = fitted_box((1.1, 0.72, 1.1))
    view = view_of(TEMPLATES["table"][4]((1.1, 0.72, 1.1)), truth, "table")
    fit = best_fit([Candidate(template=template, box=truth) for template in TEMPLATES["table"]], view, 0)
    assert fit.candidate.template is TEMPLATES["table"][4]


def test_a_morph_is_exact_where_it_was_straightened_and_near_elsewhere() -> None:
    template, truth = TEMPLATES["chair"][0], fitted_box((0.5, 0.9, 0.5), 15.0)
    morph = morph_at(template, truth, np.zeros(len(template.ranges)))
    rng = np.random.default_rng(0)
    changes = morph.start + 0.6 * rng.normal(size=(4, len(morph.start)))
    exact = [
        transform(moved.box.world_from_object.matrix, surface_of(moved).vertices)
        for moved in map(morph.changed, changes)
    ]
    assert np.abs(morph.placed(changes) - np.array(exact)).mean() < 0.01
    here = transform(truth.world_from_object.matrix, surface_of(morph).vertices)
    assert morph.placed(morph.start[None])[0] == pytest.approx(here)


def test_a_morph_moves_to_another_box() -> None:
    template, one, other = TEMPLATES["table"][0], fitted_box((1.2, 0.7, 0.8)), fitted_box((0.8, 0.7, 1.2), 90.0)
    morph = morph_at(template, one, np.zeros(len(template.ranges))).at(other)
    exact = morph_at(template, other, np.zeros(len(template.ranges)))
    assert np.abs(morph.placed(morph.start[None]) - exact.placed(exact.start[None])).max() < 0.03


@settings(max_examples=25)
@given(
    name=st.sampled_from(sorted(name for name, templates in TEMPLATES.items() if templates[0].ranges)),
    seed=st.integers(0, 1000),
)
def test_any_proportions_within_their_bounds_are_closed(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    template = TEMPLATES[name][int(rng.integers(len(TEMPLATES[name])))]
    size = CATEGORIES[name].prior.median_m * np.exp(0.2 * rng.normal(size=3))
    deviation = rng.uniform(-1.5 * REACH, 1.5 * REACH, len(template.ranges))
    for parameter, value in template.values(deviation).items():
        low, _, high = template.ranges[parameter]
        assert low - 1e-9 <= value <= high + 1e-9
    parts = template((float(size[0]), float(size[1]), float(size[2])), deviation)
    assert all(as_closed(part).is_watertight and as_closed(part).volume > 0 for part in parts)
    surface = join(parts, size)
    assert len(surface.faces) < MAX_FACES
    assert np.isfinite(surface.vertices).all()


def test_parameters_that_are_unknown_or_beyond_their_bounds_are_refused() -> None:
    with pytest.raises(KeyError, match="no parameter wings"):
        form_of(TABLE, {"wings": 1.0})
    with pytest.raises(ValueError, match="leg is 2"):
        table((1.2, 0.7, 0.8), leg=2.0)


def test_finish_is_averaged_over_the_area() -> None:
    handle, seat = finish_of(join([box((0, 0, 0), (1, 1, 1), "handles")], np.ones(3))), FINISH["seat"]
    assert handle == FINISH["handles"]
    both = join([box((0, 0, 0), (1, 1, 1), "handles"), box((2, 0, 0), (3, 1, 1), "seat")], np.array([3.0, 1, 1]))
    assert finish_of(both) == pytest.approx(((handle[0] + seat[0]) / 2, (handle[1] + seat[1]) / 2))


def test_what_has_no_name_is_made_of_its_outline() -> None:
    truth = fitted_box((0.3, 0.9, 0.3))
    vase = view_of(turned((0.3, 0.9, 0.3), profile=VASE), truth, "x")
    assert {candidate.name for candidate in unknown_candidates(vase, truth)} == {"lathe"}
    slab = fitted_box((1.0, 0.6, 0.3))
    parts = [box((-0.5, 0, 0), (0.5, 0.2, 0.3)), box((-0.5, 0, 0), (-0.3, 0.6, 0.3))]
    found = unknown_candidates(view_of(parts, slab, "x"), slab)
    assert [candidate.name for candidate in found] == ["box", "inflated outline"]
    fit = best_fit(found, view_of(parts, slab, "x"), 0)
    assert fit.candidate.template is found[1].template
    assert fit.box.iou > 0.85


@pytest.mark.parametrize(
    ("name", "outline"),
    [
        ("chair/3", None),
        (BOX, None),
        (LATHE, np.array(VASE, dtype=np.float64)),
        (HOLLOW_LATHE, np.array(VASE, dtype=np.float64)),
        (LAMP_LATHE, np.array(VASE, dtype=np.float64)),
        (INFLATED, np.ones((8, 6))),
    ],
)
def test_a_fit_is_built_again_by_its_name(name: str, outline: np.ndarray | None) -> None:
    template, fitted = template_of(name, outline), fitted_box((0.5, 0.9, 0.4))
    parameters = np.linspace(-1.0, 1.0, len(template.ranges))
    fit = ShapeFit(kind="thing", template=name, parameters=parameters, outline=outline, box=fitted)
    expected = join(template((0.5, 0.9, 0.4), parameters), fitted.size_m)
    assert np.array_equal(surface_from(fit).vertices, expected.vertices)
    assert np.ptp(surface_from(fit).vertices, axis=0) == pytest.approx(fitted.size_m)
    with pytest.raises(ModelOutputError, match=f"{len(parameters) + 1} parameters"):
        surface_from(replace(fit, parameters=np.append(parameters, 0.0)))


@pytest.mark.parametrize("name", ["", "chair", "chair/99", "chair/-1", "throne/0", LATHE])
def test_a_fit_of_no_known_template_is_refused(name: str) -> None:
    with pytest.raises(ModelOutputError, match="no template"):
        template_of(name)


def test_evolution_finds_a_minimum_along_a_crooked_valley() -> None:
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    scale, target = np.array([1.0, 3.0, 10.0, 30.0, 3.0, 1.0]), np.full(6, 0.7)

    def cost(rows: np.ndarray) -> np.ndarray:
        return ((((rows - target) @ turn) * scale) ** 2).sum(axis=1)

    best, least = evolved(cost, np.zeros(6), spread=0.5, generations=150, rng=np.random.default_rng(0))
    assert least < 1e-4
    assert best == pytest.approx(target, abs=0.02)
    assert POSE == 6


def test_profiles_stay_in_their_range() -> None:
    profile = np.array(silhouette_profile(np.array([0.0, 5.0, 9.0, 2.0, 0.0])))
    assert profile[:, 0].max() == pytest.approx(1.0)
    assert profile[:, 0].min() >= 0.04
    assert (np.diff(profile[:, 1]) > 0).all()


@pytest.mark.parametrize(("true", "word"), [("armchair", "chair"), ("coffee table", "table")])
def test_what_detectors_have_no_word_for_is_told_by_its_silhouette(true: str, word: str) -> None:
    camera = Camera(
        intrinsics=intrinsics_from_focal(300.0, (320, 240)),
        width=320,
        height=240,
        world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.35]), 1.5),
    )
    size = CATEGORIES[true].prior.median_m
    surface = join(TEMPLATES[true][0]((float(size[0]), float(size[1]), float(size[2]))), size)
    pose = upright(yaw_rad=0.4, translation=np.array([0.2, 0.0, -2.8]))
    vertices = transform(camera.camera_from_world @ pose.matrix, surface.vertices)
    mask = rasterize(vertices, surface.faces, camera.intrinsics, camera.hw).face >= 0
    view = ObjectView(
        instance=Instance(name=f"{word}-1", label=word, score=1.0, mask=mask),
        image=np.zeros((*camera.hw, 3), dtype=np.uint8),
        ignore=np.zeros(camera.hw, dtype=bool),
        camera=camera,
    )
    category, box = fitted_category(view, 0)
    assert category is not None
    assert category.name == true
    assert fitted_category(view, 0, box)[0] == category
