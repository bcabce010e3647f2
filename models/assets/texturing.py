"""Paint a surface with the picture of the object: what is seen, then its mirror image, then its usual colours."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Integer, UInt8

from models.assets.finish import finish_of
from models.assets.packing import pack
from models.assets.solid import Surface
from regen3d.frames import project, transform
from regen3d.meshes.spreading import nearest_known, spread_colours
from regen3d.render.raster import rasterize
from regen3d.types import Completion, FittedBox, Mesh, ObjectView, Similarity

ERODE_PX = 2
"""Pixels this near to the border of the mask show the background too."""
SNAP_SHARE = 0.1
"""Surface that falls beside the mask by up to this share of the mask's diagonal takes the nearest colour inside it."""
LEAST_COSINE = 0.12
"""Surface seen at a flatter angle than 83 degrees is smeared, and counts as unseen."""
DEPTH_SHARE = 0.012
"""Slack of the visibility test as a share of the object's diagonal: half the thickness of a table top."""
LONGEST_PX = 640
"""Longer side of the depth buffer against which visibility is tested."""

FLIPS = tuple(np.array(flip, dtype=np.float32) for flip in ((1, 1, 1), (-1, 1, 1)))
"""The point itself, and its mirror image across x = 0."""
ROUND_FLIPS = (*FLIPS, *(np.array(flip, dtype=np.float32) for flip in ((1, 1, -1), (-1, 1, -1))))
"""For bodies of revolution also those across z = 0."""
BLOCK = 1 << 17
"""Texels painted at once: what they need stays in the processor's cache."""
FOLD = 4096
"""Texels a row of the list that is sampled at once."""
BRIDGE_SHARE = 0.03
"""Share of the texture's side over which known texels lend their colour to others of their part."""
LEAST_KNOWN = 0.03
"""A part of which less is seen takes the colour of its material: a few texels are often those of a neighbour."""
NEUTRAL = (150, 145, 138)
"""Colour of an object of which not one texel is seen: the grey of undyed felt."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """A picture and where it counts."""

    picture: UInt8[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True)
class _Texels:
    """The covered texels of the texture: where they lie on the object, and on which face."""

    index: Integer[np.ndarray, " n"]
    position: Float32[np.ndarray, "n 3"]
    face: Integer[np.ndarray, " n"]


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the camera sees of the surface, on a crop of the picture."""

    camera_from_object: Float32[np.ndarray, "4 4"]
    intrinsics: Float32[np.ndarray, "3 3"]
    crop_from_picture: Float32[np.ndarray, "3 3"]
    depth: Float[np.ndarray, "h w"]
    tolerance_m: float
    normal: Float32[np.ndarray, "f 3"]
    hw: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Spots:
    """Texels that the camera sees, themselves or their mirror images, and where in the picture."""

    texel: Integer[np.ndarray, " n"]
    pixel: Float32[np.ndarray, "n 2"]


def textured(
    surface: Surface, box: FittedBox, view: ObjectView, completion: Completion, *, size_px: int, is_round: bool
) -> Mesh:
    """A mesh of the surface with its texture taken from the picture.

    Each texel takes, in this order: the picture where it is seen inside the visible mask; the same of its mirror image
    across the object's plane x = 0; the completed picture where the object is hidden; the nearest colour of the mask
    where the surface falls a little beside it; the median colour of its part, its material, the object.

    Args:
        surface: object frame, metres.
        box: where it stands.
        view: the object in its picture.
        completion: the whole object.
        size_px: side of the square texture.
        is_round: whether its back looks like its front.
    """
    layout = pack(surface, size_px)
    texels = _texels(surface, layout, size_px)
    sight, layers = _sight(surface, box.world_from_object, view), _layers(view, completion)
    colours = np.zeros((len(texels.index), 3), dtype=np.uint8)
    known = np.zeros(len(texels.index), dtype=bool)
    for start in range(0, len(known), BLOCK):
        block = slice(start, start + BLOCK)
        part = _Texels(texels.index[block], texels.position[block], texels.face[block])
        _paint(colours[block], known[block], part, sight, layers, ROUND_FLIPS if is_round else FLIPS)
    _bridge(colours, known, texels, surface, size_px)
    _fill(colours, known, texels, surface)
    texture = _spread(colours, texels.index, size_px)
    uv = np.stack([layout[:, 0] / size_px, 1.0 - layout[:, 1] / size_px], axis=1)
    roughness, metallic = finish_of(surface)
    return Mesh(
        vertices=surface.vertices,
        faces=surface.faces,
        uv=np.clip(uv, 0.0, 1.0),
        texture=texture,
        roughness=roughness,
        metallic=metallic,
    )


