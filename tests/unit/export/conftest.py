"""A small scene: a red box and a blue box in a room, and the manifest of it."""

import numpy as np
import pytest

from regen3d.manifest import (
    CameraEntry,
    Diagnostics,
    ImageEntry,
    Manifest,
    ObjectEntry,
    Provenance,
    RoomEntry,
    RunEntry,
    StageCall,
    StageEntry,
)
from regen3d.store import Ref
from regen3d.types import Camera, Mesh, Room, RoomLayout

RED, BLUE = (200, 30, 20), (20, 40, 210)
PICTURE = Ref(digest="a" * 64, suffix=".png", size=3)


def box_mesh(color: tuple[int, int, int], size: float = 1.0) -> Mesh:
    """A box in the object frame whose eight vertices are shared by its faces."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)]) * size
    low = [[0, 1, 3], [0, 3, 2], [0, 4, 5], [0, 5, 1], [0, 2, 6], [0, 6, 4]]
    high = [[4, 6, 7], [4, 7, 5], [2, 3, 7], [2, 7, 6], [1, 5, 7], [1, 7, 3]]
    faces = np.array([*low, *high])
    texture = np.full((8, 16, 3), color, dtype=np.uint8)
    return Mesh(vertices=corners, faces=faces, uv=np.full((8, 2), 0.5), texture=texture)


def side(corners: list[list[float]], color: tuple[int, int, int]) -> Mesh:
    return Mesh(
        vertices=np.array(corners, dtype=np.float64),
        faces=np.array([[0, 1, 2], [0, 2, 3]]),
        uv=np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
        texture=np.full((8, 8, 3), color, dtype=np.uint8),
    )


@pytest.fixture
def red_box() -> Mesh:
    return box_mesh(RED)


@pytest.fixture
def blue_box() -> Mesh:
    return box_mesh(BLUE)


@pytest.fixture
def room() -> Room:
    layout = RoomLayout(
        yaw_rad=0.0,
        bounds_min=np.array([-2.0, 0.0, -5.0]),
        bounds_max=np.array([2.0, 2.5, 1.0]),
        seen=frozenset({"floor", "wall_back"}),
        confidence=0.9,
    )
    parts = {
        "floor": side([[-2, 0, 1], [2, 0, 1], [2, 0, -5], [-2, 0, -5]], (120, 90, 60)),
        "wall_back": side([[-2, 0, -5], [2, 0, -5], [2, 2.5, -5], [-2, 2.5, -5]], (180, 200, 180)),
    }
    return Room(layout=layout, parts=parts, scale_source="The test says so.")


@pytest.fixture
def camera() -> Camera:
    world_from_camera = np.diag([1.0, -1.0, -1.0, 1.0])
    world_from_camera[1, 3] = 1.2
    intrinsics = np.array([[130.0, 0.0, 80.0], [0.0, 125.0, 60.0], [0.0, 0.0, 1.0]])
    return Camera(intrinsics=intrinsics, width=160, height=120, world_from_camera=world_from_camera)


@pytest.fixture
def manifest(camera: Camera) -> Manifest:
    provenance = Provenance(adapter="embedded", model="GrabCut", revision="1", licence="MIT", seed=5, key="b" * 64)
    call = StageCall(stage="segment", adapter="embedded", seed=5)
    return Manifest(
        regen3d="0.1.0",
        scene="test room",
        status="whole",
        profile="embedded",
        adapters={"segment": "embedded"},
        seed=4,
        image=ImageEntry(name="a room.png", pixels=PICTURE, width=160, height=120),
        camera=CameraEntry(
            intrinsics=camera.intrinsics.tolist(),
            world_from_camera=camera.world_from_camera.tolist(),
            hfov_deg=camera.hfov_deg,
            height_m=1.2,
            confidence=0.8,
        ),
        room=RoomEntry(
            yaw_deg=0.0,
            bounds_min=[-2.0, 0.0, -5.0],
            bounds_max=[2.0, 2.5, 1.0],
            seen=["floor", "wall_back"],
            confidence=0.9,
            believable=True,
            scale_source="The test says so.",
        ),
        background=PICTURE,
        plate=PICTURE,
        objects=(object_entry("chair-1"),),
        notes=("The ceiling was assumed.",),
        stages=(StageEntry(call=call, value=PICTURE, provenance=provenance, seconds=1.5, reused=False),),
        store="store",
        run=RunEntry(id="run-1", started="2026-01-01T00:00:00Z", seconds=2.0, host="here"),
    )


def object_entry(name: str, **changes: object) -> ObjectEntry:
    return ObjectEntry(
        name=name,
        label="chair",
        score=0.75,
        status="ok",
        box=(10, 20, 50, 90),
        truncated=False,
        kind="chair",
        support="floor",
        world_from_object=np.eye(4).tolist(),
        size_m=[0.5, 0.9, 0.6],
        mesh=PICTURE,
        diagnostics=Diagnostics(mask_iou=0.93, contact_gap_m=0.001, point_residual_m=None, runner_up_margin=0.2),
    ).model_copy(update=changes)
