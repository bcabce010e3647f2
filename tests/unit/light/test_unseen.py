"""A window behind the camera is found by the light that it throws on the walls in front of it."""

import numpy as np
import pytest

from regen3d.frames import intrinsics_from_focal, rotation_about_y
from regen3d.light.harmonics import directions, solid_angles
from regen3d.light.unseen import BoxPoints, box_points, unseen_light
from regen3d.types import Camera, RoomLayout

AMBIENT, WINDOW = 0.3, 6.0


def room(yaw_rad: float) -> tuple[RoomLayout, Camera]:
    layout = RoomLayout(
        yaw_rad=yaw_rad,
        bounds_min=np.array([-2.0, 0.0, -4.0]),
        bounds_max=np.array([2.5, 2.6, 0.5]),
        seen=frozenset({"floor", "wall_back"}),
        confidence=1.0,
    )
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[1, 3] = 1.5
    camera = Camera(intrinsics=intrinsics_from_focal(400.0, (640, 480)), width=640, height=480, world_from_camera=pose)
    return layout, camera


def lit(places: BoxPoints, centre: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Irradiance of even light all round and a window of a square metre, both white; a grid fine enough to be exact."""
    steps = np.stack(np.meshgrid(*2 * [np.linspace(-0.45, 0.45, 10)]), axis=-1).reshape(-1, 2)
    axes = np.eye(3)[[k for k in range(3) if normal[k] == 0]]
    towards = (centre + steps @ axes)[None] - places.points[:, None]
    square = (towards**2).sum(axis=2)
    cosines = np.maximum((towards * places.normals[:, None]).sum(axis=2), 0) * np.maximum(-(towards @ normal), 0)
    return np.pi * AMBIENT + WINDOW * (cosines / square**2).mean(axis=1)


@pytest.mark.parametrize("yaw_rad", [0.0, 0.3])
@pytest.mark.parametrize(
    ("centre", "normal"),
    [([2.5, 1.5, -0.3], [-1.0, 0.0, 0.0]), ([-2.0, 1.5, -0.3], [1.0, 0.0, 0.0]), ([0.0, 2.6, -0.3], [0.0, -1.0, 0.0])],
    ids=["right", "left", "above"],
)
def test_a_window_out_of_view_is_found(yaw_rad: float, centre: list[float], normal: list[float]) -> None:
    layout, camera = room(yaw_rad)
    rng = np.random.default_rng(0)
    pixel = np.stack([rng.uniform(0, 640, 800), rng.uniform(0, 480, 800), np.ones(800)], axis=1)
    shown = box_points(layout, camera.position, pixel @ np.linalg.inv(camera.intrinsics).T @ np.diag([1.0, -1.0, -1.0]))
    paint = np.array([0.5, 0.7, 0.3, 0.8, 0.6, 0.4])[shown.side]
    dirt = rng.normal(1.0, 0.03, 800)
    colour = (paint * dirt * lit(shown, np.array(centre), np.array(normal)) / np.pi)[:, None] * np.ones(3)
    hw = (32, 64)
    middle = rotation_about_y(yaw_rad) @ (0.5 * (layout.bounds_min + layout.bounds_max))
    texels = box_points(layout, middle, directions(hw).reshape(-1, 3))
    even = np.full((len(texels.side), 3), AMBIENT)
    extra = unseen_light(layout, camera, (texels, even), (shown, colour))
    assert extra.min() >= 0.0
    towards = (extra.reshape(*hw, 3).mean(axis=2, keepdims=True) * directions(hw) * solid_angles(hw)).sum(axis=(0, 1))
    true = rotation_about_y(yaw_rad) @ np.array(centre) - middle
    cosine = towards @ true / np.linalg.norm(towards) / np.linalg.norm(true)
    assert cosine > np.cos(np.radians(35)), np.degrees(np.arccos(cosine))


def test_even_light_needs_no_window() -> None:
    layout, camera = room(0.0)
    rng = np.random.default_rng(1)
    pixel = np.stack([rng.uniform(0, 640, 400), rng.uniform(0, 480, 400), np.ones(400)], axis=1)
    shown = box_points(layout, camera.position, pixel @ np.linalg.inv(camera.intrinsics).T @ np.diag([1.0, -1.0, -1.0]))
    colour = np.outer(0.5 * AMBIENT * rng.normal(1.0, 0.03, 400), np.ones(3))
    texels = box_points(layout, np.array([0.25, 1.3, -1.75]), directions((32, 64)).reshape(-1, 3))
    extra = unseen_light(layout, camera, (texels, np.full((len(texels.side), 3), AMBIENT)), (shown, colour))
    assert extra.mean() < 0.1 * AMBIENT
