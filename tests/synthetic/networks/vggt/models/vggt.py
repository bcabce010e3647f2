"""Stands in for VGGT, which no package registry carries: its interface, with the truth of pictures as checkpoint."""

from pathlib import Path

import numpy as np
import torch

from models.geometry.framing import canvas_intrinsics, framed, framing_of
from regen3d.frames import pixel_centers

UNIT_M = 0.37
"""Its unit of length, metres."""
LOGIT = 5.0
"""Confidence is 1 + LOGIT wherever there is a picture."""


class VGGT(torch.nn.Module):
    """Answers frames as a perfect VGGT would, in a unit of its own, seen from the first frame."""

    def __init__(self, truth: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.truth = truth
        self.framing = framing_of(truth["images"].shape[1:3], 518, 14)
        self.canvases = np.stack([framed(image, self.framing) for image in truth["images"]])

    @classmethod
    def from_pretrained(cls, folder: str) -> "VGGT":
        with np.load(Path(folder) / "truth.npz") as truth:
            return cls(dict(truth))

    def forward(self, frames: torch.Tensor) -> dict[str, torch.Tensor]:
        depths = torch.from_numpy(np.stack([self._depth(frame) for frame in frames[0].numpy()]))[None, ..., None]
        intrinsics = canvas_intrinsics(self.truth["intrinsics"], self.framing)
        height, width = self.framing.canvas_hw
        views = [2 * np.arctan(size / 2 / intrinsics[k, k]) for k, size in ((1, height), (0, width))]
        pose = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, *views]).expand(1, frames.shape[1], 9)
        return {"pose_enc": pose, "depth": depths, "depth_conf": torch.full(depths.shape[:-1], 1.0 + LOGIT)}

    def _depth(self, frame: np.ndarray) -> np.ndarray:
        depth = self.truth["depths"][np.abs(self.canvases - frame).mean(axis=(1, 2, 3)).argmin()]
        centres = pixel_centers(self.framing.canvas_hw)
        back = np.linalg.inv(self.framing.canvas_from_picture)
        u, v = centres[..., 0] * back[0, 0] + back[0, 2], centres[..., 1] * back[1, 1] + back[1, 2]
        rows, columns = v.astype(int).clip(0, depth.shape[0] - 1), u.astype(int).clip(0, depth.shape[1] - 1)
        return depth[rows, columns].astype(np.float32) / UNIT_M
