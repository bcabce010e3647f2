"""Objects whose pose is known: rendered into masks, then found again."""

from dataclasses import replace

import numpy as np
import pytest

from regen3d.align.diagnostics import silhouette
from regen3d.align.engine import AlignRequest, align_object, align_objects
from regen3d.align.proportions import proportioned
from regen3d.align.settings import AlignSettings
from regen3d.errors import AlignmentDivergedError, InvalidMeshError
from regen3d.frames import intrinsics_from_focal, transform, upright, world_from_gravity
from regen3d.render.raster import rasterize
from regen3d.types import Asset, Camera, Instance, Mesh, ObjectView, PointMap, RoomLayout, Similarity

HW = (180, 240)


@pytest.fixture
def camera():
    pitch = np.radians(14.0)
    world = world_from_gravity(np.array([0.0, np.cos(pitch), np.sin(pitch)]), 1.5)
    return Camera(intrinsics=intrinsics_from_focal(200.0, (240, 180)), width=240, height=180, world_from_camera=world)


@pytest.fixture
def layout():
    low, high = np.array([-2.0, 0.0, -4.0]), np.array([2.0, 2.6, 1.0])
    return RoomLayout(yaw_rad=0.0, bounds_min=low, bounds_max=high, seen=frozenset(), confidence=1.0)


