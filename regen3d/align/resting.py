"""Standing objects on what carries them, in exact contact with the surface under their footprint."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy import ndimage

from regen3d.align.heights import HeightMap, contact_height, height_map, look_up
from regen3d.align.placed import PlacedObject, noted, posed, scaled_about, shifted, world_vertices
from regen3d.frames import project, transform
from regen3d.render.raster import Raster, rasterize
from regen3d.types import Camera

LOWEST_VIEW = 0.95
"""Nothing is lifted above this share of the camera's height: there the lift would shrink it to nothing."""

LEVEL_NORMAL = 0.7
"""A surface whose normal has at least this upward share carries things."""

SAME_LEVEL_M = 0.02
"""Heights this close are one level; poses are not known better."""

CLEARANCE_M = 0.05
"""Faces of a carrier that begin this far above a level are the board over it, not what things on it stand on."""

FARTHEST_SHIFT_M = 0.2
"""What would have to move farther to stand on its carrier does not stand there: one of the two poses is off."""

THICKEST_RUG_M = 0.06
"""What is thicker is no rug."""

STANDING_SHARE = 0.5
"""Of the base that has the rug below it for the object to stand on the rug."""

STABLE_SHARE = 0.8
"""Of a base that has its carrier right below it: less looks as if it were about to fall."""

ROUNDS = 4
"""Of closing the gap by scaling about the eye: each leaves under a tenth of the last one's."""


