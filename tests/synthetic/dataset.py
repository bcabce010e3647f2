"""The synthetic room as a data set with truth, in the formats that `regen3d.datasets` reads."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from regen3d.export.glb import background_glb, object_glb
from regen3d.frames import pixel_centers, rotation_about_y, transform, unproject, yaw_of
from regen3d.metrics.boxes import bounds_of
from regen3d.types import Mesh, Room
from tests.synthetic.room import SyntheticRoom, TrueObject


def moved_world(yaw_rad: float = 0.7) -> np.ndarray:
    """`native_from_ours` of a data set whose world is turned and has its origin elsewhere on the floor."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_about_y(yaw_rad)
    matrix[:3, 3] = [3.0, 0.0, -2.0]
    return matrix


def write_rendered(room: SyntheticRoom, folder: Path, native_from_ours: np.ndarray) -> Path:
    """Write one scene of a folder of rendered rooms, with `oracle/`; returns its folder."""
    for part in ("meshes", "amodal", "oracle/objects"):
        (folder / part).mkdir(parents=True)
    index = np.zeros(room.camera.hw, dtype=np.uint8)
    for k, instance in enumerate(room.instances):
        index[instance.mask] = k + 1
    pictures = {"image": room.image, "background": room.plate, "instances": index}
    pictures |= {"floor_mask": room.floor.astype(np.uint8) * 255}
    pictures |= {f"amodal/{item.name}_mask": item.amodal.astype(np.uint8) * 255 for item in room.objects}
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / f"{name}.png")
    np.save(folder / "depth.npy", room.depth)
    np.save(folder / "background_depth.npy", room.plate_depth.astype(np.float16))
    _write_json(folder / "camera.json", _camera(room, native_from_ours))
    objects = [_entry(room, k, native_from_ours) for k in range(len(room.objects))]
    _write_json(folder / "instances.json", {"objects": objects})
    for item in room.objects:
        placed = moved(item.mesh, native_from_ours @ item.world_from_object.matrix)
        (folder / "meshes" / f"{item.name}.glb").write_bytes(object_glb(item.name, placed, {}))
    parts = {face: moved(mesh, native_from_ours) for face, mesh in room.parts.items()}
    shell = Room(layout=room.layout, parts=parts, scale_source="Known.")
    (folder / "meshes" / "background.glb").write_bytes(background_glb(shell))
    _write_oracle(room, folder / "oracle", native_from_ours)
    return folder


def write_front3d(room: SyntheticRoom, root: Path) -> Path:
    """Write the room as one house of the 3D-FRONT test layout; returns the root."""
    renders, meshes = (root / f"3D-FRONT-TEST-{kind}" / "house" / "Kitchen-1" for kind in ("RENDER", "SCENE"))
    renders.mkdir(parents=True)
    meshes.mkdir(parents=True)
    index = np.zeros(room.camera.hw, dtype=np.uint8)
    names = []
    for k, (item, instance) in enumerate(zip(room.objects, room.instances, strict=True)):
        index[instance.mask] = k + 1
        names.append(f"{item.label.title()}_0a1b_{k}")
        # The layout says nothing of where the floor is: here it lies 0.4 m below the origin.
        placed = moved(item.mesh, item.world_from_object.matrix)
        lowered = replace(placed, vertices=placed.vertices - np.array([0.0, 0.4, 0.0]))
        (meshes / f"{names[-1]}.glb").write_bytes(object_glb(names[-1], lowered, {}))
    Image.fromarray(room.image).save(renders / "render_0000.webp", lossless=True)
    Image.fromarray(index).save(renders / "semantic_0000.png")
    blender_from_gltf = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1.0]])
    lowered_camera = room.camera.world_from_camera - np.array(
        [[0, 0, 0, 0], [0, 0, 0, 0.4], [0, 0, 0, 0], [0, 0, 0, 0]]
    )
    matrix = blender_from_gltf @ lowered_camera @ np.diag([1.0, -1.0, -1.0, 1.0])
    angle = 2.0 * np.arctan2(0.5 * room.camera.width, room.camera.intrinsics[0, 0])
    location = {"index": "0000", "transform_matrix": matrix.tolist()}
    _write_json(renders / "meta.json", {"camera_angle_x": angle, "locations": [location]})
    _write_json(root / "midi_test_room_ids.json", ["house/Kitchen-1"])
    _write_json(root / "midi_test_furniture_ids.json", [names])
    return root


