"""Rooms with truth as a camera sees them that stands lower or higher: the one thing that no change of a picture gives.

The true meshes are drawn by our own renderer under a light at the camera, without shadows: a plainer picture than the
path-traced one, with the same lines, the same furniture and another height to find.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Int32, UInt8

from benchmarks.truth import Truth
from regen3d.datasets.truth import read_triangles
from regen3d.frames import upright
from regen3d.inputs.meshes import read_mesh_glb
from regen3d.render.scene import PlacedMesh, render
from regen3d.types import Camera

SHARPER = 2
"""Pictures are drawn at so many times their size and averaged, so that edges are smooth as in a photograph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a camera sees of a room with truth."""

    image: UInt8[np.ndarray, "h w 3"]
    """The picture."""
    index: Int32[np.ndarray, "h w"]
    """Which of the truth's objects each pixel shows; -1 for the room itself."""
    empty_depth: Float[np.ndarray, "h w"]
    """Metres along the optical axis of the room without its objects; not finite where the room has no surface."""


def raised(truth: Truth, by_m: float) -> Camera:
    """The true camera, moved along the vertical, tilted to look at the same middle of the picture.

    Args:
        truth: the room.
        by_m: metres upwards; negative moves it down.
    """
    camera = truth.camera
    height, width = camera.hw
    ahead = float(truth.depth[height // 2, width // 2])
    pose = camera.world_from_camera.copy()
    target = pose[:3, 3] + ahead * pose[:3, 2]
    pose[1, 3] += by_m
    forward = target - pose[:3, 3]
    pose[:3, 2] = forward / np.linalg.norm(forward)
    # The cameras have no roll: moved along the vertical, they turn about their own x axis, which is level.
    pose[:3, 1] = np.cross(pose[:3, 2], pose[:3, 0])
    return replace(camera, world_from_camera=pose)


def drawn(truth: Truth, camera: Camera) -> Drawn:
    """Draw a room from another camera.

    Args:
        truth: the room; its meshes are read from its folder.
        camera: in the truth's own world.
    """
    meshes = truth.folder / "meshes"
    room = [_placed(meshes / "background.glb")]
    things = [_placed(meshes / f"{item.name}.glb") for item in truth.objects]
    seen = render([*room, *things], _sharper(camera), shaded=True)
    whole = render([*room, *things], camera)
    small = cv2.resize(seen.color, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return Drawn(
        image=np.asarray(small, np.uint8),
        index=(whole.index - 1).clip(-1).astype(np.int32),
        empty_depth=render(room, camera).depth.astype(np.float64),
    )


def _placed(path: Path) -> PlacedMesh:
    """A mesh where its file has it; reading it has moved its base to the origin."""
    vertices, _ = read_triangles(path)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    base = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    return PlacedMesh(mesh=read_mesh_glb(path), world_from_mesh=upright(yaw_rad=0.0, translation=base).matrix)


def _sharper(camera: Camera) -> Camera:
    return replace(
        camera,
        intrinsics=np.diag([SHARPER, SHARPER, 1.0]) @ camera.intrinsics,
        width=SHARPER * camera.width,
        height=SHARPER * camera.height,
    )
