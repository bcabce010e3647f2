"""Clean-up of whole scenes: exact contact, nothing inside anything, carriers with what they carry."""

from dataclasses import replace

import numpy as np
import pytest

from regen3d.align.apart import carried_along, separate
from regen3d.align.diagnostics import silhouette
from regen3d.align.penetration import carve, overlap
from regen3d.align.placed import PlacedObject, scaled_about, world_vertices
from regen3d.align.settle import settle
from regen3d.frames import intrinsics_from_focal, rotation_about_y, transform, upright, world_from_gravity
from regen3d.types import Alignment, Camera, Instance, Mesh, RoomLayout, Similarity
from tests.synthetic.furniture import boxes_mesh, table, vase
from tests.synthetic.staged import bookcase, hung_scene


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
    return boxes_mesh([(box[:3], box[3:]) for box in boxes], (128, 128, 128), np.random.default_rng(0))


def chair():
    legs = [(x, 0.0, z, x + 0.05, 0.42, z + 0.05) for x in (-0.22, 0.17) for z in (-0.22, 0.17)]
    return blocks(*legs, (-0.22, 0.42, -0.22, 0.22, 0.47, 0.22), (-0.22, 0.47, -0.22, 0.22, 0.9, -0.17))


def seen(name, mesh, pose, camera):
    return Instance(name=name, label=name.rsplit("-", 1)[0], score=1.0, mask=silhouette(mesh, pose, camera))


def at(x, y, z, yaw=0.0):
    return upright(yaw_rad=yaw, translation=np.array([x, y, z]))


def assert_same_place(found: Similarity, true: Similarity, mesh: Mesh, tolerance_m: float):
    distance = np.linalg.norm(transform(found.matrix, mesh.vertices) - transform(true.matrix, mesh.vertices), axis=1)
    assert distance.max() < tolerance_m


def placed(name, mesh, pose, camera, support="floor"):
    alignment = Alignment(
        world_from_object=pose,
        support=support,
        mask_iou=1.0,
        contact_gap_m=0.0,
        point_residual_m=None,
        runner_up_margin=1.0,
    )
    return PlacedObject(name=name, alignment=alignment, mesh=mesh, instance=seen(name, mesh, pose, camera))


def test_scaling_about_the_camera_keeps_the_silhouette(camera):
    mesh, pose = chair(), upright(yaw_rad=0.4, translation=np.array([0.3, 0.0, -2.6]))
    nearer = scaled_about(pose, camera.position, 0.6)
    np.testing.assert_array_equal(silhouette(mesh, pose, camera), silhouette(mesh, nearer, camera))


def test_a_vase_settles_on_the_table_under_it(camera):
    table = blocks((-0.6, 0.0, -0.4, 0.6, 0.7, 0.4))
    vase = blocks((-0.06, 0.0, -0.06, 0.06, 0.3, 0.06))
    true = upright(yaw_rad=0.0, translation=np.array([0.2, 0.7, -2.5]))
    on_floor = scaled_about(true, camera.position, 1.5 / (1.5 - 0.7))
    items = [
        placed("vase-1", vase, on_floor, camera, "table-1"),
        placed("table-1", table, upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -2.5])), camera),
    ]
    settled = settle(items, camera, None)
    assert settled[0].support == "table-1"
    assert_same_place(settled[0].world_from_object, true, vase, 0.01)
    assert abs(settled[0].contact_gap_m) < 0.005
    before = silhouette(vase, on_floor, camera)
    np.testing.assert_array_equal(before, silhouette(vase, settled[0].world_from_object, camera))


def test_what_stands_beside_its_carrier_gets_its_height_and_a_note(camera):
    table = blocks((-0.3, 0.0, -0.3, 0.3, 0.7, 0.3))
    vase = blocks((-0.06, 0.0, -0.06, 0.06, 0.3, 0.06))
    beside = upright(yaw_rad=0.0, translation=np.array([1.5, 0.0, -2.5]))
    items = [
        placed("table-1", table, upright(yaw_rad=0.0, translation=np.array([-0.8, 0.0, -2.5])), camera),
        placed("vase-1", vase, beside, camera, "table-1"),
    ]
    settled = settle(items, camera, None)
    assert settled[1].world_from_object.translation[1] == pytest.approx(0.7, abs=0.01)
    assert "beside it" in settled[1].notes[-1]


