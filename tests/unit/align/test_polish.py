"""Poses of a batch: how points move, how far outlines are apart, and where that leads."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from regen3d.align.batch import Poses, make_batch
from regen3d.align.drawn import drawn_outline, residuals
from regen3d.align.energy import SIZE_LIMIT, SIZE_WEIGHT, energy, unusual_size
from regen3d.align.engine import _polished
from regen3d.align.evidence import Evidence
from regen3d.align.planes import SIDES, Walls, room_side
from regen3d.align.polish import _systems, polish, polish_shapes
from regen3d.align.pose import FLOOR, similarity
from regen3d.align.posing import in_camera, pixel_speeds, place, to_local, to_world, velocities
from regen3d.align.proportions import planar
from regen3d.align.proxy import make_proxy
from regen3d.align.refine import Refined
from regen3d.align.size_prior import SizePrior
from regen3d.align.target import make_target
from regen3d.frames import intrinsics_from_focal, rotation_about_y, transform, world_from_gravity
from regen3d.render.raster import rasterize
from regen3d.types import Camera, Instance, Mesh, ObjectView, RoomLayout

HW = (180, 240)
TRUE = np.array([0.2, -2.6, 0.5, 0.1, 0.0, 0.0, 0.0])
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
    pose = similarity(FLOOR, TRUE[:4], mesh.vertices)
    raster = rasterize(
        transform(CAMERA.camera_from_world @ pose.matrix, mesh.vertices), mesh.faces, CAMERA.intrinsics, HW
    )
    ignore = np.zeros(HW, dtype=bool) if hidden is None else hidden
    instance = Instance(name="seat-1", label="seat", score=1.0, mask=(raster.face >= 0) & ~ignore)
    view = ObjectView(instance=instance, image=np.zeros((*HW, 3), np.uint8), ignore=ignore, camera=CAMERA)
    target = make_target(view, points, points_slide=False, crop_px=200)
    return Evidence(plane=FLOOR, proxy=make_proxy(mesh, 0), target=target)


def poses_of(*rows, owner=None):
    numbers = torch.tensor(np.stack(rows))
    return Poses(numbers, torch.zeros(len(rows), dtype=torch.long) if owner is None else torch.tensor(owner))


def batch_of(*evidences):
    return make_batch(evidences, "cpu", 512)


def polished(evidence, start):
    return polish(batch_of(evidence), poses_of(start))[0].numpy()


def sides_of(batch, poses):
    drawn = drawn_outline(batch, poses, in_camera(batch, poses.owner, place(batch, poses)))
    row = torch.zeros(drawn.at.shape[1], dtype=torch.long)
    return residuals(batch, poses, drawn, pixel_speeds(batch, poses, drawn.at[0], row)[None])


@pytest.fixture(scope="module")
def evidence():
    return evidence_of(seat())


@pytest.fixture(scope="module")
def batch(evidence):
    return batch_of(evidence)


@pytest.fixture(scope="module", params=["floor", *SIDES])
def on_plane(request, evidence):
    plane = FLOOR if request.param == "floor" else room_side(LAYOUT, request.param)
    return plane, batch_of(replace(evidence, plane=plane))


def test_every_pose_touches_its_plane_and_is_the_same_in_all_forms(on_plane, rng):
    plane, batch = on_plane
    numbers = rng.uniform([-2, -2, -3, -1, -0.2, -0.2, -0.2], [2, 2, 3, 1, 0.2, 0.2, 0.2], (6, 7))
    poses, vertices = poses_of(*numbers), batch.vertices.expand(6, -1, -1)
    world = place(batch, poses)
    heights = (world.numpy() - plane.origin) @ plane.normal
    np.testing.assert_allclose(heights.min(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(to_world(batch, poses, vertices), world, atol=1e-9)
    np.testing.assert_allclose(to_local(batch, poses, world), vertices, atol=1e-9)
    for row, expected in zip(numbers, world.numpy(), strict=True):
        stretched = vertices[0].numpy() * np.exp(row[4:])
        pose = similarity(plane, row[:4], stretched)
        np.testing.assert_allclose(transform(pose.matrix, stretched), expected, atol=1e-9)


def test_points_move_in_world_and_picture_as_finite_differences_say(on_plane, rng):
    _, batch = on_plane
    at = torch.tensor(rng.uniform(-0.5, 0.5, (5, 3)))
    low, high = [-0.5, -2.5, -3, -0.3, -0.2, -0.2, -0.2], [0.5, -1.5, 3, 0.3, 0.2, 0.2, 0.2]
    pose, step = rng.uniform(low, high), 1e-6 * np.eye(7)

    def moved(numbers):
        poses = poses_of(*numbers)
        world = to_world(batch, poses, at.expand(len(numbers), -1, -1))
        camera = in_camera(batch, poses.owner, world)
        pixels = camera @ batch.intrinsics[0].T
        return world, pixels[..., :2] / pixels[..., 2:], camera[..., 2]

    (world, pixels, _), (world_back, pixels_back, _) = moved(pose + step), moved(pose - step)
    depth = moved(pose[None])[2][0]
    row = torch.zeros(5, dtype=torch.long)
    speeds = velocities(batch, poses_of(pose), at, row), pixel_speeds(batch, poses_of(pose), at, row)
    np.testing.assert_allclose(speeds[0], (world - world_back).permute(1, 2, 0) / 2e-6, atol=1e-5)
    seen = depth > 0.1
    expected = ((pixels - pixels_back).permute(1, 2, 0) / 2e-6)[seen]
    np.testing.assert_allclose(speeds[1][seen], expected, rtol=1e-4, atol=1e-2)


def test_equal_outlines_are_nowhere_apart(batch):
    for side in sides_of(batch, poses_of(TRUE)):
        assert int(side.valid.sum()) > 100
        assert float(side.distance[side.valid].abs().mean()) < 0.25


@pytest.mark.parametrize("side", [0, 1], ids=["there", "back"])
@pytest.mark.parametrize("number", [3, 4, 5], ids=["scale", "width", "height"])
def test_the_distance_of_outlines_changes_as_its_derivative_says(batch, number, side):
    def mean_distance(step):
        found = sides_of(batch, poses_of(TRUE + step * np.eye(7)[number]))[side]
        return float(found.distance[found.valid].mean()), float(found.jacobian[found.valid].mean(dim=0)[number])

    smaller, larger = mean_distance(-0.05), mean_distance(0.05)
    assert (larger[0] - smaller[0]) / 0.1 == pytest.approx(0.5 * (smaller[1] + larger[1]), rel=0.2)


def assert_same_place(found, tolerance_m):
    vertices = seat().vertices
    error = transform(similarity(FLOOR, planar(found), vertices).matrix, vertices)
    error -= transform(similarity(FLOOR, TRUE[:4], vertices).matrix, vertices)
    assert np.linalg.norm(error, axis=1).max() < tolerance_m


@pytest.mark.parametrize("seed", range(4))
def test_polishing_finds_a_pose_that_is_near(evidence, seed):
    start = TRUE.copy()
    start[:4] += np.random.default_rng(seed).uniform(-1.0, 1.0, 4) * np.array([0.08, 0.15, 0.12, 0.08])
    assert_same_place(polished(evidence, start), 0.02)


@pytest.mark.parametrize("axis", range(3), ids=["width", "height", "depth"])
def test_one_wrong_proportion_of_a_mesh_moves_neither_its_place_nor_its_scale(evidence, axis):
    mesh = seat()
    factors = np.where(np.arange(3) == axis, 1.15, 1.0)
    off = replace(evidence, proxy=make_proxy(replace(mesh, vertices=mesh.vertices * factors), 0))
    found = polished(off, TRUE + np.array([0.04, 0.06, 0.05, 0.04, 0.0, 0.0, 0.0]))
    assert_same_place(found, 0.06)
    assert found[4 + axis] == pytest.approx(-np.log(1.15), abs=0.05)


def test_other_shapes_lead_to_where_one_does_not_and_never_to_worse():
    """The lower half is hidden: a seat that is too tall fits nearly as well when it is larger and farther away."""
    hidden = np.zeros(HW, dtype=bool)
    hidden[100:] = True
    mesh = seat()
    taller = replace(mesh, vertices=mesh.vertices * np.array([1.0, 1.15, 1.0]))
    batch = batch_of(replace(evidence_of(mesh, hidden), proxy=make_proxy(taller, 0)))
    offsets = np.array([[0.05, -0.2, 0.03, 0.06], [-0.05, 0.1, -0.05, 0.0], [0.0, 0.0, 0.1, -0.05]])
    starts = poses_of(*(TRUE + np.pad(offset, (0, 3)) for offset in offsets), owner=[0, 0, 0])
    none = torch.zeros(3, dtype=torch.float64)
    alone, several = (
        _systems(batch, Poses(found(batch, starts), starts.owner), none).cost for found in (polish, polish_shapes)
    )
    assert (several <= alone + 1e-9).all()
    assert (several < alone - 1.0).any()


def test_a_shape_that_fits_outlines_does_not_let_a_pose_that_faces_elsewhere_win():
    """The right half is hidden and the mesh too wide: turned by 90 degrees and squeezed it has the same outline."""
    hidden = np.zeros(HW, dtype=bool)
    hidden[:, 125:] = True
    mesh = seat()
    wider = replace(mesh, vertices=mesh.vertices * np.array([1.3, 1.0, 1.0]))
    batch = batch_of(replace(evidence_of(mesh, hidden), proxy=make_proxy(wider, 0)))
    for turn in (0.0, 0.5 * np.pi, np.pi):
        start = TRUE + np.array([0.05, -0.1, turn, 0.05, 0.0, 0.0, 0.0])
        refined = [Refined(numbers=start[None], energies=energy(batch, poses_of(start)).numpy())]
        alone, shaped = (_polished(batch, refined, 1, other_shapes=shapes)[0].energies[0] for shapes in (False, True))
        assert shaped <= alone + 1e-9


def test_what_is_hidden_does_not_pull():
    hidden = np.zeros(HW, dtype=bool)
    hidden[:, 125:] = True
    found = polished(evidence_of(seat(), hidden), TRUE + np.array([0.04, 0.08, 0.06, 0.04, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(found[:4], TRUE[:4], atol=0.03)


def test_points_slide_along_their_rays_together():
    mesh = seat()
    world = transform(similarity(FLOOR, TRUE[:4], mesh.vertices).matrix, mesh.vertices)
    raster = rasterize(transform(CAMERA.camera_from_world, world), mesh.faces, CAMERA.intrinsics, HW)
    rows, columns = np.nonzero(raster.face >= 0)
    corners = world[mesh.faces[raster.face[rows, columns]]]
    seen = np.einsum("nij,ni->nj", corners, raster.barycentric[rows, columns].astype(float))[::20]
    off = CAMERA.position + 1.05 * (seen - CAMERA.position)
    found = polished(evidence_of(mesh, points=off), TRUE + np.array([0.03, 0.05, 0.04, 0.03, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(found[:4], TRUE[:4], atol=0.02)


def test_a_usual_size_decides_between_sizes_and_a_front_does_not_matter_to_it(evidence):
    low, high = seat().vertices.min(axis=0), seat().vertices.max(axis=0)
    width, height, depth = np.exp(TRUE[3]) * (high - low)
    for median in ([width, height, depth], [depth, height, width]):
        prior = SizePrior(median_m=np.array(median), log_sigma=np.array([0.1, 0.1, 0.1]))
        batch = batch_of(replace(evidence, size_prior=prior))
        larger = TRUE + np.array([0.0, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0])
        np.testing.assert_allclose(unusual_size(batch, poses_of(TRUE, larger)), [0.0, 4.0], atol=1e-9)
        extra = energy(batch, poses_of(TRUE, larger)) - energy(batch_of(evidence), poses_of(TRUE, larger))
        np.testing.assert_allclose(extra, [0.0, SIZE_WEIGHT * 4.0 / SIZE_LIMIT**2], atol=1e-9)


@pytest.mark.parametrize("turn", [0.3, 1.0, -2.0])
def test_a_usual_size_is_that_along_the_faces_of_a_mesh_however_it_is_turned(evidence, turn):
    mesh = seat()
    turned = replace(mesh, vertices=mesh.vertices @ rotation_about_y(turn).T)
    size = np.ptp(mesh.vertices, axis=0) * np.exp(TRUE[3])
    prior = SizePrior(median_m=size, log_sigma=np.array([0.1, 0.1, 0.1]))
    batch = batch_of(replace(evidence, size_prior=prior, proxy=make_proxy(turned, 0)))
    np.testing.assert_allclose(unusual_size(batch, poses_of(TRUE)), [0.0], atol=1e-6)


def test_a_wall_is_not_reached_through(evidence):
    deepest = place(batch_of(evidence), poses_of(TRUE))[0, :, 2].min()
    wall = Walls(normals=np.array([[0.0, 0.0, 1.0]]), offsets=np.array([float(deepest) + 0.1]))
    bounded = replace(evidence, walls=wall)
    found = polished(bounded, TRUE)
    moved = place(batch_of(bounded), poses_of(found))[0, :, 2].min() - deepest
    assert 0.03 < float(moved) < 0.12


def test_objects_of_a_batch_do_not_touch_each_other_and_memory_changes_nothing(evidence):
    mesh = seat()
    other = evidence_of(replace(mesh, vertices=mesh.vertices[:8], uv=mesh.uv[:8], faces=mesh.faces[:12]))
    other = replace(other, walls=Walls(normals=np.array([[0.0, 0.0, 1.0]]), offsets=np.array([-4.0])), square_yaw=0.1)
    start = TRUE + np.array([0.04, 0.06, 0.05, 0.04, 0.0, 0.0, 0.0])
    together = poses_of(start, TRUE, start, owner=[0, 0, 1])
    alone = [(evidence, poses_of(start, TRUE)), (other, poses_of(start))]
    for memory_mb in (1, 512):
        both = make_batch([evidence, other], "cpu", memory_mb)
        for call in (energy, polish):
            expected = torch.cat([call(batch_of(one), poses) for one, poses in alone])
            torch.testing.assert_close(call(both, together), expected, atol=1e-6, rtol=0.0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_what_a_cpu_finds(evidence):
    start = poses_of(TRUE + np.array([0.04, 0.06, 0.05, 0.04, 0.0, 0.0, 0.0]))
    on_cpu, on_gpu = batch_of(evidence), make_batch([evidence], "cuda", 512)
    there = Poses(start.numbers.cuda(), start.owner.cuda())
    torch.testing.assert_close(energy(on_gpu, there).cpu(), energy(on_cpu, start), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(polish(on_gpu, there).cpu(), polish(on_cpu, start), atol=1e-3, rtol=0.0)
