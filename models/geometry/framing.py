"""How a picture lies on the canvas of a network with square patches, and the exact way back."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from regen3d.types import Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """A picture that was resized and padded: `canvas = picture * scale + offset`, per axis."""

    hw: tuple[int, int]
    """Size of the picture, pixels."""
    inner_hw: tuple[int, int]
    """Size of the picture on the canvas; the sides keep their ratio up to half a patch."""
    canvas_hw: tuple[int, int]
    """Size of the canvas."""
    offset_yx: tuple[int, int]
    """Where the picture's upper left corner lies on the canvas."""

    @property
    def canvas_from_picture(self) -> Float[np.ndarray, "3 3"]:
        """Affine map of pixel coordinates (u, v, 1), pixel centres at +0.5 on both sides."""
        return np.array(
            [
                [self.inner_hw[1] / self.hw[1], 0.0, self.offset_yx[1]],
                [0.0, self.inner_hw[0] / self.hw[0], self.offset_yx[0]],
                [0.0, 0.0, 1.0],
            ]
        )


def framing_of(hw: tuple[int, int], side: int, patch: int) -> Framing:
    """The framing that VGGT was trained with: as wide as the canvas, no higher than wide, sides in whole patches.

    A picture that is higher than wide is padded at its sides to a square; any other one needs no padding.

    Args:
        hw: size of the picture, pixels.
        side: longer side of the canvas, a multiple of `patch`.
        patch: side of a patch.
    """
    height, width = hw
    scale = side / max(hw)
    inner = tuple(min(max(round(length * scale / patch) * patch, patch), side) for length in hw)
    canvas = (side, side) if height > width else inner
    offset = ((canvas[0] - inner[0]) // 2, (canvas[1] - inner[1]) // 2)
    return Framing(hw=hw, inner_hw=(inner[0], inner[1]), canvas_hw=(canvas[0], canvas[1]), offset_yx=offset)


def framed(image: Rgb, framing: Framing) -> Float32[np.ndarray, "3 ch cw"]:
    """The picture on a white canvas, 0..1, channels first."""
    height, width = framing.inner_hw
    shrinks = height < framing.hw[0]
    inner = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    canvas = np.ones((*framing.canvas_hw, 3), dtype=np.float32)
    canvas[_inside(framing)] = inner.astype(np.float32) / 255.0
    return np.ascontiguousarray(canvas.transpose(2, 0, 1))


def cropped(canvas: Float[np.ndarray, "ch cw"], framing: Framing) -> Float[np.ndarray, "ih iw"]:
    """A map of the canvas without its padding."""
    return canvas[_inside(framing)]


def enlarged(inner: Float[np.ndarray, "ih iw"], framing: Framing) -> Float[np.ndarray, "h w"]:
    """A map of the picture on the canvas at the picture's own size, linear between pixel centres."""
    size = (framing.hw[1], framing.hw[0])
    return np.asarray(cv2.resize(inner.astype(np.float64), size, interpolation=cv2.INTER_LINEAR))


def enlarged_mask(inner: Bool[np.ndarray, "ih iw"], framing: Framing) -> Bool[np.ndarray, "h w"]:
    """A mask of the picture on the canvas at the picture's own size; true where all that `enlarged` mixes is true."""
    return enlarged(inner.astype(np.float64), framing) > 1.0 - 1e-6


def picture_intrinsics(canvas_intrinsics: Float[np.ndarray, "3 3"], framing: Framing) -> Float[np.ndarray, "3 3"]:
    """K in pixels of the picture from K in pixels of the canvas."""
    return np.linalg.inv(framing.canvas_from_picture) @ canvas_intrinsics


def canvas_intrinsics(intrinsics: Float[np.ndarray, "3 3"], framing: Framing) -> Float[np.ndarray, "3 3"]:
    """K in pixels of the canvas from K in pixels of the picture."""
    return framing.canvas_from_picture @ intrinsics


def _inside(framing: Framing) -> tuple[slice, slice]:
    (top, left), (height, width) = framing.offset_yx, framing.inner_hw
    return slice(top, top + height), slice(left, left + width)
