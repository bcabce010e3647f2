"""Simple furniture made in code, in the object frame: Y up, base at y = 0, centred in x and z, front +Z, metres."""

import numpy as np
from jaxtyping import Float

from regen3d.types import Mesh
from tests.synthetic.textures import box_sides, glaze

SIDE_LIGHT = (0.62, 0.55, 0.4, 1.05, 0.7, 0.85)
"""Brightness of the sides -X, +X, -Y, +Y, -Z, +Z: light from above and from the camera's side."""

_SIDES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]],
)
"""Corners of each side, counter-clockwise seen from outside; corner k has x, y, z of its bits 4, 2, 1."""

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Least and greatest corner."""


def chair(rng: np.random.Generator) -> Mesh:
    """A dining chair, 0.44 x 0.90 x 0.46 m."""
    legs = _legs(0.44, 0.46, 0.43, 0.04)
    seat: Box = ((-0.22, 0.43, -0.23), (0.22, 0.48, 0.23))
    back: Box = ((-0.22, 0.48, -0.23), (0.22, 0.90, -0.19))
    return boxes_mesh([*legs, seat, back], (150, 62, 48), rng)


def table(rng: np.random.Generator) -> Mesh:
    """A table, 1.10 x 0.74 x 0.70 m."""
    top: Box = ((-0.55, 0.70, -0.35), (0.55, 0.74, 0.35))
    return boxes_mesh([*_legs(1.10, 0.70, 0.70, 0.06), top], (106, 74, 52), rng)


def cabinet(rng: np.random.Generator) -> Mesh:
    """A cabinet with two door leaves, 0.90 x 0.95 x 0.42 m."""
    body: Box = ((-0.45, 0.0, -0.21), (0.45, 0.95, 0.19))
    leaves: list[Box] = [((-0.43, 0.04, 0.19), (-0.01, 0.91, 0.21)), ((0.01, 0.04, 0.19), (0.43, 0.91, 0.21))]
    return boxes_mesh([body, *leaves], (84, 104, 120), rng)


def vase(rng: np.random.Generator) -> Mesh:
    """A turned vase, 0.30 m high and 0.19 m wide at most."""
    profile = np.array(
        [[0.0, 0.0], [0.055, 0.0], [0.09, 0.09], [0.095, 0.13], [0.045, 0.24], [0.06, 0.30], [0.0, 0.30]]
    )
    return turned_mesh(profile, (58, 98, 176))


def boxes_mesh(boxes: list[Box], color: tuple[int, int, int], rng: np.random.Generator) -> Mesh:
    """One mesh of axis-aligned boxes, each side in the brightness of its direction."""
    corners = np.array([[[box[k >> 2 & 1][0], box[k >> 1 & 1][1], box[k & 1][2]] for k in range(8)] for box in boxes])
    quads = corners[:, _SIDES].reshape(-1, 4, 3)
    faces = 4 * np.arange(len(quads))[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])
    # Half a band of margin: bilinear sampling never reaches the neighbouring brightness.
    band = (np.arange(6) + np.array([[0.25], [0.25], [0.75], [0.75]])) / 6
    uv = np.stack([np.broadcast_to(np.array([[0.05], [0.95], [0.95], [0.05]]), (4, 6)), band], axis=-1)
    return Mesh(
        vertices=quads.reshape(-1, 3),
        faces=faces.reshape(-1, 3).astype(np.int32),
        uv=np.tile(uv.transpose(1, 0, 2).reshape(-1, 2), (len(boxes), 1)),
        texture=box_sides(color, SIDE_LIGHT, rng),
    )


def turned_mesh(profile: Float[np.ndarray, "k 2"], color: tuple[int, int, int], segments: int = 48) -> Mesh:
    """A body of revolution from (radius, height) points, from the axis below to the axis above."""
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    ring = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
    vertices = profile[:, None, :1] * ring + np.array([0.0, 1.0, 0.0]) * profile[:, None, 1:]
    uv = np.stack(np.broadcast_arrays((angle / (2 * np.pi))[None], profile[:, None, 1] / profile[-1, 1]), axis=-1)
    below = (np.arange(len(profile) - 1)[:, None] * (segments + 1) + np.arange(segments)).ravel()
    above = below + segments + 1
    faces = np.concatenate([np.stack([below, below + 1, above + 1], -1), np.stack([below, above + 1, above], -1)])
    area = np.cross(*(vertices.reshape(-1, 3)[faces[:, k]] - vertices.reshape(-1, 3)[faces[:, 0]] for k in (1, 2)))
    return Mesh(
        vertices=vertices.reshape(-1, 3),
        faces=faces[np.linalg.norm(area, axis=1) > 1e-9].astype(np.int32),
        uv=0.98 * uv.reshape(-1, 2) + 0.01,
        texture=glaze(color),
    )


def _legs(width: float, depth: float, height: float, thick: float) -> list[Box]:
    x, z = width / 2, depth / 2
    return [
        ((left, 0.0, back), (left + thick, height, back + thick))
        for left in (-x, x - thick)
        for back in (-z, z - thick)
    ]