STANDING_M = 0.01
"""What reaches this far below the floor does not hang: walls are placed to a centimetre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """The underside of an object."""

    points: Float[np.ndarray, "n 3"]
    """World frame, metres: the lowest point over each cell of the ground, and the vertices."""
    low: Float[np.ndarray, "b 3"]
    """Those within SAME_LEVEL_M of the lowest."""


def put_on(item: PlacedObject, below: PlacedObject, camera: Camera) -> PlacedObject:
    """Lift an object that was aligned as if on the floor onto the surface of another one.

    It is scaled about the camera's centre, which keeps its silhouette, until it touches. Where its base then hangs over
    the carrier's edge, it is moved inward as little as makes it stand.
    """
    level, beside = _level(item, below, camera)
    if level is None:
        return noted(item, f"{below.name} is higher than the camera sees; it stays on the floor")
    bottom = float(world_vertices(item)[:, 1].min())
    eye = camera.position
    lifted = posed(
        item, scaled_about(item.alignment.world_from_object, eye, (eye[1] - level) / max(eye[1] - bottom, 1e-6))
    )
    surface = _surface(below, level)
    resting = in_contact(lifted, surface, eye)
    if _is_stable(_base(resting), surface):
        return resting
    step = _way_onto(_base(lifted), surface, level)
    if step is None or (beside and not step.any()):
        return noted(lifted, f"it stands as high as {below.name}, but beside it: one of the two poses is off")
    return in_contact(shifted(lifted, step), surface, eye)


def put_on_rug(item: PlacedObject, rug: PlacedObject, camera: Camera) -> PlacedObject:
    """Lift an object that stands on the floor by the thickness of the rug under it, if there is one."""
    vertices = world_vertices(rug)
    base = _base(item)
    if np.ptp(vertices[:, 1]) > THICKEST_RUG_M or base.points[:, 1].min() > THICKEST_RUG_M:
        return item
    surface = height_map(vertices, rug.mesh.faces)
    below = look_up(surface, base.points[:, [0, 2]])
    if not (base.points[:, 1] < below).any():
        return item
    lifted = in_contact(item, surface, camera.position)
    under = np.isfinite(look_up(surface, base.low[:, [0, 2]]))
    support = rug.name if under.mean() >= STANDING_SHARE else item.alignment.support
    return replace(lifted, alignment=replace(lifted.alignment, support=support))


def off_the_floor(item: PlacedObject, camera: Camera) -> PlacedObject:
    """What was hung on a wall and reaches below the floor, on the floor instead; its silhouette stays.

    Scaled about the eye, it comes nearer until its base is at y = 0.
    """
    lowest, eye = float(world_vertices(item)[:, 1].min()), camera.position
    if lowest >= -STANDING_M:
        return item
    stood = posed(item, scaled_about(item.alignment.world_from_object, eye, eye[1] / (eye[1] - lowest)))
    stood = replace(stood, alignment=replace(stood.alignment, support="floor", contact_gap_m=0.0))
    return noted(stood, "on the wall it would reach below the floor: it was stood on the floor")


def in_contact(item: PlacedObject, surface: HeightMap, eye: Float[np.ndarray, " 3"]) -> PlacedObject:
    """The object scaled about the eye until it touches a surface and is nowhere below it."""
    for _ in range(ROUNDS):
        gap = _gap(_base(item).points, surface)
        if gap is None:
            return item
        drop = eye[1] - float(world_vertices(item)[:, 1].min())
        if drop <= abs(gap):
            return item
        item = posed(item, scaled_about(item.alignment.world_from_object, eye, (drop + gap) / drop))
    # What is left is far below a millimetre: no silhouette shows it.
    gap = _gap(_base(item).points, surface) or 0.0
    item = shifted(item, np.array([0.0, -gap, 0.0]))
    left = _gap(_base(item).points, surface) or 0.0
    return replace(item, alignment=replace(item.alignment, contact_gap_m=left))


def _level(item: PlacedObject, below: PlacedObject, camera: Camera) -> tuple[float | None, bool]:
    """The height at which an object stands on another one, and whether it would stand beside it there.

    It is what the lines of sight through the footprint meet of the carrier; where they meet no level place, the height
    at which the footprint comes nearest to its upper surface.
    """
    footprint = world_vertices(item) * np.array([1.0, 0.0, 1.0])
    vertices = world_vertices(below)
    seen = _seen_level(footprint, vertices, below, camera)
    if seen is not None:
        return (seen, False) if seen <= LOWEST_VIEW * camera.position[1] else (None, False)
    heights = height_map(vertices, below.mesh.faces)
    level, gap = contact_height(heights, footprint, camera.position, LOWEST_VIEW)
    if level is None or np.isnan(gap):
        return level, True
    return level - gap, False


def _seen_level(
    footprint: Float[np.ndarray, "n 3"], vertices: Float[np.ndarray, "v 3"], below: PlacedObject, camera: Camera
) -> float | None:
    """The height of the level place that the lines of sight through a footprint's middle meet; None if they meet none.

    Args:
        footprint: points of the object as aligned, projected onto the floor.
        vertices: of the carrier, world frame.
        below: the carrier.
        camera: the camera.
    """
    center, reach = 0.5 * (footprint.min(axis=0) + footprint.max(axis=0)), 0.2 * np.ptp(footprint, axis=0)
    pattern = np.array([[x, 0.0, z] for x in (-1.0, 0.0, 1.0) for z in (-1.0, 0.0, 1.0)])
    spots = transform(camera.camera_from_world, center + pattern * reach)
    if (spots[:, 2] <= 0.0).any():
        return None
    pixels = np.floor(project(camera.intrinsics, spots)).astype(np.int64)
    inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(axis=1)
    local = transform(camera.camera_from_world, vertices)
    raster = rasterize(local, below.mesh.faces, camera.intrinsics, camera.hw)
    heights = _level_heights(raster, pixels[inside], vertices[below.mesh.faces])
    if len(heights) < len(pattern) // 2:
        return None
    middle = float(np.median(heights))
    return middle if (np.abs(heights - middle) < SAME_LEVEL_M).sum() >= len(pattern) // 2 else None


def _level_heights(
    raster: Raster, pixels: Integer[np.ndarray, "n 2"], corners: Float[np.ndarray, "f 3 3"]
) -> Float[np.ndarray, " m"]:
    """Heights of a mesh at those pixels that show a place on which things can stand."""
    face = raster.face[pixels[:, 1], pixels[:, 0]]
    weights = raster.barycentric[pixels[:, 1], pixels[:, 0]][face >= 0]
    seen = corners[face[face >= 0]]
    normal = np.cross(seen[:, 1] - seen[:, 0], seen[:, 2] - seen[:, 0])
    upward = np.abs(normal[:, 1]) / np.maximum(np.linalg.norm(normal, axis=1), 1e-30)
    return np.einsum("ni,ni->n", weights, seen[..., 1])[upward >= LEVEL_NORMAL]


def _surface(below: PlacedObject, level: float) -> HeightMap:
    """The carrier's upper surface at a level, without what is above it."""
    vertices = world_vertices(below)
    faces = below.mesh.faces[vertices[below.mesh.faces, 1].max(axis=1) <= level + CLEARANCE_M]
    return height_map(vertices, faces if len(faces) else below.mesh.faces)


