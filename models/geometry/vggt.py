"""VGGT (Wang et al. 2025): picture and empty room as two frames of one pass, relative depth of both in one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from models.base import GeometryRequest
from models.devices import device_of, free_memory, half_precision, memory_watched
from models.geometry.answer import DepthMap, DepthPair, geometry_of
from models.geometry.framing import Framing, cropped, enlarged, enlarged_mask, framed, framing_of, picture_intrinsics
from models.registry import VGGT as WEIGHTS
from models.registry import find
from models.weights import locate
from regen3d.errors import ModelOutputError, NotInstalledError
from regen3d.room.cleaning import depth_edges
from regen3d.types import Geometry

SIDE_PX, PATCH_PX = 518, 14
"""Longer side that VGGT was trained with, and side of its patches."""
TURN_TOLERANCE_DEG, SHIFT_TOLERANCE = 2.0, 0.05
"""Both pictures come from one camera; a greater turn, or a shift by a greater share of the median depth, means that
VGGT saw two, and its depths of the two are less sure to fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VggtOptions:
    """What can be chosen."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`."""
    min_confidence: float = 0.5
    """Least confidence of a point, 0..1; see `share_of_confidence`. 0.5 is where the network's own logit is neutral,
    0.8 is the threshold of VGGT's demo (5.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What VGGT says of two frames, on the canvas."""

    intrinsics: Float[np.ndarray, "2 3 3"]
    """K in pixels of the canvas."""
    camera_from_world: Float[np.ndarray, "2 3 4"]
    """OpenCV convention; the world is the first camera's frame, up to noise."""
    depth: Float[np.ndarray, "2 ch cw"]
    """Relative."""
    raw_confidence: Float[np.ndarray, "2 ch cw"]
    """1 + exp(logit)."""


class VggtGeometry:
    """A `GeometryEstimator` of relative scale."""

    Options = VggtOptions

    def __init__(self, options: VggtOptions | None = None) -> None:
        self.options = options or VggtOptions()
        self._model: Any = None
        self._decode: Any = None

    def load(self) -> None:
        """Import VGGT and read its weights.

        Raises:
            NotInstalledError: the package vggt is missing.
            WeightsMissingError: the weights are not on this machine.
        """
        try:
            from vggt.models.vggt import VGGT  # pyright: ignore[reportMissingImports]
            from vggt.utils.pose_enc import pose_encoding_to_extri_intri  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            install = find("geometry", "vggt").install
            raise NotInstalledError(f"VGGT needs the package vggt ({error}): install with `{install}`") from error
        folder = locate(WEIGHTS, "vggt")
        self._decode = pose_encoding_to_extri_intri
        self._model = VGGT.from_pretrained(str(folder)).to(device_of(self.options.device)).eval()

    def close(self) -> None:
        """Give the weights back."""
        self._model = None
        free_memory()

    def estimate(self, requests: Sequence[GeometryRequest]) -> list[Geometry]:
        """Camera and point maps of each request.

        Raises:
            OutOfMemoryError: the GPU's memory ran out.
            ModelOutputError: depth is not finite, or nowhere positive.
        """
        return [geometry_of(self.measure(request), request) for request in requests]

    def measure(self, request: GeometryRequest) -> DepthPair:
        """Depth of a picture and its empty room, relative."""
        framing = framing_of((request.image.shape[0], request.image.shape[1]), SIDE_PX, PATCH_PX)
        frames = np.stack([framed(request.image, framing), framed(request.plate, framing)])
        with memory_watched("VGGT", "free the GPU (it takes about 8 GB), or choose the option device=cpu"):
            prediction = self._predict(torch.from_numpy(frames))
        return pair_of(prediction, framing, self.options.min_confidence)

    def _predict(self, frames: torch.Tensor) -> Prediction:
        device = device_of(self.options.device)
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype=half_precision(device), enabled=device.type == "cuda"),
        ):
            answer = self._model(frames[None].to(device))
        camera_from_world, intrinsics = self._decode(answer["pose_enc"].float(), tuple(frames.shape[-2:]))
        return Prediction(
            intrinsics=_array(intrinsics[0]),
            camera_from_world=_array(camera_from_world[0]),
            depth=_array(answer["depth"][0, ..., 0]),
            raw_confidence=_array(answer["depth_conf"][0]),
        )


def share_of_confidence(raw: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """VGGT's confidence as a number of 0..1.

    VGGT answers c = 1 + exp(logit), at least 1, so that a threshold of 1 keeps everything. 1 - 1 / c is the logistic
    function of that logit. Training minimises c * error - alpha * log(c), least at c = alpha / error: 1 / c is the
    error that the network expects, in units of alpha.
    """
    return 1.0 - 1.0 / np.maximum(raw, 1.0)


def pair_of(prediction: Prediction, framing: Framing, min_confidence: float) -> DepthPair:
    """A prediction in pixels of the picture, without padding and without depth edges.

    Raises:
        ModelOutputError: depth is not finite, or nowhere positive.
    """
    image, plate = (
        _depth_map(prediction.depth[k], prediction.raw_confidence[k], framing, min_confidence) for k in range(2)
    )
    notes = _disagreement(prediction.camera_from_world, float(np.median(image.depth[image.valid])))
    confidence = float(np.median(plate.confidence[plate.valid]))
    return DepthPair(
        intrinsics=picture_intrinsics(prediction.intrinsics[0], framing),
        image=image,
        plate=plate,
        scale="relative",
        confidence=confidence / 2 if notes else confidence,
        notes=notes,
    )


def _depth_map(
    depth: Float[np.ndarray, "ch cw"], raw: Float[np.ndarray, "ch cw"], framing: Framing, min_confidence: float
) -> DepthMap:
    inner, confidence = cropped(depth, framing), share_of_confidence(cropped(raw, framing))
    if not (np.isfinite(inner).all() and np.isfinite(confidence).all() and (inner > 0).any()):
        raise ModelOutputError(
            f"VGGT answered depth of which {np.isfinite(inner).mean():.0%} is finite and {(inner > 0).mean():.0%} "
            "positive: use float32 (device=cpu), or check its weights"
        )
    positive = inner > 0
    sound = positive & (confidence >= min_confidence) & ~depth_edges(inner, positive)
    if sound.sum() < 100:
        raise ModelOutputError(
            f"VGGT trusts {int(sound.sum())} pixels at a confidence of {min_confidence:g}, at least 100 are needed: "
            f"choose a smaller min_confidence (its median is {np.median(confidence):.2f})"
        )
    return DepthMap(
        depth=enlarged(inner, framing), valid=enlarged_mask(sound, framing), confidence=enlarged(confidence, framing)
    )


def _disagreement(camera_from_world: Float[np.ndarray, "2 3 4"], depth: float) -> tuple[str, ...]:
    """A sentence where VGGT saw the empty room from somewhere else."""
    rotation = camera_from_world[1, :, :3] @ camera_from_world[0, :, :3].T
    turn = float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0))))
    shift = float(np.linalg.norm(camera_from_world[1, :, 3] - rotation @ camera_from_world[0, :, 3])) / depth
    if turn <= TURN_TOLERANCE_DEG and shift <= SHIFT_TOLERANCE:
        return ()
    return (
        f"VGGT saw the empty room from another place ({turn:.1f} degrees, {shift:.0%} of the depth); both are taken "
        "for one camera.",
    )


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy().astype(np.float64)
