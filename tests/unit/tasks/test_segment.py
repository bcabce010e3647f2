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


def test_masks_that_grow_towards_each_other_never_share_a_pixel_nor_one_with_the_floor() -> None:
    image = np.full((160, 220, 3), 200, dtype=np.uint8)
    image[40:120, 30:110], image[40:120, 110:190] = (60, 90, 30), (30, 60, 120)
    left, right = np.zeros((2, 160, 220), dtype=bool)
    left[44:116, 34:106] = right[44:116, 113:186] = True
    instances = tuple(Instance(name=f"{n}-1", label=n, score=1.0, mask=m) for n, m in (("a", left), ("b", right)))
    exact = with_exact_rims(Segmentation(instances=instances, floor=~(left | right)), image)
    one, other = (item.mask for item in exact.instances)
    assert one.sum() > left.sum()
    assert not (one & other).any()
    assert exact.floor is not None
    assert not (exact.floor & (one | other)).any()
