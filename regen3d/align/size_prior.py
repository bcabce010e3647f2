"""What is known of an object's size and shape before its picture is looked at."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

WHOLE = np.array([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]])
"""The one block that fills the unit box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePrior:
    """How large objects of a category usually are, and roughly how they are shaped."""

    median_m: Float[np.ndarray, " 3"]
    """Median width, height and depth in metres."""
    log_sigma: Float[np.ndarray, " 3"]
    """Standard deviation of the natural logarithm of each."""
    shapes: tuple[Float[np.ndarray, "_ 2 3"], ...] = (WHOLE,)
    """Rough shapes that the category comes in, of which the best is taken: of each block its least and greatest corner
    in the unit box (x left to right, y up, z back to front)."""
    is_round: bool = False
    """A body of revolution: blocks are the elliptic cylinders inscribed in them, depth equals width."""
    is_airy: bool = False
    """Full of gaps, like leaves: the convex hull of the mask is what is fitted."""
    facing: float = 0.04
    """Cost of half a turn away from the camera in units of IoU: enough to decide what silhouettes leave open, and more
    for what is hardly ever pictured from behind."""


VAGUE = SizePrior(median_m=np.array([0.6, 0.6, 0.5]), log_sigma=np.array([0.8, 0.8, 0.8]))
"""The prior of an object of which nothing is known."""
