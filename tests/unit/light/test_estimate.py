"""Light that was put in comes out again, and lights the scene as the photograph shows it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from regen3d.export.light_files import estimates, light_files
from regen3d.frames import rotation_about_y
from regen3d.light.albedo import object_albedo, side_albedo, side_illumination
from regen3d.light.base import SceneLight
from regen3d.light.estimate import estimate_light, panorama_points, room_panorama
from regen3d.light.harmonics import basis, directions, irradiance, project, solid_angles
from regen3d.light.linear import to_linear, to_srgb
from regen3d.light.shading import lit_picture
from regen3d.render.scene import PlacedMesh
from regen3d.types import Rgb, Room
from tests.synthetic.exr import exr_pixels
from tests.synthetic.room import SyntheticRoom

STATED_ERROR = 0.15
"""A scene lit by its estimated light differs from its picture by at most this share of the picture's mean, linear."""


def true_light() -> np.ndarray:
    """A white room with a warm window high on the right."""
    hw = (32, 64)
    window = np.maximum(directions(hw) @ (np.array([0.7, 0.6, 0.4]) / np.linalg.norm([0.7, 0.6, 0.4])), 0.0) ** 4
    return project(0.25 + window[..., None] * np.array([1.0, 0.9, 0.75]))


@pytest.fixture(scope="module")
def lit(synthetic_room: SyntheticRoom) -> tuple[SyntheticRoom, Rgb, SceneLight, Room, list[PlacedMesh]]:
    """The furnished room under a known light: its textures are taken for albedo and lit, and so is its picture."""
    harmonics = true_light()
    objects = [
        PlacedMesh(mesh=item.mesh, world_from_mesh=item.world_from_object.matrix) for item in synthetic_room.objects
    ]
    bare = [*objects, *(PlacedMesh(mesh=side, world_from_mesh=np.eye(4)) for side in synthetic_room.parts.values())]
    photo = to_srgb(lit_picture(bare, synthetic_room.camera, harmonics))
    exact = SceneLight(
        environment=np.zeros((4, 8, 3), dtype=np.float32),
        harmonics=harmonics,
        direction=np.array([0.0, 1.0, 0.0]),
        key_position=np.zeros(3),
        key_intensity=np.zeros(3),
        error=0.0,
    )
    photographed = [replace(item, mesh=_under(item, exact)) for item in bare]
    sides = dict(zip(synthetic_room.parts, (item.mesh for item in photographed[len(objects) :]), strict=True))
    room = replace(synthetic_room.room, parts=sides)
    placed = photographed[: len(objects)]
    light = estimate_light(photo, synthetic_room.camera, room, placed)
    return synthetic_room, photo, light, room, placed


def _under(item: PlacedMesh, light: SceneLight):
    """A mesh with the light in its texture: what `object_albedo` takes off, put on."""
    grey = replace(item.mesh, texture=np.full_like(item.mesh.texture, 128))
    gain = to_linear(object_albedo(grey, item.world_from_mesh, light).texture) / to_linear(grey.texture)
    return replace(item.mesh, texture=to_srgb(to_linear(item.mesh.texture) / np.maximum(gain, 1e-3)))


def test_a_scene_under_its_light_looks_like_its_picture(lit) -> None:
    truth, photo, light, room, placed = lit
    relit = [replace(item, mesh=object_albedo(item.mesh, item.world_from_mesh, light)) for item in placed]
    relit += [PlacedMesh(mesh=side_albedo(side, light), world_from_mesh=np.eye(4)) for side in room.parts.values()]
    seen = lit_picture(relit, truth.camera, light.harmonics)
    error = np.abs(seen - to_linear(photo)).mean() / to_linear(photo).mean()
    assert error < STATED_ERROR
    assert light.error < STATED_ERROR


def test_the_bright_side_is_found(lit) -> None:
    _, _, light, _, _ = lit
    towards = np.array([0.7, 0.6, 0.4]) / np.linalg.norm([0.7, 0.6, 0.4])
    assert np.linalg.norm(light.direction) == pytest.approx(1.0)
    # Within 60 degrees: walls of one paint that are told apart by clouds of dirt, too, tell no more.
    assert light.direction @ towards > 0.5