def _base(item: PlacedObject) -> _Base:
    """The underside of an object as points."""
    vertices = world_vertices(item)
    upside_down = vertices * np.array([1.0, -1.0, 1.0])
    view = height_map(upside_down, item.mesh.faces)
    rows, columns = np.nonzero(np.isfinite(view.height))
    ground = view.corner + view.cell_m * (np.stack([columns, rows], axis=1) + 0.5)
    cells = np.stack([ground[:, 0], -view.height[rows, columns], ground[:, 1]], axis=1)
    used = vertices[np.unique(item.mesh.faces)]
    points = np.concatenate([cells, used])
    low = points[points[:, 1] <= used[:, 1].min() + SAME_LEVEL_M]
    return _Base(points=points, low=low)


def _gap(points: Float[np.ndarray, "n 3"], surface: HeightMap) -> float | None:
    """The least height of points above a surface, negative for points below it; None where none is over it."""
    gaps = points[:, 1] - look_up(surface, points[:, [0, 2]])
    return float(np.nanmin(gaps)) if np.isfinite(gaps).any() else None


def _is_stable(base: _Base, surface: HeightMap) -> bool:
    """Whether a base that touches a surface stands on what it touches: the top of a grate, and not a rim beside it."""
    level = float(base.points[:, 1].min())
    radius = 0.5 * float(np.min(np.ptp(base.low, axis=0)[[0, 2]]))
    flat = _bridged(_at_level(surface, level), radius / surface.cell_m)
    return _share_over(base.low, flat, surface) >= STABLE_SHARE


def _at_level(surface: HeightMap, level: float) -> Bool[np.ndarray, "r c"]:
    """Cells of a surface that belong to a level."""
    return np.abs(np.nan_to_num(surface.height, nan=np.inf) - level) <= SAME_LEVEL_M


def _bridged(flat: Bool[np.ndarray, "r c"], reach: float) -> Bool[np.ndarray, "r c"]:
    """Cells of a level with the gaps in it that are too narrow to let a base through, such as those of a grate.

    They are closed (dilated, then eroded) by half the width of the base, in cells.
    """
    if not flat.any():
        return flat
    rim = int(np.ceil(reach)) + 1
    near = np.asarray(ndimage.distance_transform_edt(~np.pad(flat, rim))) <= reach
    closed = np.asarray(ndimage.distance_transform_edt(near)) > reach
    return closed[rim:-rim, rim:-rim] | flat


def _way_onto(base: _Base, surface: HeightMap, level: float) -> Float[np.ndarray, " 3"] | None:
    """The shortest horizontal way to where a base stands whole on a level, none where most of it does already.

    Where no place is wide enough its middle has to be over the level, or goes to the widest place: flowers come to
    stand over the middle of a vase. None where that is too far.
    """
    flat = _at_level(surface, level)
    low, high = base.low.min(axis=0), base.low.max(axis=0)
    middle = 0.5 * (low + high)[[0, 2]]
    room = np.asarray(ndimage.distance_transform_edt(np.pad(flat, 1)))[1:-1, 1:-1] * surface.cell_m
    radius = 0.5 * float(np.min((high - low)[[0, 2]]))
    needed = min(radius, float(room.max()))
    if _share_over(base.low, flat, surface) >= STABLE_SHARE:
        return np.zeros(3)
    if radius > needed and _share_over(np.insert(middle, 1, level)[None], flat, surface) > 0.0:
        return np.zeros(3)
    rows, columns = np.nonzero(flat & (room >= needed))
    if len(rows) == 0:
        return None
    places = surface.corner + surface.cell_m * (np.stack([columns, rows], axis=1) + 0.5)
    way = places - middle
    nearest = way[np.argmin(np.linalg.norm(way, axis=1))]
    return np.array([nearest[0], 0.0, nearest[1]]) if np.linalg.norm(nearest) <= FARTHEST_SHIFT_M else None


def _share_over(points: Float[np.ndarray, "n 3"], flat: Bool[np.ndarray, "r c"], surface: HeightMap) -> float:
    """Share of points that are over the cells given."""
    over = HeightMap(height=np.where(flat, 1.0, np.nan), corner=surface.corner, cell_m=surface.cell_m)
    return float(np.isfinite(look_up(over, points[:, [0, 2]])).mean())
