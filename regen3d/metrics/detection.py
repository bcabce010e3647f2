"""Average precision of found masks, and how many there are of each kind of mistake."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

COCO_THRESHOLDS = tuple(float(k) / 100 for k in range(50, 100, 5))
"""IoU from which a mask counts as found: AP@[.5:.95] is the mean over these."""

_RECALLS = np.linspace(0.0, 1.0, 101)
"""Recalls at which the COCO protocol reads precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """What was found in one picture, and what is there."""

    overlap: Float[np.ndarray, "f t"]
    """IoU of every found mask with every true one, as `pairwise_mask_iou` gives it."""
    scores: Float[np.ndarray, " f"]
    """Confidence of each found mask; only their order counts."""
    found_labels: tuple[str, ...]
    """One for each found mask."""
    true_labels: tuple[str, ...]
    """One for each true mask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Right, surplus and missed masks."""

    right: int
    """Found masks that stand for a true one."""
    surplus: int
    """Found masks that stand for none."""
    missed: int
    """True masks that were not found."""

    @property
    def precision(self) -> float:
        """Share of found masks that are right, 0..1; 0 where nothing was found."""
        return self.right / max(self.right + self.surplus, 1)

    @property
    def recall(self) -> float:
        """Share of true masks that were found, 0..1; 0 where there are none."""
        return self.right / max(self.right + self.missed, 1)


def count_masks(pictures: Sequence[Detections], threshold: float = 0.5) -> Counts:
    """Right, surplus and missed masks of all pictures at an IoU, whatever their labels."""
    hits = [hits_of(picture, threshold) for picture in pictures]
    right = sum(int(hit.sum()) for hit in hits)
    return Counts(
        right=right,
        surplus=sum(len(hit) for hit in hits) - right,
        missed=sum(len(picture.true_labels) for picture in pictures) - right,
    )


def average_precision(pictures: Sequence[Detections], threshold: float) -> float | None:
    """Area under the precision-recall curve of all pictures at an IoU, 0..1, whatever the labels.

    Returns:
        None where there is no true mask.

    Source: Lin et al. 2014 (COCO), as pycocotools computes it: precision made monotonous and read at 101 recalls. There
    are no crowds here, and no limit on the number of found masks.
    """
    true_count = sum(len(picture.true_labels) for picture in pictures)
    if true_count == 0:
        return None
    scores = np.concatenate([picture.scores for picture in pictures])
    hits = np.concatenate([hits_of(picture, threshold) for picture in pictures])
    if len(hits) == 0:
        return 0.0
    right = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    envelope = np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]
    reached = np.searchsorted(right / true_count, _RECALLS, side="left")
    return float(np.append(envelope, 0.0)[reached].mean())


def mean_average_precision(
    pictures: Sequence[Detections], thresholds: Sequence[float] = COCO_THRESHOLDS
) -> float | None:
    """Mean over IoU thresholds of the average precision, whatever the labels; None where there is no true mask."""
    values = [average_precision(pictures, threshold) for threshold in thresholds]
    return None if None in values else float(np.mean([value for value in values if value is not None]))


def average_precision_by_label(
    pictures: Sequence[Detections], thresholds: Sequence[float] = COCO_THRESHOLDS
) -> dict[str, float]:
    """Mean over IoU thresholds of the average precision of each true label, in alphabetical order.

    COCO's own figure is the mean of these.
    """
    labels = sorted({label for picture in pictures for label in picture.true_labels})
    values = {label: mean_average_precision([of_label(p, label) for p in pictures], thresholds) for label in labels}
    return {label: value for label, value in values.items() if value is not None}


def of_label(picture: Detections, label: str) -> Detections:
    """The found and true masks that have a label."""
    found = np.array([name == label for name in picture.found_labels], dtype=bool)
    true = np.array([name == label for name in picture.true_labels], dtype=bool)
    return replace(
        picture,
        overlap=picture.overlap[found][:, true],
        scores=picture.scores[found],
        found_labels=(label,) * int(found.sum()),
        true_labels=(label,) * int(true.sum()),
    )


def hits_of(picture: Detections, threshold: float) -> Bool[np.ndarray, " f"]:
    """Whether each found mask stands for a true one.

    The surest mask chooses first, and takes the free true mask that it overlaps most, if by the threshold or more.
    """
    free = picture.overlap.copy()
    hits = np.zeros(len(picture.scores), dtype=bool)
    if free.size == 0:
        return hits
    for found in np.argsort(-picture.scores, kind="stable"):
        true = int(free[found].argmax())
        if free[found, true] >= threshold:
            hits[found] = True
            free[:, true] = -1.0
    return hits
