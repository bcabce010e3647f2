"""How unlike its room every pixel looks: the colours of floor, walls and ceiling, learnt from the picture itself.

A colour belongs to a side of the room when it turns up all over that side; what stands before a side shows its colours
in one place only. On a wall the upper parts count most, since hardly any furniture reaches them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Integer

from regen3d.frames import pixel_centers
from regen3d.room.box import FACES, cast_box, room_position, room_rays
from regen3d.room.solve import SolvedRoom
from regen3d.types import Mask, Rgb

WORKING_SIDE = 480
"""Longest side of the picture in which colours are compared."""
COLOURS = 40
"""Colours of the picture; 24 tell pale furniture from pale walls in three rooms of five, 48 change nothing."""
LIGHTNESS = 0.6
"""What a step of lightness counts beside one of hue: light falls off along a wall. 1.0 costs 0.04 of the area under
the ROC curve of object against room, over five rendered rooms."""
SOFTNESS = 3.0
"""Distance (CIE Lab, lightness weighted) at which a colour is still half another one; 6 costs 0.08 of that area."""
CELL = 8
"""Side in working pixels of the cells in which a colour does or does not turn up."""
PRESENT = 0.15
"""Part of a cell from which on a colour fully counts as there."""
USUAL = 0.3
"""Part of the cells of a side, relative to its commonest colour, in which a fully usual colour turns up."""
LOW_M, HIGH_M = 0.9, 1.9
"""Heights between which the weight of a wall's cells rises: below stands furniture, above hardly any."""
LOW_WEIGHT = 0.15
"""Weight of the lowest cells."""
SLACK = 0.02
"""How far the sides of the room box may be off, as part of the working side: there a pixel may be of either side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """The empty room behind a picture, as far as its colours say."""

    strange: Float[np.ndarray, "h w"]
    """0..1: how unlike the side of the room behind it each pixel looks."""
    side: Integer[np.ndarray, "h w"]
    """Side of the room behind each pixel, index into `regen3d.room.box.FACES`."""
    colours: Float[np.ndarray, "k 3"]
    """The picture's own colours; see `own_colours`."""


def see_backdrop(image: Rgb, room: SolvedRoom, objects: Sequence[Mask], seed: int) -> Backdrop:
    """Learn the colours of the room from what the known objects leave free.

    Args:
        image: the picture.
        room: its camera and room box.
        objects: masks of the known objects.
        seed: for the choice of colours.
    """
    height, width = image.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    free = np.ones((size[1], size[0]), dtype=bool)
    for mask in objects:
        free &= cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) < 0.01
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    colours = own_colours(small, free, seed)
    members = memberships(small, colours)
    pixels = pixel_centers((size[1], size[0])) * [width / size[0], height / size[1]]
    side, depth = cast_box(room.camera, room.layout, pixels)
    rise = room_position(room.camera, room.layout)[1] + room_rays(room.camera, room.layout, pixels)[..., 1] * depth
    kernel = np.ones((2 * round(SLACK * max(size)) + 1,) * 2, dtype=np.uint8)
    usual = np.zeros(side.shape)
    for number, face in enumerate(FACES):
        weight = 1.0 if not face.startswith("wall") else np.interp(rise, [LOW_M, HIGH_M], [LOW_WEIGHT, 1.0])
        shares = _shares(members, (side == number) & free, np.broadcast_to(weight, side.shape))
        if shares is not None:
            near = cv2.dilate((side == number).astype(np.uint8), kernel) > 0
            usual = np.where(near, np.maximum(usual, np.minimum(members @ shares / USUAL, 1.0)), usual)
    strange = cv2.resize((1.0 - usual).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return Backdrop(
        strange=strange.astype(np.float64),
        colours=colours,
        side=cv2.resize(side.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST),
    )


def own_colours(image: Rgb, free: Mask, seed: int) -> Float[np.ndarray, "k 3"]:
    """The commonest colours of the free part of a picture (CIE Lab, lightness weighted)."""
    lab = _weighted_lab(image)
    samples = lab[free][::3] if free.sum() > 9 * COLOURS else lab.reshape(-1, 3)
    if len(samples) <= COLOURS:
        return samples.astype(np.float64)
    cv2.setRNGSeed(seed)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 15, 0.5)
    _, _, centres = cv2.kmeans(samples.copy(), COLOURS, np.zeros(0, np.int32), criteria, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(centres, np.float64)


def memberships(image: Rgb, colours: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, "h w k"]:
    """How far every pixel has each of some colours; sums to 1."""
    distances = ((_weighted_lab(image)[..., None, :] - colours.astype(np.float32)) ** 2).sum(axis=-1)
    weights = np.exp(-(distances - distances.min(axis=-1, keepdims=True)) / (2 * SOFTNESS**2)).astype(np.float64)
    return weights / weights.sum(axis=-1, keepdims=True)


def _weighted_lab(image: Rgb) -> Float[np.ndarray, "h w 3"]:
    """CIE Lab of a picture, smoothed within its edges, lightness weighted."""
    calm = cv2.pyrMeanShiftFiltering(image, 4, 10) if min(image.shape[:2]) > 8 else image
    return cv2.cvtColor(np.asarray(calm, np.float32) / 255, cv2.COLOR_RGB2LAB) * np.array(
        [LIGHTNESS, 1.0, 1.0], np.float32
    )


def _shares(
    members: Float[np.ndarray, "h w k"], mask: Mask, weight: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, " k"] | None:
    """In which part of a side's cells each colour turns up, the commonest 1; None where too little is seen."""
    seen = _cells(mask[..., None].astype(np.float64))[..., 0]
    cells = seen > 0.4
    if cells.sum() < 4:
        return None
    masses, weights = _cells(members * mask[..., None])[cells], _cells(weight[..., None])[cells]
    shares = (np.minimum(masses / seen[cells][:, None] / PRESENT, 1.0) * weights).sum(axis=0)
    return shares / shares.max()


def _cells(values: Float[np.ndarray, "h w k"]) -> Float[np.ndarray, "ch cw k"]:
    """Means over the cells; what is left over at the right and below is dropped."""
    rows, columns = values.shape[0] // CELL, values.shape[1] // CELL
    whole = values[: rows * CELL, : columns * CELL]
    return whole.reshape(rows, CELL, columns, CELL, values.shape[2]).mean(axis=(1, 3))
