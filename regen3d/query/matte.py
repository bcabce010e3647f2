"""From an object on white to colour and alpha."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from regen3d.types import Rgb

PAPER, INK = 8.0, 40.0
"""Greatest channel difference to the ground up to which it is ground, and from which it is surely object: JPEG's noise
on white stays under 8 of 255."""
CREVICE = 0.002
"""Holes smaller than this share of the panel are white parts of the object, not gaps."""


def matte(picture: Rgb) -> tuple[Rgb, Float[np.ndarray, "h w"]]:
    """Colours without the white that shows through, and alpha in 0..1, of an object on a white ground.

    White inside the object that the ground does not reach counts as object where it is small: alpha = d / d_full with
    d the distance to the ground; colour = (picture - (1 - alpha) * ground) / alpha (the compositing equation).
    """
    values = picture.astype(np.float64)
    ground = ground_colour(picture)
    distance = np.abs(values - ground).max(axis=2)
    alpha = np.clip((distance - PAPER) / (INK - PAPER), 0.0, 1.0)
    alpha[_enclosed(alpha > 0.5)] = 1.0
    solid = cv2.erode((alpha > 0.99).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    alpha[_specks(alpha > 0.0, solid)] = 0.0
    clear = (values - (1.0 - alpha[..., None]) * ground) / np.maximum(alpha, 0.1)[..., None]
    colours = np.where(alpha[..., None] > 0.0, np.clip(clear, 0.0, 255.0), 255.0)
    return np.round(colours).astype(np.uint8), alpha


def ground_colour(picture: Rgb) -> Float[np.ndarray, " 3"]:
    """Median colour along the border of a picture."""
    ring = np.concatenate([picture[:2].reshape(-1, 3), picture[-2:].reshape(-1, 3)])
    ring = np.concatenate([ring, picture[:, :2].reshape(-1, 3), picture[:, -2:].reshape(-1, 3)])
    return np.median(ring, axis=0).astype(np.float64)


def _enclosed(solid: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Small holes of a mask."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    small = np.asarray(stats)[:, cv2.CC_STAT_AREA] < CREVICE * solid.size
    small[0] = False
    return small[np.asarray(labels, dtype=np.int64)]


def _specks(some: Bool[np.ndarray, "h w"], solid: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pieces of a mask without a solid pixel: noise of the ground."""
    count, labels = cv2.connectedComponents(some.astype(np.uint8), connectivity=8)
    labels = np.asarray(labels, dtype=np.int64)
    keep = np.zeros(int(count), dtype=bool)
    keep[np.unique(labels[solid])] = True
    return some & ~keep[labels]
