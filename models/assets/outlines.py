"""What an outline alone makes of an object: turned on a lathe, blown up, or boxed."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool

from models.assets.fitting import Candidate
from models.assets.recipes import BOX, INFLATED, LATHE, template_of
from models.assets.turning import aspect, symmetry, turned_fits
from regen3d.frames import upright
from regen3d.types import FittedBox, Mask, ObjectView

LEAST_SYMMETRY, LEAST_ASPECT = 0.85, 1.2
"""What is not known, but as symmetric and as tall as this, is taken for a turned body (vases, bottles, posts)."""
CELLS = 48
"""Longer side of the outline that is blown up: 5,000 faces."""
THICKNESS = 0.6
"""Depth of a blown-up body as a share of the smaller of its width and height."""
STRAND, FINE = 1 / 40, 0.25
"""What is thinner than this share of a mask's longer side is a strand, and a mask with this share in strands is fine:
fronds are 0.39 to 0.53 strands, broad leaves up to 0.15."""
INFLATED_HANDICAP = 0.06
"""IoU that a blown-up outline must gain over a box: it fits any silhouette, whatever it is."""


def unknown_candidates(view: ObjectView, box: FittedBox) -> list[Candidate]:
    """What an object without a known name may be made of, the first preferred."""
    boxed = Candidate(template=template_of(BOX), box=box, name=BOX)
    found = []
    if symmetry(view) >= LEAST_SYMMETRY and aspect(view) >= LEAST_ASPECT:
        for fitted, profile in turned_fits(view, box):
            outline = np.array(profile)
            found.append(Candidate(template=template_of(LATHE, outline), box=fitted, name=LATHE, outline=outline))
    cells = _outline(view)
    if not found and cells.any():
        drawn = Candidate(
            template=template_of(INFLATED, cells.astype(np.float64)),
            box=_facing(view, box),
            name=INFLATED,
            outline=cells.astype(np.float64),
            handicap=INFLATED_HANDICAP,
        )
        return [boxed, drawn]
    return found or [boxed]


def is_fine(mask: Mask) -> bool:
    """Whether a mask is mostly strands: whether much of it is lost when it is opened by a small disc."""
    rows, columns = np.nonzero(mask)
    width = max(3, round(STRAND * max(np.ptp(rows), np.ptp(columns))) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    solid = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc)
    return float(np.sum(solid)) < (1 - FINE) * float(mask.sum())


def _outline(view: ObjectView) -> Bool[np.ndarray, "r c"]:
    """The mask on a grid of `CELLS`; empty where it is too thin to have an inside."""
    x0, y0, x1, y1 = view.instance.box
    scale = min(1.0, CELLS / max(x1 - x0, y1 - y0))
    wh = max(2, round((x1 - x0) * scale)), max(2, round((y1 - y0) * scale))
    crop = view.instance.mask[y0:y1, x0:x1].astype(np.float32)
    outline = np.asarray(cv2.resize(crop, wh, interpolation=cv2.INTER_AREA)) > 0.5
    inside = cv2.erode(outline.astype(np.uint8), np.ones((3, 3), dtype=np.uint8), borderValue=0).astype(bool)
    whole = outline.any(axis=0).all() and outline.any(axis=1).all()
    return outline if inside.any() and whole else np.zeros_like(outline)


def _facing(view: ObjectView, box: FittedBox) -> FittedBox:
    """A box in the same place that faces the camera and is as wide and high as the mask looks there."""
    x0, y0, x1, y1 = view.instance.box
    place = box.world_from_object.translation
    depth = float((view.camera.camera_from_world @ np.append(place, 1.0))[2])
    width, height = np.array([x1 - x0, y1 - y0]) * depth / view.camera.intrinsics[[0, 1], [0, 1]]
    yaw = float(np.arctan2(*(view.camera.position - place)[[0, 2]]))
    size = np.array([width, height, THICKNESS * min(width, height)])
    return replace(box, size_m=size, world_from_object=upright(yaw_rad=yaw, translation=place))
