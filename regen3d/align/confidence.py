"""How sure a pose is: a calibrated probability that it is right, from what alignment itself can see.

A logistic model of four features (Platt, "Probabilistic outputs for support vector machines", 1999), fitted by
`benchmarks/confidence.py` on rendered rooms with truth, clean and spoiled, and judged with each room left out. A pose
counts as right where it faces within 15 degrees of the truth, its symmetry counted, and its box overlaps the true one
by an IoU of 0.5; for what has a side under 8 cm, whose IoU a millimetre decides, where its middle is within 4 cm.

The weights are of poses of which two thirds were right, the bias is of those that alignment finds now: on the same
rooms, clean and spoiled, 115 of 118 are right. Each room left out, that bias scores a Brier of 0.022 (0.025 for always
saying their share) and a calibration error of 0.023, and a wrong pose is less sure than a right one with a probability
of 0.89. It holds for meshes that are like their objects; a pose of another mesh is judged by how well that mesh fits.
"""

import numpy as np
from jaxtyping import Float

from regen3d.types import Alignment, ObjectView

DOUBTFUL = 0.9
"""Below this the report says that a pose may be wrong: an even chance among poses of which every third is."""

LARGEST_MARGIN = 0.2
"""Leads over the runner-up above this are all the same: nothing rivals the pose."""

LARGEST_RESIDUAL = 0.1
"""The same for the points' distance from the mesh, as a share of that from the camera: they are not of the mesh."""

FEATURES = ("mask error", "lead", "point residual", "log size")
"""What the model sees, in this order. Being cut, hidden, hung, carried or without points was tried: no gain."""

WEIGHTS = np.array([-4.96, 11.2, -39.3, 0.51])
"""Of each feature, from the fit to 198 poses, 129 of them right."""

BIAS = 4.52
"""Log-odds where every feature is zero, from a fit of its own."""


def pose_confidence(alignment: Alignment, view: ObjectView) -> float:
    """Probability that a pose is right, 0..1."""
    return float(1.0 / (1.0 + np.exp(-(BIAS + WEIGHTS @ pose_features(alignment, view)))))


def pose_features(alignment: Alignment, view: ObjectView) -> Float[np.ndarray, " 4"]:
    """The features of a pose, in the order of `FEATURES`."""
    distance = float(np.linalg.norm(alignment.world_from_object.translation - view.camera.position))
    residual = alignment.point_residual_m or 0.0
    return np.array(
        [
            1.0 - alignment.mask_iou,
            min(alignment.runner_up_margin, LARGEST_MARGIN),
            min(residual / max(distance, 1e-6), LARGEST_RESIDUAL),
            0.5 * np.log(max(float(view.instance.mask.mean()), 1e-6)),
        ]
    )


def ambiguity(alignment: Alignment, confidence: float) -> str | None:
    """A sentence for the report where a pose may be wrong; None where it is sure enough."""
    if confidence >= DOUBTFUL:
        return None
    return (
        f"ambiguous: the pose is right with a probability of {100.0 * confidence:.0f} %: mask IoU "
        f"{alignment.mask_iou:.2f}, lead over another way to face {alignment.runner_up_margin:.2f}"
    )
