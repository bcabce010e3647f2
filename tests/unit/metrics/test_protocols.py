"""Every protocol: perfect for the truth itself, worst for nothing, and its own peculiarities as documented."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from regen3d.errors import ConfigError, InvalidMeshError
from regen3d.frames import intrinsics_from_focal, transform, world_from_gravity
from regen3d.metrics.protocols.base import PlacedMesh, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.gen3dsr import side_planes
from regen3d.metrics.protocols.midi import released_fit
from regen3d.metrics.protocols.registry import PROTOCOLS, evaluate
from regen3d.metrics.registration import apply, fit_rigid
from regen3d.types import Camera, Similarity

CAMERA = Camera(
    intrinsics=intrinsics_from_focal(500.0, (640, 480)),
    width=640,
    height=480,
    world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.2]), 1.4),
)
SETTINGS = ProtocolSettings(samples=2000, seed=3, camera=CAMERA)


def box(name: str, size: Sequence[float], place: Sequence[float]) -> PlacedMesh:
    """A box at a place of the world, in the camera frame."""
    solid = trimesh.creation.box(size, trimesh.transformations.translation_matrix(place))
    vertices = transform(CAMERA.camera_from_world, np.asarray(solid.vertices, dtype=np.float64))
    return PlacedMesh(name=name, vertices=vertices, faces=np.asarray(solid.faces))


def room() -> list[PlacedMesh]:
    """Four pieces of furniture before the camera."""
    return [
        box("bed", (1.6, 0.5, 2.0), (-0.6, 0.25, -3.2)),
        box("wardrobe", (0.6, 1.9, 1.2), (1.2, 0.95, -3.0)),
        box("table", (0.5, 0.45, 0.4), (0.6, 0.225, -2.2)),
        box("lamp", (0.15, 0.4, 0.15), (0.6, 0.65, -2.2)),
    ]


def moved(meshes: list[PlacedMesh], motion: Similarity) -> list[PlacedMesh]:
    return [replace(mesh, vertices=apply(motion, mesh.vertices)) for mesh in meshes]


def shift(metres: float) -> Similarity:
    return Similarity(rotation=np.eye(3), translation=np.array([metres, 0.0, 0.0]), scale=1.0)


def best_is_one(key: str) -> bool:
    return any(word in key for word in ("f_score", "box_iou", "voxel_iou", "precision", "recall")) and "part" not in key


def assert_finite(result: ProtocolResult) -> None:
    rows = [result.scene, *(item.values for item in result.objects)]
    assert all(np.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_truth_itself_is_perfect(name: str) -> None:
    # The released ICP turns even what lies right; that is tested below.
    if name == "midi-released":
        return
    result = evaluate(name, room(), room(), SETTINGS)
    assert result.protocol == name
    assert_finite(result)
    for row in (result.scene, *(item.values for item in result.objects)):
        for key, value in row.items():
            if best_is_one(key):
                assert value == pytest.approx(1.0), key
            elif "chamfer" in key or "hausdorff" in key or "error" in key:
                assert value == pytest.approx(0.0, abs=1e-6), key


@pytest.mark.parametrize("name", PROTOCOLS)
def test_nothing_predicted_is_the_worst_and_no_crash(name: str) -> None:
    result = evaluate(name, [], room(), SETTINGS)
    assert_finite(result)
    assert all(value == 0.0 for key, value in result.scene.items() if best_is_one(key))
    assert any("f_score" in key for key in result.scene)
    assert not any("chamfer" in key for key in result.scene)
    assert all(item.matched is None for item in result.objects)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_same_seed_gives_the_same_numbers(name: str) -> None:
    predicted = moved(room(), shift(0.07))[:3]
    assert evaluate(name, predicted, room(), SETTINGS) == evaluate(name, predicted, room(), SETTINGS)


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name not in ("midi-released", "depr")])
def test_farther_off_is_no_better(name: str) -> None:
    """One object alone is off, so that no alignment of the whole takes it back."""

    def f_score(metres: float) -> float:
        predicted = [*moved(room()[:1], shift(metres)), *room()[1:]]
        scene = evaluate(name, predicted, room(), SETTINGS).scene
        return next(value for key, value in scene.items() if "f_score" in key)

    scores = [f_score(metres) for metres in (0.0, 0.3, 0.9)]
    assert scores[0] == pytest.approx(1.0)
    assert scores[0] >= scores[1] - 1e-9 >= scores[2] - 2e-2


def test_canonical_counts_missing_and_extra_objects() -> None:
    predicted = [*room()[:2], box("phantom", (0.3, 0.3, 0.3), (-1.5, 0.15, -2.0))]
    result = evaluate("canonical", predicted, room(), SETTINGS)
    assert {key: result.scene[key] for key in ("objects_true", "objects_missing", "objects_extra")} == {
        "objects_true": 4.0,
        "objects_missing": 2.0,
        "objects_extra": 1.0,
    }
    assert [item.matched for item in result.objects] == ["bed", "wardrobe", None, None]
    assert result.objects[2].values["f_score_10cm"] == 0.0
    assert result.objects[2].values["voxel_iou_solid"] == 0.0
    assert "chamfer_m" not in result.objects[2].values
    assert result.scene["object_oriented_box_iou"] == pytest.approx(0.5)
    assert any("phantom" in note for note in result.notes)


def test_canonical_measures_in_metres() -> None:
    true = [box("wall", (2.0, 2.0, 0.001), (0.0, 1.0, -3.0))]
    off = [box("wall", (2.0, 2.0, 0.001), (0.0, 1.0, -3.03))]
    result = evaluate("canonical", off, true, replace(SETTINGS, samples=20_000, overlap=np.ones((1, 1))))
    values = result.objects[0].values
    assert values["chamfer_m"] == pytest.approx(0.03, rel=0.1)
    assert values["chamfer_squared_m2"] == pytest.approx(2 * 0.03**2, rel=0.1)
    assert values["centre_error_m"] == pytest.approx(0.03, abs=1e-6)
    assert (values["f_score_5cm"], values["f_score_1cm"]) == (1.0, 0.0)


def test_canonical_alignment_takes_a_similarity_away_and_says_how_large_it_was() -> None:
    turn = Rotation.from_rotvec([0.02, 0.06, 0.01]).as_matrix()
    motion = Similarity(rotation=turn, translation=np.array([0.1, 0.0, 0.1]), scale=1.15)
    scene = evaluate("canonical", moved(room(), motion), room(), SETTINGS).scene
    assert scene["f_score_5cm"] < 0.5
    assert scene["aligned_f_score_1cm"] == pytest.approx(1.0)
    assert scene["aligned_chamfer_m"] == pytest.approx(0.0, abs=1e-6)
    assert scene["aligned_scale"] == pytest.approx(1 / 1.15, rel=1e-4)
    assert scene["aligned_objects_missing"] == 0.0


def test_canonical_matches_by_a_given_overlap() -> None:
    overlap = np.zeros((4, 4))
    overlap[[0, 1, 2, 3], [1, 0, 2, 3]] = 0.5
    result = evaluate("canonical", room(), room(), replace(SETTINGS, overlap=overlap))
    assert [item.matched for item in result.objects] == ["wardrobe", "bed", "table", "lamp"]


def test_canonical_boxes_stand_upright_only_with_the_camera() -> None:
    """Furniture of a room seen by a camera that looks down has level boxes in the room, tilted ones in the picture."""
    predicted = [box("bed", (1.6, 0.5, 1.0), (-0.6, 0.25, -2.7)), *room()[1:]]
    with_camera = evaluate("canonical", predicted, room(), SETTINGS)
    without = evaluate("canonical", predicted, room(), replace(SETTINGS, camera=None))
    assert with_camera.objects[0].values["box_iou"] == pytest.approx(0.5)
    assert without.objects[0].values["box_iou"] != pytest.approx(0.5, abs=1e-3)
    assert with_camera.notes == ()
    assert any("camera" in note for note in without.notes)


def test_canonical_is_the_same_wherever_the_world_of_the_camera_lies() -> None:
    predicted = moved(room(), shift(0.06))
    other = np.eye(4)
    other[:3, 3] = [3.0, 0.0, -7.0]
    there = replace(CAMERA, world_from_camera=other @ CAMERA.world_from_camera)
    a = evaluate("canonical", predicted, room(), SETTINGS).scene
    b = evaluate("canonical", predicted, room(), replace(SETTINGS, camera=there)).scene
    assert a == pytest.approx(b, abs=1e-4)


def test_regen_does_not_see_scale_and_stray_points_rescale_it() -> None:
    larger = Similarity(rotation=np.eye(3), translation=np.ones(3), scale=2.0)
    scene = evaluate("regen", moved(room(), larger), room(), SETTINGS).scene
    assert scene["chamfer_squared"] == pytest.approx(0.0, abs=1e-9)
    stray = box("stray", (0.3, 0.3, 0.3), (0.0, 1.0, -30.0))
    assert evaluate("regen", [*room(), stray], room(), SETTINGS).scene["hausdorff"] > 0.5


def test_regen_precision_falls_with_what_is_too_much_and_recall_with_what_lacks() -> None:
    settings = replace(SETTINGS, samples=20_000)
    extra = box("extra", (1.0, 1.0, 1.0), (-0.6, 2.0, -3.2))
    more = evaluate("regen", [*room(), extra], room(), settings).scene
    less = evaluate("regen", room()[:1] + room()[2:], room(), settings).scene
    assert more["precision"] < 1.0
    assert less["recall"] < 1.0


def test_midi_objects_do_not_see_proportions_but_their_boxes_do() -> None:
    wide = box("bed", (1.6, 0.25, 2.0), (-0.6, 0.125, -3.2))
    result = evaluate("midi", [wide, *room()[1:]], room(), SETTINGS)
    values = result.objects[0].values
    assert values["f_score"] > 0.95
    assert values["box_iou"] < 0.9


def test_the_released_icp_of_midi_turns_what_lies_right(rng: np.random.Generator) -> None:
    points = rng.normal(size=(200, 3)) * [1.0, 0.6, 0.3] @ Rotation.from_rotvec([0.4, 0.9, 0.2]).as_matrix()
    np.testing.assert_allclose(fit_rigid(points, points).rotation, np.eye(3), atol=1e-9)
    turned = released_fit(points, points)
    np.testing.assert_allclose(turned.rotation @ turned.rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turned.rotation) == pytest.approx(1.0)
    assert np.linalg.norm(turned.rotation - np.eye(3)) > 0.1
    scores = {name: evaluate(name, room(), room(), SETTINGS).scene["f_score"] for name in ("midi", "midi-released")}
    assert scores["midi-released"] < scores["midi"] == pytest.approx(1.0)


def test_the_released_fit_of_midi_is_its_formula(rng: np.random.Generator) -> None:
    """As `compute_rigid_transform` has it, in torch."""
    torch = pytest.importorskip("torch")
    source, target = rng.normal(size=(2, 50, 3))
    covariance = torch.tensor((source - source.mean(axis=0)).T @ (target - target.mean(axis=0)))
    left, _, named_vt = torch.linalg.svd(covariance)
    named_vt = named_vt.mT  # what torch.svd gives under that name
    v = named_vt.T
    sign = torch.diag(torch.tensor([1.0, 1.0, float(torch.det(v @ left.T))], dtype=torch.float64))
    np.testing.assert_allclose(released_fit(source, target).rotation, (v @ sign @ left.T).numpy(), atol=1e-9)


def test_gen3dsr_looks_at_what_the_camera_sees() -> None:
    outside = box("cupboard", (1.0, 1.0, 1.0), (0.0, 0.5, 4.0))
    seen = evaluate("gen3dsr", [*room(), outside], room(), SETTINGS)
    assert seen.scene["f_score_10mm"] == pytest.approx(1.0)
    uncut = evaluate("gen3dsr", [*room(), outside], room(), replace(SETTINGS, camera=None))
    assert uncut.scene["precision_100mm"] < 0.8
    assert uncut.notes
    nothing = evaluate("gen3dsr", [outside], room(), SETTINGS)
    assert nothing.scene["f_score_100mm"] == 0.0
    assert nothing.notes


def test_side_planes_hold_the_picture() -> None:
    planes = side_planes(CAMERA)
    rays = np.array([[-0.639, -0.479, 1.0], [0.639, 0.479, 1.0], [0.0, 0.0, 1.0]])
    assert (planes @ rays.T >= 0).all()
    assert (planes @ np.array([[0.65, 0.0, 1.0], [0.0, -0.49, 1.0], [0.0, 0.0, -1.0]]).T < 0).any(axis=0).all()


def test_depr_thresholds_are_of_squared_distances() -> None:
    """An object 4 cm off is within its 0.002, which is 4.47 cm; one 5 cm off is not."""
    sheet = [box("sheet", (3.0, 2.0, 0.001), (0.0, 1.0, -3.0)), box("post", (0.2, 2.0, 0.2), (0.5, 1.0, -2.0))]

    def score(metres: float) -> float:
        off = [sheet[0], replace(sheet[1], vertices=sheet[1].vertices + np.array([0.0, 0.0, metres]))]
        return evaluate("depr", off, sheet, replace(SETTINGS, samples=5000)).scene["f_score_0002"]

    assert score(0.0) == pytest.approx(1.0)
    assert score(0.3) < 1.0


def test_depr_takes_yaw_and_scale_of_the_scene_away() -> None:
    up = CAMERA.world_from_camera[1, :3]
    motion = Similarity(
        rotation=Rotation.from_rotvec(2.2 * up).as_matrix(), translation=np.array([1.0, 0.3, 2.0]), scale=0.4
    )
    scene = evaluate("depr", moved(room(), motion), room(), SETTINGS).scene
    assert scene["chamfer_squared"] < 1e-4
    assert scene["f_score_0002"] == pytest.approx(1.0)


def test_partcrafter_parts_that_overlap_are_found() -> None:
    apart = evaluate("partcrafter", room()[:3], room(), SETTINGS).scene
    assert apart["part_overlap_iou"] == pytest.approx(0.0, abs=0.01)
    twice = evaluate("partcrafter", [room()[0], room()[0]], room(), SETTINGS).scene
    assert twice["part_overlap_iou"] == pytest.approx(1.0)
    assert "part_overlap_iou" not in evaluate("partcrafter", room()[:1], room(), SETTINGS).scene


def test_unknown_protocols_and_empty_scenes_are_refused() -> None:
    with pytest.raises(ConfigError, match="canonical"):
        evaluate("cast", room(), room(), SETTINGS)
    with pytest.raises(InvalidMeshError, match="no true objects"):
        evaluate("canonical", room(), [], SETTINGS)


def test_each_protocol_documents_itself() -> None:
    assert list(PROTOCOLS) == ["canonical", "regen", "midi", "midi-released", "gen3dsr", "depr", "partcrafter"]
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert protocol.summary
        assert protocol.samples > 0
