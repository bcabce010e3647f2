"""VGGT's geometry in MoGe-2's metres: two pictures in one frame from the one, scale from the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.base import GeometryRequest
from models.geometry.answer import DepthMap, DepthPair, geometry_of, horizontal_fov_deg, known_intrinsics
from models.geometry.moge import MogeGeometry, MogeOptions
from models.geometry.scaling import median_ratio
from models.geometry.vggt import VggtGeometry, VggtOptions
from regen3d.types import Geometry

SPREAD = 0.15
"""Spread of the pixels' ratios from which the two networks see different rooms, and the scale is less sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionOptions:
    """What can be chosen."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`; both networks are held there."""
    min_confidence: float = 0.5
    """Of VGGT's points, 0..1."""


class VggtWithMoge:
    """A `GeometryEstimator` of metric scale with both clouds from one pass."""

    Options = FusionOptions

    def __init__(self, options: FusionOptions | None = None) -> None:
        chosen = options or FusionOptions()
        self._shape = VggtGeometry(VggtOptions(device=chosen.device, min_confidence=chosen.min_confidence))
        self._metres = MogeGeometry(MogeOptions(device=chosen.device))

    def load(self) -> None:
        """Bring both networks into memory.

        Raises:
            NotInstalledError: the package vggt or moge is missing.
            WeightsMissingError: weights are not on this machine.
        """
        self._shape.load()
        self._metres.load()

    def close(self) -> None:
        """Give both back."""
        self._shape.close()
        self._metres.close()

    def estimate(self, requests: Sequence[GeometryRequest]) -> list[Geometry]:
        """Camera and metric point maps of each request.

        Raises:
            OutOfMemoryError: the GPU's memory ran out.
            ModelOutputError: a network gave no usable depth.
        """
        return [geometry_of(self._measure(request), request) for request in requests]

    def _measure(self, request: GeometryRequest) -> DepthPair:
        relative = self._shape.measure(request)
        known = known_intrinsics(request)
        lens = relative.intrinsics if known is None else known
        view = self._metres.look(request.image, horizontal_fov_deg(lens, request.image.shape[1]))
        return in_metres(relative, view.depth_map)


def in_metres(relative: DepthPair, metric: DepthMap) -> DepthPair:
    """A relative pair scaled so that its picture agrees with a metric depth map of that picture, in the median.

    Args:
        relative: picture and empty room in one scale.
        metric: of the picture, metres, found with the lens of `relative`.

    Returns:
        The pair in metres; as it was, with a note, where the two share too little to be compared.
    """
    everywhere = np.ones(metric.valid.shape, dtype=bool)
    ratio = median_ratio(metric, relative.image, everywhere)
    if ratio is None:
        note = "VGGT and MoGe-2 share too few sure points: lengths stay relative."
        return replace(relative, notes=(*relative.notes, note))
    sure = ratio.spread < SPREAD
    note = f"Metres come from MoGe-2, to which VGGT's depth was scaled (pixels differ by {ratio.spread:.0%})."
    return replace(
        relative,
        image=relative.image.times(ratio.factor),
        plate=relative.plate.times(ratio.factor),
        scale="metric",
        confidence=relative.confidence if sure else relative.confidence / 2,
        notes=(*relative.notes, note),
    )
