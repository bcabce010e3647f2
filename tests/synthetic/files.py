"""The synthetic room as a user would hand it over: files in the formats of `docs/inputs.md`."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from regen3d.frames import gravity_in_camera
from tests.synthetic.room import SyntheticRoom


def write_inputs(room: SyntheticRoom, folder: Path) -> Path:
    """Write image.png, plate.png, masks/NAME.png, boxes.json and camera.json; returns the path of the picture."""
    (folder / "masks").mkdir(parents=True)
    Image.fromarray(room.image).save(folder / "image.png")
    Image.fromarray(room.plate).save(folder / "plate.png")
    for instance in room.instances:
        Image.fromarray(instance.mask.astype(np.uint8) * 255).save(folder / "masks" / f"{instance.name}.png")
    boxes = [{"label": instance.label, "box": list(instance.box)} for instance in room.instances]
    (folder / "boxes.json").write_text(json.dumps({"boxes": boxes}), encoding="utf-8")
    (folder / "camera.json").write_text(json.dumps(camera_document(room)), encoding="utf-8")
    return folder / "image.png"


def camera_document(room: SyntheticRoom) -> dict[str, object]:
    """The true camera as `--camera` reads it."""
    return {
        "K": room.camera.intrinsics.tolist(),
        "width": room.camera.width,
        "height": room.camera.height,
        "gravity": gravity_in_camera(room.camera).tolist(),
        "height_m": float(room.camera.position[1]),
    }
