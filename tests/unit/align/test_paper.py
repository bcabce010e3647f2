"""The published alignment: its start, its floor, its rule, and what the flags do."""

import numpy as np
import pytest
import trimesh

from regen3d.align.paper import is_on_floor
from regen3d.align.paper_settings import RELEASED, PaperFaults, PaperSettings
from regen3d.align.paper_start import eroded, fit_floor, published_start, shortest_rotation, trimmed
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import rotation_about_y, yaw_of
from regen3d.types import Instance, Mesh


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