def test_the_environment_has_the_harmonics_that_were_fitted(lit) -> None:
    _, _, light, _, _ = lit
    assert (light.environment >= 0).all()
    found = project(light.environment.astype(float))
    assert np.abs(found - light.harmonics).max() < 0.1 * np.abs(light.harmonics).max()


def test_the_key_light_hangs_inside_the_room(lit) -> None:
    _, _, light, room, _ = lit
    place = rotation_about_y(room.layout.yaw_rad).T @ light.key_position
    assert (place > room.layout.bounds_min).all()
    assert (place < room.layout.bounds_max).all()


def test_albedo_times_illumination_is_the_photograph(lit) -> None:
    _, _, light, room, _ = lit
    for side in room.parts.values():
        albedo, illumination = to_linear(side_albedo(side, light).texture), side_illumination(side, light)
        back = albedo * illumination / np.pi
        whole = albedo.max(axis=2) < 0.9
        assert np.abs(back - to_linear(side.texture))[whole].max(initial=0.0) < 0.02


def test_illumination_as_a_file_times_albedo_is_the_photograph(lit) -> None:
    _, _, light, room, _ = lit
    files = light_files(light, room)
    assert estimates(files) == {path: path.split("/")[1].split(".")[0] for path in files}
    assert estimates(["scene.glb", "usd/light/environment.exr"]) == {}
    for side, mesh in room.parts.items():
        shown = exr_pixels(files[f"light/illumination/{side}.exr"])
        grown = cv2.resize(shown, mesh.texture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        albedo = to_linear(side_albedo(mesh, light).texture)
        whole = albedo.max(axis=2) < 0.9
        assert np.abs(albedo * grown - to_linear(mesh.texture))[whole].max(initial=0.0) < 0.02


def test_an_empty_room_has_a_light(synthetic_empty_room: SyntheticRoom) -> None:
    light = estimate_light(synthetic_empty_room.image, synthetic_empty_room.camera, synthetic_empty_room.room, [])
    assert np.isfinite(light.environment).all()
    assert light.error < STATED_ERROR


def test_the_panorama_shows_each_side_where_it_is(synthetic_empty_room: SyntheticRoom) -> None:
    room = synthetic_empty_room.room
    colours = dict(zip(sorted(room.parts), range(6), strict=True))
    plain = {
        side: replace(mesh, texture=np.full_like(mesh.texture, 40 * colours[side] + 20))
        for side, mesh in room.parts.items()
    }
    panorama = room_panorama(replace(room, parts=plain), panorama_points(room.layout))
    for row, column, side in ((0, 0, "ceiling"), (-1, 0, "floor")):
        assert to_srgb(panorama[row, column])[0] == 40 * colours[side] + 20
    towards = directions(panorama.shape[:2])
    for side, at in (("wall_back", [0, 0, -1]), ("wall_front", [0, 0, 1]), ("wall_left", [-1, 0, 0])):
        place = np.unravel_index((towards @ (rotation_about_y(room.layout.yaw_rad) @ at)).argmax(), towards.shape[:2])
        assert to_srgb(panorama[place])[0] == 40 * colours[side] + 20


def test_harmonics_of_a_constant_are_its_irradiance() -> None:
    harmonics = project(np.full((32, 64, 3), 0.5))
    normals = np.random.default_rng(0).normal(size=(20, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    np.testing.assert_allclose(irradiance(harmonics, normals), 0.5 * np.pi, rtol=1e-3)


def test_harmonics_are_orthonormal() -> None:
    hw = (128, 256)
    functions = basis(directions(hw))
    gram = np.einsum("hwi,hwj->ij", functions, functions * solid_angles(hw))
    np.testing.assert_allclose(gram, np.eye(9), atol=2e-3)


def test_linear_and_srgb_are_inverse() -> None:
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_srgb(to_linear(every)), every)
