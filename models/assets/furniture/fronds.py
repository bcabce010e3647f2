"""The leaves of palms and ferns: leaflets in two rows along a bending stalk."""

import numpy as np
from jaxtyping import Float

from models.assets.primitives import Part, blade, merge, turn

PAIRS = 13
"""Leaflets on either side: as many as keep apart where each is a thirtieth of the frond wide."""
BARE = 0.36
"""Share of the stalk, from its foot, without leaflets: about a third of a parlour palm's."""
LEAFLET = 0.3
"""Length of the longest leaflet as a share of the frond's, at the middle of the leafy part."""
SLANT_RAD = 0.75
"""Angle between a leaflet and the stalk ahead of it: 43 degrees."""
HANG = 1.1
"""By how much leaflets hang, metres for each squared metre across, over the frond's length."""
THICK = 0.12
"""Thickness of a leaflet as a share of its width."""


def frond(length: float, width: float, *, azimuth: float, rise: float, droop: float, material: str = "leaves") -> Part:
    """A pinnate leaf from the origin; the whole upper and the whole lower side are a chart each.

    Args:
        length: of the stalk, metres.
        width: greatest of a leaflet, metres.
        azimuth: direction about +Y in radians.
        rise: angle above the horizon at the base, radians.
        droop: share of the length by which the tip hangs below the straight line.
        material: whose colour it shares.
    """
    flat, faces = _leaflets(length, width)
    top = _bent(flat, length, rise, droop)
    under = _bent(flat * [1, 1, -1], length, rise, droop)
    leaflets = Part(
        vertices=np.concatenate([top, under]),
        faces=np.concatenate([faces, faces[:, ::-1] + len(flat)]),
        layout=np.concatenate([flat[:, :2], flat[:, :2]]),
        chart=np.repeat([0, 1], len(flat)),
        material=material,
    )
    stalk = blade(length, 0.5 * width, azimuth=0.0, rise=rise, droop=droop, material=material)
    return turn(merge([leaflets, stalk], material), azimuth)


def _leaflets(length: float, width: float) -> tuple[Float[np.ndarray, "v 3"], np.ndarray]:
    """Along the stalk, across it and above it, metres: a rhomb with a raised middle each; and the upper faces."""
    share = np.linspace(0.0, 1.0, PAIRS)
    along = length * (BARE + (0.97 - BARE) * share)
    reach = LEAFLET * length * np.sin(np.pi * (0.2 + 0.7 * share))
    ahead, side = np.array([np.cos(SLANT_RAD), np.sin(SLANT_RAD)]), np.array([-np.sin(SLANT_RAD), np.cos(SLANT_RAD)])
    corners = []
    for out, over, up in ((0.0, 0.0, 0.0), (0.45, -0.5, 0.0), (1.0, 0.0, 0.0), (0.45, 0.5, 0.0), (0.45, 0.0, THICK)):
        place = reach[:, None] * out * ahead + width * over * side
        corners.append(np.stack([along + place[:, 0], place[:, 1], np.full(PAIRS, up * width)], axis=1))
    left = np.stack(corners, axis=1) + np.array([0.0, 0.25 * width, 0.0])
    rhomb = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    faces = (rhomb + 5 * np.arange(PAIRS)[:, None, None]).reshape(-1, 3)
    right = (left * [1, -1, 1]).reshape(-1, 3)
    return np.concatenate([left.reshape(-1, 3), right]), np.concatenate([faces, faces[:, ::-1] + len(right)])


def _bent(flat: Float[np.ndarray, "v 3"], length: float, rise: float, droop: float) -> Float[np.ndarray, "v 3"]:
    """A flat frond along the curve of its stalk, x outwards, y up."""
    share, across, above = flat[:, 0] / length, flat[:, 1], flat[:, 2]
    slope = np.stack([np.full(len(flat), np.cos(rise)), np.sin(rise) - 2 * droop * share], axis=1)
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    x = length * share * np.cos(rise) - above * slope[:, 1]
    y = length * (share * np.sin(rise) - droop * share**2) + above * slope[:, 0] - HANG * across**2 / length
    return np.stack([x, y, -across], axis=1)
