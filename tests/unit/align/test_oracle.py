"""Alignment on rendered rooms with true masks, camera and meshes; needs the shared scenes."""

import json

import cv2
import numpy as np
import pytest
import trimesh

from regen3d.align.engine import AlignRequest, align_object
from regen3d.align.occlusion import occluders
from regen3d.frames import transform, world_from_gravity
from regen3d.types import Asset, Camera, Instance, Mesh, ObjectView


def read_mesh(path):
    solid = trimesh.load_scene(path, process=False).to_geometry()
    vertices, faces = np.asarray(solid.vertices, float), np.asarray(solid.faces)
    texture = np.full((1, 1, 3), 128, dtype=np.uint8)
    return Mesh(vertices=vertices, faces=faces, uv=np.zeros((len(vertices), 2)), texture=texture)


@pytest.mark.parametrize(
    ("scene", "name"), [("dining_room", "chair_3"), ("office", "office_chair"), ("office", "desk")]
)
def test_true_meshes_of_unknown_size_come_back_to_their_place(data_root, scene, name):
    folder = data_root / "scenes" / scene
    truth = json.loads((folder / "oracle" / "truth.json").read_text())
    theirs = np.array(truth["camera"]["world_from_camera"])
    camera = Camera(
        intrinsics=np.array(truth["camera"]["K"], float),
        width=truth["camera"]["width"],
        height=truth["camera"]["height"],
        world_from_camera=world_from_gravity(-theirs[1, :3], float(theirs[1, 3])),
    )
    ours_from_theirs = camera.world_from_camera @ np.linalg.inv(theirs)
    ids = cv2.imread(str(folder / "instances.png"), cv2.IMREAD_UNCHANGED)
    records = [o for o in json.loads((folder / "instances.json").read_text())["objects"] if (ids == o["id"]).any()]
    instances = [Instance(name=o["name"], label=o["category"], score=1.0, mask=ids == o["id"]) for o in records]
    instance = next(item for item in instances if item.name == name)
    true = next(o for o in truth["objects"] if o["name"] == name)
    mesh = read_mesh(folder / "oracle" / true["glb"])
    image = np.full((*camera.hw, 3), 128, dtype=np.uint8)
    view = ObjectView(instance=instance, image=image, ignore=occluders(instances)[name], camera=camera)
    asset = Asset(mesh=mesh, scale="relative", kind="oracle")
    alignment = align_object(AlignRequest(view=view, asset=asset, support="floor"))
    expected = transform(ours_from_theirs @ np.array(true["world_from_object"]), mesh.vertices)
    error = np.linalg.norm(transform(alignment.world_from_object.matrix, mesh.vertices) - expected, axis=1)
    assert error.max() < 0.1
    assert alignment.mask_iou > 0.9
