"""GroundingDINO through transformers: boxes for words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GroundingDinoForObjectDetection, GroundingDinoProcessor
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil

from models.reading import read_part
from models.segmentation.checkpoints import check_finite, read_model, read_tokenizer
from models.segmentation.prompts import chunk_labels, match_label, write_prompt
from regen3d.types import Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A box for a label."""

    label: str
    """The label that the box was matched with."""
    score: float
    """Confidence in 0..1."""
    box: tuple[float, float, float, float]
    """(x0, y0, x1, y1) in pixels, within the picture."""


class GroundingDino:
    """A loaded detector."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Read a checkpoint.

        Raises:
            WeightsMissingError: a file is missing or damaged, or does not fit.
        """
        self._device = device
        self._model = read_model(GroundingDinoForObjectDetection, folder).to(device)
        # The image processor of PIL, since torchvision may be missing; both resize alike.
        images = read_part(
            lambda: GroundingDinoImageProcessorPil.from_pretrained(folder, local_files_only=True),
            folder,
            "the image processor",
        )
        self._processor: Any = GroundingDinoProcessor(images, read_tokenizer(folder))
        self._limit = int(self._model.config.max_text_len)

    def find(self, image: Rgb, labels: Sequence[str], box_threshold: float, text_threshold: float) -> list[Found]:
        """Boxes of everything that a label describes; one pass for as many labels as the text limit holds.

        Args:
            image: the picture.
            labels: what to look for.
            box_threshold: least score of a box, 0..1.
            text_threshold: least score of a word to count as part of the box's phrase, 0..1.

        Raises:
            ModelOutputError: the model answered with values that are not finite.
        """
        chunks = chunk_labels(labels, self._count_tokens, self._limit)
        return [found for chunk in chunks for found in self._find(image, chunk, box_threshold, text_threshold)]

    def _count_tokens(self, prompt: str) -> int:
        return len(self._processor.tokenizer(prompt)["input_ids"])

    def _find(self, image: Rgb, labels: Sequence[str], box_threshold: float, text_threshold: float) -> list[Found]:
        inputs = self._processor(
            images=image,
            text=write_prompt(labels),
            truncation=True,
            max_length=self._limit,
            input_data_format="channels_last",
            return_tensors="pt",
        ).to(self._device)
        # Half precision by autocast, since the deformable attention of the checkpoint wants single precision weights.
        with torch.inference_mode(), torch.autocast("cuda", torch.float16, enabled=self._device.type == "cuda"):
            outputs = self._model(**inputs)
        # Positions behind the prompt carry -inf by design.
        read = outputs.logits[..., : inputs["input_ids"].shape[1]]
        check_finite("GroundingDINO", outputs.pred_boxes, read.masked_fill(read == -torch.inf, 0.0))
        answer: Any = self._processor.post_process_grounded_object_detection(
            outputs,
            inputs["input_ids"],
            threshold=box_threshold,
            text_threshold=text_threshold,
            target_sizes=[image.shape[:2]],
        )[0]
        scores, boxes = answer["scores"].float().cpu().tolist(), answer["boxes"].float().cpu()
        # Of no boxes the tokenizer makes one empty phrase.
        phrases = answer["text_labels"] if scores else []
        named = zip(phrases, scores, _clip(boxes, image).tolist(), strict=True)
        matched = ((match_label(phrase, labels), score, box) for phrase, score, box in named)
        return [
            Found(label=label, score=score, box=(box[0], box[1], box[2], box[3]))
            for label, score, box in matched
            if label is not None and box[2] - box[0] >= 1.0 and box[3] - box[1] >= 1.0
        ]


def _clip(boxes: torch.Tensor, image: Rgb) -> torch.Tensor:
    height, width = image.shape[:2]
    return boxes.clamp(min=0.0).minimum(torch.tensor([width, height, width, height], dtype=boxes.dtype))
