"""The fitted box against boxes whose silhouette and pose are known."""

import numpy as np
import pytest

from regen3d.align.box import fit_box, likeliest
from regen3d.align.size_prior import WHOLE, SizePrior
from regen3d.align.solid import box_depth
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import intrinsics_from_focal, pixel_centers, upright, world_from_gravity, yaw_of
from regen3d.types import Camera, FittedBox, Instance, Mask, ObjectView

SIZE = np.array([1.2, 0.8, 0.5])
PRIOR = SizePrior(median_m=np.array([1.1, 0.85, 0.5]), log_sigma=np.array([0.3, 0.15, 0.15]))
CHAIR = np.array([[[0, 0, 0], [1, 0.5, 1]], [[0, 0.5, 0], [1, 1, 0.15]]], dtype=np.float64)


@pytest.fixture(scope="module")
def camera() -> Camera:
    pitch = np.radians(14.0)
    gravity = np.array([0.0, np.cos(pitch), np.sin(pitch)])
    return Camera(
        intrinsics=intrinsics_from_focal(300.0, (400, 300)),
        width=400,
        height=300,
        world_from_camera=world_from_gravity(gravity, 1.5),
    )


def true_box(
    yaw_deg: float, *, at: tuple[float, float, float] = (0.4, 0.0, -3.2), size: np.ndarray = SIZE
) -> FittedBox:
    pose = upright(yaw_rad=np.radians(yaw_deg), translation=np.array(at))
    return FittedBox(size_m=size.astype(np.float64), world_from_object=pose, iou=1.0)


def view_of(camera: Camera, box: FittedBox, blocks: np.ndarray = WHOLE, ignore: Mask | None = None) -> ObjectView:
    mask = np.isfinite(box_depth(box, camera, pixel_centers(camera.hw), blocks, False))
    ignore = np.zeros(camera.hw, dtype=bool) if ignore is None else ignore
    instance = Instance(name="thing-1", label="thing", score=1.0, mask=mask & ~ignore)
    return ObjectView(instance=instance, image=np.zeros((*camera.hw, 3), dtype=np.uint8), ignore=ignore, camera=camera)


def turned_by_deg(one: FittedBox, two: FittedBox, symmetry_deg: float = 360.0) -> float:
    difference = np.degrees(yaw_of(one.world_from_object.rotation) - yaw_of(two.world_from_object.rotation))
    return float(abs((difference + symmetry_deg / 2) % symmetry_deg - symmetry_deg / 2))


@pytest.mark.parametrize("yaw_deg", [-35.0, 5.0, 25.0])
def test_a_box_is_found_again(camera: Camera, yaw_deg: float) -> None:
    truth = true_box(yaw_deg)
    found = fit_box(view_of(camera, truth), prior=PRIOR, seed=0)
    assert found.iou > 0.93
    assert np.linalg.norm(found.world_from_object.translation - truth.world_from_object.translation) < 0.3
    assert np.abs(np.log(found.size_m / truth.size_m)).max() < 0.25
    assert turned_by_deg(found, truth, 180.0) < 15
    assert found.world_from_object.translation[1] == 0.0


def test_depth_of_a_box_is_the_distance_to_its_near_side(camera: Camera) -> None:
    box = true_box(0.0, at=(0.0, 0.0, -3.0), size=np.array([1.0, 3.0, 0.5]))
    depth = box_depth(box, camera, pixel_centers(camera.hw), WHOLE, False)
    centre = camera.world_from_camera[:3, :3] @ np.array([0.0, 0.0, 1.0])
    assert depth[150, 200] == pytest.approx(2.75 / -centre[2], rel=0.01)
    assert np.isinf(depth[0, 0])


def test_a_cylinder_lies_inside_its_box(camera: Camera) -> None:
    box = true_box(20.0)
    pixels = pixel_centers(camera.hw)
    solid = np.isfinite(box_depth(box, camera, pixels, WHOLE, False))
    turned = np.isfinite(box_depth(box, camera, pixels, WHOLE, True))
    assert turned.sum() < solid.sum()
    assert not (turned & ~solid).any()