def moved(mesh: Mesh, matrix: np.ndarray) -> Mesh:
    """A mesh after a transform of its vertices."""
    return replace(mesh, vertices=transform(matrix, mesh.vertices))


def _camera(room: SyntheticRoom, native_from_ours: np.ndarray) -> dict[str, object]:
    return {
        "K": room.camera.intrinsics.tolist(),
        "width": room.camera.width,
        "height": room.camera.height,
        "camera_to_world": (native_from_ours @ room.camera.world_from_camera).tolist(),
    }


def _entry(room: SyntheticRoom, k: int, native_from_ours: np.ndarray) -> dict[str, object]:
    item, mask = room.objects[k], room.instances[k].mask
    bounds = bounds_of(transform(native_from_ours @ item.world_from_object.matrix, item.mesh.vertices))
    return {
        "id": k + 1,
        "name": item.name,
        "category": item.label,
        "support": item.support,
        "mesh": f"meshes/{item.name}.glb",
        "bbox_world_min": bounds[0].tolist(),
        "bbox_world_max": bounds[1].tolist(),
        "yaw_deg": float(np.degrees(yaw_of(native_from_ours[:3, :3] @ item.world_from_object.rotation))),
        "truncated": False,
        "visible_pixels": int(mask.sum()),
        "visible_fraction": float(mask.sum() / item.amodal.sum()),
    }


def _write_oracle(room: SyntheticRoom, folder: Path, native_from_ours: np.ndarray) -> None:
    entries = []
    for k, item in enumerate(room.objects):
        canonical, object_from_mesh = _canonical(item, yaw_rad=0.9 * k)
        world_from_object = native_from_ours @ item.world_from_object.matrix @ np.linalg.inv(object_from_mesh)
        (folder / "objects" / f"{item.name}.glb").write_bytes(object_glb(item.name, canonical, {}))
        order = "continuous" if item.label == "vase" else 2 if item.label in ("table", "cabinet") else 1
        entry = {"name": item.name, "glb": f"objects/{item.name}.glb", "symmetry_order": order}
        entries.append(entry | {"world_from_object": world_from_object.tolist()})
    _write_json(folder / "truth.json", {"objects": entries})
    half = room.depth[::2, ::2], room.plate_depth[::2, ::2]
    pixels = pixel_centers(room.depth.shape)[::2, ::2]
    maps = [unproject(room.camera.intrinsics, pixels, depth.astype(np.float64)).astype(np.float16) for depth in half]
    np.savez_compressed(
        folder / "points.npz",
        points=maps[0],
        conf=np.ones(maps[0].shape[:2], dtype=np.float16),
        background_points=maps[1],
        background_conf=np.ones(maps[1].shape[:2], dtype=np.float16),
        K=np.diag([0.5, 0.5, 1.0]) @ room.camera.intrinsics,
    )


def _canonical(item: TrueObject, yaw_rad: float) -> tuple[Mesh, np.ndarray]:
    """The mesh turned and of height 1, and the transform that made it so."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_about_y(yaw_rad) / np.ptp(item.mesh.vertices[:, 1])
    low, high = bounds_of(transform(matrix, item.mesh.vertices))
    matrix[:3, 3] = [-(low[0] + high[0]) / 2, -low[1], -(low[2] + high[2]) / 2]
    return moved(item.mesh, matrix), matrix


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")
