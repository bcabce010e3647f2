"""What becomes of the masks that a segmenter found."""

import numpy as np
import pytest
from scipy import ndimage

from models.base import Segmentation
from regen3d.types import Instance
from tasks.segment import with_exact_rims


@pytest.mark.parametrize("eroded_px", [0, 4])
def test_masks_of_a_careful_segmenter_end_at_the_edges_of_the_picture(eroded_px: int) -> None:
    v, u = np.mgrid[:160, :220] + 0.5
    whole = np.hypot(u - 100.0, v - 80.0) < 40.0
    image = np.full((160, 220, 3), 200, dtype=np.uint8)
    image[whole] = (60, 90, 30)
    mask = ndimage.binary_erosion(whole, iterations=eroded_px) if eroded_px else whole
    found = Segmentation(instances=(Instance(name="ball-1", label="ball", score=1.0, mask=mask),), floor=None)
    exact = with_exact_rims(found, image)
    grown = exact.instances[0].mask
    assert (grown & whole).sum() > 0.97 * (grown | whole).sum()
    assert len(exact.notes) == (1 if eroded_px else 0)
    assert all("moved out by" in note and "pixels" in note for note in exact.notes)


def test_nothing_found_stays_nothing() -> None:
    found = Segmentation(instances=(), floor=None)
    assert with_exact_rims(found, np.full((160, 220, 3), 200, dtype=np.uint8)) is found
