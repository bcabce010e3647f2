"""What is true of a scene, in our frames, whatever the data set calls its own.

A reader converts: the world is that of `regen3d.frames`, with its origin on the floor below the true camera. Meshes and
large pictures stay in their files until they are asked for.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from regen3d.errors import ConfigError
from regen3d.frames import gravity_in_camera, transform, world_from_gravity
from regen3d.metrics.protocols.base import PlacedMesh
from regen3d.types import Camera, Mask, Similarity

LEAST_PIXELS = 400
"""Objects that show less are not scored: a sliver has no mask worth the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalMesh:
    """The true mesh of an object as a generator would give it: yaw and size unknown."""

    path: Path
    """GLB file in the object frame."""
    world_from_object: Similarity
    """Where it truly stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueObject:
    """One object as it is."""

    name: str
    """Unique in the scene."""
    label: str
    """What it is."""
    mask: Mask
    """Its visible pixels."""
    mesh: Path
    """GLB file, in the data set's own frame."""
    world_from_mesh: Float[np.ndarray, "4 4"]
    """From the frame of that file to the world, metres."""
    truncated: bool
    """Whether the picture's border cuts it."""
    support: str | None = None
    """`floor`, `wall`, `ceiling`, or the name of the object below; None where the data set does not say."""
    visible_fraction: float | None = None
    """Visible pixels over those of the whole object in the picture."""
    amodal_mask: Path | None = None
    """Picture of its whole silhouette, white on black."""
    yaw_rad: float | None = None
    """Rotation about +Y that takes its own axes to the world's; None where the data set does not say."""
    symmetry: int | None = 1
    """Turns about its own Y that look alike within a full one: 1 for a chair, 2, 4; None for a round object."""
    canonical: CanonicalMesh | None = None
    """For judging alignment alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueScene:
    """One scene as it is."""

    name: str
    """Unique in the data set, safe as a file name."""
    image: Path
    """The picture."""
    camera: Camera
    """The camera that took it."""
    native_from_world: Float[np.ndarray, "4 4"]
    """Rigid transform to the data set's own world, whose axes are those of the room."""
    objects: tuple[TrueObject, ...]
    """Those that show at least `LEAST_PIXELS`."""
    floor: Mask | None = None
    """Visible floor."""
    plate: Path | None = None
    """The picture without its objects."""
    depth: Path | None = None
    """`.npy`, metres along the optical axis through pixel centres."""
    plate_depth: Path | None = None
    """The same of the empty room."""
    room: Path | None = None
    """GLB file of the empty room, in the data set's own world; nodes `floor`, `ceiling`, `wall...`."""
    points: Path | None = None
    """Point maps as an estimator would give them, in the format of `regen3d.inputs.points`."""

    def surface(self, item: TrueObject) -> PlacedMesh:
        """An object's mesh in the camera frame.

        Raises:
            ConfigError: its file is missing or holds no mesh.
        """
        vertices, faces = read_triangles(item.mesh)
        camera_from_mesh = self.camera.camera_from_world @ item.world_from_mesh
        return PlacedMesh(name=item.name, vertices=transform(camera_from_mesh, vertices), faces=faces)


@runtime_checkable
class DatasetReader(Protocol):
    """A data set in one of the formats that are known."""

    def names(self) -> tuple[str, ...]:
        """Its scenes, in order."""
        ...

    def read(self, name: str) -> TrueScene:
        """One of its scenes.

        Raises:
            InputError: its files are missing or malformed.
        """
        ...


def our_camera(
    intrinsics: Float[np.ndarray, "3 3"], wh: tuple[int, int], native_from_camera: Float[np.ndarray, "4 4"]
) -> tuple[Camera, Float[np.ndarray, "4 4"]]:
    """The true camera in our world, and `native_from_world`.

    Args:
        intrinsics: K in pixels.
        wh: width and height of the picture.
        native_from_camera: from the OpenCV camera frame to a world with Y up and the floor at y = 0, metres.

    Raises:
        DegenerateGeometryError: the camera looks straight up or down.
    """
    width, height = wh
    native = Camera(intrinsics=intrinsics, width=width, height=height, world_from_camera=native_from_camera)
    ours = world_from_gravity(gravity_in_camera(native), float(native.position[1]))
    camera = Camera(intrinsics=intrinsics, width=width, height=height, world_from_camera=ours)
    return camera, native_from_camera @ camera.camera_from_world


def read_triangles(path: Path) -> tuple[Float[np.ndarray, "v 3"], np.ndarray]:
    """Vertices and faces of a mesh file with node transforms applied, in the file's own frame.

    Raises:
        ConfigError: it is missing, damaged, or holds no triangles.
    """
    import trimesh

    if not path.is_file():
        raise ConfigError(f"{path.name}: there is no such mesh in {path.parent}; check the data set")
    try:
        solid = trimesh.load_scene(path, process=False, skip_materials=True).to_mesh()
    except Exception as error:
        # trimesh raises whatever its readers stumble over.
        raise ConfigError(f"{path.name}: the mesh cannot be read ({type(error).__name__}); copy it again") from error
    if len(solid.faces) == 0:
        raise ConfigError(f"{path.name}: the file holds no triangles; check the data set")
    return np.asarray(solid.vertices, dtype=np.float64), np.asarray(solid.faces, dtype=np.int64)
