"""How sure a pose is: a calibrated probability that it is right, from what alignment itself can see.

A logistic model of six features (Platt, "Probabilistic outputs for support vector machines", 1999), fitted by
`benchmarks/confidence.py` on rendered rooms with truth, clean and spoiled, and judged with each room left out. A pose
counts as right where it faces within 15 degrees of the truth, its symmetry counted, and its box overlaps the true one
by an IoU of 0.75; for what has a side under 8 cm, whose IoU a millimetre decides, where its middle is within 4 cm.
"""

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from regen3d.types import Alignment, Mask, ObjectView

AMBIGUOUS = 0.5
"""Below this a pose is more likely wrong than right, and the report says so."""

LARGEST_MARGIN = 0.2
"""Leads over the runner-up above this are all the same: nothing rivals the pose."""

LARGEST_RESIDUAL = 0.1
"""The same for the points' distance from the mesh, as a share of that from the camera: they are not of the mesh."""

RING_PX = 4
"""Width of the ring round a mask that says what it borders on."""

FEATURES = ("mask error", "lead", "point residual", "no points", "cut or hidden", "log size")
"""What the model sees, in this order."""

WEIGHTS = np.array([-6.0, 4.0, -20.0, -0.2, -1.0, 0.5])
"""Of each feature, from the fit."""

BIAS = 4.0
"""Log-odds where every feature is zero, from the fit."""


def pose_confidence(alignment: Alignment, view: ObjectView) -> float:
    """Probability that a pose is right, 0..1."""
    return float(1.0 / (1.0 + np.exp(-(BIAS + WEIGHTS @ pose_features(alignment, view)))))


def pose_features(alignment: Alignment, view: ObjectView) -> Float[np.ndarray, " 6"]:
    """The features of a pose, in the order of `FEATURES`."""
    mask = view.instance.mask
    distance = float(np.linalg.norm(alignment.world_from_object.translation - view.camera.position))
    residual = alignment.point_residual_m
    relative = 0.0 if residual is None else min(residual / max(distance, 1e-6), LARGEST_RESIDUAL)
    return np.array(
        [
            1.0 - alignment.mask_iou,
            min(alignment.runner_up_margin, LARGEST_MARGIN),
            relative,
            float(residual is None),
            closed_share(mask, view.ignore),
            0.5 * np.log(max(float(mask.mean()), 1e-6)),
        ]
    )


def closed_share(mask: Mask, ignore: Mask) -> float:
    """Share of the ring round a mask behind which the object may go on: hidden pixels and the picture's border."""
    inner = np.pad(mask, RING_PX)
    ring = ndimage.binary_dilation(inner, iterations=RING_PX) & ~inner
    closed = np.pad(ignore, RING_PX, constant_values=True)
    return float((ring & closed).sum()) / max(float(ring.sum()), 1.0)


def ambiguity(alignment: Alignment, confidence: float) -> str | None:
    """A sentence for the report where a pose is more likely wrong than right; None where it is not."""
    if confidence >= AMBIGUOUS:
        return None
    return (
        f"ambiguous: the pose is right with a probability of {100.0 * confidence:.0f} %: mask IoU "
        f"{alignment.mask_iou:.2f}, lead over another way to face {alignment.runner_up_margin:.2f}"
    )
