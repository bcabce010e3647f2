"""Stands in for the paint pipeline of Hunyuan3D 2.1: its interface, and the picture as texture, half metal."""

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image


class Hunyuan3DPaintConfig:
    """Takes how many views are painted, and how large."""

    def __init__(self, max_num_view: int, resolution: int) -> None:
        self.views = max_num_view, resolution


class Hunyuan3DPaintPipeline:
    """Writes a GLB file beside the path that it is given."""

    def __init__(self, config: Hunyuan3DPaintConfig) -> None:
        self.config = config

    def __call__(self, mesh_path: str, image_path: Image.Image, output_mesh_path: str, **how: Any) -> str:
        mesh = trimesh.load_mesh(mesh_path, process=False)
        low, high = mesh.bounds
        material = trimesh.visual.material.PBRMaterial(
            baseColorTexture=image_path.convert("RGB").resize((64, 64)), roughnessFactor=0.3, metallicFactor=0.5
        )
        uv = np.clip(((mesh.vertices - low) / (high - low))[:, :2], 0.0, 1.0)
        mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
        mesh.export(Path(output_mesh_path).with_suffix(".glb"))
        return output_mesh_path