def test_a_carrier_above_the_camera_lifts_nothing(camera):
    tall = blocks((-0.3, 0.0, -0.3, 0.3, 1.9, 0.3))
    pose = upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -2.5]))
    vase = blocks((-0.06, 0.0, -0.06, 0.06, 0.3, 0.06))
    floor = upright(yaw_rad=0.0, translation=np.array([0.5, 0.0, -2.5]))
    settled = settle(
        [placed("shelf-1", tall, pose, camera), placed("vase-1", vase, floor, camera, "shelf-1")], camera, None
    )
    assert settled[1].world_from_object.translation[1] == 0.0
    assert "higher than the camera" in settled[1].notes[-1]


def test_objects_are_pushed_out_of_walls_and_off_each_other(camera, layout):
    block = blocks((-0.4, 0.0, -0.4, 0.4, 0.5, 0.4))
    deep = upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -3.7]))
    settled = settle([placed("cabinet-1", block, deep, camera)], camera, layout)
    assert settled[0].world_from_object.translation[2] == -3.7, "an assumed wall pushed"
    layout = replace(layout, seen=frozenset({"wall_back"}))
    settled = settle([placed("cabinet-1", block, deep, camera)], camera, layout)
    assert settled[0].world_from_object.translation[2] == pytest.approx(-3.6)
    far = upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -4.2]))
    settled = settle([placed("cabinet-1", block, far, camera)], camera, layout)
    assert settled[0].world_from_object.translation[2] == -4.2
    assert "room and pose disagree" in settled[0].notes[-1]
    narrow = blocks((-0.1, 0.0, -0.4, 0.1, 0.5, 0.4))
    pair = [
        placed("cabinet-1", narrow, upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -2.5])), camera),
        placed("cabinet-2", narrow, upright(yaw_rad=0.0, translation=np.array([0.155, 0.0, -2.5])), camera),
    ]
    first, second = settle(pair, camera, layout)
    gap = second.world_from_object.translation - first.world_from_object.translation
    np.testing.assert_allclose(gap, [0.2, 0.0, 0.0], atol=2e-3)


def test_flowers_wider_than_a_vase_come_to_stand_on_it(camera):
    post = blocks((-0.03, 0.0, -0.03, 0.03, 0.8, 0.03))
    flowers = blocks((-0.2, 0.0, -0.2, 0.2, 0.3, 0.2))
    below = upright(yaw_rad=0.0, translation=np.array([0.2, 0.0, -2.5]))
    above = upright(yaw_rad=0.0, translation=np.array([0.2, 0.81, -2.5]))
    items = [
        PlacedObject(
            name=name,
            mesh=mesh,
            instance=seen(name, mesh, pose, camera),
            alignment=Alignment(
                world_from_object=placed,
                support=support,
                mask_iou=1.0,
                contact_gap_m=0.0,
                point_residual_m=None,
                runner_up_margin=1.0,
            ),
        )
        for name, mesh, pose, placed, support in (
            ("vase", post, below, below, "floor"),
            ("flowers", flowers, above, scaled_about(above, camera.position, 1.5 / 0.69), "vase"),
        )
    ]
    found = settle(items, camera, None)[1].world_from_object
    np.testing.assert_allclose(found.translation, above.translation, atol=0.06)


def bottom(item, mesh):
    return transform(item.world_from_object.matrix, mesh.vertices)[:, 1].min()


def on_floor(pose, camera):
    """A pose as alignment finds it for what stands on another object: scaled about the eye down to the floor."""
    eye = camera.position[1]
    return scaled_about(pose, camera.position, eye / (eye - pose.translation[1]))


