"""Tiny pipelines of diffusers with random weights, saved as real ones are: they paint nonsense, but all runs.

Each writes one folder `OWNER--NAME` of a folder that `REGEN3D_WEIGHTS` may name.
"""

import json
from pathlib import Path
from typing import Any

import torch

from models.registry import FLUX2_KLEIN, QWEN_EDIT

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
)
KLEIN: dict[str, Any] = {
    "transformer": {
        "in_channels": 16,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 48,
        "axes_dims_rope": [4, 4, 4, 4],
        "guidance_embeds": False,
    },
    "text": {
        "hidden_size": 16,
        "intermediate_size": 16,
        # The prompt is read off layers 9, 18 and 27.
        "num_hidden_layers": 28,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
    },
    "vae": {"block_out_channels": [8, 8, 8, 8], "layers_per_block": 1, "latent_channels": 4, "norm_num_groups": 4},
}
"""The parts of `Flux2KleinPipeline`."""


def klein_pipeline(parts: dict[str, Any]) -> Any:
    """FLUX.2 klein with random weights, of the given sizes."""
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    tokenizer = letters_tokenizer()
    text = {"vocab_size": len(tokenizer), **parts["text"]}
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLFlux2(**parts["vae"]),
        text_encoder=Qwen3ForCausalLM(Qwen3Config(**text)),
        tokenizer=tokenizer,
        transformer=Flux2Transformer2DModel(**parts["transformer"]),
        is_distilled=True,
    )


def letters_tokenizer() -> Any:
    """A tokenizer of Qwen's kind that spells everything byte by byte."""
    from transformers import Qwen2TokenizerFast

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    # Printable stand-ins of the 256 bytes, as byte-level tokenizers write them.
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
    tokenizer = Qwen2TokenizerFast(
        vocab={piece: n for n, piece in enumerate([*special, *letters])},
        merges=[],
        additional_special_tokens=special[1:],
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def write_klein(root: Path, spoil: str = "") -> Path:
    """A checkpoint of FLUX.2 klein.

    Args:
        root: the folder of weights.
        spoil: `numbers` makes the picture not finite, `files` cuts a file of weights short.
    """
    folder = root / FLUX2_KLEIN.folder_name
    pipeline = klein_pipeline(KLEIN)
    if spoil == "numbers":
        with torch.no_grad():
            pipeline.vae.decoder.conv_out.bias += torch.nan
    pipeline.save_pretrained(folder)
    if spoil == "files":
        weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
    assert json.loads((folder / "model_index.json").read_text())["_class_name"] == "Flux2KleinPipeline"
    return folder


QWEN: dict[str, Any] = {
    "transformer": {
        "in_channels": 16,
        "out_channels": 4,
        "num_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 16,
        "axes_dims_rope": [4, 6, 6],
    },
    "text": {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0},
    },
    "vision": {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
        "fullatt_block_indexes": [0],
    },
    "vae": {
        "base_dim": 8,
        "z_dim": 4,
        "dim_mult": [1, 1, 1, 1],
        "num_res_blocks": 1,
        "temperal_downsample": [False, True, True],
        "latents_mean": [0.0] * 4,
        "latents_std": [1.0] * 4,
    },
}
"""The parts of `QwenImageEditPlusPipeline`."""


def qwen_pipeline(parts: dict[str, Any]) -> Any:
    """Qwen-Image-Edit with random weights, of the given sizes."""
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageEditPlusPipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    torch.manual_seed(0)
    tokenizer = letters_tokenizer()
    numbers = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("vision_start", "vision_end")
    }
    config = Qwen2_5_VLConfig(
        text_config={"vocab_size": len(tokenizer), **parts["text"]},
        vision_config=parts["vision"],
        image_token_id=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
        **numbers,
    )
    return QwenImageEditPlusPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(**parts["vae"]),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=tokenizer,
        processor=Qwen2VLProcessor(Qwen2VLImageProcessorPil(), tokenizer, Qwen2VLVideoProcessor(), chat_template=CHAT),
        transformer=QwenImageTransformer2DModel(**parts["transformer"]),
    )


def write_qwen(root: Path) -> Path:
    """A checkpoint of Qwen-Image-Edit."""
    folder = root / QWEN_EDIT.folder_name
    qwen_pipeline(QWEN).save_pretrained(folder)
    return folder
