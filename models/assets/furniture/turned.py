"""Bodies of revolution: vases, bottles, bowls, cups, pots, bins, and whatever profile the picture shows."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from models.assets.furniture.template import Size
from models.assets.primitives import Number, Part, cylinder, lathe, move, rod

Profile = tuple[tuple[Number, Number], ...]
"""(radius, height) from the bottom up, as shares of half the width and of the height."""

VASE: Profile = ((0.5, 0), (0.55, 0.02), (0.9, 0.25), (1.0, 0.42), (0.85, 0.62), (0.5, 0.8), (0.42, 0.88), (0.55, 1.0))
BOTTLE: Profile = (
    (0.94, 0),
    (1.0, 0.02),
    (1.0, 0.58),
    (0.9, 0.66),
    (0.42, 0.76),
    (0.36, 0.82),
    (0.36, 0.97),
    (0.4, 1.0),
)
BOWL: Profile = ((0.4, 0), (0.42, 0.06), (0.7, 0.3), (0.9, 0.62), (1.0, 1.0))
CUP: Profile = ((0.72, 0), (0.8, 0.04), (0.92, 0.4), (1.0, 1.0))
POT: Profile = ((0.9, 0), (1.0, 0.05), (1.0, 0.92), (1.0, 1.0))
BIN: Profile = ((0.8, 0), (0.82, 0.02), (0.99, 0.96), (1.0, 1.0))


def turned(size: Size, *, profile: Profile, hollow: bool = False) -> list[Part]:
    """A vessel with an elliptic section; where hollow, its wall is a twentieth of its radius thick."""
    w, h, d = size
    shape = np.array(profile)
    radius, y = 0.5 * w * shape[:, 0], h * shape[:, 1]
    if hollow:
        wall = max(0.06 * 0.5 * w, 0.002)
        inner = np.maximum(radius[::-1] - wall, 1e-4)
        depth = np.maximum(y[::-1], 0.05 * h)
        keep = depth > 0.05 * h
        radius = np.concatenate([radius, inner[keep], [0.0]])
        y = np.concatenate([y, depth[keep], [depth[keep].min(initial=h)]])
    body = lathe(radius, y, "body", 32)
    return [replace(body, vertices=body.vertices * [1, 1, d / w])]


def turned_lamp(size: Size, *, profile: Profile) -> list[Part]:
    """A lamp by its profile: what lies above the sharpest widening of the upper part is the shade."""
    shape = np.array(profile)
    growth = np.where(shape[1:, 1] > 0.3, np.diff(shape[:, 0]), -np.inf)
    cut = int(np.argmax(growth)) + 1
    if not 2 <= cut <= len(shape) - 2:
        return turned(size, profile=profile)
    w, h, d = size
    pieces = (("foot", shape[:cut]), ("shade", shape[cut:]))
    bodies = [lathe(0.5 * w * piece[:, 0], h * piece[:, 1], material, 32) for material, piece in pieces]
    stem = cylinder(0.03 * w, (shape[cut - 1, 1] * h * 0.98, shape[cut, 1] * h * 1.02), "foot", sides=10)
    return [replace(part, vertices=part.vertices * [1, 1, d / w]) for part in (*bodies, stem)]


def mug(size: Size) -> list[Part]:
    """A cup with a handle at its right."""
    w, h, d = size
    body = [move(part, (-0.12 * w, 0, 0)) for part in turned((0.76 * w, h, d), profile=CUP, hollow=True)]
    x0, x1, r = 0.2 * w, 0.48 * w, 0.035 * w
    bars = [
        ((x0, 0.8 * h, 0), (x1, 0.75 * h, 0)),
        ((x1, 0.75 * h, 0), (x1, 0.35 * h, 0)),
        ((x1, 0.35 * h, 0), (x0, 0.25 * h, 0)),
    ]
    return [*body, *(rod(a, b, r, "body") for a, b in bars)]


def cooking_pot(size: Size) -> list[Part]:
    """A pot with a lid, a knob and two handles."""
    w, h, d = size
    body = turned((0.82 * w, 0.78 * h, 0.82 * d), profile=POT, hollow=False)
    lid = lathe(w * np.array([0.42, 0.42, 0.3, 0.05, 0.05]), h * np.array([0.78, 0.8, 0.88, 0.92, 1.0]), "top")
    bars = [rod((a * 0.38 * w, 0.62 * h, 0), (a * 0.5 * w, 0.62 * h, 0), 0.04 * h + 0.004, "handles") for a in (-1, 1)]
    return [*body, lid, *bars]


def silhouette_profile(half_widths: Float[np.ndarray, " n"], samples: int = 28) -> Profile:
    """A profile from half widths measured at equal steps from the base up, in any unit.

    Values are smoothed over three neighbours and scaled so that the widest is 1; nothing is thinner than 4 %.
    """
    padded = np.pad(half_widths.astype(np.float64), 1, mode="edge")
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    at = np.linspace(0, len(smooth) - 1, samples)
    radius = np.interp(at, np.arange(len(smooth)), smooth)
    radius = np.maximum(radius / max(float(radius.max()), 1e-9), 0.04)
    return tuple((float(r), float(y)) for r, y in zip(radius, np.linspace(0, 1, samples), strict=True))