def blocks(*boxes):
    """A mesh of boxes, each (x0, y0, z0, x1, y1, z1)."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    one = np.array([t for a, b, c, d in quads for t in ([a, b, c], [a, c, d])])
    vertices = np.concatenate([np.array(b[:3]) + corners * (np.array(b[3:]) - np.array(b[:3])) for b in boxes])
    faces = np.concatenate([one + 8 * k for k in range(len(boxes))])
    uv, texture = np.zeros((len(vertices), 2)), np.full((2, 2, 3), 128, dtype=np.uint8)
    return Mesh(vertices=vertices.astype(float), faces=faces, uv=uv, texture=texture)


def chair():
    legs = [(x, 0.0, z, x + 0.05, 0.42, z + 0.05) for x in (-0.22, 0.17) for z in (-0.22, 0.17)]
    return blocks(*legs, (-0.22, 0.42, -0.22, 0.22, 0.47, 0.22), (-0.22, 0.47, -0.22, 0.22, 0.9, -0.17))


def view_of(mesh, pose, camera, *, label="chair", ignore=None):
    mask = silhouette(mesh, pose, camera)
    ignore = np.zeros(HW, dtype=bool) if ignore is None else ignore
    instance = Instance(name=f"{label}-1", label=label, score=1.0, mask=mask & ~ignore)
    image = np.full((*HW, 3), 200, dtype=np.uint8)
    return ObjectView(instance=instance, image=image, ignore=ignore, camera=camera)


def points_of(mesh, pose, camera):
    vertices = transform(camera.camera_from_world @ pose.matrix, mesh.vertices)
    raster = rasterize(vertices, mesh.faces, camera.intrinsics, HW)
    hit = raster.face >= 0
    points = np.zeros((*HW, 3))
    corners = vertices[mesh.faces[raster.face[hit]]]
    points[hit] = np.einsum("nij,ni->nj", corners, raster.barycentric[hit].astype(float))
    return PointMap(points=points, valid=hit, confidence=np.ones(HW), scale="metric")


def assert_same_place(found: Similarity, true: Similarity, mesh: Mesh, tolerance_m: float):
    distance = np.linalg.norm(transform(found.matrix, mesh.vertices) - transform(true.matrix, mesh.vertices), axis=1)
    assert distance.max() < tolerance_m


@pytest.mark.parametrize("yaw_deg", [20.0, 155.0, 250.0])
def test_a_chair_of_unknown_size_is_found_from_its_mask(camera, yaw_deg):
    mesh = chair()
    true = upright(yaw_rad=np.radians(yaw_deg), translation=np.array([0.3, 0.0, -2.6]))
    small = replace(mesh, vertices=0.4 * mesh.vertices)
    request = AlignRequest(
        view=view_of(mesh, true, camera), asset=Asset(mesh=small, scale="relative", kind="chair"), support="floor"
    )
    alignment = align_object(request)
    found = alignment.world_from_object
    assert_same_place(replace(found, scale=0.4 * found.scale), true, mesh, 0.08)
    assert alignment.mask_iou > 0.9
    assert alignment.contact_gap_m == 0.0
    assert alignment.point_residual_m is None
    assert transform(found.matrix, small.vertices)[:, 1].min() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("axis", [0, 1], ids=["width", "height"])
def test_a_mesh_with_a_wrong_proportion_is_set_right_and_keeps_its_place(camera, axis):
    mesh, true = chair(), upright(yaw_rad=np.radians(35.0), translation=np.array([0.2, 0.0, -2.4]))
    wrong = replace(mesh, vertices=mesh.vertices * np.where(np.arange(3) == axis, 1.15, 1.0))
    request = AlignRequest(
        view=view_of(mesh, true, camera), asset=Asset(mesh=wrong, scale="relative", kind="chair"), support="floor"
    )
    found = align_object(request)
    right = proportioned(wrong, found.proportions)
    world = transform(found.world_from_object.matrix, right.vertices)
    assert np.linalg.norm(world - transform(true.matrix, mesh.vertices), axis=1).max() < 0.06
    assert world[:, 1].min() == pytest.approx(0.0, abs=1e-9)
    assert found.mask_iou > 0.9
    assert any("proportions" in note for note in found.notes)
    kept = align_object(replace(request, settings=AlignSettings(proportions="kept")))
    assert kept.proportions == (1.0, 1.0, 1.0)
    assert kept.world_from_object.scale == pytest.approx(1.0, abs=0.04)


def test_the_same_seed_gives_the_same_pose(camera):
    mesh, true = chair(), upright(yaw_rad=0.5, translation=np.array([0.0, 0.0, -2.5]))
    asset = Asset(mesh=mesh, scale="metric", kind="chair", pose_hint=true)
    request = AlignRequest(view=view_of(mesh, true, camera), asset=asset, support="floor", seed=3)
    first, second = align_object(request), align_object(request)
    np.testing.assert_array_equal(first.world_from_object.matrix, second.world_from_object.matrix)
    assert_same_place(first.world_from_object, true, mesh, 0.03)


def test_a_chair_half_hidden_is_found_with_points(camera):
    mesh, true = chair(), upright(yaw_rad=0.6, translation=np.array([-0.2, 0.0, -2.8]))
    hidden = np.zeros(HW, dtype=bool)
    hidden[112:] = True
    view = view_of(mesh, true, camera, ignore=hidden)
    points = points_of(mesh, true, camera)
    request = AlignRequest(
        view=view, asset=Asset(mesh=mesh, scale="relative", kind="chair"), support="floor", points=points
    )
    alignment = align_object(request)
    assert_same_place(alignment.world_from_object, true, mesh, 0.15)
    assert alignment.point_residual_m is not None
    assert alignment.point_residual_m < 0.08


def test_equal_chairs_side_by_side_each_get_their_own_pose(camera):
    mesh = chair()
    asset = Asset(mesh=replace(mesh, vertices=0.4 * mesh.vertices), scale="relative", kind="chair")
    places = [(20.0, -0.7, -2.9), (20.0, 0.1, -2.9), (200.0, 0.5, -2.2)]
    true = [upright(yaw_rad=np.radians(yaw), translation=np.array([x, 0.0, z])) for yaw, x, z in places]
    nearest = silhouette(mesh, true[2], camera)
    ignored = [nearest, nearest, np.zeros(HW, dtype=bool)]
    views = [view_of(mesh, pose, camera, ignore=ignore) for pose, ignore in zip(true, ignored, strict=True)]
    assert (silhouette(mesh, true[1], camera) & nearest).any()
    found = align_objects([AlignRequest(view=view, asset=asset, support="floor") for view in views])
    for alignment, pose in zip(found, true, strict=True):
        here = alignment.world_from_object
        assert_same_place(replace(here, scale=0.4 * here.scale), pose, mesh, 0.08)


def test_a_picture_hangs_flat_on_its_wall(camera, layout):
    mesh = blocks((-0.4, 0.0, -0.02, 0.4, 0.5, 0.02))
    true = upright(yaw_rad=0.0, translation=np.array([0.3, 1.4, -3.98]))
    request = AlignRequest(
        view=view_of(mesh, true, camera, label="picture"),
        asset=Asset(mesh=mesh, scale="relative", kind="picture"),
        support="wall",
        layout=layout,
    )
    alignment = align_object(request)
    world = transform(alignment.world_from_object.matrix, mesh.vertices)
    assert alignment.support == "wall"
    assert world[:, 2].min() == pytest.approx(-4.0, abs=1e-6)
    np.testing.assert_allclose(world.max(axis=0) - world.min(axis=0), [0.8, 0.5, 0.04], atol=0.04)
    np.testing.assert_allclose(0.5 * (world.max(axis=0) + world.min(axis=0)), [0.3, 1.65, -3.98], atol=0.04)


def test_a_wall_that_is_not_known_is_said_so(camera):
    mesh = blocks((-0.4, 0.0, -0.02, 0.4, 0.5, 0.02))
    true = upright(yaw_rad=0.0, translation=np.array([0.0, 1.4, -3.0]))
    asset = Asset(mesh=mesh, scale="metric", kind="picture")
    alignment = align_object(AlignRequest(view=view_of(mesh, true, camera), asset=asset, support="wall"))
    assert alignment.support == "free"
    assert "wall is not known" in alignment.notes[0]


def test_an_empty_mask_and_a_mesh_without_surface_are_errors(camera):
    mesh, pose = chair(), upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, 3.0]))
    asset = Asset(mesh=mesh, scale="metric", kind="chair")
    with pytest.raises(AlignmentDivergedError, match="mask of chair-1 is empty"):
        align_object(AlignRequest(view=view_of(mesh, pose, camera), asset=asset, support="floor"))
    ahead = view_of(mesh, upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -3.0])), camera)
    flat = replace(asset, mesh=replace(mesh, faces=np.zeros((4, 3), dtype=np.int64)))
    with pytest.raises(InvalidMeshError, match="area"):
        align_object(AlignRequest(view=ahead, asset=flat, support="floor"))


def sofa():
    """Low and nearly the same from both sides: its back is hardly higher than its arms."""
    return blocks((-1.0, 0.0, -0.4, 1.0, 0.45, 0.4), (-1.0, 0.45, -0.4, 1.0, 0.6, -0.3))


@pytest.mark.parametrize("yaw_deg", [8.0, 188.0])
def test_a_front_stays_where_it_was_painted(camera, yaw_deg):
    mesh = blocks((-1.0, 0.0, -0.4, 1.0, 0.7, 0.4))
    hint = upright(yaw_rad=np.radians(yaw_deg), translation=np.array([0.1, 0.0, -3.0]))
    asset = Asset(mesh=mesh, scale="metric", kind="sofa", pose_hint=hint)
    found = align_object(AlignRequest(view=view_of(mesh, hint, camera), asset=asset, support="floor"))
    assert (found.world_from_object.rotation[:, 2] @ hint.rotation[:, 2]) > 0.9


def test_fronts_face_the_camera_where_nothing_else_tells(camera):
    mesh = blocks((-1.0, 0.0, -0.4, 1.0, 0.7, 0.4))
    true = upright(yaw_rad=np.radians(190.0), translation=np.array([0.1, 0.0, -3.0]))
    asset = Asset(mesh=mesh, scale="metric", kind="sofa")
    found = align_object(AlignRequest(view=view_of(mesh, true, camera), asset=asset, support="floor"))
    assert found.world_from_object.rotation[2, 2] > 0.9


def test_walls_that_the_picture_shows_keep_furniture_in(camera, layout):
    mesh, true = sofa(), upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -3.8]))
    asset = Asset(mesh=mesh, scale="metric", kind="sofa", pose_hint=true)
    view = view_of(mesh, true, camera)
    beyond = []
    for seen in (frozenset(), frozenset({"wall_back"})):
        request = AlignRequest(view=view, asset=asset, support="floor", layout=replace(layout, seen=seen))
        pose = align_object(request).world_from_object
        beyond.append(-4.0 - transform(pose.matrix, mesh.vertices)[:, 2].min())
    assert beyond[0] > 0.12
    assert beyond[1] < 0.6 * beyond[0]


def test_a_free_pose_leaves_the_floor_for_its_points(camera):
    mesh, true = chair(), upright(yaw_rad=0.5, translation=np.array([0.2, 0.5, -2.6]))
    request = AlignRequest(
        view=view_of(mesh, true, camera),
        asset=Asset(mesh=mesh, scale="relative", kind="chair"),
        support="floor",
        points=points_of(mesh, true, camera),
        settings=AlignSettings(pose="free"),
    )
    found = align_object(request)
    assert found.support == "free"
    assert_same_place(found.world_from_object, true, mesh, 0.06)
    planar = align_object(replace(request, settings=AlignSettings()))
    base = transform(planar.world_from_object.matrix, mesh.vertices)[:, 1].min()
    assert base == pytest.approx(0.0, abs=1e-6)


def test_a_free_pose_without_points_takes_its_distance_from_a_known_size_or_says_so(camera):
    mesh, true = chair(), upright(yaw_rad=0.5, translation=np.array([0.2, 0.3, -2.6]))
    request = AlignRequest(
        view=view_of(mesh, true, camera),
        asset=Asset(mesh=mesh, scale="metric", kind="chair"),
        support="floor",
        settings=AlignSettings(pose="free"),
    )
    sized = align_object(request)
    assert sized.world_from_object.scale == pytest.approx(1.0)
    assert_same_place(sized.world_from_object, true, mesh, 0.06)
    unsized = align_object(replace(request, asset=Asset(mesh=mesh, scale="relative", kind="chair")))
    assert any("how far away" in note for note in unsized.notes)


def test_a_single_start_may_stop_at_the_wrong_yaw_where_a_search_does_not(camera):
    mesh, true = chair(), upright(yaw_rad=np.radians(170.0), translation=np.array([0.3, 0.0, -2.6]))
    asset = Asset(mesh=mesh, scale="relative", kind="chair")
    request = AlignRequest(view=view_of(mesh, true, camera), asset=asset, support="floor")
    searched = align_object(request)
    single = align_object(replace(request, settings=AlignSettings(starts="single")))
    assert_same_place(searched.world_from_object, true, mesh, 0.03)
    assert single.mask_iou < searched.mask_iou
    assert single.runner_up_margin == 1.0
