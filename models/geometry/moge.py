"""MoGe-2 (Wang et al. 2025): metric depth and the field of view of a single picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from models.base import GeometryRequest
from models.devices import device_of, free_memory, memory_watched
from models.geometry.answer import (
    DepthMap,
    DepthPair,
    clear_of,
    geometry_of,
    horizontal_fov_deg,
    known_intrinsics,
)
from models.geometry.scaling import median_ratio
from models.registry import MOGE, find
from models.weights import locate
from regen3d.errors import ModelOutputError, NotInstalledError
from regen3d.room.cleaning import depth_edges
from regen3d.types import Geometry, Rgb

CONFIDENCE = 0.8
"""Of a pixel that MoGe's own mask keeps: MoGe gives no confidence of its own, and metric scale is never certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MogeOptions:
    """What can be chosen."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`."""
    resolution_level: int = 9
    """0..9: how many tokens the network spends on a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MogeView:
    """What MoGe says of one picture."""

    depth_map: DepthMap
    """Metres."""
    intrinsics: Float[np.ndarray, "3 3"]
    """K in pixels of the picture."""


class MogeGeometry:
    """A `GeometryEstimator` of metric scale."""

    Options = MogeOptions

    def __init__(self, options: MogeOptions | None = None) -> None:
        self.options = options or MogeOptions()
        self._model: Any = None

    def load(self) -> None:
        """Import MoGe and read its weights.

        Raises:
            NotInstalledError: the package moge is missing.
            WeightsMissingError: the weights are not on this machine.
        """
        try:
            from moge.model.v2 import MoGeModel  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            install = find("geometry", "moge").install
            raise NotInstalledError(f"MoGe-2 needs the package moge ({error}): install with `{install}`") from error
        folder = locate(MOGE, "moge")
        model = MoGeModel.from_pretrained(str(folder / "model.pt"))
        self._model = model.to(device_of(self.options.device)).eval()

    def close(self) -> None:
        """Give the weights back."""
        self._model = None
        free_memory()

    def estimate(self, requests: Sequence[GeometryRequest]) -> list[Geometry]:
        """Camera and metric point maps of each request.

        Raises:
            OutOfMemoryError: the GPU's memory ran out.
            ModelOutputError: depth is nowhere finite.
        """
        return [geometry_of(self._measure(request), request) for request in requests]

    def look(self, image: Rgb, fov_x_deg: float | None) -> MogeView:
        """Metric depth and lens of one picture.

        Args:
            image: the picture.
            fov_x_deg: horizontal field of view where it is known, degrees.
        """
        device = device_of(self.options.device)
        pixels = torch.from_numpy(image.astype(np.float32) / 255.0).permute(2, 0, 1).to(device)
        with memory_watched("MoGe-2", "free the GPU (it takes about 4 GB), or choose the option device=cpu"):
            answer = self._model.infer(
                pixels,
                resolution_level=self.options.resolution_level,
                fov_x=fov_x_deg,
                use_fp16=device.type == "cuda",
            )
        found = {name: answer[name].float().cpu().numpy() for name in ("depth", "intrinsics")}
        return view_of(found["depth"], found["intrinsics"])

    def _measure(self, request: GeometryRequest) -> DepthPair:
        known = known_intrinsics(request)
        width = request.image.shape[1]
        image = self.look(request.image, None if known is None else horizontal_fov_deg(known, width))
        # One camera took both: the lens of the picture holds for the empty room.
        plate = self.look(request.plate, horizontal_fov_deg(image.intrinsics, width))
        return joined(image, plate, clear_of(request))


def view_of(depth: Float[np.ndarray, "h w"], normalised: Float[np.ndarray, "3 3"]) -> MogeView:
    """MoGe's answer in pixels.

    Args:
        depth: metres, infinite where MoGe's mask leaves a pixel out.
        normalised: K of a picture of width 1 and height 1.

    Raises:
        ModelOutputError: fewer than 100 pixels have a depth.
    """
    height, width = depth.shape
    positive = np.isfinite(depth) & (depth > 0)
    if positive.sum() < 100:
        raise ModelOutputError(
            f"MoGe-2 gave {int(positive.sum())} pixels a depth, at least 100 are needed: check its weights"
        )
    depth = np.where(positive, depth, 0.0).astype(np.float64)
    valid = positive & ~depth_edges(depth, positive)
    intrinsics = np.diag([width, height, 1.0]) @ normalised.astype(np.float64)
    depth_map = DepthMap(depth=depth, valid=valid, confidence=np.where(valid, CONFIDENCE, 0.0))
    return MogeView(depth_map=depth_map, intrinsics=intrinsics)


def joined(image: MogeView, plate: MogeView, clear: Bool[np.ndarray, "h w"]) -> DepthPair:
    """Two views of one camera in one scale: the empty room is scaled to the picture where both show the room.

    Args:
        image: of the picture; its metres and its lens are kept.
        plate: of the empty room.
        clear: pixels without an object.
    """
    ratio = median_ratio(image.depth_map, plate.depth_map, clear)
    notes: tuple[str, ...] = ()
    factor = 1.0
    if ratio is None:
        notes = ("Picture and empty room share too few points to compare their scales; both are taken as measured.",)
    else:
        factor = ratio.factor
    return DepthPair(
        intrinsics=image.intrinsics,
        image=image.depth_map,
        plate=plate.depth_map.times(factor),
        scale="metric",
        confidence=CONFIDENCE,
        notes=notes,
    )