def _texels(surface: Surface, layout: Float[np.ndarray, "v 2"], size_px: int) -> _Texels:
    flat = np.concatenate([layout, np.ones((len(layout), 1))], axis=1)
    raster = rasterize(flat, surface.faces, np.eye(3), (size_px, size_px))
    index = np.flatnonzero(raster.face >= 0)
    face, weights = raster.face.ravel()[index], raster.barycentric.reshape(-1, 3)
    corners = surface.vertices.astype(np.float32)[surface.faces]
    position = np.zeros((len(index), 3), dtype=np.float32)
    for start in range(0, len(index), BLOCK):
        block = slice(start, start + BLOCK)
        position[block] = np.einsum("nk,nkc->nc", weights[index[block]], corners[face[block]])
    return _Texels(index, position, face)


def _sight(surface: Surface, world_from_object: Similarity, view: ObjectView) -> _Sight:
    camera = view.camera
    camera_from_object = camera.camera_from_world @ world_from_object.matrix
    vertices = transform(camera_from_object, surface.vertices)
    x0, y0, x1, y1 = view.instance.box
    shrink = min(1.0, LONGEST_PX / max(x1 - x0, y1 - y0, 1))
    # A margin of half the mask: the mirror image of a seen point may project beside the mask.
    margin = 0.5 * max(x1 - x0, y1 - y0)
    hw = int((y1 - y0 + 2 * margin) * shrink) + 1, int((x1 - x0 + 2 * margin) * shrink) + 1
    crop = np.array([[shrink, 0, -shrink * (x0 - margin)], [0, shrink, -shrink * (y0 - margin)], [0, 0, 1.0]])
    depth = rasterize(vertices, surface.faces, crop @ camera.intrinsics, hw).depth
    diagonal = float(np.linalg.norm(np.ptp(surface.vertices, axis=0))) * world_from_object.scale
    corners = surface.vertices[surface.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    return _Sight(
        camera_from_object=camera_from_object.astype(np.float32),
        intrinsics=camera.intrinsics.astype(np.float32),
        crop_from_picture=crop.astype(np.float32),
        depth=depth,
        tolerance_m=DEPTH_SHARE * diagonal,
        normal=normals.astype(np.float32),
        hw=view.camera.hw,
    )


def _paint(
    colours: UInt8[np.ndarray, "n 3"],
    known: Bool[np.ndarray, " n"],
    texels: _Texels,
    sight: _Sight,
    layers: tuple[_Layer, _Layer, _Layer],
    flips: tuple[Float32[np.ndarray, " 3"], ...],
) -> None:
    """Colour what the camera sees of some texels: seen, mirrored, completed, beside the mask, in this order."""
    seen, hidden, near = layers
    spots = []
    for flip in flips:
        spots.append(_spots(texels, sight, np.flatnonzero(~known), flip))
        _take(colours, known, spots[-1], seen)
    _take(colours, known, spots[0], hidden)
    for spot in spots:
        _take(colours, known, spot, near)


def _spots(texels: _Texels, sight: _Sight, rest: Integer[np.ndarray, " r"], flip: Float32[np.ndarray, " 3"]) -> _Spots:
    """Which of some texels (or of their mirror images) the camera sees, and where."""
    points = transform(sight.camera_from_object, texels.position[rest] * flip)
    normals = ((sight.normal * flip) @ sight.camera_from_object[:3, :3].T)[texels.face[rest]]
    cosine = -np.einsum("nc,nc->n", normals, points)
    length = np.sqrt(np.einsum("nc,nc->n", normals, normals) * np.einsum("nc,nc->n", points, points))
    facing = np.flatnonzero((cosine > LEAST_COSINE * length) & (points[:, 2] > 1e-3))
    points, cosine = points[facing], cosine[facing] / length[facing]
    pixels = project(sight.intrinsics, points)
    crop = pixels * np.diag(sight.crop_from_picture)[:2] + sight.crop_from_picture[:2, 2]
    in_picture, (in_crop, row, column) = _cells(pixels, sight.hw)[0], _cells(crop, sight.depth.shape)
    nearest = sight.depth[row, column] + sight.tolerance_m / np.clip(cosine, 0.3, 1.0)
    found = (points[:, 2] < nearest) & in_picture & in_crop
    return _Spots(rest[facing[found]], pixels[found])


def _take(colours: UInt8[np.ndarray, "n 3"], known: Bool[np.ndarray, " n"], spots: _Spots, layer: _Layer) -> None:
    """Give the texels that are not known yet the colours of a layer where it counts."""
    _, row, column = _cells(spots.pixel, layer.mask.shape)
    found = np.flatnonzero(layer.mask[row, column] & ~known[spots.texel])
    if len(found) == 0:
        return
    texel, at = spots.texel[found], spots.pixel[found] - np.float32(0.5)
    # cv2.remap takes no more than 32767 rows, so the list of texels is folded into a grid.
    folded = np.zeros((-(-len(at) // FOLD), FOLD, 2), dtype=np.float32)
    folded.reshape(-1, 2)[: len(at)] = at
    columns, rows = np.ascontiguousarray(folded[..., 0]), np.ascontiguousarray(folded[..., 1])
    sampled = cv2.remap(layer.picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colours[texel] = np.asarray(sampled, dtype=np.uint8).reshape(-1, 3)[: len(at)]
    known[texel] = True


def _cells(
    pixels: Float[np.ndarray, "n 2"], hw: tuple[int, int]
) -> tuple[Bool[np.ndarray, " n"], Integer[np.ndarray, " n"], Integer[np.ndarray, " n"]]:
    """Whether each point lies in a picture, and its row and column, clipped to it."""
    x, y = pixels[:, 0], pixels[:, 1]
    inside = (x >= 0) & (y >= 0) & (x < hw[1]) & (y < hw[0])
    return inside, np.where(inside, y, 0.0).astype(np.int32), np.where(inside, x, 0.0).astype(np.int32)


def _layers(view: ObjectView, completion: Completion) -> tuple[_Layer, _Layer, _Layer]:
    """The picture inside the mask and just beside it, the completed part, and the same beside the mask.

    All of the picture's colours beside the eroded mask are those of the nearest pixel inside it.
    """
    mask = view.instance.mask
    kernel = np.ones((2 * ERODE_PX + 1, 2 * ERODE_PX + 1), dtype=np.uint8)
    inside = cv2.erode(mask.astype(np.uint8), kernel, borderValue=1).astype(bool)
    inside = inside if inside.sum() > 0.2 * mask.sum() else mask
    picture, whole = view.image.copy(), np.zeros_like(mask)
    x, y = completion.origin_xy
    height, width = completion.picture.shape[:2]
    rows, columns = slice(max(y, 0), min(y + height, mask.shape[0])), slice(max(x, 0), min(x + width, mask.shape[1]))
    crop = completion.picture[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    picture[rows, columns] = crop[..., :3]
    whole[rows, columns] = crop[..., 3] > 127
    hidden = whole & ~mask
    if hidden.any():
        # What lies beside the completed part is blank or the background, and sampling would blend it in.
        picture = spread_colours(picture, hidden)[0]
    spread, distance = spread_colours(view.image, inside)
    x0, y0, x1, y1 = view.instance.box
    near = distance <= SNAP_SHARE * float(np.hypot(x1 - x0, y1 - y0))
    # As far out as the mask was eroded: surface at the rim of a round body falls on either side of the mask's steps,
    # and would be dotted with colours of its mirror image.
    seen = distance <= 2 * ERODE_PX + 1
    return _Layer(spread, seen), _Layer(picture, hidden), _Layer(spread, near)


def _bridge(
    colours: UInt8[np.ndarray, "n 3"],
    known: Bool[np.ndarray, " n"],
    texels: _Texels,
    surface: Surface,
    size_px: int,
) -> None:
    """Give texels that are not known, but near known ones of the same part, their colour: strips seen too flatly."""
    if not known.any():
        return
    part = np.full(size_px * size_px, -1, dtype=np.int32)
    part[texels.index] = surface.part[texels.face]
    seen = np.zeros(size_px * size_px, dtype=bool)
    seen[texels.index[known]] = True
    nearest, distance = nearest_known(seen.reshape(size_px, size_px))
    position = np.zeros(size_px * size_px, dtype=np.int32)
    position[texels.index] = np.arange(len(texels.index))
    rest = np.flatnonzero(~known)
    at = texels.index[rest]
    lender = nearest.ravel()[at]
    near = (distance.ravel()[at] <= BRIDGE_SHARE * size_px) & (part[lender] == part[at])
    colours[rest[near]] = colours[position[lender[near]]]
    known[rest[near]] = True


def _fill(colours: UInt8[np.ndarray, "n 3"], known: Bool[np.ndarray, " n"], texels: _Texels, surface: Surface) -> None:
    """Give the texels that are not known the median colour of their part, else of their material, else of all."""
    if not known.any():
        colours[:] = NEUTRAL
        return
    usual = np.median(colours[known], axis=0)
    materials = _medians(surface.material[texels.face], colours, known, np.broadcast_to(usual, (1, 3)))
    of_part = np.zeros(int(surface.part.max()) + 1, dtype=np.int64)
    of_part[surface.part] = surface.material
    parts = _medians(surface.part[texels.face], colours, known, materials[of_part])
    colours[~known] = parts[surface.part[texels.face[~known]]].astype(np.uint8)


def _medians(
    group: Integer[np.ndarray, " n"],
    colours: UInt8[np.ndarray, "n 3"],
    known: Bool[np.ndarray, " n"],
    otherwise: Float[np.ndarray, "_ 3"],
) -> Float[np.ndarray, "g 3"]:
    """Median colour of each group of which at least `LEAST_KNOWN` is known; of the others what is given."""
    count = int(group.max()) + 1
    medians = np.broadcast_to(otherwise, (count, 3)).astype(np.float64) if len(otherwise) == 1 else otherwise.copy()
    order = np.argsort(group, kind="stable")
    for members in np.split(order, np.searchsorted(group[order], np.arange(1, count))):
        sure = members[known[members]]
        if sure.size > LEAST_KNOWN * members.size:
            medians[group[sure[0]]] = np.median(colours[sure[:: max(1, sure.size // 4000)]], axis=0)
    return medians


def _spread(
    colours: UInt8[np.ndarray, "n 3"], index: Integer[np.ndarray, " n"], size_px: int
) -> UInt8[np.ndarray, "t t 3"]:
    """The texture with every uncovered texel in the colour of the nearest covered one, so that no seam shows."""
    covered = np.zeros((size_px, size_px), dtype=bool)
    covered.ravel()[index] = True
    texture = np.zeros((size_px, size_px, 3), dtype=np.uint8)
    texture.reshape(-1, 3)[index] = colours
    return spread_colours(texture, covered)[0]
