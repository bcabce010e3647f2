"""Sizes of the networks of the studio profile, as their checkpoints say: built with random weights where none are."""

from typing import Any

Sizes = dict[str, Any]
"""Part of a model -> fields of its configuration."""

_BERT: Sizes = {"vocab_size": 30522}
_DINO_PICTURE: Sizes = {"shortest_edge": 800, "longest_edge": 1333}
GROUNDING_DINO: dict[str, Sizes] = {
    "tiny": {
        "backbone": {
            "image_size": 224,
            "embed_dim": 96,
            "depths": [2, 2, 6, 2],
            "num_heads": [3, 6, 12, 24],
            "window_size": 7,
            "out_indices": [2, 3, 4],
        },
        "text": _BERT,
        "head": {},
        "picture": _DINO_PICTURE,
    },
    "base": {
        "backbone": {
            "image_size": 384,
            "embed_dim": 128,
            "depths": [2, 2, 18, 2],
            "num_heads": [4, 8, 16, 32],
            "window_size": 12,
            "out_indices": [2, 3, 4],
        },
        "text": _BERT,
        "head": {},
        "picture": _DINO_PICTURE,
    },
}
"""grounding-dino-tiny with Swin-T, grounding-dino-base with Swin-B; the rest are the defaults of transformers."""

SAM: dict[str, Sizes] = {
    "base": {"vision": {}, "prompt": {}, "decoder": {}},
    "huge": {
        "vision": {
            "hidden_size": 1280,
            "num_hidden_layers": 32,
            "num_attention_heads": 16,
            "global_attn_indexes": [7, 15, 23, 31],
        },
        "prompt": {},
        "decoder": {},
    },
}
"""sam-vit-base is the default of transformers."""

SAM3: Sizes = {
    "text": {
        "vocab_size": 49408,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "projection_dim": 512,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "max_position_embeddings": 32,
        "hidden_act": "gelu",
    },
    "rest": {},
}
"""The defaults of transformers, with the text encoder of the checkpoint."""

DINOV2_LARGE: Sizes = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 518,
    "patch_size": 14,
}
"""The trunk of VGGT and of MoGe-2, whose own packages are on no registry."""

HUNYUAN: dict[str, Any] = {
    "model": {
        "target": "hy3dgen.shapegen.models.Hunyuan3DDiT",
        "params": {
            "in_channels": 64,
            "context_in_dim": 1536,
            "hidden_size": 1024,
            "mlp_ratio": 4.0,
            "num_heads": 16,
            "depth": 16,
            "depth_single_blocks": 32,
            "axes_dim": [64],
            "qkv_bias": True,
        },
    },
    "vae": {
        "target": "hy3dgen.shapegen.models.ShapeVAE",
        "params": {
            "num_latents": 3072,
            "embed_dim": 64,
            "width": 1024,
            "heads": 16,
            "num_decoder_layers": 16,
            "num_freqs": 8,
            "include_pi": False,
            "qkv_bias": False,
            "qk_norm": True,
        },
    },
    "conditioner": {
        "target": "hy3dgen.shapegen.models.SingleImageEncoder",
        "params": {
            "main_image_encoder": {
                "type": "DinoImageEncoder",
                "kwargs": {
                    "image_size": 518,
                    "config": {
                        "hidden_size": 1536,
                        "num_hidden_layers": 40,
                        "num_attention_heads": 24,
                        "use_swiglu_ffn": True,
                        "image_size": 518,
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
    "image_processor": {"target": "hy3dgen.shapegen.preprocessors.ImageProcessorV2", "params": {"size": 512}},
}
"""Shape network of Hunyuan3D 2.0, full."""

KLEIN: dict[str, Sizes] = {
    "transformer": {
        "num_layers": 5,
        "num_single_layers": 20,
        "num_attention_heads": 24,
        "joint_attention_dim": 7680,
        "guidance_embeds": False,
    },
    "text": {
        "vocab_size": 151936,
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
    },
    "vae": {},
}
"""FLUX.2 klein 4B with Qwen3-4B."""
