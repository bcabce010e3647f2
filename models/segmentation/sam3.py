"""The segmenter of SAM 3: finds and cuts out every instance of a noun phrase, one call a phrase."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.base import BoxPrompt, PointPrompt, Segmentation, SegmentRequest
from models.devices import device_of, free_memory
from models.registry import SAM3, find
from models.segmentation.candidates import Candidate
from models.segmentation.guards import Guards, candidate_of, clip_box, settle, settle_marked
from models.segmentation.labeller import Labeller
from models.segmentation.pointing import check_points
from models.segmentation.prompts import query_of
from models.segmentation.vocabulary import tidy
from models.weights import locate
from regen3d.errors import NotInstalledError

if TYPE_CHECKING:
    from models.segmentation.concepts import Box, Sam3, Seen

LEAST_MATCH = 0.3
"""Least IoU of an instance's box with the user's to be what the user meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sam3Options(Guards):
    """What may be chosen, the limits of `Guards` among it."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda` or `cuda:N`."""
    threshold: float = 0.4
    """Least score of an instance, 0..1; 0.3 is the default of transformers, users of 3D-RE-GEN settled on 0.4."""
    labeller_model: str = ""
    """Image-language model that proposes the labels, for example `gemini-2.5-flash`; empty: the default vocabulary."""


class Sam3Segmenter:
    """Finds objects by noun phrases; implements `models.base.Segmenter`."""

    Options = Sam3Options

    def __init__(self, options: Sam3Options | None = None) -> None:
        self._options = options or Sam3Options()
        self._labeller = Labeller(self._options.labeller_model)
        self._model: Sam3 | None = None

    def load(self) -> None:
        """Read the checkpoint.

        Raises:
            NotInstalledError: transformers is missing.
            WeightsMissingError: the checkpoint is missing, damaged or of another model.
            ConfigError: the device does not exist, or the labeller has no key.
        """
        self._model = self._read()
        self._labeller.load()

    def close(self) -> None:
        """Give the weights back."""
        self._model = None
        self._labeller.close()
        free_memory()

    def segment(self, requests: Sequence[SegmentRequest]) -> list[Segmentation]:
        """Find and cut out the objects of each picture, and its floor.

        Raises:
            ConfigError: a box or point of a request lies outside the picture.
            ModelOutputError: the model answered with values that are not finite.
            OutOfMemoryError: memory runs out even for one phrase.
        """
        return [self._segment(request) for request in requests]

    def _read(self) -> "Sam3":
        folder = locate(SAM3, "sam3")
        try:
            from models.segmentation.concepts import Sam3
        except ImportError as error:
            install = find("segment", "sam3").install
            raise NotInstalledError(f"'sam3' needs transformers ({error}): install with `{install}`") from error
        return Sam3(folder, device_of(self._options.device))

    def _segment(self, request: SegmentRequest) -> Segmentation:
        self._model = self._model or self._read()
        if request.boxes or request.points:
            return self._cut_marked(request, self._model)
        proposal = self._labeller.propose(request)
        query = query_of(proposal)
        answers = self._model.find(request.image, query.labels, self._options.threshold)
        candidates = [
            candidate_of(label, seen.score, seen.mask, seen.box)
            for label, answer in zip(query.labels, answers, strict=True)
            for seen in answer
        ]
        return settle(candidates, query, request.image.shape[:2], self._options)

    def _cut_marked(self, request: SegmentRequest, model: "Sam3") -> Segmentation:
        """A box picks the instance of its phrase that fills it best, points the one that most of them lie on.

        The model's own box prompts mean "all that look like this", and need torchvision.
        """
        hw = (request.image.shape[0], request.image.shape[1])
        for prompt in request.points:
            check_points(prompt, hw)
        boxes = [clip_box(prompt, hw) for prompt in request.boxes]
        prompts = (*request.boxes, *request.points)
        labels = list(dict.fromkeys(tidy(prompt.label) for prompt in prompts))
        # No threshold: the user said that it is there.
        answers = dict(zip(labels, model.find(request.image, labels, 0.0), strict=True))
        cuts = [
            _meant(prompt, box, answers[tidy(prompt.label)], hw)
            for prompt, box in zip(request.boxes, boxes, strict=True)
        ]
        cuts += [_shown(prompt, answers[tidy(prompt.label)], hw) for prompt in request.points]
        return settle_marked(prompts, cuts)


def _meant(prompt: BoxPrompt, box: "Box", answer: "Sequence[Seen]", hw: tuple[int, int]) -> Candidate:
    """The instance that fills a user's box best; an empty mask where none does."""
    best = max(answer, key=lambda seen: box_iou(seen.box, box), default=None)
    found = best is not None and box_iou(best.box, box) >= LEAST_MATCH
    mask = best.mask if best is not None and found else np.zeros(hw, dtype=bool)
    return candidate_of(prompt.label, 1.0, mask, box)


def _shown(prompt: PointPrompt, answer: "Sequence[Seen]", hw: tuple[int, int]) -> Candidate:
    """The instance on which most of a user's points lie and fewest of those beside it; an empty mask for none."""

    def votes(seen: "Seen") -> int:
        on, beside = (
            sum(bool(seen.mask[min(int(y), hw[0] - 1), min(int(x), hw[1] - 1)]) for x, y in points)
            for points in (prompt.points, prompt.outside)
        )
        return on - beside

    best = max(answer, key=lambda seen: (votes(seen), seen.score), default=None)
    mask = best.mask if best is not None and votes(best) > 0 else np.zeros(hw, dtype=bool)
    return candidate_of(prompt.label, 1.0, mask, (*prompt.points[0], *prompt.points[0]))


def box_iou(one: "Box", other: "Box") -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1); 0 where both are empty."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]) for box in (one, other)]
    union = areas[0] + areas[1] - common
    return common / union if union > 0.0 else 0.0