def test_what_is_ignored_does_not_shrink_the_box(camera: Camera) -> None:
    truth = true_box(10.0)
    whole = view_of(camera, truth)
    x0, y0, x1, y1 = whole.instance.box
    hidden = np.zeros(camera.hw, dtype=bool)
    hidden[y0:y1, x0 : x0 + (x1 - x0) // 3] = True
    with_ignore = fit_box(view_of(camera, truth, ignore=hidden), prior=PRIOR, seed=0)
    blind = view_of(camera, truth, ignore=hidden)
    blind = ObjectView(instance=blind.instance, image=blind.image, ignore=np.zeros_like(hidden), camera=camera)
    without = fit_box(blind, prior=PRIOR, seed=0)
    assert with_ignore.size_m[0] > 1.05 * without.size_m[0]
    assert with_ignore.size_m[0] == pytest.approx(SIZE[0], rel=0.35)


@pytest.mark.parametrize("yaw_deg", [30.0, -140.0])
def test_blocks_tell_front_from_back(camera: Camera, yaw_deg: float) -> None:
    size = np.array([0.5, 0.9, 0.55])
    prior = SizePrior(median_m=size, log_sigma=np.full(3, 0.12), shapes=(CHAIR,))
    truth = true_box(yaw_deg, size=size, at=(0.2, 0.0, -2.6))
    found = fit_box(view_of(camera, truth, CHAIR), prior=prior, seed=1)
    assert turned_by_deg(found, truth) < 25


def test_proportions_alone_hold_for_what_rests_on_others(camera: Camera) -> None:
    truth = true_box(0.0, size=np.array([0.6, 0.9, 0.5]))
    small = SizePrior(median_m=np.array([0.2, 0.3, 0.1667]), log_sigma=np.full(3, 0.2))
    free = fit_box(view_of(camera, truth), prior=small, seed=0, absolute=False)
    bound = fit_box(view_of(camera, truth), prior=small, seed=0, absolute=True)
    assert free.size_m[1] == pytest.approx(0.9, rel=0.15)
    assert bound.size_m[1] < free.size_m[1]


def test_what_hangs_above_the_horizon_is_not_forced_to_the_floor(camera: Camera) -> None:
    truth = true_box(0.0, at=(0.0, 1.6, -3.0), size=np.array([0.8, 0.6, 0.3]))
    prior = SizePrior(median_m=np.array([0.8, 0.6, 0.3]), log_sigma=np.full(3, 0.2))
    found = fit_box(view_of(camera, truth), prior=prior, seed=0)
    assert found.iou > 0.9
    assert found.world_from_object.translation[1] == pytest.approx(1.6, abs=0.25)


def test_same_seed_same_box(camera: Camera) -> None:
    view = view_of(camera, true_box(12.0))
    one, two = fit_box(view, prior=None, seed=7), fit_box(view, prior=None, seed=7)
    assert np.array_equal(one.size_m, two.size_m)
    assert np.array_equal(one.world_from_object.matrix, two.world_from_object.matrix)


def test_an_empty_mask_is_refused(camera: Camera) -> None:
    view = view_of(camera, true_box(0.0), ignore=np.ones(camera.hw, dtype=bool))
    with pytest.raises(DegenerateGeometryError, match="thing-1 has an empty mask"):
        fit_box(view, prior=None, seed=0)


def test_what_a_label_means_is_told_by_the_silhouette(camera: Camera) -> None:
    stool = np.array([[[0.0, 0.9, 0.0], [1.0, 1.0, 1.0]], [[0.45, 0.0, 0.45], [0.55, 0.95, 0.55]]])
    priors = tuple(
        SizePrior(median_m=size, log_sigma=np.full(3, 0.15), shapes=(blocks,))
        for size, blocks in ((np.array([0.45, 0.9, 0.45]), stool), (SIZE, WHOLE))
    )
    thing = true_box(20.0)
    for truth, blocks in ((thing, WHOLE), (true_box(20.0, size=priors[0].median_m), stool)):
        view = view_of(camera, truth, blocks)
        found = fit_box(view, prior=priors[0], seed=0, others=priors[1:])
        assert likeliest(view, found, priors) == (truth is thing)
        np.testing.assert_allclose(found.size_m, truth.size_m, rtol=0.25)


def test_thin_legs_end_where_the_mask_ends(camera: Camera) -> None:
    short, tall = np.array([1.0, 0.45, 0.6]), np.array([1.0, 0.75, 0.6])
    table = np.array(
        [
            [[0.0, 0.5, 0.0], [1.0, 1.0, 1.0]],
            *([[x, 0.0, z], [x + 0.03, 0.5, z + 0.03]] for x in (0.0, 0.97) for z in (0.0, 0.97)),
        ]
    )
    view = view_of(camera, true_box(10.0, size=short), table)
    prior = SizePrior(median_m=tall, log_sigma=np.array([0.3, 0.25, 0.3]), shapes=(table,))
    found = fit_box(view, prior=prior, seed=0)
    drawn = np.isfinite(box_depth(found, camera, pixel_centers(camera.hw), table, False))
    _, y0, _, y1 = view.instance.box
    assert np.flatnonzero(drawn.any(axis=1))[-1] + 1 <= y1 + 0.1 * (y1 - y0)
