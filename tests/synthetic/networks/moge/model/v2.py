"""Stands in for MoGe-2, which no package registry carries: its interface, with the truth of pictures as checkpoint."""

from pathlib import Path

import numpy as np
import torch


class MoGeModel(torch.nn.Module):
    """Answers pictures as a perfect MoGe would: metres, and intrinsics of a picture of width and height 1."""

    def __init__(self, truth: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.truth = truth

    @classmethod
    def from_pretrained(cls, path: str) -> "MoGeModel":
        with np.load(Path(path).with_name("truth.npz")) as truth:
            return cls(dict(truth))

    def infer(
        self, image: torch.Tensor, resolution_level: int = 9, fov_x: float | None = None, use_fp16: bool = True
    ) -> dict[str, torch.Tensor]:
        shown = image.permute(1, 2, 0).numpy() * 255.0
        nearest = np.abs(self.truth["images"] - shown).mean(axis=(1, 2, 3)).argmin()
        height, width = shown.shape[:2]
        normalised = np.diag([1 / width, 1 / height, 1.0]) @ self.truth["intrinsics"]
        return {
            "depth": torch.from_numpy(self.truth["depths"][nearest].astype(np.float32)),
            "intrinsics": torch.from_numpy(normalised.astype(np.float32)),
        }
