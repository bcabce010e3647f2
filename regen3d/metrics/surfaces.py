"""The triangles of one object where it stands, for measures that look at several objects at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from regen3d.metrics.boxes import Bounds, bounds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A surface without appearance."""

    vertices: Float[np.ndarray, "v 3"]
    """World frame (Y up), metres, finite."""
    faces: Integer[np.ndarray, "f 3"]
    """Vertex indices, counter-clockwise seen from outside; at least one has an area."""

    @property
    def bounds(self) -> Bounds:
        """The axis-aligned box round it."""
        return bounds_of(self.vertices)
