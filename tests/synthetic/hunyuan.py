"""Hunyuan3D as it is shipped, but tiny: the library's own classes, random weights, files as on the hub."""

import importlib
import warnings
from pathlib import Path
from typing import Any

import torch

from tests.synthetic.beside import require_beside


def require_hy3dgen() -> None:
    """Make hy3dgen importable, or skip with the reason."""
    require_beside("hy3dgen", "pymeshlab", "torchvision")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("hy3dgen.shapegen")


CONFIG: dict[str, Any] = {
    "model": {
        "target": "hy3dgen.shapegen.models.Hunyuan3DDiT",
        "params": {
            "in_channels": 8,
            "context_in_dim": 32,
            "hidden_size": 32,
            "num_heads": 2,
            "depth": 1,
            "depth_single_blocks": 1,
            "axes_dim": [16],
        },
    },
    "vae": {
        "target": "hy3dgen.shapegen.models.ShapeVAE",
        "params": {
            "num_latents": 16,
            "embed_dim": 8,
            "width": 32,
            "heads": 2,
            "num_decoder_layers": 1,
            "num_freqs": 4,
        },
    },
    "conditioner": {
        "target": "hy3dgen.shapegen.models.SingleImageEncoder",
        "params": {
            "main_image_encoder": {
                "type": "DinoImageEncoder",
                "kwargs": {
                    "image_size": 28,
                    "config": {
                        "hidden_size": 32,
                        "num_hidden_layers": 1,
                        "num_attention_heads": 2,
                        "image_size": 28,
                        "patch_size": 14,
                    },
                },
            }
        },
    },
    "scheduler": {
        "target": "hy3dgen.shapegen.schedulers.FlowMatchEulerDiscreteScheduler",
        "params": {"num_train_timesteps": 1000},
    },
    "image_processor": {"target": "hy3dgen.shapegen.preprocessors.ImageProcessorV2", "params": {"size": 32}},
}
"""The shape of a real `config.yaml`."""


def write_checkpoint(folder: Path, bias: float = 0.0) -> Path:
    """Write `config.yaml` and `model.fp16.safetensors` of a random network.

    Args:
        folder: is made.
        bias: added to the field; a large one leaves no surface, NaN leaves no numbers.
    """
    import yaml
    from hy3dgen.shapegen.pipelines import instantiate_from_config
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    torch.manual_seed(0)
    state: dict[str, torch.Tensor] = {}
    for part in ("model", "vae", "conditioner"):
        module = instantiate_from_config(CONFIG[part])
        if part == "vae":
            with torch.no_grad():
                module.geo_decoder.output_proj.bias += bias
        state |= {f"{part}.{name}": value.contiguous() for name, value in module.state_dict().items()}
    save_file(state, folder / "model.fp16.safetensors")
    return folder