def test_contact_is_exact_on_the_surface_below_and_nowhere_else(camera):
    rng = np.random.default_rng(0)
    stepped = blocks((-0.6, 0.0, -0.4, 0.6, 0.7, 0.4), (-0.6, 0.7, -0.4, -0.1, 0.8, 0.4))
    true = at(0.25, 0.7, -2.4)
    items = [
        placed("table-1", stepped, at(0.0, 0.0, -2.5), camera),
        placed("vase-1", vase(rng), on_floor(true, camera), camera, "table-1"),
    ]
    found = settle(items, camera, None)[1]
    assert bottom(found, vase(rng)) == pytest.approx(0.7, abs=1e-4)
    assert abs(found.contact_gap_m) < 1e-4
    assert found.mask_iou > 0.97


def test_a_vase_stands_on_the_board_of_a_bookcase_and_not_on_its_top(camera):
    rng = np.random.default_rng(0)
    true = at(0.0, 0.44, -2.5)
    items = [
        placed("bookcase-1", bookcase(rng), at(0.0, 0.0, -2.5), camera),
        placed("vase-1", vase(rng), on_floor(true, camera), camera, "bookcase-1"),
    ]
    found = settle(items, camera, None)[1]
    assert bottom(found, vase(rng)) == pytest.approx(0.44, abs=1e-3)
    assert_same_place(found.world_from_object, true, vase(rng), 0.03)


def test_what_hangs_over_the_edge_is_moved_onto_the_table(camera):
    rng = np.random.default_rng(0)
    beside = at(0.59, 0.74, -2.5)
    items = [
        placed("table-1", table(rng), at(0.0, 0.0, -2.5), camera),
        placed("vase-1", vase(rng), on_floor(beside, camera), camera, "table-1"),
    ]
    found = settle(items, camera, None)[1]
    base = transform(found.world_from_object.matrix, vase(rng).vertices)
    base = base[base[:, 1] < base[:, 1].min() + 0.01]
    assert base[:, 0].max() <= 0.58
    assert abs(found.contact_gap_m) < 1e-3


def test_a_pot_stands_on_a_grate_and_is_not_moved_to_where_there_is_none(camera):
    """Bars 4 cm over the plate, near the stove's edge: on the plate, whose height is seen, the pot would hang over."""
    bars = [(x, 0.7, -0.3, x + 0.012, 0.74, 0.0) for x in np.arange(-0.3, 0.3, 0.045)]
    rails = [(-0.3, 0.7, z, 0.312, 0.74, z + 0.012) for z in (-0.3, -0.012)]
    stove = blocks((-0.6, 0.0, -0.3, 0.6, 0.7, 0.3), *bars, *rails)
    pot, true = blocks((-0.13, 0.0, -0.13, 0.13, 0.2, 0.13)), at(0.0, 0.74, -2.66)
    items = [
        placed("stove-1", stove, at(0.0, 0.0, -2.5), camera),
        placed("pot-1", pot, on_floor(true, camera), camera, "stove-1"),
    ]
    found = settle(items, camera, None)[1]
    assert_same_place(found.world_from_object, true, pot, 0.01)


def test_a_chair_on_a_rug_stands_on_the_rug(camera):
    rug, mesh = blocks((-1.0, 0.0, -0.8, 1.0, 0.02, 0.8)), chair()
    items = [
        placed("rug-1", rug, at(0.0, 0.0, -2.6), camera),
        placed("chair-1", mesh, at(0.0, 0.0, -2.6, 0.3), camera),
        placed("chair-2", mesh, at(1.6, 0.0, -2.9, 0.3), camera),
    ]
    found = settle(items, camera, None)
    assert bottom(found[1], mesh) == pytest.approx(0.02, abs=1e-4)
    assert found[1].support == "rug-1"
    assert found[2].support == "floor"
    assert bottom(found[2], mesh) == pytest.approx(0.0, abs=1e-9)


