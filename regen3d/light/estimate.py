"""The light of a room from one picture: what its surfaces show, made to agree with how bright they are.

Surfaces of one material that are turned differently differ in brightness because of the light. Walls share a paint and
an object its material; the low-order light that explains their differences best is taken, kept near the panorama that
the room itself makes and the light that it does not show (`regen3d.light.unseen`). How much light there is at all no
picture says: the brightest surfaces are taken for white.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Integer

from regen3d.frames import pixel_centers, pixel_rays, rotation_about_y
from regen3d.light.albedo import side_albedo
from regen3d.light.base import SceneLight
from regen3d.light.harmonics import TO_IRRADIANCE, basis, directions, irradiance, project
from regen3d.light.linear import to_linear
from regen3d.light.shading import lit_picture
from regen3d.light.unseen import BoxPoints, box_points, unseen_light
from regen3d.render.scene import PlacedMesh, normals, render
from regen3d.room.box import FACES, leave_box
from regen3d.types import Camera, Mesh, Rgb, Room, RoomLayout

ENVIRONMENT_HW = (64, 128)
"""Texels of the environment: one is 2.8 degrees, a lamp over a table is one or two."""

WORK_PX = 240
"""Width of the picture that samples are taken from: some 40,000 pixels for 9 numbers."""

WHITE = 0.8
"""Share of light that the brightest surfaces give back: white wall paint. Doubling it halves the light."""

BRIGHTEST = 0.95
"""Quantile of the picture's surfaces that counts as white."""

STIFF = 1.0
"""Weight of the panorama, unseen light included, against the samples of all surfaces together: the same. Ten times as
much turns the light of the shared rooms by ten degrees at most; with a hundredth a dark chair seat becomes a lamp."""

ROUNDS = 6
"""Rounds of fitting materials and light in turn; the light changes by less than a percent after four."""

MOST_SAMPLES = 1000
"""Pixels at most from which light that is not seen is found; half as many turn it by a degree or two."""

KEY_INSET_M = 0.15
"""The point light hangs this far inside the room's surface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Samples:
    """Pixels of surfaces."""

    colour: Float[np.ndarray, "n 3"]
    """Linear."""
    normal: Float[np.ndarray, "n 3"]
    """World frame, unit, towards the camera."""
    material: Integer[np.ndarray, " n"]
    """Which pixels share a material."""
    ray: Float[np.ndarray, "n 3"]
    """From the camera, world frame, of any length."""
    bare: Bool[np.ndarray, " n"]
    """Pixels that show the room itself."""


def estimate_light(photo: Rgb, camera: Camera, room: Room, objects: Sequence[PlacedMesh]) -> SceneLight:
    """The light in a room.

    Args:
        photo: the picture.
        camera: pixels of `photo`.
        room: the empty room.
        objects: the placed objects; they may be none.
    """
    centre = room_centre(room.layout)
    samples = _samples(photo, camera, room, objects)
    texels = panorama_points(room.layout)
    panorama = room_panorama(room, texels)
    panorama = panorama + _unseen(samples, camera, room.layout, (texels, panorama))
    harmonics = _fitted(samples, project(panorama))
    environment = _environment(panorama, harmonics)
    direction, strength = _dominant(harmonics)
    position = _towards_wall(room.layout, centre, direction)
    light = SceneLight(
        environment=environment.astype(np.float32),
        harmonics=harmonics,
        direction=direction,
        key_position=position,
        key_intensity=strength * float(((position - centre) ** 2).sum()),
        error=0.0,
    )
    return replace(light, error=_room_error(light, camera, room))


def room_centre(layout: RoomLayout) -> Float[np.ndarray, " 3"]:
    """The middle of the room, world frame, metres."""
    return rotation_about_y(layout.yaw_rad) @ (0.5 * (layout.bounds_min + layout.bounds_max))


def panorama_points(layout: RoomLayout) -> BoxPoints:
    """Where the directions of the environment's texels, row by row, leave the room from its middle."""
    return box_points(layout, room_centre(layout), directions(ENVIRONMENT_HW).reshape(-1, 3))


