"""The segmenter of Grounded SAM: GroundingDINO finds what words describe, SAM cuts it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from models.base import Segmentation, SegmentRequest
from models.devices import device_of, free_memory
from models.registry import GROUNDING_DINO, SAM, find
from models.segmentation.guards import Guards, candidate_of, clip_box, settle, settle_marked
from models.segmentation.labeller import Labeller
from models.segmentation.pointing import check_points
from models.segmentation.prompts import query_of
from models.weights import locate
from regen3d.errors import NotInstalledError

if TYPE_CHECKING:
    from models.segmentation.grounding import GroundingDino
    from models.segmentation.sam import Sam


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedSamOptions(Guards):
    """What may be chosen, the limits of `Guards` among it."""

    detector: Literal["base", "tiny"] = "base"
    """Size of GroundingDINO."""
    segmenter: Literal["huge", "base"] = "huge"
    """Size of SAM."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda` or `cuda:N`."""
    box_threshold: float = 0.3
    """Least score of a box, 0..1; its authors use 0.25 to 0.35."""
    text_threshold: float = 0.25
    """Least score of a word of the prompt to name a box, 0..1; the authors' value."""
    boxes_at_once: int = 16
    """Boxes that SAM cuts in one call: 16 need less than 1 GB beside the weights; halved where memory runs out."""
    labeller_model: str = ""
    """Image-language model that proposes the labels, for example `gemini-2.5-flash`; empty: the default vocabulary."""


class GroundedSam:
    """Finds objects by words and cuts them out; implements `models.base.Segmenter`."""

    Options = GroundedSamOptions

    def __init__(self, options: GroundedSamOptions | None = None) -> None:
        self._options = options or GroundedSamOptions()
        self._labeller = Labeller(self._options.labeller_model)
        self._models: tuple[GroundingDino, Sam] | None = None

    def load(self) -> None:
        """Read both checkpoints.

        Raises:
            NotInstalledError: transformers is missing.
            WeightsMissingError: a checkpoint is missing, damaged or of another model.
            ConfigError: the device does not exist, or the labeller has no key.
        """
        self._models = self._read()
        self._labeller.load()

    def _read(self) -> "tuple[GroundingDino, Sam]":
        options = self._options
        detector = locate(GROUNDING_DINO[options.detector], "grounded-sam", default=options.detector == "base")
        segmenter = locate(SAM[options.segmenter], "grounded-sam", default=options.segmenter == "huge")
        try:
            from models.segmentation.grounding import GroundingDino
            from models.segmentation.sam import Sam
        except ImportError as error:
            install = find("segment", "grounded-sam").install
            raise NotInstalledError(f"'grounded-sam' needs transformers ({error}): install with `{install}`") from error
        device = device_of(options.device)
        return GroundingDino(detector, device), Sam(segmenter, device)

    def close(self) -> None:
        """Give the weights back."""
        self._models = None
        self._labeller.close()
        free_memory()

    def segment(self, requests: Sequence[SegmentRequest]) -> list[Segmentation]:
        """Find and cut out the objects of each picture, and its floor.

        Raises:
            ConfigError: a box or point of a request lies outside the picture.
            ModelOutputError: a model answered with values that are not finite.
            OutOfMemoryError: memory runs out even for one box.
        """
        return [self._segment(request) for request in requests]

    def _segment(self, request: SegmentRequest) -> Segmentation:
        if request.boxes or request.points:
            return self._cut_marked(request)
        detector, sam = self._loaded()
        proposal = self._labeller.propose(request)
        query = query_of(proposal)
        thresholds = self._options.box_threshold, self._options.text_threshold
        found = detector.find(request.image, query.labels, *thresholds)
        masks = sam.cut(request.image, [item.box for item in found], self._options.boxes_at_once)
        candidates = [
            candidate_of(item.label, item.score, mask, item.box) for item, mask in zip(found, masks, strict=True)
        ]
        return settle(candidates, query, request.image.shape[:2], self._options)

    def _cut_marked(self, request: SegmentRequest) -> Segmentation:
        _, sam = self._loaded()
        hw = (request.image.shape[0], request.image.shape[1])
        for prompt in request.points:
            check_points(prompt, hw)
        boxes = [clip_box(prompt, hw) for prompt in request.boxes]
        masks = sam.cut(request.image, boxes, self._options.boxes_at_once)
        masks += sam.cut_at(request.image, [(prompt.points, prompt.outside) for prompt in request.points])
        prompts = (*request.boxes, *request.points)
        places = [*boxes, *((*prompt.points[0], *prompt.points[0]) for prompt in request.points)]
        cuts = [
            candidate_of(prompt.label, 1.0, mask, place)
            for prompt, mask, place in zip(prompts, masks, places, strict=True)
        ]
        return settle_marked(prompts, cuts)

    def _loaded(self) -> "tuple[GroundingDino, Sam]":
        self._models = self._models or self._read()
        return self._models
