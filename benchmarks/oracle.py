"""What alignment is judged with alone: true meshes, masks and camera, and the points of an estimator.

A scene's `oracle` folder holds objects/NAME.glb (object frame, unknown yaw and size), points.npz (`points`, `conf` and
the same for the empty room, in the camera frame, at half the picture's size) and truth.json. Poses are compared in the
world of truth.json, which shares the camera with ours.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float
from PIL import Image
from scipy import ndimage

from benchmarks.truth import LEAST_PIXELS
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import unproject, world_from_gravity
from regen3d.inputs.meshes import read_mesh_glb
from regen3d.metrics.boxes import UprightBox
from regen3d.room.from_points import fit_layout
from regen3d.room.solve import solve_room
from regen3d.types import Camera, Instance, KnownCamera, Mask, Mesh, PointMap, Rgb, RoomLayout

STRETCH = 1.15
"""Along one axis of a mesh, under stress."""

ERODED_PX = 3
"""Off each mask all round, under stress; what would vanish keeps its mask."""

FOCAL_FACTOR = 1.05
"""Of the focal length, under stress."""

Strain = Literal["stretch", "erode", "focal", "lens"]
"""What is wrong under stress. `focal`: the camera's focal length, while the points are what the estimator measured;
`lens`: that of the points as well, as those of an estimator that was told the wrong lens."""

STRAINS: tuple[Strain, ...] = ("stretch", "erode", "focal")
"""All that is wrong unless asked otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruePose:
    """One object as truth.json has it."""

    name: str
    """Unique in the scene."""
    world_from_object: Float[np.ndarray, "4 4"]
    """The true pose."""
    support: str
    """`floor`, `wall`, or the name of the object below."""
    visible_fraction: float
    """Share of the object's pixels that nothing hides."""
    truncated: bool
    """Whether the picture's border cuts it."""
    symmetry_deg: float
    """Turns by which it looks the same: 360 for none, 0 for any."""
    axes_yaw_rad: float
    """Of the model's own axes in the object frame."""
    box: UprightBox
    """Along those axes, in the world of truth.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleScene:
    """Inputs and truth of one scene."""

    folder: Path
    """Where its files are."""
    image: Rgb
    """The picture."""
    camera: Camera
    """In our world."""
    theirs_from_ours: Float[np.ndarray, "4 4"]
    """From our world to that of truth.json."""
    instances: tuple[Instance, ...]
    """Visible masks of what shows enough to be scored."""
    meshes: dict[str, Mesh]
    """Object frame, as the engine gets them."""
    true_meshes: dict[str, Mesh]
    """The same before any stress: boxes are those of the true mesh in the pose that was found."""
    points: PointMap | None
    """Of the picture."""
    background: PointMap | None
    """Of the empty room."""
    floor: Mask
    """Pixels that show the bare floor, as the renderer knows them."""
    truth: tuple[TruePose, ...]
    """In the order of `instances`."""


def load_oracle(folder: Path) -> OracleScene:
    """Read a scene's inputs and truth."""
    truth = json.loads((folder / "oracle" / "truth.json").read_text(encoding="utf-8"))
    theirs = np.array(truth["camera"]["world_from_camera"])
    camera = Camera(
        intrinsics=np.array(truth["camera"]["K"], dtype=float),
        width=truth["camera"]["width"],
        height=truth["camera"]["height"],
        world_from_camera=world_from_gravity(-theirs[1, :3], float(theirs[1, 3])),
    )
    ids = np.array(Image.open(folder / "instances.png"))
    entries = [entry for entry in truth["objects"] if (ids == entry["id"]).sum() >= LEAST_PIXELS]
    points = np.load(folder / "oracle" / "points.npz")
    meshes = {entry["name"]: read_mesh_glb(folder / "oracle" / entry["glb"]) for entry in entries}
    return OracleScene(
        folder=folder,
        image=np.array(Image.open(folder / "image.png").convert("RGB")),
        camera=camera,
        theirs_from_ours=theirs @ camera.camera_from_world,
        instances=tuple(
            Instance(name=entry["name"], label=entry["category"], score=1.0, mask=ids == entry["id"])
            for entry in entries
        ),
        meshes=meshes,
        true_meshes=meshes,
        points=_point_map(points["points"], points["conf"], camera),
        background=_point_map(points["background_points"], points["background_conf"], camera),
        floor=np.array(Image.open(folder / "floor_mask.png").convert("L")) > 0,
        truth=tuple(_true_pose(entry) for entry in entries),
    )


