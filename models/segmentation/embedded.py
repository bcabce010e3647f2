"""The embedded segmenter: two small detectors and GrabCut; runs on any CPU and downloads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from models.base import BoxPrompt, Segmentation, SegmentRequest
from models.segmentation.detection import Detector, NanoDet, OpenImagesSsd
from models.segmentation.furniture import find_furniture
from models.segmentation.fusion import detect
from models.segmentation.grabcut import Cutout, Target, cut_out, keep_large_components, snap
from models.segmentation.leftovers import Find, find_leftovers
from models.segmentation.pointing import check_points, cut_at_points
from models.segmentation.surfaces import Backdrop, see_backdrop
from models.segmentation.vocabulary import FLAT, LABELS, resolve, tidy
from regen3d.errors import ConfigError
from regen3d.inputs.names import instance_names
from regen3d.room.solve import SolvedRoom, solve_room
from regen3d.types import Instance, Mask, Rgb

REPEATED = 0.7
"""A thing of whose mask one other thing takes more than this part is that thing, found twice."""
LEAST_PIXELS = 64
"""A thing that was found must show this many pixels: 8 x 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thing:
    """An object on its way to an instance."""

    label: str
    score: float
    mask: Mask
    guessed: bool
    centre: tuple[float, float]

    @classmethod
    def cut(cls, target: Target, cutout: Cutout, score: float) -> "_Thing":
        """What a box gave."""
        centre = float(target.box[::2].mean()), float(target.box[1::2].mean())
        return cls(label=target.label, score=score, mask=cutout.mask, guessed=cutout.guessed, centre=centre)


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
            ConfigError: a box or point of a request lies outside the picture.
        """
        return [self._segment(request) for request in requests]

    def _segment(self, request: SegmentRequest) -> Segmentation:
        image, seed = request.image, request.seed
        if request.boxes or request.points:
            return _assemble(_cut_marked(request), ())
        wanted = resolve(request.labels)
        found = detect(image, self._detectors, frozenset(LABELS.values()))
        targets = [Target(label=item.label, box=item.box) for item in found]
        room, backdrop, cutouts = _cut_before_room(image, targets, seed)
        things = [_Thing.cut(t, c, d.score) for t, c, d in zip(targets, cutouts, found, strict=True) if _is_its_own(c)]
        fronts = find_furniture(image, room, backdrop, _covered(things, image.shape[:2], hulls=True))
        things = _add(things, fronts, request)
        leftovers = find_leftovers(image, backdrop, _covered(things, image.shape[:2], hulls=False))
        things = _add(things, leftovers, request)
        kept = [replace(thing, label=wanted.names[thing.label]) for thing in things if thing.label in wanted.names]
        return _assemble(kept, (*wanted.notes, *_left_in_room(things, request)))


def _left_in_room(things: list[_Thing], request: SegmentRequest) -> tuple[str, ...]:
    """What is said of pictures and rugs that nobody asked for."""
    flat = sorted({thing.label for thing in things if thing.label in FLAT})
    if request.labels or not flat:
        return ()
    return (f"Flat things stay in the texture of the room unless they are asked for by label: {', '.join(flat)}.",)


def _cut_before_room(
    image: Rgb, targets: list[Target], seed: int, others: Sequence[Mask] = ()
) -> tuple[SolvedRoom, Backdrop, list[Cutout]]:
    """Cut things out, see the room behind them and other known ones, and cut them out again knowing its colours."""
    rough = [*(cutout.mask for cutout in cut_out(image, targets, seed)), *others]
    room = solve_room(image, rough, None, seed)
    backdrop = see_backdrop(image, room, rough, seed)
    return room, backdrop, cut_out(image, targets, seed, backdrop.strange)


def _cut_marked(request: SegmentRequest) -> list[_Thing]:
    """Exactly what the user marked: points win against boxes where they meet."""
    image, seed = request.image, request.seed
    targets = [_target(prompt, image) for prompt in request.boxes]
    for prompt in request.points:
        check_points(prompt, (image.shape[0], image.shape[1]))
    shown = cut_at_points(image, request.points, seed) if request.points else []
    _, backdrop, cutouts = _cut_before_room(image, targets, seed, shown)
    shown = cut_at_points(image, request.points, seed, backdrop.strange) if request.points else []
    pointed = np.any(shown, axis=0) if shown else np.zeros(image.shape[:2], bool)
    things = [_Thing.cut(*pair, 1.0) for pair in zip(targets, cutouts, strict=True)]
    things = [replace(thing, mask=thing.mask & ~pointed) for thing in things]
    for prompt, mask in zip(request.points, shown, strict=True):
        things.append(_Thing(label=tidy(prompt.label), score=1.0, mask=mask, guessed=False, centre=(0.0, 0.0)))
    return things


def _covered(things: list[_Thing], hw: tuple[int, int], *, hulls: bool) -> Mask:
    """Pixels of all things, or of their convex hulls: what is seen between the legs of a thing is no front."""
    covered = np.zeros(hw, np.uint8)
    for thing in things:
        if hulls and thing.mask.any():
            hull = cv2.convexHull(np.argwhere(thing.mask)[:, ::-1].astype(np.int32))
            cv2.fillConvexPoly(covered, hull, 1)
        covered |= thing.mask.astype(np.uint8)
    return covered > 0


def _add(things: list[_Thing], finds: list[Find], request: SegmentRequest) -> list[_Thing]:
    """Things and finds; a pixel that several claim stays with the first."""
    things = list(things)
    taken = np.any([thing.mask for thing in things], axis=0) if things else np.zeros(request.image.shape[:2], bool)
    for find in finds:
        if (find.mask & ~taken).sum() >= LEAST_PIXELS:
            mask = keep_large_components(snap(request.image, find.mask & ~taken, request.seed) & ~taken)
            taken = taken | mask
            things.append(_Thing(label=find.label, score=find.score, mask=mask, guessed=False, centre=(0.0, 0.0)))
    return things


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
    return int(cutout.mask.sum()) >= LEAST_PIXELS and cutout.repeated <= REPEATED


def _assemble(things: list[_Thing], notes: tuple[str, ...]) -> Segmentation:
    """Name the objects, left to right for each label, and write down what had to be guessed."""
    things = sorted(things, key=_centre)
    instances, sentences = [], list(notes)
    for thing, name in zip(things, instance_names([thing.label for thing in things]), strict=True):
        instances.append(Instance(name=name, label=thing.label, score=thing.score, mask=thing.mask))
        if not thing.mask.any():
            sentences.append(f"Nothing of {name} is visible: nearer objects cover its box.")
        elif thing.guessed:
            sentences.append(f"The colours of {name} do not set it off; its mask is a rounded box.")
    return Segmentation(instances=tuple(instances), floor=None, notes=tuple(sentences))


def _centre(thing: _Thing) -> tuple[float, float]:
    """Middle (x, y) of the visible pixels, or of the box where there are none."""
    rows, columns = np.nonzero(thing.mask)
    return thing.centre if rows.size == 0 else (float(columns.mean()), float(rows.mean()))
