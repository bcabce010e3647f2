"""The few closed solids of which furniture is composed, each with a flat layout of its surface in metres.

A solid is convex-edged: where its surface bends sharply, vertices are split and a new chart begins, so that smooth
shading and the texture both stop at the edge. Faces are counter-clockwise seen from outside.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Integer

from regen3d.render.triangles import triangle_areas

Number = float | int
"""A length or an angle."""
Point = tuple[Number, Number, Number]
"""x, y, z in metres."""

BENDS_DEG = ((45.0, 22.0, 0.0), (45.0, 30.0, 15.0, 0.0))
"""Angles of the rounded edge at which a cushion has vertices, for narrow and for wide bends."""
WIDE_BEND_M = 0.06
"""Radius from which a bend is wide: a facet of a narrower one is under 2 cm wide."""
SHARP_DEG = 40.0
"""Profiles that bend by more than this get an edge."""
ARCS = 3
"""Charts of a band that is longer than this many times its height: an arc is about as long as the body is wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A closed solid, or several, of one material."""

    vertices: Float[np.ndarray, "v 3"]
    """Object frame, metres; split along chart borders."""
    faces: Integer[np.ndarray, "f 3"]
    """Counter-clockwise seen from outside."""
    layout: Float[np.ndarray, "v 2"]
    """Where each vertex lies on the unrolled surface of its chart, metres."""
    chart: Integer[np.ndarray, " v"]
    """Chart of each vertex, from 0."""
    material: str = "body"
    """Parts of one material share a colour where the picture shows none."""


def box(low: Point, high: Point, material: str = "body") -> Part:
    """An axis-aligned box between two corners."""
    least = np.asarray(low, dtype=np.float64)
    vertices = least + _CUBE.vertices * (np.asarray(high, dtype=np.float64) - least)
    layout = np.take_along_axis(vertices, _CUBE_AXES, axis=1)
    return replace(_CUBE, vertices=vertices, layout=layout, material=material)


def cushion(low: Point, high: Point, radius: Number, material: str = "fabric") -> Part:
    """A box with rounded edges; the radius is at most half of its smallest side."""
    least, most = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    radius = min(radius, 0.499 * float((most - least).min()))
    bend = radius * (1 - np.tan(np.radians(BENDS_DEG[radius > WIDE_BEND_M])))
    knots = [np.concatenate([least[axis] + bend, (most[axis] - bend)[::-1]]) for axis in range(3)]
    part = _six_sides(knots, material)
    inner = np.clip(part.vertices, least + radius, most - radius)
    away = part.vertices - inner
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    return replace(part, vertices=inner + radius * away)


def lathe(
    radius: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    material: str = "body",
    sides: int = 24,
    *,
    closed: bool = False,
) -> Part:
    """A body of revolution about the y axis; the profile runs upwards outside (and may come down again inside).

    Ends with a radius are closed by flat caps, unless the profile closes on itself (`closed`), which makes a ring.
    """
    profile = np.stack([radius, y], axis=1).astype(np.float64)
    pieces = []
    if profile[0, 0] > 1e-6 and not closed:
        pieces.append(_disc(profile[0], sides, up=False, material=material))
    steps = np.diff(profile, axis=0)
    heading = np.degrees(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))
    cuts = [0, *(np.flatnonzero(np.abs(np.diff(heading)) > SHARP_DEG) + 1), len(profile) - 1]
    pieces += [_band(profile[a : b + 1], sides, material) for a, b in itertools.pairwise(cuts)]
    if profile[-1, 0] > 1e-6 and not closed:
        pieces.append(_disc(profile[-1], sides, up=True, material=material))
    return merge(pieces, material)


def cylinder(
    radius: Number,
    y: tuple[Number, Number],
    material: str = "body",
    *,
    top_radius: Number | None = None,
    sides: int = 20,
) -> Part:
    """An upright cylinder or, with another radius at the top, the frustum of a cone."""
    top = radius if top_radius is None else top_radius
    return lathe(np.array([radius, top], dtype=np.float64), np.array(y, dtype=np.float64), material, sides)


def rod(
    start: Point,
    end: Point,
    radius: Number,
    material: str = "legs",
    *,
    top_radius: Number | None = None,
    square: bool = False,
) -> Part:
    """A bar between two points, round or square; radii are half of its thickness at either end."""
    axis = np.asarray(end, dtype=np.float64) - np.asarray(start, dtype=np.float64)
    length = float(np.linalg.norm(axis))
    up = axis / length
    side = np.cross(up, [0.0, 0.0, 1.0] if abs(up[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    frame = np.stack([side, up, np.cross(side, up)], axis=1)
    bar = _bar(radius, radius if top_radius is None else top_radius, length, material, square)
    return replace(bar, vertices=bar.vertices @ frame.T + np.asarray(start))


def _bar(low: Number, high: Number, length: float, material: str, square: bool) -> Part:
    if not square:
        return cylinder(low, (0.0, length), material, top_radius=high, sides=10)
    block = box((-1, 0, -1), (1, length, 1), material)
    width = low + (high - low) * block.vertices[:, 1:2] / length
    vertices = block.vertices * np.concatenate([width, np.ones_like(width), width], axis=1)
    return replace(block, vertices=vertices, layout=np.take_along_axis(vertices, _CUBE_AXES, axis=1))


def blade(length: float, width: float, *, azimuth: float, rise: float, droop: float, material: str = "leaves") -> Part:
    """A leaf from the origin: a thin lens along a drooping curve.

    Args:
        length: along the stalk, metres.
        width: greatest, metres.
        azimuth: direction about +Y in radians.
        rise: angle above the horizon at the base, radians.
        droop: share of the length by which the tip hangs below the straight line.
        material: whose colour it shares.
    """
    along = np.linspace(0.0, 1.0, 7)
    out, up = length * along * np.cos(rise), length * (along * np.sin(rise) - droop * along**2)
    half = 0.5 * width * np.sin(np.pi * along**0.8)
    lift = np.array([0.0, 0.18, 0.0])[:, None] * half
    across = np.array([-1.0, 0.0, 1.0])[:, None] * half
    flat = np.stack([np.broadcast_to(along * length, (3, 7)), across], axis=-1).reshape(-1, 2)
    top = np.stack([np.broadcast_to(out, (3, 7)), up + lift, across], axis=-1).reshape(-1, 3)
    under = np.stack([np.broadcast_to(out, (3, 7)), up - lift, across], axis=-1).reshape(-1, 3)
    faces = _grid_faces(3, 7)
    leaf = Part(
        vertices=np.concatenate([top, under]),
        faces=np.concatenate([faces[:, ::-1], faces + 21])[:, ::-1],
        layout=np.concatenate([flat, flat]),
        chart=np.repeat([0, 1], 21),
        material=material,
    )
    return turn(leaf, azimuth)


def move(part: Part, offset: Point) -> Part:
    """The part moved by metres."""
    return replace(part, vertices=part.vertices + np.asarray(offset, dtype=np.float64))


def turn(part: Part, yaw_rad: Number) -> Part:
    """The part turned about +Y; positive turns +Z towards +X."""
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    rotation = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    return replace(part, vertices=part.vertices @ rotation.T)


def tilt(part: Part, angle_rad: float, pivot: Point) -> Part:
    """The part turned about the x axis through a point; positive leans its top to the front (+Z)."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    centre = np.asarray(pivot, dtype=np.float64)
    return replace(part, vertices=(part.vertices - centre) @ rotation.T + centre)