def _true_pose(entry: dict) -> TruePose:
    order = entry["symmetry_order"]
    return TruePose(
        name=entry["name"],
        world_from_object=np.array(entry["world_from_object"]),
        support=entry["support"],
        visible_fraction=entry["visible_fraction"],
        truncated=entry["truncated"],
        symmetry_deg=0.0 if order == "continuous" else 360.0 / order,
        axes_yaw_rad=float(np.radians(entry["box_yaw_deg"] - entry["yaw_deg"])),
        box=UprightBox(
            base=np.array(entry["box_base_centre"]),
            size_m=np.array(entry["box_size"]),
            yaw_rad=float(np.radians(entry["box_yaw_deg"])),
        ),
    )


def _point_map(points: np.ndarray, confidence: np.ndarray, camera: Camera) -> PointMap:
    """Points in the picture's size; each stands for the pixels that it covers."""
    wh = (camera.width, camera.height)
    points = cv2.resize(points.astype(np.float32), wh, interpolation=cv2.INTER_NEAREST).astype(np.float64)
    confidence = cv2.resize(confidence.astype(np.float32), wh, interpolation=cv2.INTER_NEAREST).astype(np.float64)
    valid = np.isfinite(points).all(axis=-1) & (points[..., 2] > 0)
    return PointMap(
        points=np.where(valid[..., None], points, 0.0),
        valid=valid,
        confidence=np.where(valid, confidence / max(float(confidence.max()), 1e-9), 0.0),
        scale="metric",
    )


def without_points(scene: OracleScene) -> OracleScene:
    """The scene as an estimator that knows no depth leaves it."""
    return replace(scene, points=None, background=None)


def stressed(scene: OracleScene, seed: int, strains: Sequence[Strain] = STRAINS) -> OracleScene:
    """The scene with meshes stretched along a random axis, masks eroded, or a camera that believes in a longer lens."""
    rng = np.random.default_rng(seed)
    factors = {name: np.where(np.arange(3) == rng.integers(3), STRETCH, 1.0) for name in scene.meshes}
    if "stretch" in strains:
        longer = {name: replace(mesh, vertices=mesh.vertices * factors[name]) for name, mesh in scene.meshes.items()}
        scene = replace(scene, meshes=longer)
    if "erode" in strains:
        scene = replace(scene, instances=tuple(replace(item, mask=_eroded(item.mask)) for item in scene.instances))
    if "focal" not in strains and "lens" not in strains:
        return scene
    intrinsics = np.diag([FOCAL_FACTOR, FOCAL_FACTOR, 1.0]) @ scene.camera.intrinsics
    intrinsics[:2, 2] = scene.camera.intrinsics[:2, 2]
    scene = replace(scene, camera=replace(scene.camera, intrinsics=intrinsics))
    if "lens" not in strains:
        return scene
    points, background = (_believed(points, scene.camera) for points in (scene.points, scene.background))
    return replace(scene, points=points, background=background)


def _eroded(mask: np.ndarray) -> np.ndarray:
    smaller = ndimage.binary_erosion(mask, iterations=ERODED_PX)
    return smaller if smaller.sum() >= LEAST_PIXELS // 4 else mask


def _believed(points: PointMap | None, camera: Camera) -> PointMap | None:
    """Points at the same depths under another camera."""
    if points is None:
        return None
    rows, columns = np.indices(points.valid.shape)
    pixels = np.stack([columns + 0.5, rows + 0.5], axis=-1)
    return replace(points, points=unproject(camera.intrinsics, pixels, points.points[..., 2]))


def estimated_layout(scene: OracleScene, seed: int) -> RoomLayout | None:
    """The room box from the picture's lines; from the empty room's points where the lines show none."""
    camera = scene.camera
    known = KnownCamera(
        intrinsics=camera.intrinsics,
        width=camera.width,
        height=camera.height,
        gravity=-camera.world_from_camera[1, :3],
        height_m=float(camera.position[1]),
    )
    try:
        layout = solve_room(scene.image, [item.mask for item in scene.instances], known, seed).layout
        if not layout.believable and scene.background is not None:
            layout = fit_layout(scene.background, camera)
    except DegenerateGeometryError:
        return None
    return layout if layout.believable else None
