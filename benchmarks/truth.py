"""What is true of a rendered scene: camera, masks, boxes, floor.

A scene is a folder with image.png, camera.json, instances.png, instances.json, floor_mask.png and depth.npy. Its world
frame is right-handed with Y up and the floor at y = 0, in metres; where its origin lies does not matter.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from benchmarks.choice import chosen
from regen3d.metrics.boxes import Bounds
from regen3d.types import Camera, Mask

LEAST_PIXELS = 400
"""Objects that show less are not scored: a sliver has no mask worth the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueObject:
    """One object as it is."""

    name: str
    """Unique in the scene."""
    label: str
    """What it is."""
    mask: Mask
    """Its visible pixels."""
    bounds: Bounds
    """World frame, metres."""
    truncated: bool
    """Whether the picture's border cuts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One scene as it is."""

    folder: Path
    """Where its files are."""
    camera: Camera
    """Its `world_from_camera` leads to the scene's own world."""
    objects: tuple[TrueObject, ...]
    """Those that show enough to be scored."""
    floor: Mask
    """Visible floor."""
    depth: Float[np.ndarray, "h w"]
    """Metres along the optical axis."""

    @property
    def name(self) -> str:
        """Name of the scene."""
        return self.folder.name


def load_truth(folder: Path) -> Truth:
    """Read a scene."""
    camera = json.loads((folder / "camera.json").read_text(encoding="utf-8"))
    index = np.array(Image.open(folder / "instances.png"))
    entries = json.loads((folder / "instances.json").read_text(encoding="utf-8"))["objects"]
    return Truth(
        folder=folder,
        camera=Camera(
            intrinsics=np.array(camera["K"], dtype=float),
            width=camera["width"],
            height=camera["height"],
            world_from_camera=np.array(camera["camera_to_world"]),
        ),
        objects=tuple(
            TrueObject(
                name=entry["name"],
                label=entry["category"],
                mask=index == entry["id"],
                bounds=np.array([entry["bbox_world_min"], entry["bbox_world_max"]]),
                truncated=entry["truncated"],
            )
            for entry in entries
            if entry["visible_pixels"] >= LEAST_PIXELS
        ),
        floor=np.array(Image.open(folder / "floor_mask.png").convert("L")) > 127,
        depth=np.load(folder / "depth.npy").astype(np.float64),
    )


def scene_folders(root: Path, names: str | None) -> list[Path]:
    """The scenes below a folder, or those of a list with commas, in order.

    Raises:
        SystemExit: there are none, or one that is named is missing; see `chosen`.
    """
    found = {path.parent.name: path.parent for path in sorted(root.glob("*/image.png"))}
    return [found[name] for name in chosen(names, list(found), f"scene in '{root}'")]
