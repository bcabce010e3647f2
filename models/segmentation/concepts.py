"""SAM 3 through transformers: every instance of a noun phrase, with its mask, in one call a phrase."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from transformers import Sam3Model

from models.segmentation.checkpoints import check_finite, in_chunks, read_model, read_tokenizer
from regen3d.types import Mask, Rgb

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in pixels."""

TEXT_LENGTH = 32
"""Tokens of a phrase, padded: what the text encoder was trained with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One instance of a phrase."""

    score: float
    """Confidence in 0..1: that the phrase is in the picture, times that this is it."""
    mask: Mask
    """Its pixels."""
    box: Box
    """(x0, y0, x1, y1) in pixels."""


class Sam3:
    """A loaded segmenter of noun phrases.

    Pictures are prepared and answers read here and not by the image processor of transformers, which needs
    torchvision; both do what it does (bilinear to a square, mean and deviation of one half; sigmoids).
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Read a checkpoint; half precision (bfloat16) on a GPU.

        Raises:
            WeightsMissingError: a file is missing or damaged, or does not fit.
        """
        self._device = device
        self._model = read_model(Sam3Model, folder).to(device)
        self._tokenizer = read_tokenizer(folder)
        self._side = int(self._model.config.vision_config.backbone_config.image_size)

    def find(self, image: Rgb, phrases: Sequence[str], threshold: float) -> list[list[Seen]]:
        """Instances of each phrase; the picture is looked at once.

        Args:
            image: the picture.
            phrases: noun phrases in lower case; one call each, since the model is trained for one at a time.
            threshold: least score, 0..1.

        Raises:
            ModelOutputError: the model answered with values that are not finite.
            OutOfMemoryError: memory runs out for one phrase.
        """
        if not phrases:
            return []
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=self._device.type == "cuda"):
            pixels = torch.from_numpy(prepare(image, self._side)).to(self._device)
            vision = in_chunks([pixels], 1, lambda one: [self._model.get_vision_features(pixel_values=one[0])])[0]
            return in_chunks(phrases, 1, lambda one: [self._find(image, vision, one[0], threshold)])

    def _find(self, image: Rgb, vision: Any, phrase: str, threshold: float) -> list[Seen]:
        height, width = image.shape[:2]
        text = self._tokenizer(
            [phrase], padding="max_length", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt"
        )
        prompt = {name: text[name].to(self._device) for name in ("input_ids", "attention_mask")}
        outputs = self._model(vision_embeds=vision, **prompt)
        logits, boxes, masks = outputs.pred_logits[0], outputs.pred_boxes[0], outputs.pred_masks[0]
        check_finite("SAM 3", logits, boxes, masks, outputs.presence_logits)
        scores = logits.float().sigmoid() * outputs.presence_logits[0].float().sigmoid()
        keep = scores > threshold
        scale = torch.tensor([width, height, width, height], dtype=torch.float32)
        soft = masks[keep].float().sigmoid().cpu()
        found = zip(scores[keep].tolist(), soft, (boxes[keep].float().cpu() * scale).tolist(), strict=True)
        return [
            Seen(score=score, mask=_enlarge(mask, height, width), box=(box[0], box[1], box[2], box[3]))
            for score, mask, box in found
        ]


def prepare(image: Rgb, side: int) -> Float[np.ndarray, "1 3 s s"]:
    """A picture as the model wants it: a square whatever its shape, colours in -1..1."""
    # Area sampling where it shrinks, as antialiased bilinear resizing does.
    shrinks = max(image.shape[:2]) > side
    square = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.ascontiguousarray((square.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)[None])


def _enlarge(soft: torch.Tensor, height: int, width: int) -> Mask:
    """One mask at a time, at the size of the picture: all at once would be gigabytes."""
    full = torch.nn.functional.interpolate(soft[None, None], (height, width), mode="bilinear", align_corners=False)
    return (full[0, 0] > 0.5).numpy()