def test_a_chair_under_a_table_is_left_there_and_one_inside_it_is_not(camera):
    rng = np.random.default_rng(0)
    stool = blocks((-0.2, 0.0, -0.2, 0.2, 0.45, 0.2))
    big = blocks((-0.25, 0.0, -0.25, 0.25, 0.6, 0.25))
    cupboard = blocks((-0.55, 0.0, -0.35, 0.55, 0.74, 0.35))
    shelter = placed("table-1", table(rng), at(0.0, 0.0, -2.5), camera)
    found = settle([shelter, placed("stool-1", stool, at(0.0, 0.0, -2.2), camera)], camera, None)
    np.testing.assert_array_equal(found[1].world_from_object.translation, [0.0, 0.0, -2.2])
    filled = placed("cabinet-1", cupboard, at(0.0, 0.0, -2.5), camera)
    into = [filled, placed("stool-1", big, at(0.0, 0.0, -1.96), camera)]
    reached = overlap(into[0], into[1], (carve(cupboard), carve(big)))
    assert reached is not None
    assert reached.depth_m == pytest.approx(0.06, abs=0.005)
    moved = [replace(item, alignment=a) for item, a in zip(into, settle(into, camera, None), strict=True)]
    assert overlap(moved[0], moved[1], (carve(cupboard), carve(big))) is None


@pytest.mark.parametrize("yaw", [0.0, 0.5, 2.0])
def test_closed_meshes_are_solid_and_open_ones_are_not(camera, yaw):
    box = blocks((-0.5, 0.0, -0.5, 0.5, 1.0, 0.5))
    lidless = replace(box, faces=box.faces[:-2])
    small = blocks((-0.1, 0.0, -0.1, 0.1, 0.2, 0.1))
    inside = placed("small-1", small, at(0.0, 0.3, -3.0, 0.2), camera)
    around = placed("box-1", box, at(0.0, 0.0, -3.0, yaw), camera)
    found = overlap(inside, around, (carve(small), carve(box)))
    assert found is not None
    assert found.depth_m == pytest.approx(0.5, abs=0.02)
    assert np.linalg.norm(found.ways[0]) == pytest.approx(0.6, abs=0.05)
    assert overlap(inside, replace(around, mesh=lidless), (carve(small), carve(lidless))) is None


def test_a_carrier_takes_along_what_stands_on_it(camera):
    rng = np.random.default_rng(0)
    items = {
        "table-1": placed("table-1", table(rng), at(0.0, 0.0, -2.5), camera),
        "vase-1": placed("vase-1", vase(rng), at(0.2, 0.74, -2.5), camera, "table-1"),
        "cup-1": placed("cup-1", vase(rng), at(0.2, 1.04, -2.5), camera, "vase-1"),
        "chair-1": placed("chair-1", chair(), at(2.0, 0.0, -2.5), camera),
    }
    step = np.array([0.1, 0.0, -0.05])
    moved = carried_along(items, "table-1", step)
    for name in ("table-1", "vase-1", "cup-1"):
        way = moved[name].alignment.world_from_object.translation - items[name].alignment.world_from_object.translation
        np.testing.assert_allclose(way, step)
    assert moved["chair-1"] is items["chair-1"]


def test_pairs_go_apart_and_what_hangs_stays_on_its_wall(camera, layout):
    box = blocks((-0.3, 0.0, -0.2, 0.3, 0.7, 0.2))
    hung = placed("cabinet-1", box, at(0.0, 1.4, -3.8), camera, "wall")
    items = {
        "cabinet-1": hung,
        "cabinet-2": placed("cabinet-2", box, at(0.57, 1.4, -3.8), camera, "wall"),
        "fridge-1": placed("fridge-1", blocks((-0.3, 0.0, -0.3, 0.3, 1.6, 0.3)), at(-0.5, 0.0, -3.68), camera),
    }
    found = separate(items, layout)
    solids = {name: carve(item.mesh) for name, item in found.items()}
    for first, second in (("cabinet-1", "cabinet-2"), ("cabinet-1", "fridge-1")):
        left = overlap(found[first], found[second], (solids[first], solids[second]))
        assert left is None or left.depth_m <= 0.005
    for name in ("cabinet-1", "cabinet-2"):
        assert world_vertices(found[name])[:, 2].min() == pytest.approx(-4.0, abs=1e-6)
        assert world_vertices(found[name])[:, 1].min() == pytest.approx(1.4)