def room_panorama(room: Room, texels: BoxPoints) -> Float[np.ndarray, "h w 3"]:
    """Radiance that the textured room sends to its middle, as a latitude-longitude picture in picture units.

    Args:
        room: its sides may be missing: they are black.
        texels: as `panorama_points` gives them.
    """
    points = texels.points @ rotation_about_y(room.layout.yaw_rad).T
    colours = np.zeros((len(points), 3))
    for face, side in room.parts.items():
        here = texels.side == FACES.index(face)
        colours[here] = _colours_at(side, points[here])
    return colours.reshape(*ENVIRONMENT_HW, 3)


def _colours_at(side: Mesh, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Linear colours of a flat side at points on it, smoothed to the size of an environment texel."""
    a, b, c = side.vertices[side.faces[0]]
    uv_a, uv_b, uv_c = side.uv[side.faces[0]]
    across = np.linalg.lstsq(np.stack([b - a, c - a], axis=1), (points - a).T, rcond=None)[0].T
    uv = np.clip(uv_a + across @ np.stack([uv_b - uv_a, uv_c - uv_a]), 0.0, 1.0)
    height, width = side.texture.shape[:2]
    step = max(max(height, width) // 64, 1)
    linear = to_linear(side.texture)
    rows, columns = height // step * step, width // step * step
    small = linear[:rows, :columns].reshape(rows // step, step, columns // step, step, 3).mean(axis=(1, 3))
    row = np.clip(((1.0 - uv[:, 1]) * small.shape[0]).astype(int), 0, small.shape[0] - 1)
    column = np.clip((uv[:, 0] * small.shape[1]).astype(int), 0, small.shape[1] - 1)
    return small[row, column]


def _samples(photo: Rgb, camera: Camera, room: Room, objects: Sequence[PlacedMesh]) -> _Samples:
    step = max(camera.width // WORK_PX, 1)
    small = _shrunk(camera, step)
    colour = to_linear(photo)[: small.height * step, : small.width * step]
    colour = colour.reshape(small.height, step, small.width, step, 3).mean(axis=(1, 3))
    sides = sorted(room.parts)
    placed = [*objects, *(PlacedMesh(mesh=room.parts[side], world_from_mesh=np.eye(4)) for side in sides)]
    index, normal = normals(placed, small)
    # The four walls are painted alike; floor, ceiling and every object are of their own material.
    names = [*range(len(objects)), *(-1 if side.startswith("wall") else -2 - FACES.index(side) for side in sides)]
    # Clipped pixels are lamps and windows, not lit surfaces.
    seen = (index >= 0) & (colour.max(axis=2) < 0.97) & (colour.min(axis=2) > 0.002)
    material = np.array(names)[index[seen]]
    rays = pixel_rays(small.intrinsics, pixel_centers(small.hw)[seen]) @ small.world_from_camera[:3, :3].T
    return _Samples(
        colour=colour[seen],
        normal=normal[seen].astype(np.float64),
        material=np.unique(material, return_inverse=True)[1],
        ray=rays,
        bare=index[seen] >= len(objects),
    )


def _unseen(
    samples: _Samples,
    camera: Camera,
    layout: RoomLayout,
    panorama: tuple[BoxPoints, Float[np.ndarray, "h w 3"]],
) -> Float[np.ndarray, "h w 3"]:
    """Light that the panorama lacks, because the picture does not show where it comes from."""
    texels, radiance = panorama
    bare = np.flatnonzero(samples.bare)
    # Light is smooth: some pixels tell as much as all.
    bare = bare[:: max(math.ceil(len(bare) / MOST_SAMPLES), 1)]
    shown = box_points(layout, camera.position, samples.ray[bare]), samples.colour[bare]
    return unseen_light(layout, camera, (texels, radiance.reshape(-1, 3)), shown).reshape(radiance.shape)


def _shrunk(camera: Camera, step: int) -> Camera:
    return replace(
        camera,
        intrinsics=np.diag([1.0 / step, 1.0 / step, 1.0]) @ camera.intrinsics,
        width=camera.width // step,
        height=camera.height // step,
    )


def _fitted(samples: _Samples, panorama: Float[np.ndarray, "9 3"]) -> Float[np.ndarray, "9 3"]:
    """Light and materials that explain the samples, in turn; a material is one colour times the light."""
    if len(samples.colour) == 0:
        return panorama
    functions = basis(samples.normal) * TO_IRRADIANCE
    count = np.bincount(samples.material).astype(np.float64)
    # Every material speaks as loudly as the root of its area: a wall must not drown ten objects.
    weight = 1.0 / np.sqrt(count[samples.material]) / np.sqrt(count).sum()
    harmonics = panorama.copy()
    for _ in range(ROUNDS):
        lit = np.maximum(functions @ harmonics, 1e-3)
        albedo = _means(samples, weight, samples.colour * lit) / _means(samples, weight, lit**2)
        for channel in range(3):
            a = albedo[samples.material, channel, None] * functions
            pull = STIFF * np.diag((a**2 * weight[:, None]).sum(axis=0) + 1e-9)
            left = a.T @ (a * weight[:, None]) + pull
            right = a.T @ (samples.colour[:, channel] * weight) + pull @ panorama[:, channel]
            harmonics[:, channel] = np.linalg.solve(left, right)
    reflected = samples.colour / np.maximum(irradiance(harmonics, samples.normal), 1e-3) * np.pi
    return harmonics * max(float(np.quantile(reflected.mean(axis=1), BRIGHTEST)) / WHITE, 1e-3)


def _means(
    samples: _Samples, weight: Float[np.ndarray, " n"], values: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "m 3"]:
    sums = [np.bincount(samples.material, weight * values[:, channel]) for channel in range(3)]
    return np.stack(sums, axis=1) + 1e-9


def _environment(
    panorama: Float[np.ndarray, "h w 3"], harmonics: Float[np.ndarray, "9 3"]
) -> Float[np.ndarray, "h w 3"]:
    """The panorama, corrected by slow light until it has the coefficients that were fitted."""
    functions = basis(directions(ENVIRONMENT_HW))
    environment = panorama
    for _ in range(20):
        environment = np.maximum(environment + functions @ (harmonics - project(environment)), 0.0)
    return environment


def _dominant(harmonics: Float[np.ndarray, "9 3"]) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Direction of most light, and the irradiance of a lamp there that makes up the whole first order.

    Source: Sloan 2008, "Stupid spherical harmonics tricks", the optimal linear direction.
    """
    linear = harmonics[[3, 1, 2]]
    total = linear @ np.array([0.2126, 0.7152, 0.0722])
    size = float(np.linalg.norm(total))
    direction = total / size if size > 1e-9 else np.array([0.0, 1.0, 0.0])
    return direction, np.maximum(direction @ linear / 0.488603, 0.0)


def _towards_wall(
    layout: RoomLayout, start: Float[np.ndarray, " 3"], direction: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " 3"]:
    """Where a ray from inside the room leaves it, a little before its surface."""
    turn = rotation_about_y(layout.yaw_rad)
    inset = replace(layout, bounds_min=layout.bounds_min + KEY_INSET_M, bounds_max=layout.bounds_max - KEY_INSET_M)
    _, reach = leave_box(inset, start @ turn, direction[None] @ turn)
    # A room so narrow that nothing is left inside keeps it in the middle.
    return start + direction * max(float(reach[0]), 0.0)


def _room_error(light: SceneLight, camera: Camera, room: Room) -> float:
    """See `SceneLight.error`."""
    small = _shrunk(camera, max(camera.width // WORK_PX, 1))
    sides = [PlacedMesh(mesh=mesh, world_from_mesh=np.eye(4)) for mesh in room.parts.values()]
    bare = [replace(item, mesh=side_albedo(item.mesh, light)) for item in sides]
    picture, relit = to_linear(render(sides, small).color), lit_picture(bare, small, light.harmonics)
    return float(np.abs(picture - relit).mean() / max(picture.mean(), 1e-6))
