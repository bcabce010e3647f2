"""3D-FRONT as the field renders and splits it (the layout of MIDI, arXiv 2412.03558).

    ROOT/3D-FRONT-TEST-RENDER/HOUSE/ROOM/{meta.json, render_0000.webp, semantic_0000.png, ...}
    ROOT/3D-FRONT-TEST-SCENE/HOUSE/ROOM/OBJECT.glb
    ROOT/midi_test_room_ids.json        ["HOUSE/ROOM", ...]
    ROOT/midi_test_furniture_ids.json   [["OBJECT", ...], ...]

or the same without TEST, of which the last thousand rooms are the test set. A scene is the first view of a room.
Number k of the semantic picture is the k-th object of the room's list. Cameras are Blender's (world with Z up, camera
looking along its -Z), meshes glTF's (Y up). The meshes have no floor: it is taken to lie below the lowest object.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image
from pydantic import BaseModel, ConfigDict

from regen3d.datasets.truth import LEAST_PIXELS, TrueObject, TrueScene, our_camera, read_triangles
from regen3d.errors import ConfigError
from regen3d.frames import intrinsics_from_focal
from regen3d.inputs.files import read_json

TEST_ROOMS = 1000
"""How many rooms at the end of the full list are the test set."""

_VIEW = "0000"
_LAYOUTS = (("midi_test_", "3D-FRONT-TEST-"), ("midi_", "3D-FRONT-"))
_GLTF_FROM_BLENDER = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1.0]])
_BLENDER_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


class _Location(BaseModel):
    model_config = ConfigDict(extra="ignore")
    index: str
    transform_matrix: list[list[float]]


class _Meta(BaseModel):
    model_config = ConfigDict(extra="ignore")
    camera_angle_x: float
    locations: list[_Location]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    renders: Path
    meshes: Path
    objects: tuple[str, ...]


class Front3d:
    """The 3D-FRONT test rooms below a folder."""

    def __init__(self, root: Path) -> None:
        """Read the lists of rooms and objects.

        Raises:
            ConfigError: the folder has not this layout.
        """
        self._rooms = _rooms(root)

    def names(self) -> tuple[str, ...]:
        """See `DatasetReader.names`; a name is `HOUSE.ROOM`."""
        return tuple(self._rooms)

    def read(self, name: str) -> TrueScene:
        """See `DatasetReader.read`."""
        room = self._rooms[name]
        index = _semantic(room.renders / f"semantic_{_VIEW}.png")
        paths = [room.meshes / f"{each}.glb" for each in room.objects]
        if not paths:
            raise ConfigError(f"{name}: the room has no objects; leave it out")
        floor = min(float(read_triangles(path)[0][:, 1].min()) for path in paths)
        native_from_mesh = np.eye(4)
        native_from_mesh[1, 3] = -floor
        wh = index.shape[1], index.shape[0]
        intrinsics, mesh_from_camera = _camera(room.renders / "meta.json", wh)
        camera, native_from_world = our_camera(intrinsics, wh, native_from_mesh @ mesh_from_camera)
        world_from_mesh = np.linalg.inv(native_from_world) @ native_from_mesh
        objects = [_object(k, paths[k], index == k + 1, world_from_mesh) for k in range(len(paths))]
        return TrueScene(
            name=name,
            image=room.renders / f"render_{_VIEW}.webp",
            camera=camera,
            native_from_world=native_from_world,
            objects=tuple(item for item in objects if np.count_nonzero(item.mask) >= LEAST_PIXELS),
        )


def is_front3d(root: Path) -> bool:
    """Whether a folder looks like this layout."""
    return any((root / f"{start}room_ids.json").is_file() for start, _ in _LAYOUTS)


def _rooms(root: Path) -> dict[str, _Room]:
    for start, folder in _LAYOUTS:
        listed = root / f"{start}room_ids.json"
        if listed.is_file():
            ids, objects = _list(listed), _list(root / f"{start}furniture_ids.json")
            if len(ids) != len(objects):
                raise ConfigError(
                    f"{listed.name}: {len(ids)} rooms, but {len(objects)} lists of furniture; copy both again"
                )
            return {
                room.replace("/", "."): _Room(
                    renders=root / f"{folder}RENDER" / room, meshes=root / f"{folder}SCENE" / room, objects=tuple(names)
                )
                for room, names in list(zip(ids, objects, strict=True))[-TEST_ROOMS:]
            }
    raise ConfigError(f"'{root}' has no midi_test_room_ids.json: this is not the 3D-FRONT layout")


def _list(path: Path) -> list:
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path.name}: no JSON list in {path.parent}; copy it again") from error


def _semantic(path: Path) -> np.ndarray:
    if not path.is_file():
        raise ConfigError(f"{path.name}: there is no such file in {path.parent}; a scene with truth needs it")
    index = np.array(Image.open(path))
    return index if index.ndim == 2 else index[..., 0]


def _camera(path: Path, wh: tuple[int, int]) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "4 4"]]:
    meta = read_json(path, _Meta, "camera")
    matrices = [np.array(item.transform_matrix) for item in meta.locations if item.index == _VIEW]
    if not matrices:
        raise ConfigError(f"{path.name}: no camera for view {_VIEW} in {path.parent}; check the room")
    focal = 0.5 * wh[0] / np.tan(0.5 * meta.camera_angle_x)
    return intrinsics_from_focal(focal, wh), _GLTF_FROM_BLENDER @ matrices[0] @ _BLENDER_FROM_OPENCV


def _object(k: int, path: Path, mask: np.ndarray, world_from_mesh: Float[np.ndarray, "4 4"]) -> TrueObject:
    edge = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
    # OBJECT is CATEGORY_MODEL_N.
    label = path.stem.split("_")[0].lower()
    return TrueObject(
        name=f"{label}-{k + 1}",
        label=label,
        mask=mask,
        mesh=path,
        world_from_mesh=world_from_mesh,
        truncated=bool(edge),
    )