def test_what_is_deep_inside_another_is_left_with_a_note(camera):
    box = blocks((-0.5, 0.0, -0.5, 0.5, 0.8, 0.5))
    items = [placed("sofa-1", box, at(0.0, 0.0, -2.8), camera), placed("table-1", box, at(0.3, 0.0, -2.9), camera)]
    found = settle(items, camera, None)
    np.testing.assert_array_equal(found[0].world_from_object.translation, [0.0, 0.0, -2.8])
    assert "into table-1" in found[0].notes[-1]


def test_a_true_scene_stays_as_it_is():
    scene = hung_scene()
    by_name = {item.name: item for item in scene.objects}
    items = [
        PlacedObject(
            name=instance.name,
            mesh=by_name[instance.name].mesh,
            instance=instance,
            alignment=Alignment(
                world_from_object=by_name[instance.name].world_from_object,
                support=by_name[instance.name].support,
                mask_iou=1.0,
                contact_gap_m=0.0,
                point_residual_m=None,
                runner_up_margin=1.0,
            ),
        )
        for instance in scene.instances
    ]
    lowered = [
        replace(item, alignment=replace(item.alignment, world_from_object=on_floor(pose, scene.camera)))
        if item.alignment.support in by_name
        else item
        for item, pose in ((item, item.alignment.world_from_object) for item in items)
    ]
    found = settle(lowered, scene.camera, scene.layout)
    for item, alignment in zip(items, found, strict=True):
        assert_same_place(alignment.world_from_object, item.alignment.world_from_object, item.mesh, 0.01)
        assert abs(alignment.contact_gap_m) < 1e-3


@pytest.mark.parametrize("yaw", [0.0, 0.7])
def test_the_same_scene_turned_settles_the_same_way(camera, yaw):
    turn = rotation_about_y(yaw)
    rng = np.random.default_rng(0)
    pair = [
        placed("table-1", table(rng), at(0.0, 0.0, -2.5), camera),
        placed("box-1", blocks((-0.2, 0.0, -0.2, 0.2, 1.0, 0.2)), at(0.7, 0.0, -2.5), camera),
    ]
    items = {
        item.name: replace(
            item,
            alignment=replace(
                item.alignment,
                world_from_object=upright(yaw_rad=yaw, translation=turn @ item.alignment.world_from_object.translation),
            ),
        )
        for item in pair
    }
    found = separate(items, None)
    way = turn.T @ (
        found["box-1"].alignment.world_from_object.translation - items["box-1"].alignment.world_from_object.translation
    )
    np.testing.assert_allclose(way, [0.025, 0.0, 0.0], atol=5e-3)


def test_what_would_hang_below_the_floor_is_stood_on_it(camera, layout):
    mesh, pose = blocks((-0.3, 0.0, -0.2, 0.3, 0.6, 0.2)), at(0.2, -0.2, -3.0)
    item = PlacedObject(
        name="cabinet-1",
        alignment=Alignment(
            world_from_object=pose,
            support="wall",
            mask_iou=1.0,
            contact_gap_m=0.0,
            point_residual_m=None,
            runner_up_margin=1.0,
        ),
        mesh=mesh,
        instance=seen("cabinet-1", mesh, pose, camera),
    )
    (settled,) = settle([item], camera, layout)
    lowest = transform(settled.world_from_object.matrix, mesh.vertices)[:, 1].min()
    assert lowest == pytest.approx(0.0, abs=1e-9)
    assert settled.support == "floor"
    assert settled.mask_iou > 0.99
    assert any("below the floor" in note for note in settled.notes)


def test_what_is_fixed_stays_and_the_other_goes_the_whole_way(camera):
    block = blocks((-0.3, 0.0, -0.3, 0.3, 0.6, 0.3))
    items = [
        placed("chair-1", block, upright(yaw_rad=0.0, translation=np.array([0.0, 0.0, -3.0])), camera),
        placed("chair-2", block, upright(yaw_rad=0.0, translation=np.array([0.57, 0.0, -3.0])), camera),
    ]
    settled = settle(items, camera, None, fixed={"chair-1"})
    assert settled[0] is items[0].alignment
    assert settled[1].world_from_object.translation[0] >= 0.6
    both = settle(items, camera, None, fixed={"chair-1", "chair-2"})
    assert [alignment is item.alignment for alignment, item in zip(both, items, strict=True)] == [True, True]
