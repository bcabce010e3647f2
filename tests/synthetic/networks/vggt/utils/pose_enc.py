"""Stands in for VGGT's reader of cameras: translation, quaternion (all still here), vertical and horizontal view."""

import torch


def pose_encoding_to_extri_intri(
    pose: torch.Tensor, image_size_hw: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    height, width = image_size_hw
    frames = pose.shape[1]
    intrinsics = torch.zeros(1, frames, 3, 3)
    intrinsics[..., 0, 0] = width / 2 / torch.tan(pose[..., 8] / 2)
    intrinsics[..., 1, 1] = height / 2 / torch.tan(pose[..., 7] / 2)
    intrinsics[..., 0, 2], intrinsics[..., 1, 2], intrinsics[..., 2, 2] = width / 2, height / 2, 1.0
    return torch.eye(4)[:3].expand(1, frames, 3, 4), intrinsics
