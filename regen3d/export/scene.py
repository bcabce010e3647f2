"""The scene as every exporter gets it, built from a manifest and its store or from the values of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from regen3d import codec
from regen3d.errors import ConfigError
from regen3d.light.base import SceneLight
from regen3d.manifest import Manifest, ObjectEntry
from regen3d.store import Ref, Store
from regen3d.types import Camera, Mesh, Rgb, Room, Similarity

codec.register(SceneLight)

RESERVED = ("scene", "room", "camera", "key-light")
"""Names of nodes that every scene has; no object may have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One object of a scene."""

    name: str
    """Name of its node."""
    mesh: Mesh
    """Object frame."""
    world_from_object: Similarity
    """Where it stands, metres."""
    extras: dict[str, Any]
    """JSON that the node carries: provenance, label, diagnostics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportScene:
    """Everything that a file of a scene may hold."""

    name: str
    """Name of the scene."""
    objects: tuple[SceneObject, ...]
    """In the order of the segmentation."""
    room: Room
    """The empty room."""
    camera: Camera
    """The camera that took the picture."""
    photo: Rgb
    """The picture."""
    light: SceneLight | None = None
    """The light of the room, where it was estimated."""

    @property
    def extras(self) -> dict[str, Any]:
        """JSON that the scene's root carries."""
        return {"scene": self.name} | ({} if self.light is None else {"light": self.light.summary()})


def check_names(scene: ExportScene) -> None:
    """Make sure that every node has a name of its own.

    Raises:
        ConfigError: two nodes of the scene would have the same name.
    """
    names = [*RESERVED, *scene.room.parts, *(item.name for item in scene.objects)]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two nodes of the scene would be named '{name}': rename the object")


def object_extras(label: str, status: str, made_by: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the node of an object says about it."""
    return {"label": label, "status": status, "made_by": None if made_by is None else dict(made_by)}


def read_scene(store: Store, manifest: Manifest) -> ExportScene:
    """The scene of a manifest.

    Raises:
        ConfigError: the store of the manifest does not hold the scene any more.
    """
    values = {entry.call.stage: entry.value for entry in manifest.stages if entry.call.object is None}
    light = None if manifest.light is None else manifest.light.value
    needed = [manifest.image.pixels, manifest.background, *(item.mesh for item in manifest.objects), light]
    if not all(codec.is_complete(store, ref) for ref in needed if ref is not None):
        raise ConfigError(
            f"the store '{store.uri}' does not hold the scene '{manifest.scene}' (any more): "
            f"bring the store back, or run '{manifest.image.name}' again"
        )
    made_by = {
        entry.call.object: entry.provenance.model_dump(exclude={"key"})
        for entry in manifest.stages
        if entry.call.stage == "generate"
    }
    return ExportScene(
        name=manifest.scene,
        objects=tuple(
            _object(store, item, item.mesh, made_by.get(item.name)) for item in manifest.objects if item.mesh
        ),
        room=codec.get_value(store, values.get("room", manifest.background), Room),
        camera=_camera(manifest),
        photo=codec.get_value(store, manifest.image.pixels, np.ndarray),
        light=None if light is None else codec.get_value(store, light, SceneLight),
    )


def _object(store: Store, item: ObjectEntry, mesh: Ref, made_by: dict[str, Any] | None) -> SceneObject:
    return SceneObject(
        name=item.name,
        mesh=codec.get_value(store, mesh, Mesh),
        world_from_object=Similarity.of_matrix(np.array(item.world_from_object)),
        extras=object_extras(item.label, item.status, made_by),
    )


def _camera(manifest: Manifest) -> Camera:
    return Camera(
        intrinsics=np.array(manifest.camera.intrinsics),
        width=manifest.image.width,
        height=manifest.image.height,
        world_from_camera=np.array(manifest.camera.world_from_camera),
    )
