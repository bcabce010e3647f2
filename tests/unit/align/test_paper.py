"""The published alignment: its start, its floor, its rule, and what the flags do."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from regen3d.align.engine import AlignRequest, align_object
from regen3d.align.paper import is_on_floor, pose_problem
from regen3d.align.paper_settings import RELEASED, PaperFaults, PaperSettings
from regen3d.align.paper_start import eroded, fit_floor, published_start, shortest_rotation, trimmed
from regen3d.align.pose_models import PlanarModel
from regen3d.align.settings import AlignSettings
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import rotation_about_y, transform, unproject, world_from_gravity, yaw_of
from regen3d.render.raster import rasterize
from regen3d.types import Asset, Camera, Instance, Mesh, ObjectView, PointMap, Similarity


def l_shape():
    parts = [trimesh.creation.box(extents=[1.0, 0.4, 0.3]), trimesh.creation.box(extents=[0.3, 0.8, 0.3])]
    parts[1].apply_translation([0.35, 0.2, 0.4])
    mesh = trimesh.util.concatenate(parts)
    vertices = np.asarray(mesh.vertices)
    return Mesh(
        vertices=vertices,
        faces=np.asarray(mesh.faces),
        uv=np.zeros((len(vertices), 2)),
        texture=np.zeros((1, 1, 3), dtype=np.uint8),
    )


def test_the_defaults_are_the_published_settings_without_faults():
    settings = PaperSettings()
    assert (settings.width_px, settings.steps) == (1024, 300)
    assert settings.faults == PaperFaults()
    assert not any(getattr(settings.faults, name) for name in PaperFaults.__slots__)
    assert all(getattr(RELEASED, name) for name in PaperFaults.__slots__)


def test_erosion_thins_by_twelve_and_shifts_by_two_pixels():
    mask = np.zeros((768, 1024), dtype=bool)
    mask[100:200, 300:400] = True
    rows, columns = np.nonzero(eroded(mask))
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == 88
    assert abs(abs(rows.mean() - 149.5) - 2.0) < 0.01


def test_a_floor_is_found_among_strays_and_a_column_of_the_singular_vectors_is_another_plane(rng):
    turn = rotation_about_y(0.5) @ shortest_rotation(np.array([0.0, np.cos(0.2), np.sin(0.2)]))
    flat = rng.uniform([-2.0, -0.12, -1.0], [2.0, 0.12, 1.0], (3000, 3)) @ turn.T
    right = fit_floor(flat, transposed=False, seed=0)
    released = fit_floor(flat, transposed=True, seed=0)
    assert np.degrees(np.arccos(right.normal @ turn[:, 1])) < 1.0
    assert np.degrees(np.arccos(released.normal @ turn[:, 1])) > 5.0
    np.testing.assert_allclose(right.axes @ right.normal, 0.0, atol=1e-9)


@pytest.mark.parametrize("yaw", [0.0, np.pi / 2, np.pi])
def test_the_start_has_the_yaw_and_scale_of_a_whole_cloud(yaw, rng):
    mesh = l_shape()
    samples = trimesh.Trimesh(mesh.vertices, mesh.faces).sample(3000, seed=1)
    cloud = 1.5 * samples @ rotation_about_y(yaw).T + [1.0, 0.5, -3.0]
    yaws = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    start = published_start(mesh, cloud, yaws, by_vertices=False, seed=0)
    assert np.cos(yaw_of(start.rotation) - yaw) == pytest.approx(1.0, abs=1e-6)
    assert start.scale == pytest.approx(1.5, rel=0.05)


def test_too_few_points_are_refused():
    with pytest.raises(DegenerateGeometryError, match="choose the preset `default`"):
        trimmed(np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("label", "row", "expected"), [("vase", 5, False), ("table lamp", 5, True), ("vase", 60, True)]
)
def test_boxes_that_touch_and_names_of_furniture_put_things_on_the_floor(label, row, expected):
    mask, floor = np.zeros((80, 80), dtype=bool), np.zeros((80, 80), dtype=bool)
    mask[row : row + 10, 20:30] = True
    floor[50:, :] = True
    instance = Instance(name="thing-1", label=label, score=1.0, mask=mask)
    assert is_on_floor(instance, floor) is expected
    assert not is_on_floor(instance, np.zeros_like(floor))


@pytest.fixture(scope="module")
def standing_object():
    """An L of known pose before a level camera, with exact depth of it and of the floor."""
    mesh, hw = l_shape(), (96, 128)
    mesh = replace(mesh, vertices=mesh.vertices - [0.0, mesh.vertices[:, 1].min(), 0.0])
    intrinsics = np.array([[120.0, 0.0, 64.0], [0.0, 120.0, 48.0], [0.0, 0.0, 1.0]])
    down = np.array([0.0, np.cos(0.45), np.sin(0.45)])
    camera = Camera(intrinsics=intrinsics, width=hw[1], height=hw[0], world_from_camera=world_from_gravity(down, 1.5))
    truth = Similarity(rotation=rotation_about_y(0.3), translation=np.array([0.1, 0.0, -2.9]), scale=1.2)
    rays = unproject(intrinsics, np.stack(np.meshgrid(np.arange(128) + 0.5, np.arange(96) + 0.5), -1), np.ones(hw))
    falling = -(rays @ camera.world_from_camera[1, :3])
    depth = np.where(falling > 0.1, camera.position[1] / np.maximum(falling, 0.1), 20.0)
    posed = transform(camera.camera_from_world @ truth.matrix, mesh.vertices)
    drawn = rasterize(posed, mesh.faces, intrinsics, hw)
    mask = drawn.face >= 0
    depth = np.where(mask, drawn.depth, depth)
    seen = np.ones(hw)
    points = PointMap(points=rays * depth[..., None], valid=seen > 0, confidence=seen, scale="metric")
    request = AlignRequest(
        view=ObjectView(
            instance=Instance(name="chair-1", label="chair", score=1.0, mask=mask),
            image=np.zeros((*hw, 3), dtype=np.uint8),
            ignore=np.zeros(hw, dtype=bool),
            camera=camera,
        ),
        asset=Asset(mesh=mesh, scale="relative", kind="synthetic"),
        support="floor",
        points=points,
        floor=~mask & (depth < 6.0),
        settings=AlignSettings(preset="paper", paper_width_px=64, paper_steps=100),
    )
    return request, truth


def test_the_published_descent_finds_a_standing_object(standing_object):
    request, truth = standing_object
    found = align_object(request)
    pose = found.world_from_object
    assert found.support == "floor"
    assert abs(found.contact_gap_m) < 0.02
    assert pose.scale == pytest.approx(truth.scale, rel=0.05)
    assert abs(yaw_of(pose.rotation) - yaw_of(truth.rotation)) < np.radians(6.0)
    assert np.linalg.norm((pose.translation - truth.translation)[[0, 2]]) < 0.05
    assert found.mask_iou > 0.9
    assert any("64 px and 100 steps" in note for note in found.notes)
    assert not any("no mask of the floor" in note for note in found.notes)


def test_the_released_preset_places_it_too_and_a_missing_floor_mask_is_told(standing_object):
    request, truth = standing_object
    settings = replace(request.settings, preset="paper-released", paper_steps=20)
    found = align_object(replace(request, floor=None, settings=settings))
    assert found.support == "floor"
    assert found.mask_iou > 0.5
    assert found.world_from_object.scale == pytest.approx(truth.scale, rel=0.25)
    assert any("no mask of the floor" in note for note in found.notes)


def test_pixels_of_the_floor_are_what_the_floor_is_fitted_to(standing_object):
    request, _ = standing_object
    rows = np.indices(request.view.camera.hw)[0]
    assert request.floor is not None
    bumpy = replace(request.points, points=request.points.points * np.where(request.floor, 1.0, 0.7)[..., None])
    fitted = pose_problem(replace(request, points=bumpy), PaperSettings(width_px=64))[0].model
    assert isinstance(fitted, PlanarModel)
    assert np.degrees(np.arccos(min(1.0, fitted.plane.normal[1]))) < 0.5
    nowhere = replace(request, floor=np.zeros_like(rows, dtype=bool))
    assert not isinstance(pose_problem(nowhere, PaperSettings(width_px=64))[0].model, PlanarModel)
