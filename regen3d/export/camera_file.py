"""The camera as a small JSON file that people read, change and give back with `--camera`."""

import json

from regen3d.frames import gravity_in_camera
from regen3d.types import Camera


def camera_json(camera: Camera) -> bytes:
    """K, size, gravity and height above the floor; docs/inputs.md describes the format."""
    document = {
        "K": camera.intrinsics.tolist(),
        "width": camera.width,
        "height": camera.height,
        "gravity": gravity_in_camera(camera).tolist(),
        "height_m": float(camera.position[1]),
    }
    return json.dumps(document, indent=2).encode()
