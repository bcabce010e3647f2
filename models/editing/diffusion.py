"""Open image models as editor, through diffusers: FLUX.2 klein, and Qwen-Image-Edit; nothing leaves the machine."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from models.base import CompleteRequest, Plate, PlateRequest
from models.devices import device_of, free_memory, half_precision
from models.editing.asking import Answer, complete_by_asking, empty_by_asking
from models.reading import read_part
from models.registry import FLUX2_KLEIN, QWEN_EDIT, find
from models.weights import Weights, locate
from regen3d.errors import ModelOutputError, NotInstalledError, OutOfMemoryError
from regen3d.types import Completion, Rgb

SIDE_STEP_PX = 32
"""Sides of an asked picture are multiples of it, as both models want; the answer is stretched back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One model that diffusers runs."""

    title: str
    """For notes."""
    weights: Weights
    """All its parts."""
    pipeline: str
    """Class of diffusers."""
    steps: int
    """Denoising steps that its authors advise."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Other arguments of a call, as its authors advise."""


FAMILIES: dict[str, Family] = {
    "flux2-klein": Family(
        title="FLUX.2 klein",
        weights=FLUX2_KLEIN,
        pipeline="Flux2KleinPipeline",
        steps=4,
        extra={"guidance_scale": 1.0},
    ),
    "qwen-image-edit": Family(
        title="Qwen-Image-Edit",
        weights=QWEN_EDIT,
        pipeline="QwenImageEditPlusPipeline",
        steps=40,
        extra={"true_cfg_scale": 4.0, "negative_prompt": " "},
    ),
}
"""By option `model`."""

Offload = Literal["none", "parts", "layers"]
"""What waits on the CPU: nothing, the parts that do not compute now, or all but the layer that computes."""
LADDER: tuple[Offload, ...] = ("none", "parts", "layers")
"""From fastest to least memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionOptions:
    """What can be chosen."""

    model: Literal["flux2-klein", "qwen-image-edit"] = "flux2-klein"
    """`flux2-klein` takes about 20 GB of GPU memory (measured: docs/performance.md), `qwen-image-edit` about 60."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`."""
    offload: Offload = "none"
    """What waits on the CPU from the start; more of it does where memory runs out."""
    steps: int = 0
    """Denoising steps; 0: as many as the model's authors advise."""
    megapixels: float = 1.0
    """Size of a picture that is asked with; memory and time grow with it."""
    tries: int = 2
    """Questions of each kind before something else is tried."""


class DiffusionEditor:
    """An `ImageEditor` whose answers are checked and asked again as Gemini's are, then done without it, in notes."""

    Options = DiffusionOptions

    def __init__(self, options: DiffusionOptions | None = None) -> None:
        self._options = options or DiffusionOptions()
        self._painter: DiffusionPainter | None = None

    def load(self) -> None:
        """Read the weights.

        Raises:
            NotInstalledError: diffusers, or what it needs, is missing.
            WeightsMissingError: the weights are missing, damaged, or of another revision.
            OutOfMemoryError: memory does not hold them even with all but one layer on the CPU.
        """
        self._painter = DiffusionPainter(self._options)

    def close(self) -> None:
        """Give the weights back."""
        self._painter = None
        free_memory()

    def complete(self, requests: Sequence[CompleteRequest]) -> list[Completion]:
        """The whole object of each request.

        Raises:
            DegenerateGeometryError: a visible mask is empty.
            OutOfMemoryError: memory runs out even with all but one layer on the CPU.
        """
        return [complete_by_asking(self._ready(), request, self._options.tries) for request in requests]

    def empty_room(self, requests: Sequence[PlateRequest]) -> list[Plate]:
        """The empty room of each request.

        Raises:
            OutOfMemoryError: memory runs out even with all but one layer on the CPU.
        """
        return [empty_by_asking(self._ready(), request, self._options.tries) for request in requests]

    def _ready(self) -> "DiffusionPainter":
        self._painter = self._painter or DiffusionPainter(self._options)
        return self._painter


