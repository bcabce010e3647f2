"""The mask of an object on a small grid, and how well silhouettes cover it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, Integer

from regen3d.render.coverage import cover
from regen3d.types import ObjectView

MARGIN = 0.15
"""The grid exceeds the mask by this share of its longer side, so that what is too large shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What silhouettes are compared with."""

    intrinsics: Float[np.ndarray, "3 3"]
    """K in cells of the grid."""
    hw: tuple[int, int]
    """Its size in cells."""
    camera_from_world: Float[np.ndarray, "4 4"]
    """World frame to camera frame."""
    mask: Float[np.ndarray, " n"]
    """Share of each cell that shows the object, 0..1."""
    weight: Float[np.ndarray, " n"]
    """Share of each cell that counts, 0..1: where the object may be hidden does not."""

    def iou(
        self, vertices_camera: Float[np.ndarray, "b v 3"], faces: Integer[np.ndarray, "f 3"]
    ) -> Float[np.ndarray, " b"]:
        """IoU of each pose's silhouette with the mask, where it counts, 0..1."""
        return self.compare(vertices_camera, faces)[0]

    @property
    def bare(self) -> "Grid":
        """The same as if nothing could be hidden: all cells count."""
        return replace(self, weight=np.ones_like(self.weight))

    def compare(
        self, vertices_camera: Float[np.ndarray, "b v 3"], faces: Integer[np.ndarray, "f 3"]
    ) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, " b"]]:
        """The same, and the share of each silhouette that lies where it does not count, 0..1."""
        drawn = cover(vertices_camera, faces, self.intrinsics, self.hw).reshape(len(vertices_camera), -1)
        sums = drawn.astype(np.float64) @ np.stack([self.mask, self.weight, np.ones_like(self.mask)], axis=1)
        both, counted, area = sums.T
        iou = both / np.maximum(self.mask.sum() + counted - both, 1e-9)
        return iou, (area - counted) / np.maximum(area, 1.0)


def grid_of(view: ObjectView, longest: int) -> Grid:
    """A grid round the mask of an object with at most so many cells along its longer side."""
    x0, y0, x1, y1 = view.instance.box
    margin = max(2, round(MARGIN * max(x1 - x0, y1 - y0)))
    x0, y0 = max(x0 - margin, 0), max(y0 - margin, 0)
    x1, y1 = min(x1 + margin, view.camera.width), min(y1 + margin, view.camera.height)
    scale = min(1.0, longest / max(x1 - x0, y1 - y0))
    wh = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    sx, sy = wh[0] / (x1 - x0), wh[1] / (y1 - y0)
    mask = view.instance.mask[y0:y1, x0:x1]
    counted = (mask | ~view.ignore[y0:y1, x0:x1]).astype(np.float32)
    return Grid(
        intrinsics=np.array([[sx, 0, -sx * x0], [0, sy, -sy * y0], [0, 0, 1.0]]) @ view.camera.intrinsics,
        hw=(wh[1], wh[0]),
        camera_from_world=view.camera.camera_from_world,
        mask=_shrunk(mask.astype(np.float32), wh),
        weight=_shrunk(counted, wh),
    )


def _shrunk(values: Float[np.ndarray, "h w"], wh: tuple[int, int]) -> Float[np.ndarray, " n"]:
    return np.asarray(cv2.resize(values, wh, interpolation=cv2.INTER_AREA), dtype=np.float64).ravel()
