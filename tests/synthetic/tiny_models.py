"""Tiny checkpoints with random weights, saved as real ones are: what they find is nonsense, but all their code runs.

Each writes one folder `OWNER--NAME` of a folder that `REGEN3D_WEIGHTS` may name.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    CLIPTextConfig,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoProcessor,
    Sam3Config,
    Sam3Model,
    SamConfig,
    SamModel,
    SamProcessor,
    SwinConfig,
)
from transformers.models.bert.tokenization_bert import BertTokenizer
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from models.registry import GROUNDING_DINO, SAM, SAM3
from models.segmentation.vocabulary import EVERYTHING
from models.weights import Weights

WORDS = sorted({word for label in (*EVERYTHING, "floor wall ceiling window door") for word in label.split()})

Sizes = dict[str, Any]
"""Part of a model -> fields of its configuration."""

DINO: Sizes = {
    "backbone": {
        "image_size": 64,
        "embed_dim": 8,
        "depths": [1, 1],
        "num_heads": [1, 1],
        "window_size": 4,
        "out_features": ["stage1", "stage2"],
        "out_indices": [1, 2],
    },
    "text": {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 64,
    },
    "head": {
        "num_queries": 20,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "d_model": 32,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 16,
        "decoder_ffn_dim": 16,
        "num_feature_levels": 3,
        "max_text_len": 64,
    },
    "picture": {"shortest_edge": 64, "longest_edge": 96},
}
"""GroundingDINO with a Swin of two stages, a BERT of one layer and 20 queries."""
VIT_SAM: Sizes = {
    "vision": {
        "hidden_size": 16,
        "output_channels": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 64,
        "patch_size": 8,
        "window_size": 4,
        "global_attn_indexes": [0],
        "num_pos_feats": 8,
        "mlp_dim": 16,
    },
    "prompt": {"hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4},
    "decoder": {
        "hidden_size": 16,
        "mlp_dim": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 16,
    },
}
"""SAM with one vision layer and pictures of 64 pixels."""
_LAYER = {"hidden_size": 16, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
CONCEPTS: Sizes = {
    "text": {
        "hidden_size": 16,
        "intermediate_size": 16,
        "projection_dim": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 32,
    },
    "rest": {
        "vision_config": {
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "image_size": 112,
                "patch_size": 14,
                "window_size": 4,
                "global_attn_indexes": [0],
                "pretrain_image_size": 56,
            },
            "fpn_hidden_size": 16,
            "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        },
        "geometry_encoder_config": _LAYER,
        "detr_encoder_config": _LAYER,
        "detr_decoder_config": {**_LAYER, "num_queries": 10},
        "mask_decoder_config": {"hidden_size": 16, "num_attention_heads": 2},
    },
}
"""SAM 3 with one layer everywhere, pictures of 112 pixels and 10 queries."""


def write_grounding_dino(root: Path, weights: Weights = GROUNDING_DINO["base"], sizes: Sizes = DINO) -> Path:
    """GroundingDINO, with a vocabulary of the words that regen3d looks for."""
    torch.manual_seed(0)
    vocabulary = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *WORDS])}
    tokenizer = BertTokenizer(vocab=vocabulary)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig.from_dict(sizes["backbone"]),
        text_config=BertConfig(**{"vocab_size": len(vocabulary), **sizes["text"]}),
        **sizes["head"],
    )
    folder = root / weights.folder_name
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    GroundingDinoProcessor(GroundingDinoImageProcessorPil(size=sizes["picture"]), tokenizer).save_pretrained(folder)
    return folder


def write_sam(root: Path, weights: Weights = SAM["huge"], sizes: Sizes = VIT_SAM) -> Path:
    """SAM."""
    torch.manual_seed(0)
    config = SamConfig(
        vision_config=sizes["vision"], prompt_encoder_config=sizes["prompt"], mask_decoder_config=sizes["decoder"]
    )
    folder = root / weights.folder_name
    SamModel(config).save_pretrained(folder)
    side = int(config.vision_config.image_size)
    images = SamImageProcessorPil(size={"longest_edge": side}, pad_size={"height": side, "width": side})
    SamProcessor(images).save_pretrained(folder)
    return folder


def write_sam3(root: Path, weights: Weights = SAM3, sizes: Sizes = CONCEPTS) -> Path:
    """SAM 3, with a tokenizer that spells."""
    torch.manual_seed(0)
    tokenizer = _clip_tokenizer()
    text = CLIPTextConfig(**{"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 1, **sizes["text"]})
    folder = root / weights.folder_name
    Sam3Model(Sam3Config(text_config=text.to_dict(), **sizes["rest"])).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _clip_tokenizer() -> CLIPTokenizer:
    """Letters and their word ends: every label can be spelt."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return CLIPTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}, merges=[], model_max_length=32)
