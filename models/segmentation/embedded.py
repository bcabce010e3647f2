"""The embedded segmenter: two small detectors and GrabCut; runs on any CPU and downloads nothing."""

from collections.abc import Sequence

import numpy as np

from models.base import BoxPrompt, Segmentation, SegmentRequest
from models.segmentation.detection import Detector, NanoDet, OpenImagesSsd
from models.segmentation.fusion import detect
from models.segmentation.grabcut import Cutout, Target, cut_out
from models.segmentation.vocabulary import resolve, tidy
from regen3d.errors import ConfigError
from regen3d.inputs.names import instance_names
from regen3d.types import Instance, Mask, Rgb

REPEATED = 0.3
"""A thing of whose mask less than this part is left once nearer things have theirs is one of those, found twice."""
LEAST_PIXELS = 64
"""A thing that was found must show this many pixels: 8 x 8."""


class EmbeddedSegmenter:
    """Finds furniture with NanoDet and an SSD, and cuts it out with GrabCut; implements `models.base.Segmenter`.

    After `load` it may be called from many threads: sessions of onnxruntime may be shared, and nothing else is kept.
    """

    def __init__(self) -> None:
        self._detectors: tuple[Detector, ...] = (NanoDet(), OpenImagesSsd())

    def load(self) -> None:
        """Read the weights that ship with the package.

        Raises:
            WeightsMissingError: a file is missing or altered.
            NotInstalledError: onnxruntime is missing.
        """
        for detector in self._detectors:
            detector.load()

    def close(self) -> None:
        """Give the weights back."""
        for detector in self._detectors:
            detector.close()

    def segment(self, requests: Sequence[SegmentRequest]) -> list[Segmentation]:
        """Find and cut out the objects of each picture; the floor is left to the geometry.

        Raises:
            ConfigError: a box of a request has no pixel in the picture.
        """
        return [self._segment(request) for request in requests]

    def _segment(self, request: SegmentRequest) -> Segmentation:
        if request.boxes:
            targets = [_target(prompt, request.image) for prompt in request.boxes]
            return _assemble(targets, [1.0] * len(targets), cut_out(request.image, targets, request.seed), ())
        wanted = resolve(request.labels)
        found = detect(request.image, self._detectors, frozenset(wanted.names))
        targets = [Target(label=item.label, box=item.box) for item in found]
        scores = [item.score for item in found]
        cutouts = cut_out(request.image, targets, request.seed)
        kept = [index for index, cutout in enumerate(cutouts) if _is_its_own(cutout)]
        named = [Target(label=wanted.names[targets[index].label], box=targets[index].box) for index in kept]
        return _assemble(named, [scores[index] for index in kept], [cutouts[index] for index in kept], wanted.notes)


def _target(prompt: BoxPrompt, image: Rgb) -> Target:
    """What a box of the user asks for."""
    height, width = image.shape[:2]
    limits = np.array([width, height, width, height], dtype=np.float64)
    box = np.clip(np.asarray(prompt.box, dtype=np.float64), 0.0, limits)
    if not (np.isfinite(box).all() and (box[2:] - box[:2] >= 1.0).all()):
        raise ConfigError(
            f"the box {prompt.box} of {prompt.label!r} has no pixel in the picture of {width} x {height}: "
            "give (x0, y0, x1, y1) in pixels with x0 < x1 and y0 < y1"
        )
    return Target(label=tidy(prompt.label), box=box)


def _is_its_own(cutout: Cutout) -> bool:
    visible = int(cutout.mask.sum())
    return visible >= max(LEAST_PIXELS, REPEATED * cutout.alone)


def _assemble(
    targets: list[Target], scores: list[float], cutouts: list[Cutout], notes: tuple[str, ...]
) -> Segmentation:
    """Name the objects, left to right for each label, and write down what had to be guessed."""
    centres = [_centre(cutout.mask, target) for cutout, target in zip(cutouts, targets, strict=True)]
    order = sorted(range(len(targets)), key=lambda index: (*centres[index], index))
    instances, sentences = [], list(notes)
    for index, name in zip(order, instance_names([targets[index].label for index in order]), strict=True):
        mask = cutouts[index].mask
        instances.append(Instance(name=name, label=targets[index].label, score=scores[index], mask=mask))
        if not mask.any():
            sentences.append(f"Nothing of {name} is visible: nearer objects cover its box.")
        elif cutouts[index].guessed:
            sentences.append(f"The colours of {name} do not set it off; its mask is a rounded box.")
    return Segmentation(instances=tuple(instances), floor=None, notes=tuple(sentences))


def _centre(mask: Mask, target: Target) -> tuple[float, float]:
    """Middle (x, y) of the visible pixels, or of the box where there are none."""
    rows, columns = np.nonzero(mask)
    if rows.size == 0:
        return float(target.box[::2].mean()), float(target.box[1::2].mean())
    return float(columns.mean()), float(rows.mean())
