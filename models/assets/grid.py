"""The mask of an object on a small grid, and how well silhouettes cover it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, Integer

from regen3d.render.coverage import cover
from regen3d.types import ObjectView

MARGIN = 0.15
"""The grid exceeds the mask by this share of its longer side, so that what is too large shows."""
LEAST_OPEN = 0.9
"""Share of a cell that must count before a silhouette's end there is held against it: masks of neighbours are not
exact, and a gap between two masks is no sight of the floor."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How well silhouettes cover a mask, one number each."""

    iou: Float[np.ndarray, " b"]
    """IoU with the mask, where it counts, 0..1."""
    hidden: Float[np.ndarray, " b"]
    """Share of each silhouette that lies where it does not count, 0..1."""
    end: Float[np.ndarray, " b"]
    """How much lower or higher than the mask it ends where both are in view, as a share of the mask's height, 0..1."""


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

    @property
    def bare(self) -> "Grid":
        """The same as if nothing could be hidden: all cells count."""
        return replace(self, weight=np.ones_like(self.weight))

    def compare(self, vertices_camera: Float[np.ndarray, "b v 3"], faces: Integer[np.ndarray, "f 3"]) -> Comparison:
        """Each pose's silhouette against the mask."""
        drawn = cover(vertices_camera, faces, self.intrinsics, self.hw).reshape(len(vertices_camera), -1)
        sums = drawn.astype(np.float64) @ np.stack([self.mask, self.weight, np.ones_like(self.mask)], axis=1)
        both, counted, area = sums.T
        return Comparison(
            iou=both / np.maximum(self.mask.sum() + counted - both, 1e-9),
            hidden=(area - counted) / np.maximum(area, 1.0),
            end=self._end_error(drawn),
        )

    def _end_error(self, drawn: Bool[np.ndarray, "b n"]) -> Float[np.ndarray, " b"]:
        """Ends differ by less than a cell where nothing is wrong, which costs nothing."""
        shown: Bool[np.ndarray, "r c"] = np.reshape(self.mask >= 0.5, self.hw)
        rows = np.flatnonzero(np.any(shown, axis=1))
        if rows.size == 0:
            return np.zeros(len(drawn))
        seen = np.any(np.reshape(drawn & (self.weight >= LEAST_OPEN), (len(drawn), *self.hw)), axis=2)
        end = self.hw[0] - 1 - seen[:, ::-1].argmax(axis=1)
        error = np.clip(np.abs(end - rows[-1]) - 1, 0, None) / (rows[-1] + 1 - rows[0])
        return np.where(seen.any(axis=1), np.minimum(error, 1.0), 1.0)


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
