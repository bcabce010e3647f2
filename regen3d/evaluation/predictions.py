"""Scenes that any system made, read for scoring: a folder of `SCENE.glb`, one node an object, in a frame that is said.

An object is a node with all that is below it. Nodes that hold everything else (`world`, `scene`) are opened until there
are several beside each other, or one with a mesh of its own; the room, in a node `room` or `background`, is left out.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from jaxtyping import Float

from regen3d.errors import ConfigError
from regen3d.frames import transform
from regen3d.inputs.files import read_bytes
from regen3d.metrics.protocols.base import PlacedMesh
from regen3d.types import Camera

if TYPE_CHECKING:
    import trimesh

Frame = Literal["camera-opencv", "camera-opengl", "world", "dataset"]
"""Frame of the files, metres: the true camera's with z forward and y down, the same with z backward and y up, the world
of `regen3d.frames` below the true camera, or the data set's own world."""

FRAMES: tuple[Frame, ...] = get_args(Frame)
"""All of them."""

BACKGROUND = frozenset({"room", "background"})
"""Nodes that are no objects, by their names in lower case."""

MAX_GLB_BYTES = 2_000_000_000
"""Longest file that is read: twenty objects with textures of 4096 pixels."""

_OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
_DAMAGE = (ValueError, TypeError, LookupError, NameError, AttributeError, AssertionError, OSError, struct.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One scene that a system made."""

    objects: tuple[PlacedMesh, ...]
    """Camera frame, metres; none where the file holds none."""
    notes: tuple[str, ...] = ()
    """Sentences for the report: what was left out."""


def prediction_path(folder: Path, scene: str) -> Path:
    """Where another system's scene lies, if it made one."""
    return folder / f"{scene}.glb"


def camera_from_file(
    frame: str, camera: Camera, dataset_from_camera: Float[np.ndarray, "4 4"]
) -> Float[np.ndarray, "4 4"]:
    """From a frame of files to the camera frame (OpenCV).

    Args:
        frame: one of `FRAMES`.
        camera: the true camera; its world is the one of `regen3d.frames`.
        dataset_from_camera: rigid, from the OpenCV camera frame to the data set's own world.

    Raises:
        ConfigError: the frame is unknown.
    """
    matrices = {
        "camera-opencv": np.eye(4),
        "camera-opengl": _OPENCV_FROM_OPENGL,
        "world": camera.camera_from_world,
        "dataset": np.linalg.inv(dataset_from_camera),
    }
    if frame not in matrices:
        raise ConfigError(f"there is no frame '{frame}': choose one of {', '.join(matrices)}")
    return matrices[frame]


def read_objects(path: Path, camera_from_file: Float[np.ndarray, "4 4"]) -> Prediction:
    """The objects of a GLB file, moved to the camera frame.

    Raises:
        ConfigError: the file is missing, damaged or no GLB.
    """
    import trimesh

    data = read_bytes(path, "scene", MAX_GLB_BYTES)
    if data[:4] != b"glTF":
        raise ConfigError(f"{path.name}: this is not a GLB file; export the scene as binary glTF (.glb)")
    try:
        # From memory and without a resolver: a file cannot make the reader open other files or addresses.
        scene = trimesh.load_scene(io.BytesIO(data), file_type="glb", process=False, skip_materials=True)
        found = {name: _surface(scene, name) for name in _object_nodes(scene)}
    except _DAMAGE as error:
        raise ConfigError(
            f"{path.name}: the GLB file is damaged ({type(error).__name__}); export the scene again"
        ) from error
    objects, notes = [], []
    for name, (vertices, faces) in found.items():
        fault = _fault(vertices, faces)
        if fault is None:
            objects.append(PlacedMesh(name=name, vertices=transform(camera_from_file, vertices), faces=faces))
        else:
            notes.append(f"{path.name}: '{name}' {fault}, and is left out.")
    return Prediction(objects=tuple(objects), notes=tuple(notes))


def _object_nodes(scene: "trimesh.Scene") -> list[str]:
    children = scene.graph.transforms.children
    with_mesh = set(scene.graph.nodes_geometry)
    level = [str(name) for name in children.get(scene.graph.base_frame, [])]
    while len(level) == 1 and level[0] not in with_mesh and not _is_split(scene, level[0]):
        level = [str(name) for name in children.get(level[0], [])]
    return [
        name
        for name in sorted(level)
        if name.lower() not in BACKGROUND and any(node in with_mesh for node in _below(children, name))
    ]


def _is_split(scene: "trimesh.Scene", name: str) -> bool:
    """Whether a node had one mesh of several materials, which trimesh reads as so many nodes below it."""
    below = scene.graph.transforms.children.get(name, [])
    return bool(below) and all(str(node).startswith(f"{name}_") for node in below)


def _below(children: dict[str, list[str]], name: str) -> Iterator[str]:
    """A node and all below it."""
    yield name
    for child in children.get(name, []):
        yield from _below(children, child)


def _surface(scene: "trimesh.Scene", name: str) -> tuple[Float[np.ndarray, "v 3"], np.ndarray]:
    """All triangles of a node and those below it, in the frame of the file."""
    import trimesh

    vertices, faces, count = [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.int64)], 0
    # By place, because nodes without a name of their own are named at random.
    placed = [scene.graph[node] for node in _below(scene.graph.transforms.children, name)]
    for matrix, geometry in sorted(placed, key=lambda pair: (str(pair[1]), pair[0].tolist())):
        piece = scene.geometry.get(geometry)
        if isinstance(piece, trimesh.Trimesh):
            with np.errstate(invalid="ignore"):  # what is not finite is told of where surfaces are judged
                vertices.append(transform(np.asarray(matrix), np.asarray(piece.vertices, dtype=np.float64)))
            faces.append(np.asarray(piece.faces, dtype=np.int64) + count)
            count += len(piece.vertices)
    return np.concatenate(vertices), np.concatenate(faces)


def _fault(vertices: Float[np.ndarray, "v 3"], faces: np.ndarray) -> str | None:
    """Why a surface cannot be scored; None where it can."""
    if len(faces) == 0:
        return "holds no triangles"
    if faces.min() < 0 or faces.max() >= len(vertices):
        return "has triangles that point at vertices that do not exist"
    corners = vertices[faces]
    if not np.isfinite(corners).all():
        return "has vertices that are not finite"
    twice = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return None if twice.sum() > 0.0 else "has no area"
