"""A small furnished room with exact truth, drawn by the library's own rasteriser in a fraction of a second.

Everything is in the world frame of `regen3d.frames`: the camera stands over the origin and looks towards -Z. It is a
stage for tests, not a likeness of a photograph: use it for laws and plumbing, photographs for quality.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from regen3d.frames import (
    intrinsics_from_focal,
    pixel_centers,
    rotation_about_y,
    transform,
    unproject,
    upright,
    world_from_gravity,
)
from regen3d.render.raster import rasterize
from regen3d.render.scene import PlacedMesh, render
from regen3d.types import (
    Camera,
    Face,
    Geometry,
    Instance,
    Mask,
    Mesh,
    ObjectView,
    PointMap,
    Rgb,
    Room,
    RoomLayout,
    Similarity,
)
from tests.synthetic import furniture, textures

WH = (480, 360)
FOCAL_PX = 350.0
HEIGHT_M = 1.5
PITCH_DEG = 12.0
YAW_DEG = 15.0
BOUNDS_MIN = np.array([-1.7, 0.0, -4.1])
BOUNDS_MAX = np.array([2.3, 2.5, 0.4])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueObject:
    """One object as it really is."""

    name: str
    label: str
    mesh: Mesh
    """Object frame, metres."""
    world_from_object: Similarity
    support: str
    amodal: Mask
    """Its silhouette if nothing stood before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticRoom:
    """A picture and all the truth behind it."""

    image: Rgb
    plate: Rgb
    """The same room without its objects; equal to `image` where no object is near."""
    depth: Float32[np.ndarray, "h w"]
    """Metres along the optical axis, through pixel centres."""
    plate_depth: Float32[np.ndarray, "h w"]
    instances: tuple[Instance, ...]
    """Visible masks, in the order of `objects`."""
    floor: Mask
    """Visible floor."""
    camera: Camera
    layout: RoomLayout
    parts: dict[Face, Mesh]
    """Sides of the room, world frame."""
    objects: tuple[TrueObject, ...]

    @property
    def geometry(self) -> Geometry:
        """What a perfect estimator would say."""
        return Geometry(
            camera=self.camera,
            image_points=self._points(self.depth),
            plate_points=self._points(self.plate_depth),
            layout=self.layout,
            confidence=1.0,
        )

    @property
    def room(self) -> Room:
        """What a perfect room stage would build."""
        return Room(layout=self.layout, parts=self.parts, scale_source="The synthetic room is in metres.")

    def view(self, name: str) -> ObjectView:
        """One object's view; ignored are the pixels where something really hides it."""
        k = [item.name for item in self.objects].index(name)
        instance = self.instances[k]
        hidden = self.objects[k].amodal & ~instance.mask
        return ObjectView(instance=instance, image=self.image, ignore=hidden, camera=self.camera)

    def _points(self, depth: Float32[np.ndarray, "h w"]) -> PointMap:
        points = unproject(self.camera.intrinsics, pixel_centers(depth.shape), depth.astype(np.float64))
        seen = np.ones(depth.shape, dtype=bool)
        return PointMap(points=points, valid=seen, confidence=seen.astype(np.float64), scale="metric")


def furnished_room() -> SyntheticRoom:
    """A chair and a table with a vase on it, a cabinet against the wall behind them."""
    rng = np.random.default_rng(2)
    room_from_object = {
        "cabinet-1": ("cabinet", "floor", furniture.cabinet(rng), (0.15, 0.0, -3.86), 0.0),
        "chair-1": ("chair", "floor", furniture.chair(rng), (0.05, 0.0, -2.6), 50.0),
        "table-1": ("table", "floor", furniture.table(rng), (1.15, 0.0, -2.75), 10.0),
        "vase-1": ("vase", "table-1", furniture.vase(rng), (1.25, 0.74, -2.7), 0.0),
    }
    placed = {name: _placed(*facts) for name, facts in room_from_object.items()}
    return _pictured(placed)


def empty_room() -> SyntheticRoom:
    """The same room without objects."""
    return _pictured({})


def _placed(
    label: str, support: str, mesh: Mesh, place: tuple[float, float, float], yaw_deg: float
) -> tuple[str, str, Mesh, Similarity]:
    translation = rotation_about_y(np.radians(YAW_DEG)) @ np.array(place)
    return label, support, mesh, upright(yaw_rad=np.radians(YAW_DEG + yaw_deg), translation=translation)