def merge(parts: list[Part], material: str) -> Part:
    """Several parts as one of a material."""
    vertices = np.cumsum([0, *(len(part.vertices) for part in parts)])
    charts = np.cumsum([0, *(int(part.chart.max()) + 1 for part in parts)])
    return Part(
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + first for part, first in zip(parts, vertices, strict=False)]),
        layout=np.concatenate([part.layout for part in parts]),
        chart=np.concatenate([part.chart + first for part, first in zip(parts, charts, strict=False)]),
        material=material,
    )


def _grid_faces(rows: int, columns: int) -> Integer[np.ndarray, "f 3"]:
    """Triangles of a grid of vertices; the normal is (along rows) x (along columns) of the index grid."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def _six_sides(knots: list[Float[np.ndarray, " _"]], material: str) -> Part:
    pieces = []
    for axis in range(3):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        rows, columns = np.meshgrid(knots[one], knots[two], indexing="ij")
        for end, flip in ((knots[axis][0], True), (knots[axis][-1], False)):
            vertices = np.zeros((rows.size, 3))
            vertices[:, axis], vertices[:, one], vertices[:, two] = end, rows.ravel(), columns.ravel()
            faces = _grid_faces(*rows.shape)
            pieces.append(
                Part(
                    vertices=vertices,
                    faces=faces[:, ::-1] if flip else faces,
                    layout=vertices[:, [one, two]],
                    chart=np.zeros(len(vertices), dtype=np.int64),
                )
            )
    return merge(pieces, material)


def _band(profile: Float[np.ndarray, "n 2"], sides: int, material: str) -> Part:
    """The side of a lathe; the seam lies at the back (-Z)."""
    angle = np.pi + np.linspace(0.0, 2 * np.pi, sides + 1)
    radius, y = profile[:, :1], profile[:, 1:]
    vertices = np.stack(
        [radius * np.sin(angle), np.broadcast_to(y, (len(profile), sides + 1)), radius * np.cos(angle)], -1
    )
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))])
    around = np.linspace(0.0, 2 * np.pi * profile[:, 0].max(), sides + 1)
    layout = np.stack(np.broadcast_arrays(around[None], along[:, None]), axis=-1)
    # A ribbon as long as the way round a table top would leave a square texture mostly empty.
    arcs = ARCS if along[-1] < around[-1] / ARCS else 1
    cuts = np.linspace(0, sides, arcs + 1).round().astype(np.int64)
    return merge(
        [_arc(vertices[:, a : b + 1], layout[:, a : b + 1], material) for a, b in itertools.pairwise(cuts)], material
    )


def _arc(vertices: Float[np.ndarray, "r c 3"], layout: Float[np.ndarray, "r c 2"], material: str) -> Part:
    """One chart of the side of a lathe, without its flat faces."""
    faces = _grid_faces(*vertices.shape[:2])[:, ::-1]
    flat = vertices.reshape(-1, 3)
    return Part(
        vertices=flat,
        faces=faces[triangle_areas(flat[faces]) > 5e-11],
        layout=layout.reshape(-1, 2),
        chart=np.zeros(len(flat), dtype=np.int64),
        material=material,
    )


def _disc(ring: Float[np.ndarray, " 2"], sides: int, *, up: bool, material: str) -> Part:
    angle = np.pi + np.linspace(0.0, 2 * np.pi, sides, endpoint=False)
    edge = ring[0] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    flat = np.concatenate([[[0.0, 0.0]], edge])
    following = 1 + np.roll(np.arange(sides), -1)
    faces = np.stack([np.zeros(sides, dtype=np.int64), 1 + np.arange(sides), following], axis=1)
    return Part(
        vertices=np.stack([flat[:, 0], np.full(len(flat), ring[1]), flat[:, 1]], axis=1),
        faces=faces if up else faces[:, ::-1],
        layout=flat,
        chart=np.zeros(len(flat), dtype=np.int64),
        material=material,
    )


_CUBE = _six_sides([np.array([0.0, 1.0])] * 3, "body")
"""The unit cube: four vertices a side."""
_CUBE_AXES = np.repeat([[1, 2], [1, 2], [2, 0], [2, 0], [0, 1], [0, 1]], 4, axis=0)
"""The two axes along which the side of each of its vertices is laid out."""
