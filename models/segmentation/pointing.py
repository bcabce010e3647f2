"""Masks of objects that the user showed by points: regions that grow from them until they meet what is no object.

Source: Meyer 1992 (watershed from markers), then GrabCut within what was found.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, Integer

from models.base import PointPrompt
from models.segmentation.grabcut import STRANGE, grab, keep_large_components
from regen3d.errors import ConfigError
from regen3d.types import Mask, Rgb

WORKING_SIDE = 640
"""Longest side of the picture in which regions grow."""
TOUCH = 0.008
"""Radius of a point as part of the picture's longer side: nobody points more exactly."""
LIKE_ROOM = 0.1
"""What looks less unlike its room than this, and unlike what is pointed at, is room."""
ALIKE = 12.0
"""A clear difference of colour (CIE Lab): what is nearer to a colour that is pointed at may be of the same thing."""


def cut_at_points(
    image: Rgb, prompts: Sequence[PointPrompt], seed: int, strange: Float[np.ndarray, "h w"] | None = None
) -> list[Mask]:
    """Masks of all prompts of a picture, in their order; they do not overlap, and each holds its points.

    Args:
        image: the picture.
        prompts: points on each object, and beside it.
        seed: for every random choice.
        strange: 0..1, how unlike its room every pixel looks; None where nothing is known of the room.
    """
    height, width = image.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    factors = np.array(size) / [width, height]
    odd = None if strange is None else cv2.resize(strange, size, interpolation=cv2.INTER_AREA)
    room = None if odd is None else (odd < LIKE_ROOM) & ~_like_points(small, prompts, factors)
    markers = _markers(prompts, factors, size, room)
    regions = cv2.watershed(small, markers.copy())
    masks = []
    for number in range(1, len(prompts) + 1):
        mask = _refined(small, markers, regions, number, seed)
        soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        masks.append(soft > 0.5)
    return _apart(masks, [touched(prompt, (height, width)) for prompt in prompts])


def check_points(prompt: PointPrompt, hw: tuple[int, int]) -> None:
    """Refuse points that show nothing.

    Raises:
        ConfigError: a point is not finite, or lies outside the picture.
    """
    places = np.array([*prompt.points, *prompt.outside], dtype=np.float64).reshape(-1, 2)
    inside = np.isfinite(places).all(axis=1) & (places >= 0).all(axis=1) & (places <= [hw[1], hw[0]]).all(axis=1)
    if not (prompt.points and inside.all()):
        raise ConfigError(
            f"the points of {prompt.label!r} are not all in the picture of {hw[1]} x {hw[0]}: "
            "give at least one (x, y) in pixels on the object"
        )


def touched(prompt: PointPrompt, hw: tuple[int, int]) -> Mask:
    """Discs round the points on an object."""
    return _discs(prompt.points, np.ones(2), (hw[1], hw[0]))


def _discs(points: Sequence[tuple[float, float]], factors: Float[np.ndarray, " 2"], wh: tuple[int, int]) -> Mask:
    discs = np.zeros((wh[1], wh[0]), np.uint8)
    for point in points:
        x, y = np.minimum(np.array(point) * factors, np.array(wh) - 1).astype(int).tolist()
        cv2.circle(discs, (x, y), max(1, round(TOUCH * max(wh))), 1, -1)
    return discs > 0


def _like_points(image: Rgb, prompts: Sequence[PointPrompt], factors: Float[np.ndarray, " 2"]) -> Mask:
    """Pixels that have a colour which is pointed at."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    alike = np.zeros(image.shape[:2], bool)
    for prompt in prompts:
        for point in prompt.points:
            colour = np.median(lab[_discs([point], factors, (image.shape[1], image.shape[0]))], axis=0)
            alike |= np.linalg.norm(lab - colour, axis=2) < ALIKE
    return alike


def _markers(
    prompts: Sequence[PointPrompt],
    factors: Float[np.ndarray, " 2"],
    wh: tuple[int, int],
    room: Mask | None,
) -> Integer[np.ndarray, "h w"]:
    """1, 2, ... where each prompt points, one more than their number where there is none of them, 0 where open."""
    nothing = len(prompts) + 1
    markers = np.zeros((wh[1], wh[0]), np.int32)
    markers[[0, -1]], markers[:, [0, -1]] = nothing, nothing
    on = np.any([_discs(prompt.points, factors, wh) for prompt in prompts], axis=0)
    if room is not None:
        plain = cv2.erode(room.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        near = cv2.dilate(on.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        markers[plain & ~near] = nothing
    for prompt in prompts:
        markers[_discs(prompt.outside, factors, wh)] = nothing
    for number, prompt in enumerate(prompts, 1):
        markers[_discs(prompt.points, factors, wh)] = number
    return markers


def _refined(
    image: Rgb, markers: Integer[np.ndarray, "h w"], regions: Integer[np.ndarray, "h w"], number: int, seed: int
) -> Mask:
    """A grown region whose colours decide along its rim; without what no point lies on."""
    own, grown = markers == number, regions == number
    reach = max(3, round(0.02 * max(grown.shape)))
    near = cv2.dilate(grown.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    trimap = np.full(grown.shape, cv2.GC_BGD, np.uint8)
    trimap[near], trimap[grown] = cv2.GC_PR_BGD, cv2.GC_PR_FGD
    trimap[(markers > 0) & ~own], trimap[own] = cv2.GC_BGD, cv2.GC_FGD
    mask = grab(image, trimap, seed) | own
    if mask.sum() < STRANGE * grown.sum():
        mask = grown | own
    _, parts = cv2.connectedComponents(mask.astype(np.uint8))
    pointed = np.isin(parts, np.unique(parts[own]))
    return keep_large_components(mask & pointed) | own


def _apart(masks: Sequence[Mask], owned: Sequence[Mask]) -> list[Mask]:
    """Masks that do not overlap: pixels that are pointed at stay with their points, others with the first."""
    taken = np.zeros_like(masks[0]) if masks else np.zeros((0, 0), bool)
    claimed = np.any(owned, axis=0) if masks else taken
    free = []
    for mask, own in zip(masks, owned, strict=True):
        kept = (own & ~taken) | (mask & ~taken & ~(claimed & ~own))
        taken = taken | kept
        free.append(kept)
    return free