def _pictured(placed: dict[str, tuple[str, str, Mesh, Similarity]]) -> SyntheticRoom:
    camera = _camera()
    parts = room_parts(np.random.default_rng(1))
    shell = [PlacedMesh(mesh=mesh, world_from_mesh=np.eye(4)) for mesh in parts.values()]
    movable = [PlacedMesh(mesh=mesh, world_from_mesh=pose.matrix) for _, _, mesh, pose in placed.values()]
    noise = np.random.default_rng(3).normal(0.0, 1.5, (*camera.hw, 3))
    sharp, empty = render([*shell, *movable], camera), render(shell, camera)
    masks = [sharp.index == len(shell) + k for k in range(len(placed))]
    return SyntheticRoom(
        image=_photographed([*shell, *movable], camera, noise),
        plate=_photographed(shell, camera, noise),
        depth=sharp.depth,
        plate_depth=empty.depth,
        instances=tuple(
            Instance(name=name, label=facts[0], score=1.0, mask=mask)
            for (name, facts), mask in zip(placed.items(), masks, strict=True)
        ),
        floor=sharp.index == list(parts).index("floor"),
        camera=camera,
        layout=RoomLayout(
            yaw_rad=float(np.radians(YAW_DEG)),
            bounds_min=BOUNDS_MIN,
            bounds_max=BOUNDS_MAX,
            seen=frozenset(face for k, face in enumerate(parts) if (empty.index == k).any()),
            confidence=1.0,
        ),
        parts=parts,
        objects=tuple(
            TrueObject(
                name=name,
                label=label,
                support=support,
                mesh=mesh,
                world_from_object=pose,
                amodal=_silhouette(mesh, pose, camera),
            )
            for name, (label, support, mesh, pose) in placed.items()
        ),
    )


def _camera() -> Camera:
    pitch = np.radians(PITCH_DEG)
    gravity = np.array([0.0, np.cos(pitch), np.sin(pitch)])
    return Camera(
        intrinsics=intrinsics_from_focal(FOCAL_PX, WH),
        width=WH[0],
        height=WH[1],
        world_from_camera=world_from_gravity(gravity, HEIGHT_M),
    )


def _silhouette(mesh: Mesh, world_from_object: Similarity, camera: Camera) -> Mask:
    vertices = transform(camera.camera_from_world @ world_from_object.matrix, mesh.vertices)
    return rasterize(vertices, mesh.faces, camera.intrinsics, camera.hw).face >= 0


def _photographed(placed: list[PlacedMesh], camera: Camera, noise: Float[np.ndarray, "h w 3"]) -> Rgb:
    """Two by two rays a pixel, averaged, and a little sensor noise."""
    twice = np.diag([2.0, 2.0, 1.0])
    fine = replace(camera, intrinsics=twice @ camera.intrinsics, width=2 * camera.width, height=2 * camera.height)
    color = render(placed, fine).color.astype(np.float64)
    mean = color.reshape(camera.height, 2, camera.width, 2, 3).mean(axis=(1, 3))
    return np.clip(np.rint(mean + noise), 0, 255).astype(np.uint8)


def room_parts(rng: np.random.Generator) -> dict[Face, Mesh]:
    """The six sides as textured rectangles, world frame, seen from inside."""
    (x0, y0, z0), (x1, y1, z1) = BOUNDS_MIN, BOUNDS_MAX
    width, height, depth = BOUNDS_MAX - BOUNDS_MIN
    # Corners: lower left, lower right, upper right, upper left, seen from inside the room.
    sides: dict[Face, tuple[list[list[float]], textures.Texture]] = {
        "floor": (
            [[x0, y0, z1], [x1, y0, z1], [x1, y0, z0], [x0, y0, z0]],
            textures.planks(width, depth, rng),
        ),
        "ceiling": (
            [[x0, y1, z0], [x1, y1, z0], [x1, y1, z1], [x0, y1, z1]],
            textures.ceiling(width, depth, rng),
        ),
        "wall_back": (
            [[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0]],
            textures.wall(width, height, rng, 0.95),
        ),
        "wall_front": (
            [[x1, y0, z1], [x0, y0, z1], [x0, y1, z1], [x1, y1, z1]],
            textures.wall(width, height, rng, 0.9),
        ),
        "wall_left": (
            [[x0, y0, z1], [x0, y0, z0], [x0, y1, z0], [x0, y1, z1]],
            textures.wall(depth, height, rng, 0.8),
        ),
        "wall_right": (
            [[x1, y0, z0], [x1, y0, z1], [x1, y1, z1], [x1, y1, z0]],
            textures.wall(depth, height, rng, 1.08),
        ),
    }
    return {face: _rectangle(np.array(corners), texture) for face, (corners, texture) in sides.items()}


def _rectangle(corners_room: Float[np.ndarray, "4 3"], texture: textures.Texture) -> Mesh:
    world_from_room = np.eye(4)
    world_from_room[:3, :3] = rotation_about_y(np.radians(YAW_DEG))
    # Half a texel of margin: textures repeat, and the skirting board must not bleed into the ceiling.
    inset = 0.5 / np.array([texture.shape[1], texture.shape[0]])
    uv = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * (1 - 2 * inset) + inset
    return Mesh(
        vertices=transform(world_from_room, corners_room),
        faces=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
        uv=uv,
        texture=texture,
    )
