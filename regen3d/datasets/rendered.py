"""Rendered rooms: a folder a scene with picture, masks, camera, depth, meshes and, where there is one, `oracle/`.

Needed are image.png, camera.json, instances.png, instances.json and the meshes; floor_mask.png, background.png,
depth.npy, background_depth.npy, amodal/, meshes/background.glb and oracle/ are used where they are there. The world is
glTF's with the floor at y = 0 and its origin anywhere; `docs/evaluation.md` has the whole format.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from regen3d.datasets.truth import LEAST_PIXELS, CanonicalMesh, TrueObject, TrueScene, our_camera
from regen3d.errors import ConfigError
from regen3d.frames import rotation_about_y, yaw_of
from regen3d.inputs.files import read_json
from regen3d.types import Mask, Similarity


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Camera(_Part):
    K: list[list[float]]
    width: int
    height: int
    camera_to_world: list[list[float]]


class _Object(_Part):
    id: int
    name: str
    category: str
    mesh: str
    truncated: bool
    support: str | None = None
    yaw_deg: float | None = None
    visible_fraction: float | None = None


class _Instances(_Part):
    objects: list[_Object]


class _OracleObject(_Part):
    name: str
    glb: str
    world_from_object: list[list[float]]
    symmetry_order: int | Literal["continuous"] = 1


class _Oracle(_Part):
    objects: list[_OracleObject] = Field(default_factory=list)


class RenderedRooms:
    """A folder of rendered rooms."""

    def __init__(self, root: Path) -> None:
        """Read the scenes below a folder."""
        self._root = root

    def names(self) -> tuple[str, ...]:
        """See `DatasetReader.names`."""
        return tuple(path.parent.name for path in sorted(self._root.glob("*/image.png")))

    def read(self, name: str) -> TrueScene:
        """See `DatasetReader.read`."""
        folder = self._root / name
        given = read_json(folder / "camera.json", _Camera, "camera")
        camera, native_from_world = our_camera(
            np.array(given.K, dtype=np.float64), (given.width, given.height), np.array(given.camera_to_world)
        )
        oracle = _oracle(folder)
        index = _index(folder / "instances.png", camera.hw)
        entries = read_json(folder / "instances.json", _Instances, "list of objects").objects
        world_from_native = np.linalg.inv(native_from_world)
        return TrueScene(
            name=name,
            image=folder / "image.png",
            camera=camera,
            native_from_world=native_from_world,
            objects=tuple(
                _object(folder, entry, index == entry.id, world_from_native, oracle.get(entry.name))
                for entry in entries
                if np.count_nonzero(index == entry.id) >= LEAST_PIXELS
            ),
            floor=_mask(folder / "floor_mask.png"),
            plate=_if_there(folder / "background.png"),
            depth=_if_there(folder / "depth.npy"),
            plate_depth=_if_there(folder / "background_depth.npy"),
            room=_if_there(folder / "meshes" / "background.glb"),
            points=_if_there(folder / "oracle" / "points.npz"),
        )


def _object(
    folder: Path,
    entry: _Object,
    mask: Mask,
    world_from_native: Float[np.ndarray, "4 4"],
    oracle: _OracleObject | None,
) -> TrueObject:
    turn = world_from_native[:3, :3]
    known: dict[str, Any] = {}
    if oracle is not None:
        known["symmetry"] = None if oracle.symmetry_order == "continuous" else oracle.symmetry_order
        known["canonical"] = CanonicalMesh(
            path=folder / "oracle" / oracle.glb,
            world_from_object=Similarity.of_matrix(world_from_native @ np.array(oracle.world_from_object)),
        )
    if entry.yaw_deg is not None:
        known["yaw_rad"] = yaw_of(turn @ rotation_about_y(np.radians(entry.yaw_deg)))
    return TrueObject(
        name=entry.name,
        label=entry.category,
        mask=mask,
        mesh=folder / entry.mesh,
        world_from_mesh=world_from_native,
        truncated=entry.truncated,
        support=entry.support,
        visible_fraction=entry.visible_fraction,
        amodal_mask=_if_there(folder / "amodal" / f"{entry.name}_mask.png"),
        **known,
    )


def _oracle(folder: Path) -> dict[str, _OracleObject]:
    path = folder / "oracle" / "truth.json"
    return {entry.name: entry for entry in read_json(path, _Oracle, "oracle").objects} if path.is_file() else {}


def _index(path: Path, hw: tuple[int, int]) -> np.ndarray:
    if not path.is_file():
        raise ConfigError(f"{path.name}: there is no such file in {path.parent}; a scene with truth needs it")
    index = np.array(Image.open(path))
    if index.shape != hw:
        raise ConfigError(f"{path.name}: {index.shape} numbers for a camera of {hw} pixels; check the scene")
    return index


def _mask(path: Path) -> Mask | None:
    return np.array(Image.open(path).convert("L")) > 127 if path.is_file() else None


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
