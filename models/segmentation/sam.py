"""SAM through transformers: a mask for every box, or for every set of points."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from transformers import SamModel, SamProcessor
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from models.reading import read_part
from models.segmentation.checkpoints import check_finite, in_chunks, read_model
from regen3d.types import Mask, Rgb

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in pixels."""
Points = Sequence[tuple[float, float]]
"""(x, y) in pixels."""


class Sam:
    """A loaded segmenter of what is marked."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Read a checkpoint; half precision on a GPU.

        Raises:
            WeightsMissingError: a file is missing or damaged, or does not fit.
        """
        self._device = device
        self._dtype = torch.float16 if device.type == "cuda" else torch.float32
        self._model = read_model(SamModel, folder).to(device, self._dtype)
        # The image processor of PIL, since torchvision may be missing; both resize alike.
        images = read_part(
            lambda: SamImageProcessorPil.from_pretrained(folder, local_files_only=True), folder, "the image processor"
        )
        self._processor: Any = SamProcessor(images)

    def cut(self, image: Rgb, boxes: Sequence[Box], chunk: int) -> list[Mask]:
        """A mask for every box: of the three that SAM proposes the one that it trusts most, never their union.

        Args:
            image: the picture; looked at once.
            boxes: within the picture.
            chunk: most boxes at once; fewer where memory runs out.

        Raises:
            ModelOutputError: the model answered with values that are not finite.
            OutOfMemoryError: memory runs out even for one box.
        """
        if not boxes:
            return []
        with torch.inference_mode():
            seen, inputs = self._look(image, {"input_boxes": [[list(box) for box in boxes]]})
            prompts = inputs["input_boxes"][0].to(self._device, self._dtype)
            return in_chunks(
                list(range(len(boxes))),
                chunk,
                lambda some: list(self._cut(seen, {"input_boxes": prompts[list(some)][None]}, inputs)),
            )

    def cut_at(self, image: Rgb, marks: Sequence[tuple[Points, Points]]) -> list[Mask]:
        """A mask for every set of points on an object and points beside it; see `cut`."""
        if not marks:
            return []
        labels = [[1] * len(on) + [0] * len(beside) for on, beside in marks]
        longest = max(map(len, labels))
        # Sets of points are filled up to one length by points that SAM was trained to overlook (label -10).
        points = [
            [
                [list(p) for p in (*on, *beside)] + [[0.0, 0.0]] * (longest - len(on) - len(beside))
                for on, beside in marks
            ]
        ]
        padded = [[row + [-10] * (longest - len(row)) for row in labels]]
        with torch.inference_mode():
            seen, inputs = self._look(image, {"input_points": points, "input_labels": padded})
            places, kinds = (
                inputs["input_points"].to(self._device, self._dtype),
                inputs["input_labels"].to(self._device),
            )
            return in_chunks(
                list(range(len(marks))),
                1,
                lambda one: list(
                    self._cut(
                        seen,
                        {"input_points": places[:, list(one)], "input_labels": kinds[:, list(one)]},
                        inputs,
                    )
                ),
            )

    def _look(self, image: Rgb, prompts: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """What SAM sees of the picture, and the prompts in pixels of what it sees."""
        inputs = self._processor(images=image, input_data_format="channels_last", return_tensors="pt", **prompts)
        pixels = inputs["pixel_values"].to(self._device, self._dtype)
        # One look is the least there is; in_chunks says what to do where memory does not even hold that.
        return in_chunks([pixels], 1, lambda one: [self._model.get_image_embeddings(one[0])])[0], inputs

    def _cut(self, seen: torch.Tensor, prompts: dict[str, torch.Tensor], inputs: Any) -> Bool[np.ndarray, "n h w"]:
        outputs = self._model(image_embeddings=seen, **prompts, multimask_output=True)
        masks, trust = outputs.pred_masks[0].float(), outputs.iou_scores[0].float()
        check_finite("SAM", masks, trust)
        best = most_trusted(trust.cpu().numpy())
        chosen = masks[torch.arange(len(masks)), torch.from_numpy(best)]
        sizes = inputs["original_sizes"], inputs["reshaped_input_sizes"]
        full = self._processor.post_process_masks([chosen[:, None]], *sizes)[0]
        return full[:, 0].cpu().numpy()


def most_trusted(trust: Float[np.ndarray, "n k"]) -> np.ndarray:
    """Number of the mask with the highest predicted IoU for each box; the first of equals."""
    return np.argmax(trust, axis=1)
