"""From many uncertain masks to few instances that can be built: one place for all detectors that read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.base import BoxPrompt, PointPrompt, Segmentation
from models.segmentation.candidates import Candidate, best_first, make_disjoint, merge_parts, suppress, tidy_mask
from models.segmentation.pointing import touched
from models.segmentation.prompts import Query
from models.segmentation.vocabulary import tidy
from regen3d.errors import ConfigError
from regen3d.inputs.names import instance_names
from regen3d.types import Instance, Mask

LEAST_LEFT = 0.3
"""A thing of whose mask less than this is left, once nearer things have theirs, was one of those, found twice."""
COVERS = 0.85
"""A mask that covers more of the picture is the room, whatever the detector calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What keeps a scene buildable."""

    max_objects: int = 24
    """Most instances of a picture; each costs a mesh. Users of 3D-RE-GEN settled between 18 and 24."""
    min_area: float = 2e-4
    """Least area of an object as part of the picture, from the same source: 14 x 14 pixels of 1 megapixel."""
    same_iou: float = 0.5
    """Mask IoU above which two of one label are one thing."""
    across_iou: float = 0.8
    """The same for two labels."""


def settle(found: Sequence[Candidate], query: Query, hw: tuple[int, int], guards: Guards) -> Segmentation:
    """Make instances of what a detector found, and the floor of what it calls so.

    Args:
        found: masks of objects and of the room, overlapping, in any order.
        query: what was looked for.
        hw: size of the picture, pixels.
        guards: limits.

    Returns:
        Disjoint instances within the limits, named from left to right; notes say what was left out.
    """
    pixels = hw[0] * hw[1]
    tidied = (replace(item, mask=tidy_mask(item.mask)) for item in found)
    # What is labelled as a part of the room rivals with objects, so that a wall seen as a cabinet stays a wall.
    rivals = suppress([item for item in tidied if item.mask.any()], guards.same_iou, guards.across_iou)
    objects = [item for item in rivals if item.label in query.objects and item.area <= COVERS * pixels]
    least = max(1.0, guards.min_area * pixels)
    disjoint = _share_pixels(merge_parts(objects, least), least)
    ordered = best_first(disjoint)
    kept = ordered[: max(0, guards.max_objects)]
    notes = [*query.notes, *_missing(kept, query)]
    if len(ordered) > len(kept):
        notes.append(f"{len(ordered)} objects were found, and the {len(kept)} most certain kept (option max_objects).")
    return assemble(kept, _floor(rivals, disjoint), notes)


def settle_marked(
    prompts: Sequence[BoxPrompt | PointPrompt], masks: Sequence[Candidate], notes: Sequence[str] = ()
) -> Segmentation:
    """Make exactly one instance of each box or set of points of the user; one without a mask is its own mask."""
    whole, said = [], list(notes)
    for prompt, item in zip(prompts, masks, strict=True):
        mask = tidy_mask(item.mask & _meant(prompt, item.mask.shape, margin=0.05))
        if not mask.any():
            mask = _meant(prompt, item.mask.shape, margin=0.0)
            said.append(f"Nothing stands out where {item.label} is marked; the mark is its mask.")
        whole.append(replace(item, mask=mask))
    return assemble(make_disjoint(whole), None, said)


def _meant(prompt: BoxPrompt | PointPrompt, hw: tuple[int, ...], margin: float) -> Mask:
    """Where an object may be that is marked; without a margin, where it surely is."""
    if isinstance(prompt, BoxPrompt):
        return _inside(prompt, hw, margin)
    return np.ones(hw, bool) if margin else touched(prompt, (hw[0], hw[1]))


def clip_box(prompt: BoxPrompt, hw: tuple[int, int]) -> tuple[float, float, float, float]:
    """The part of a user's box that lies in the picture, (x0, y0, x1, y1) in pixels.

    Raises:
        ConfigError: the box is not finite, or has no pixel in the picture.
    """
    height, width = hw
    limits = np.array([width, height, width, height], dtype=np.float64)
    box = np.clip(np.asarray(prompt.box, dtype=np.float64), 0.0, limits)
    if not (np.isfinite(box).all() and (box[2:] - box[:2] >= 1.0).all()):
        raise ConfigError(
            f"the box {prompt.box} of {prompt.label!r} has no pixel in the picture of {width} x {height}: "
            "give (x0, y0, x1, y1) in pixels with x0 < x1 and y0 < y1"
        )
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])


def candidate_of(label: str, score: float, mask: Mask, box: Sequence[float]) -> Candidate:
    """A candidate from one detection; scores are held within 0..1 and boxes given by their middle."""
    centre = (float(box[0]) + float(box[2])) / 2.0, (float(box[1]) + float(box[3])) / 2.0
    return Candidate(label=tidy(label), score=float(np.clip(score, 0.0, 1.0)), mask=mask, centre=centre)


def assemble(candidates: Sequence[Candidate], floor: Mask | None, notes: Sequence[str]) -> Segmentation:
    """Name disjoint masks from left to right for each label; a hidden one is said so."""
    ordered = sorted(candidates, key=_middle)
    names = instance_names([item.label for item in ordered])
    hidden = [
        f"Nothing of {name} is visible: nearer objects cover its box."
        for item, name in zip(ordered, names, strict=True)
        if not item.mask.any()
    ]
    instances = tuple(
        Instance(name=name, label=item.label, score=item.score, mask=item.mask)
        for item, name in zip(ordered, names, strict=True)
    )
    return Segmentation(instances=instances, floor=floor, notes=(*notes, *hidden))


def _share_pixels(candidates: Sequence[Candidate], least: float) -> list[Candidate]:
    """Disjoint candidates of which enough is left."""
    shared = make_disjoint(candidates)
    return [
        left for left, whole in zip(shared, candidates, strict=True) if left.area >= max(least, LEAST_LEFT * whole.area)
    ]


def _missing(kept: Sequence[Candidate], query: Query) -> list[str]:
    """What the user named and is not there, or that nothing is."""
    absent = [label for label in query.objects if label not in {item.label for item in kept}]
    if query.asked and absent:
        return [f"Looked for and not found: {', '.join(absent)}."]
    return [] if kept else ["No object was found: name what is there as labels, or draw boxes."]


def _floor(rivals: Sequence[Candidate], objects: Sequence[Candidate]) -> Mask | None:
    """Pixels called floor that are no object's."""
    masks = [item.mask for item in rivals if item.label == "floor"]
    if not masks:
        return None
    covered = np.any([item.mask for item in objects], axis=0) if objects else np.zeros_like(masks[0])
    floor = np.any(masks, axis=0) & ~covered
    return floor if floor.any() else None


def _inside(prompt: BoxPrompt, hw: tuple[int, ...], margin: float) -> Mask:
    """Pixels of a user's box, widened by a part of its sides: users draw a little too tight."""
    x0, y0, x1, y1 = clip_box(prompt, (hw[0], hw[1]))
    dx, dy = margin * (x1 - x0), margin * (y1 - y0)
    inside = np.zeros(hw, dtype=bool)
    left, top = max(0, int(x0 - dx)), max(0, int(y0 - dy))
    inside[top : int(np.ceil(y1 + dy)), left : int(np.ceil(x1 + dx))] = True
    return inside


def _middle(item: Candidate) -> tuple[float, float]:
    """Middle (x, y) of the visible pixels, or of the box where there are none."""
    rows, columns = np.nonzero(item.mask)
    return item.centre if rows.size == 0 else (float(columns.mean()), float(rows.mean()))
