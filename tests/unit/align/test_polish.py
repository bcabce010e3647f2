"""Distances between outlines: their derivatives, and where they lead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen3d.align.contours import contour_target, draw, residuals
from regen3d.align.energy import Evidence
from regen3d.align.planes import room_side
from regen3d.align.polish import polish
from regen3d.align.pose import FLOOR, similarity, velocities
from regen3d.align.proxy import make_proxy
from regen3d.align.target import make_target
from regen3d.frames import intrinsics_from_focal, transform, world_from_gravity
from regen3d.render.raster import rasterize
from regen3d.types import Camera, Instance, Mesh, ObjectView, RoomLayout

HW = (180, 240)
TRUE = np.array([0.2, -2.6, 0.5, 0.1])
PITCH = np.radians(14.0)
CAMERA = Camera(
    intrinsics=intrinsics_from_focal(200.0, (240, 180)),
    width=240,
    height=180,
    world_from_camera=world_from_gravity(np.array([0.0, np.cos(PITCH), np.sin(PITCH)]), 1.5),
)
LAYOUT = RoomLayout(
    yaw_rad=0.3,
    bounds_min=np.array([-2.0, 0.0, -4.0]),
    bounds_max=np.array([1.5, 2.6, 1.0]),
    seen=frozenset(),
    confidence=1.0,
)
NO_POINTS = np.zeros((0, 3))


def seat():
    """A block with a back: no turn of it looks like another."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    one = np.array([t for a, b, c, d in quads for t in ([a, b, c], [a, c, d])])
    blocks = [((-0.4, 0.0, -0.3), (0.4, 0.4, 0.3)), ((-0.4, 0.4, -0.3), (0.4, 0.9, -0.2))]
    vertices = np.concatenate([np.array(low) + corners * (np.array(high) - np.array(low)) for low, high in blocks])
    faces = np.concatenate([one, one + 8])
    uv = np.zeros((16, 2))
    return Mesh(vertices=vertices, faces=faces, uv=uv, texture=np.full((2, 2, 3), 128, dtype=np.uint8))


def evidence_of(mesh, hidden=None, points=NO_POINTS):
    pose = similarity(FLOOR, TRUE, mesh.vertices)
    raster = rasterize(
        transform(CAMERA.camera_from_world @ pose.matrix, mesh.vertices), mesh.faces, CAMERA.intrinsics, HW
    )
    ignore = np.zeros(HW, dtype=bool) if hidden is None else hidden
    instance = Instance(name="seat-1", label="seat", score=1.0, mask=(raster.face >= 0) & ~ignore)
    view = ObjectView(instance=instance, image=np.zeros((*HW, 3), np.uint8), ignore=ignore, camera=CAMERA)
    target = make_target(view, points, points_slide=False, crop_px=200)
    return Evidence(plane=FLOOR, proxy=make_proxy(mesh, 0), target=target)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_points_move_as_finite_differences_say(seed):
    rng = np.random.default_rng(seed)
    plane = FLOOR if seed % 2 else room_side(LAYOUT, "wall_back")
    points, at = rng.uniform(-1.0, 1.0, (20, 3)), rng.uniform(-1.0, 1.0, (5, 3))
    pose = rng.uniform([-2, -2, -3, -1], [2, 2, 3, 1])
    expected = [
        (
            transform(similarity(plane, pose + h, points).matrix, at)
            - transform(similarity(plane, pose - h, points).matrix, at)
        )
        / 2e-6
        for h in 1e-6 * np.eye(4)
    ]
    np.testing.assert_allclose(velocities(plane, pose, points, at), np.stack(expected, axis=2), atol=1e-5)


def test_equal_outlines_are_nowhere_apart():
    evidence = evidence_of(seat())
    target = contour_target(evidence.target)
    raster = draw(FLOOR, TRUE, evidence.proxy, evidence.target)
    for side in residuals(FLOOR, TRUE, evidence.proxy, (evidence.target, target, raster)):
        assert len(side.distance) > 100
        assert np.abs(side.distance).mean() < 0.25


def test_the_distance_of_outlines_changes_as_its_derivative_says():
    evidence = evidence_of(seat())
    target = contour_target(evidence.target)

    def mean_distance(pose):
        sides = residuals(
            FLOOR, pose, evidence.proxy, (evidence.target, target, draw(FLOOR, pose, evidence.proxy, evidence.target))
        )
        return sides[0].distance.mean(), sides[0].jacobian.mean(axis=0)

    smaller, larger = (mean_distance(TRUE + np.array([0.0, 0.0, 0.0, step])) for step in (-0.05, 0.05))
    slope = 0.5 * (smaller[1] + larger[1])[3]
    assert (larger[0] - smaller[0]) / 0.1 == pytest.approx(slope, rel=0.15)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 999))
def test_polishing_finds_a_pose_that_is_near(seed):
    start = TRUE + np.random.default_rng(seed).uniform(-1.0, 1.0, 4) * np.array([0.08, 0.15, 0.12, 0.08])
    mesh = seat()
    found = polish(evidence_of(mesh), start)
    error = transform(similarity(FLOOR, found, mesh.vertices).matrix, mesh.vertices)
    error -= transform(similarity(FLOOR, TRUE, mesh.vertices).matrix, mesh.vertices)
    assert np.linalg.norm(error, axis=1).max() < 0.015


def test_what_is_hidden_does_not_pull():
    hidden = np.zeros(HW, dtype=bool)
    hidden[:, 125:] = True
    found = polish(evidence_of(seat(), hidden), TRUE + np.array([0.04, 0.08, 0.06, 0.04]))
    np.testing.assert_allclose(found, TRUE, atol=0.03)


def test_points_slide_along_their_rays_together():
    mesh = seat()
    world = transform(similarity(FLOOR, TRUE, mesh.vertices).matrix, mesh.vertices)
    raster = rasterize(transform(CAMERA.camera_from_world, world), mesh.faces, CAMERA.intrinsics, HW)
    rows, columns = np.nonzero(raster.face >= 0)
    corners = world[mesh.faces[raster.face[rows, columns]]]
    seen = np.einsum("nij,ni->nj", corners, raster.barycentric[rows, columns].astype(float))[::20]
    off = CAMERA.position + 1.05 * (seen - CAMERA.position)
    found = polish(evidence_of(mesh, points=off), TRUE + np.array([0.03, 0.05, 0.04, 0.03]))
    np.testing.assert_allclose(found, TRUE, atol=0.02)
