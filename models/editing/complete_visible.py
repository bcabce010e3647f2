"""No completion at all: what the picture shows of an object, and nothing else. What an ablation runs without it."""

from collections.abc import Sequence

import numpy as np

from models.base import CompleteRequest
from regen3d.errors import DegenerateGeometryError
from regen3d.types import Completion


class VisiblePart:
    """A `CompletionEditor` that leaves objects as incomplete as they are seen."""

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to give back."""

    def complete(self, requests: Sequence[CompleteRequest]) -> list[Completion]:
        """The visible pixels of each object on white.

        Raises:
            DegenerateGeometryError: a visible mask is empty.
        """
        return [_cut_out(request) for request in requests]


def _cut_out(request: CompleteRequest) -> Completion:
    instance = request.view.instance
    x0, y0, x1, y1 = instance.box
    if x1 <= x0:
        raise DegenerateGeometryError(f"the mask of {instance.name} is empty: it shows nothing to cut out")
    mask = instance.mask[y0:y1, x0:x1]
    colours = np.where(mask[..., None], request.view.image[y0:y1, x0:x1], 255)
    picture = np.dstack([colours, np.where(mask, 255, 0)]).astype(np.uint8)
    return Completion(picture=picture, origin_xy=(x0, y0), box=None, notes=("What is hidden was left out.",))
