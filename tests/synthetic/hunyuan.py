"""Hunyuan3D as it is shipped, but tiny: the library's own classes, random weights, files as on the hub."""

import importlib
import importlib.util
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

PACKAGES_VARIABLE = "REGEN3D_PACKAGES"
"""Names a folder made by `pip install --no-deps --target FOLDER hy3dgen==2.0.2 pymeshlab torchvision`. They are kept
apart because torchvision's build for CUDA does not fit a PyTorch without it."""

_STAND_INS: list[torch.library.Library] = []
"""Kept alive: operators vanish with their library."""


def require_hy3dgen() -> None:
    """Make hy3dgen importable, or skip with the reason."""
    folder = os.environ.get(PACKAGES_VARIABLE)
    if folder and folder not in sys.path:
        sys.path.append(folder)
    missing = [name for name in ("hy3dgen", "pymeshlab", "torchvision") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: set {PACKAGES_VARIABLE} to a folder that holds them")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _import_torchvision()
        importlib.import_module("hy3dgen.shapegen")


def _import_torchvision() -> None:
    """Import it even where its compiled part does not load: only its transforms are used."""
    if "torchvision" in sys.modules:
        return
    if not torch.cuda.is_available():
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _STAND_INS.append(library)
    importlib.import_module("torchvision")


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
