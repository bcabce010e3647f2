"""How like two pictures are where it matters: inside the hole that was filled."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float

from regen3d.types import Mask, Rgb

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the brightness that SSIM compares (ITU-R BT.601)."""

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
"""Side and standard deviation of the window in pixels: Wang et al. 2004, section III-B."""

ALEXNET_WEIGHTS = "alexnet-owt-7be5be79.pth"
"""File name under which torchvision keeps the weights that LPIPS builds on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptualDistance:
    """LPIPS, or why there is none."""

    value: float | None
    """0 for equal pictures, about 0.7 for unlike ones; None where it could not be measured."""
    reason: str = ""
    """One sentence; empty where there is a value."""


def psnr_db(found: Rgb, true: Rgb, mask: Mask) -> float | None:
    """Peak signal-to-noise ratio inside a mask, dB, over the sRGB values 0..255 of all channels.

    Returns:
        Infinity for equal pictures, or None where the mask is empty.
    """
    if not mask.any():
        return None
    error = float(np.mean((found[mask].astype(np.float64) - true[mask]) ** 2))
    return float(10.0 * np.log10(255.0**2 / error)) if error > 0 else float("inf")


def ssim(found: Rgb, true: Rgb, mask: Mask) -> float | None:
    """Structural similarity of the brightness inside a mask, -1..1; 1 for equal pictures.

    The windows of pixels near the mask's border reach beyond it: the surroundings count a little.

    Returns:
        Mean over the mask, or None where it is empty.

    Source: Wang et al. 2004, "Image quality assessment", eq. 13, K1 = 0.01, K2 = 0.03.
    """
    if not mask.any():
        return None
    x, y = found @ LUMA, true @ LUMA
    mean_x, mean_y = _blurred(x), _blurred(y)
    variances = _blurred(x * x) - mean_x**2 + _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((similarity / ((mean_x**2 + mean_y**2 + c1) * (variances + c2)))[mask].mean())


def lpips_distance(found: Rgb, true: Rgb, mask: Mask) -> PerceptualDistance:
    """Learned perceptual distance (LPIPS on AlexNet) inside a mask: the mean of its map over the mask.

    Nothing is downloaded: without the package `lpips` or the weights of AlexNet in torch's cache the result says so.

    Source: Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric".
    """
    if not mask.any():
        return PerceptualDistance(value=None, reason="The mask is empty.")
    try:
        import lpips  # pyright: ignore[reportMissingImports]
    except ImportError:
        return PerceptualDistance(value=None, reason="The package lpips is not installed: pip install lpips.")
    weights = Path(torch.hub.get_dir()) / "checkpoints" / ALEXNET_WEIGHTS
    if not weights.is_file():
        return PerceptualDistance(value=None, reason=f"The weights of AlexNet are not at {weights}.")
    model = lpips.LPIPS(net="alex", spatial=True, verbose=False).eval()
    pictures = [torch.from_numpy(p.astype(np.float32) / 127.5 - 1.0).permute(2, 0, 1)[None] for p in (found, true)]
    with torch.inference_mode():
        distance = model(*pictures)[0, 0].numpy()
    return PerceptualDistance(value=float(distance[mask].mean()))


def _blurred(picture: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    window = (SSIM_WINDOW, SSIM_WINDOW)
    return cv2.GaussianBlur(picture, window, SSIM_SIGMA, borderType=cv2.BORDER_REFLECT)
