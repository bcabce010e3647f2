"""Masks that end beside the picture's edges."""

import numpy as np
import pytest
from scipy import ndimage

from regen3d.align.rim import mask_bias_px, outside_distance, regrown
from regen3d.types import Instance


def discs():
    """A picture of two discs that touch, and their masks."""
    v, u = np.mgrid[:160, :220] + 0.5
    masks = [np.hypot(u - x, v - 80.0) < 40.0 for x in (70.0, 150.0)]
    image = np.full((160, 220, 3), 200, dtype=np.uint8)
    for mask, color in zip(masks, ((60, 90, 30), (120, 40, 40)), strict=True):
        image[mask] = color
    return image, masks


def instances_of(masks):
    return [Instance(name=f"ball-{k}", label="ball", score=1.0, mask=mask) for k, mask in enumerate(masks)]


@pytest.mark.parametrize("eroded_px", [0, 2, 4])
def test_an_eroded_rim_is_measured_and_grown_back(eroded_px):
    image, masks = discs()
    eroded = [ndimage.binary_erosion(mask, iterations=eroded_px) if eroded_px else mask for mask in masks]
    assert mask_bias_px(image, eroded) == pytest.approx(eroded_px, abs=0.8)
    grown, moved = regrown(image, instances_of(eroded))
    assert moved == pytest.approx(eroded_px, abs=0.8)
    for item, mask in zip(grown, masks, strict=True):
        assert (item.mask & mask).sum() > 0.97 * (item.mask | mask).sum()
    assert not (grown[0].mask & grown[1].mask).any()


def test_a_dilated_rim_is_taken_off():
    image, masks = discs()
    wide = [ndimage.binary_dilation(masks[0], iterations=3)]
    grown, moved = regrown(image, instances_of(wide))
    assert moved < -1.5
    assert (grown[0].mask & masks[0]).sum() > 0.95 * (grown[0].mask | masks[0]).sum()


def test_a_picture_without_edges_moves_nothing():
    masks = discs()[1]
    plain = np.full((160, 220, 3), 128, dtype=np.uint8)
    assert mask_bias_px(plain, masks) == 0.0
    grown, moved = regrown(plain, instances_of(masks))
    assert moved == 0.0
    assert all(np.array_equal(item.mask, mask) for item, mask in zip(grown, masks, strict=True))


def test_distances_are_signed_and_half_a_pixel_off_the_outline():
    mask = np.zeros((9, 9), dtype=bool)
    mask[3:6, 3:6] = True
    distance = outside_distance(mask)
    assert (distance[4, 1], distance[4, 2], distance[4, 3], distance[4, 4]) == (1.5, 0.5, -0.5, -1.5)
    assert (outside_distance(np.zeros((4, 4), dtype=bool)) > 1e6).all()
