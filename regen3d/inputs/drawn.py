"""Marks of the user as JSON between stages, and polygons as the masks of their objects."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from regen3d.inputs.boxes import LabelledBox, LabelledPoints, LabelledPolygon, Mark
from regen3d.inputs.names import instance_names
from regen3d.types import Instance, Mask


def marks_document(marks: Sequence[Mark]) -> tuple[dict[str, Any], ...]:
    """Marks as JSON, in the form in which the user writes them, in pixels of the working picture."""
    return tuple(map(_entry, marks))


def _entry(mark: Mark) -> dict[str, Any]:
    if isinstance(mark, LabelledBox):
        return {"label": mark.label, "box": list(mark.box)}
    if isinstance(mark, LabelledPolygon):
        return {"label": mark.label, "polygon": mark.corners.tolist()}
    return {"label": mark.label, "points": [*map(list, mark.points)], "outside": [*map(list, mark.outside)]}


def marks_of(document: Sequence[dict[str, Any]]) -> tuple[Mark, ...]:
    """The marks of `marks_document`."""
    return tuple(map(_mark, document))


def _mark(entry: dict[str, Any]) -> Mark:
    label = entry["label"]
    if "box" in entry:
        return LabelledBox(label=label, box=tuple(entry["box"]))
    if "polygon" in entry:
        return LabelledPolygon(label=label, corners=np.array(entry["polygon"], np.float64))
    return LabelledPoints(label=label, points=_pairs(entry["points"]), outside=_pairs(entry["outside"]))


def _pairs(points: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def polygon_mask(polygon: LabelledPolygon, hw: tuple[int, int]) -> Mask:
    """The pixels of a polygon whose centres lie inside, by the rule of odd crossings."""
    # OpenCV's fillPoly takes every pixel that the outline touches as well: half a pixel too much all round.
    height, width = hw
    rows, crossings = np.arange(height) + 0.5, np.zeros((height, width + 1), dtype=np.int64)
    for (x0, y0), (x1, y1) in zip(polygon.corners, np.roll(polygon.corners, -1, axis=0), strict=True):
        crossed = np.flatnonzero((y0 <= rows) != (y1 <= rows))
        at = x0 + (rows[crossed] - y0) / (y1 - y0) * (x1 - x0)
        crossings[crossed, np.clip(np.ceil(at - 0.5), 0, width).astype(int)] += 1
    return np.cumsum(crossings[:, :width], axis=1) % 2 == 1


def with_polygons(
    instances: Sequence[Instance], polygons: Sequence[LabelledPolygon], hw: tuple[int, int]
) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """Objects and those that the user drew, whose pixels are their own; where two drawn ones overlap, the smaller wins.

    Returns:
        All objects, named anew from left to right, and notes on those that are covered wholly.
    """
    masks = [polygon_mask(polygon, hw) for polygon in polygons]
    owner = np.full(hw, -1)
    for index in sorted(range(len(masks)), key=lambda k: -int(masks[k].sum())):
        owner[masks[index]] = index
    drawn = [
        Instance(name=polygon.label, label=polygon.label, score=1.0, mask=owner == index)
        for index, polygon in enumerate(polygons)
    ]
    whole = [*(replace(item, mask=item.mask & (owner < 0)) for item in instances), *drawn]
    notes = tuple(
        f"Nothing is left of one {item.label}: a drawn outline covers it, or its own lies between pixels."
        for item in whole
        if not item.mask.any()
    )
    shown = sorted((item for item in whole if item.mask.any()), key=_left)
    names = instance_names([item.label for item in shown])
    return tuple(replace(item, name=name) for item, name in zip(shown, names, strict=True)), notes


def _left(item: Instance) -> tuple[float, float]:
    rows, columns = np.nonzero(item.mask)
    return float(columns.mean()), float(rows.mean())