class DiffusionPainter:
    """A `Painter` that runs a pipeline of diffusers."""

    def __init__(self, options: DiffusionOptions) -> None:
        self._options = options
        self._family = FAMILIES[options.model]
        self._device = device_of(options.device)
        self._offload: Offload = options.offload
        self._pipeline: Any = self._read_within_memory()

    @property
    def name(self) -> str:
        """The model."""
        return self._family.title

    def paint(self, picture: Rgb, prompt: str, ratio: str, seed: int) -> Answer:
        """The repainted picture, of the size of the asked one.

        Raises:
            ModelOutputError: it has values that are not finite.
            OutOfMemoryError: memory runs out even with all but one layer on the CPU.
        """
        height, width = picture.shape[:2]
        asked = Image.fromarray(picture).resize(
            asked_wh((width, height), self._options.megapixels), Image.Resampling.LANCZOS
        )
        answer = self._answer(asked, prompt, seed)
        if not np.isfinite(answer).all():
            raise ModelOutputError(f"{self.name} painted values that are not finite")
        painted = Image.fromarray(np.round(answer * 255.0).astype(np.uint8))
        return np.array(painted.resize((width, height), Image.Resampling.LANCZOS))

    def _answer(self, asked: Image.Image, prompt: str, seed: int) -> np.ndarray:
        """Colours in 0..1; where memory runs out, more waits on the CPU, for good."""
        while True:
            try:
                return self._run(asked, prompt, seed)
            except torch.OutOfMemoryError as error:
                self._offload_more(error)
            self._pipeline = None
            self._pipeline = self._read_within_memory()

    def _read_within_memory(self) -> Any:
        """The pipeline; where memory does not hold it, more of it waits on the CPU."""
        while True:
            free_memory()
            try:
                return self._read()
            except torch.OutOfMemoryError as error:
                self._offload_more(error)

    def _offload_more(self, error: torch.OutOfMemoryError) -> None:
        later = LADDER[LADDER.index(self._offload) + 1 :]
        if not later or self._device.type == "cpu":
            raise OutOfMemoryError(
                f"{self.name} ran out of memory even with offload={self._offload}: free the GPU, or choose smaller "
                "megapixels"
            ) from error
        self._offload = later[0]

    def _run(self, asked: Image.Image, prompt: str, seed: int) -> np.ndarray:
        made = self._pipeline(
            image=[asked],
            prompt=prompt,
            width=asked.width,
            height=asked.height,
            num_inference_steps=self._options.steps or self._family.steps,
            # Drawn on the CPU, so that a seed means the same on every device.
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="np",
            **self._family.extra,
        )
        return np.asarray(made.images[0], dtype=np.float32)

    def _read(self) -> Any:
        default = self._family.weights is FLUX2_KLEIN
        folder = locate(self._family.weights, "diffusion", default=default)
        try:
            import diffusers

            kind = getattr(diffusers, self._family.pipeline)
        except (ImportError, AttributeError) as error:
            install = find("complete", "diffusion").install
            raise NotInstalledError(f"{self.name} needs diffusers ({error}): install with `{install}`") from error
        dtype = half_precision(self._device)
        pipeline = read_part(
            lambda: kind.from_pretrained(str(folder), dtype=dtype, local_files_only=True), folder, kind.__name__
        )
        pipeline.set_progress_bar_config(disable=True)
        if self._offload == "parts":
            pipeline.enable_model_cpu_offload(device=self._device)
        elif self._offload == "layers":
            pipeline.enable_sequential_cpu_offload(device=self._device)
        else:
            pipeline.to(self._device)
        return pipeline


def asked_wh(wh: tuple[int, int], megapixels: float) -> tuple[int, int]:
    """Width and height that a model is asked with: about so many pixels, in steps of `SIDE_STEP_PX`."""
    scale = min((megapixels * 1024 * 1024 / (wh[0] * wh[1])) ** 0.5, 1.0)
    width, height = (max(round(length * scale / SIDE_STEP_PX), 1) * SIDE_STEP_PX for length in wh)
    return width, height
