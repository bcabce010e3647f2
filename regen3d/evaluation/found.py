"""What was reconstructed, opened for scoring: a finished scene of ours, or another system's."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from regen3d import codec
from regen3d.frames import transform
from regen3d.manifest import HAND_MADE, Manifest, ObjectEntry
from regen3d.metrics.masks import amodal_mask
from regen3d.metrics.protocols.base import PlacedMesh
from regen3d.store import Store
from regen3d.types import Camera, Completion, Mask, Mesh, Rgb, Room, Similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """One object as it was reconstructed; what is None is not known, or was not made."""

    name: str
    """Unique in the scene."""
    label: str = ""
    """What it was taken for."""
    score: float = 1.0
    """Confidence of the detection, 0..1."""
    mask: Mask | None = None
    """Its visible pixels, in the size of the true picture."""
    amodal: Mask | None = None
    """Its completed silhouette, in the size of the true picture."""
    mesh: Mesh | None = None
    """Object frame."""
    camera_from_object: Similarity | None = None
    """Where it stands, seen from the camera, metres."""
    surface: PlacedMesh | None = None
    """The same mesh in the camera frame."""
    hangs: bool = False
    """Whether a wall or the ceiling holds it."""
    by_hand: bool = False
    """Whether the mesh was given, so that its pose is comparable with the true one."""
    facts: dict[str, float] | None = None
    """What the scene says of the object itself: mask IoU of its rendering, contact gap, confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScene:
    """One scene as it was reconstructed."""

    objects: tuple[FoundObject, ...]
    """In any order."""
    camera: Camera | None = None
    """In a world of its own."""
    room: Room | None = None
    """In that world."""
    room_confidence: float | None = None
    """0..1."""
    plate: Rgb | None = None
    """The picture of the empty room."""
    seconds: float | None = None
    """Time that its stages took, summed."""

    @property
    def surfaces(self) -> tuple[PlacedMesh, ...]:
        """The meshes of all objects that have one, camera frame."""
        return tuple(item.surface for item in self.objects if item.surface is not None)


def open_scene(manifest: Manifest, store: Store, wh: tuple[int, int]) -> FoundScene:
    """A finished scene.

    Args:
        manifest: its record.
        store: where its values are.
        wh: size of the true picture, to which masks are brought.
    """
    camera = Camera(
        intrinsics=np.array(manifest.camera.intrinsics),
        width=manifest.image.width,
        height=manifest.image.height,
        world_from_camera=np.array(manifest.camera.world_from_camera),
    )
    return FoundScene(
        objects=tuple(_object(manifest, entry, store, camera, wh) for entry in manifest.objects),
        camera=camera,
        room=codec.get_value(store, manifest.background, Room),
        room_confidence=manifest.room.confidence,
        plate=np.array(_picture(manifest, store, "plate.png").convert("RGB").resize(wh)),
        seconds=sum(entry.seconds for entry in manifest.stages),
    )


def found_in(surfaces: tuple[PlacedMesh, ...]) -> FoundScene:
    """Another system's scene, of which nothing but its meshes and the camera of the truth is known."""
    return FoundScene(objects=tuple(FoundObject(name=surface.name, surface=surface) for surface in surfaces))


def _object(manifest: Manifest, entry: ObjectEntry, store: Store, camera: Camera, wh: tuple[int, int]) -> FoundObject:
    calls = {each.call.stage: each for each in manifest.stages if each.call.object == entry.name}
    picture = _picture(manifest, store, f"masks/{entry.name}.png").convert("L")
    known = FoundObject(
        name=entry.name,
        label=entry.label,
        score=entry.score,
        mask=np.array(picture.resize(wh, Image.Resampling.NEAREST)) > 127,
        amodal=_amodal(codec.get_value(store, calls["complete"].value, Completion), camera, wh)
        if "complete" in calls
        else None,
        hangs=entry.support in ("wall", "ceiling"),
        by_hand="generate" in calls and calls["generate"].call.adapter == HAND_MADE,
        facts=_facts(entry),
    )
    if entry.mesh is None or entry.world_from_object is None:
        return known
    mesh = codec.get_value(store, entry.mesh, Mesh)
    pose = Similarity.of_matrix(camera.camera_from_world @ np.array(entry.world_from_object))
    surface = PlacedMesh(name=entry.name, vertices=transform(pose.matrix, mesh.vertices), faces=mesh.faces)
    return replace(known, mesh=mesh, camera_from_object=pose, surface=surface)


def _facts(entry: ObjectEntry) -> dict[str, float]:
    if entry.diagnostics is None:
        return {}
    told = {
        "render_iou": entry.diagnostics.mask_iou,
        "contact_gap_m": abs(entry.diagnostics.contact_gap_m),
        "confidence": entry.diagnostics.confidence,
    }
    return {name: value for name, value in told.items() if value is not None}


def _amodal(completion: Completion, camera: Camera, wh: tuple[int, int]) -> Mask:
    """The completed silhouette inside the frame of the true picture."""
    whole = Image.fromarray(amodal_mask(completion, camera.hw))
    return np.array(whole.resize(wh, Image.Resampling.NEAREST))


def _picture(manifest: Manifest, store: Store, path: str) -> Image.Image:
    return Image.open(io.BytesIO(store.get_bytes(manifest.exports[path])))
