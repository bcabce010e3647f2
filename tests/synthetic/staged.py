"""Small scenes with supports that rooms seldom show: a ceiling lamp, a wall shelf, a bookcase with things in it.

Everything is drawn exactly, then spoiled on request as estimators and segmenters spoil it.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from regen3d.frames import intrinsics_from_focal, pixel_centers, unproject, upright, world_from_gravity
from regen3d.render.scene import PlacedMesh, render
from regen3d.types import Camera, Instance, Mesh, PointMap, RoomLayout, Similarity
from tests.synthetic.furniture import Box, boxes_mesh, table, vase

LOW, HIGH = np.array([-2.0, 0.0, -4.0]), np.array([2.0, 2.6, 1.0])
"""The room, square to the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedObject:
    """One object as it is."""

    name: str
    label: str
    mesh: Mesh
    world_from_object: Similarity
    support: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedScene:
    """A scene as alignment sees it, and the truth."""

    camera: Camera
    layout: RoomLayout
    instances: tuple[Instance, ...]
    points: PointMap
    objects: tuple[StagedObject, ...]

    @property
    def supports(self) -> dict[str, str]:
        """The true forest, of what is to be seen."""
        seen = {item.name for item in self.instances}
        return {item.name: item.support for item in self.objects if item.name in seen}


def hung_scene() -> StagedScene:
    """A ceiling lamp, a wall shelf with a vase on it, a table with a vase, a bookcase with a vase on a board."""
    rng = np.random.default_rng(0)
    shelf: Box = ((-0.4, 0.0, -0.12), (0.4, 0.03, 0.12))
    cord: Box = ((-0.02, 0.25, -0.02), (0.02, 0.7, 0.02))
    shade: Box = ((-0.2, 0.0, -0.2), (0.2, 0.25, 0.2))
    placed = [
        ("table-1", "table", table(rng), (0.9, 0.0, -2.4), "floor"),
        ("vase-1", "vase", vase(rng), (0.8, 0.74, -2.3), "table-1"),
        ("shelf-1", "shelf", boxes_mesh([shelf], (120, 90, 60), rng), (0.9, 1.25, -3.88), "wall"),
        ("vase-2", "vase", vase(rng), (1.0, 1.28, -3.88), "shelf-1"),
        ("bookcase-1", "bookcase", bookcase(rng), (-1.0, 0.0, -3.85), "floor"),
        ("vase-3", "vase", vase(rng), (-1.0, 0.84, -3.85), "bookcase-1"),
        ("lamp-1", "lamp", boxes_mesh([cord, shade], (230, 220, 190), rng), (0.0, 1.9, -3.2), "ceiling"),
    ]
    return _staged([_standing(*facts) for facts in placed])


def bookcase(rng: np.random.Generator) -> Mesh:
    """An open bookcase with boards at 0, 0.4, 0.8, 1.2 and 1.6 m, 0.9 x 1.64 x 0.3 m."""
    sides: list[Box] = [((-0.45, 0.0, -0.15), (-0.42, 1.64, 0.15)), ((0.42, 0.0, -0.15), (0.45, 1.64, 0.15))]
    boards: list[Box] = [((-0.42, y, -0.15), (0.42, y + 0.04, 0.15)) for y in (0.0, 0.4, 0.8, 1.2, 1.6)]
    back: Box = ((-0.42, 0.0, -0.15), (0.42, 1.64, -0.14))
    return boxes_mesh([*sides, *boards, back], (140, 110, 80), rng)


def spoiled(scene: StagedScene, seed: int) -> StagedScene:
    """The scene with ragged masks, thin parts gone, five per cent of smooth depth error and flying pixels at edges."""
    rng = np.random.default_rng(seed)
    instances = tuple(replace(item, mask=_ragged(item.mask, rng)) for item in scene.instances)
    depth = scene.points.points[..., 2]
    smooth = ndimage.gaussian_filter(rng.standard_normal(depth.shape), 40)
    noisy = depth * (1.0 + 0.05 * smooth / smooth.std() + 0.005 * rng.standard_normal(depth.shape))
    edge = ndimage.maximum_filter(depth, 3) > 1.04 * ndimage.minimum_filter(depth, 3)
    flying = edge & (rng.random(depth.shape) < 0.75)
    noisy = np.where(flying, noisy + (ndimage.maximum_filter(depth, 5) - depth) * rng.random(depth.shape), noisy)
    points = unproject(scene.camera.intrinsics, pixel_centers(depth.shape), noisy)
    return replace(scene, instances=instances, points=replace(scene.points, points=points))


def _ragged(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    opened = np.asarray(ndimage.binary_opening(mask, iterations=2))
    solid = opened if opened.sum() > 0.5 * mask.sum() else mask
    wobble = ndimage.gaussian_filter(rng.standard_normal(mask.shape), 2.0)
    inside = np.asarray(ndimage.distance_transform_edt(solid)) - np.asarray(
        ndimage.distance_transform_edt(np.logical_not(solid))
    )
    return inside > 1.0 + 0.7 * wobble / wobble.std()


def _standing(name: str, label: str, mesh: Mesh, place: tuple[float, float, float], support: str) -> StagedObject:
    pose = upright(yaw_rad=0.0, translation=np.array(place))
    return StagedObject(name=name, label=label, mesh=mesh, world_from_object=pose, support=support)


def _staged(objects: list[StagedObject]) -> StagedScene:
    camera = Camera(
        intrinsics=intrinsics_from_focal(420.0, (640, 480)),
        width=640,
        height=480,
        world_from_camera=world_from_gravity(np.array([0.0, np.cos(0.1), np.sin(0.1)]), 1.5),
    )
    walls: Box = ((LOW[0], LOW[1], LOW[2]), (HIGH[0], HIGH[1], HIGH[2]))
    shell = boxes_mesh([walls], (200, 200, 200), np.random.default_rng(1))
    placed = [PlacedMesh(mesh=item.mesh, world_from_mesh=item.world_from_object.matrix) for item in objects]
    seen = render([PlacedMesh(mesh=shell, world_from_mesh=np.eye(4)), *placed], camera)
    masks = [seen.index == k + 1 for k in range(len(objects))]
    return StagedScene(
        camera=camera,
        layout=RoomLayout(
            yaw_rad=0.0, bounds_min=LOW, bounds_max=HIGH, seen=frozenset({"floor", "wall_back"}), confidence=1.0
        ),
        instances=tuple(
            Instance(name=item.name, label=item.label, score=1.0, mask=mask)
            for item, mask in zip(objects, masks, strict=True)
            if mask.sum() >= 50
        ),
        points=_points(camera, seen.depth.astype(np.float64)),
        objects=tuple(objects),
    )


def _points(camera: Camera, depth: Float[np.ndarray, "h w"]) -> PointMap:
    points = unproject(camera.intrinsics, pixel_centers(camera.hw), depth)
    every = np.ones(camera.hw, dtype=bool)
    return PointMap(points=points, valid=every, confidence=every.astype(np.float64), scale="metric")
