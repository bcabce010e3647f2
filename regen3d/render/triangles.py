"""What triangles measure."""

import numpy as np
from jaxtyping import Float


def triangle_areas(corners: Float[np.ndarray, "f 3 3"]) -> Float[np.ndarray, " f"]:
    """Areas of triangles, in the square of their corners' unit."""
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return 0.5 * np.linalg.norm(crossed, axis=1)
