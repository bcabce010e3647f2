"""What protocols share: counting what is there, missing and extra, and means over objects."""

from collections.abc import Sequence

import numpy as np

from regen3d.metrics.matching import Matching
from regen3d.metrics.protocols.base import ObjectResult, PlacedMesh


def counts(matching: Matching) -> dict[str, float]:
    """How many objects are true, predicted, missing and extra."""
    found = len(matching.pairs)
    return {
        "objects_true": float(found + len(matching.missing)),
        "objects_predicted": float(found + len(matching.extra)),
        "objects_missing": float(len(matching.missing)),
        "objects_extra": float(len(matching.extra)),
    }


def matching_notes(matching: Matching, predicted: Sequence[PlacedMesh]) -> tuple[str, ...]:
    """A sentence that names what is extra; none where nothing is."""
    extra = ", ".join(predicted[k].name for k in matching.extra)
    return (f"Extra objects, matched to no true one: {extra}.",) if extra else ()


def object_means(objects: Sequence[ObjectResult]) -> dict[str, float]:
    """Mean of each value over the objects that have it, as `object_KEY`."""
    keys = dict.fromkeys(key for item in objects for key in item.values)
    return {
        f"object_{key}": float(np.mean([item.values[key] for item in objects if key in item.values])) for key in keys
    }
