"""Completion that needs no download: the hidden part is where the fitted furniture is hidden, coloured by symmetry."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from models.assets.candidates import fitted_shape
from models.assets.recipes import surface_from
from models.assets.sizes import fitted_category
from models.base import CompleteRequest
from regen3d.frames import project, transform, unproject
from regen3d.meshes.spreading import spread_colours
from regen3d.render.raster import rasterize
from regen3d.types import Camera, Completion, FittedBox, ObjectView, ShapeFit

BEYOND = 0.5
"""The crop reaches over the mask by at most this share of its size."""
TOLERANCE = 0.1
"""A mirrored point is taken for visible if it lies within this share of the object's size behind the fitted shape."""
BORDER_PX = 2
"""Pixels this near to the border of the mask show its neighbours too."""
NOTABLE = 0.4
"""A hidden share above which the report says that the shape is a guess."""


class EmbeddedCompletion:
    """Amodal masks from furniture fitted to what is seen; colours by mirror symmetry, else the nearest."""

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to give back."""

    def complete(self, requests: Sequence[CompleteRequest]) -> list[Completion]:
        """Answer each request; the fitted box is handed on, and the fitted shape where something may hide the object.

        Raises:
            DegenerateGeometryError: a visible mask is empty.
        """
        return [_complete(request) for request in requests]


def _complete(request: CompleteRequest) -> Completion:
    view = request.view
    origin, wh = _crop(view)
    mask, ignore = _window(view.instance.mask, origin, wh), _window(view.ignore, origin, wh)
    outside = ~_window(np.ones_like(view.ignore), origin, wh)
    hidden, fit = np.zeros_like(mask), None
    colours = _window_picture(view.image, origin, wh)
    if _touches(mask, ignore | outside):
        fit = fitted_shape(view, request.seed)
        depth = _depth(fit, view.camera, origin, mask.shape)
        hidden = np.isfinite(depth) & (ignore | outside) & ~mask
        hidden &= _joined(mask | hidden, mask)
        known = mask.copy()
        _mirror(colours, known, hidden, depth, (fit.box, view.camera, origin))
        _nearest(colours, known, hidden)
    alpha = np.where(mask | hidden, 255, 0).astype(np.uint8)
    share = float(hidden.sum()) / max(float((mask | hidden).sum()), 1.0)
    notes = (f"{share:.0%} of it is hidden: that part was guessed",) if share > NOTABLE else ()
    picture = np.dstack([np.where(alpha[..., None] > 0, colours, 255), alpha]).astype(np.uint8)
    box = fitted_category(view, request.seed)[1] if fit is None else fit.box
    return Completion(picture=picture, origin_xy=origin, box=box, fit=fit, notes=notes)


def _touches(mask: Bool[np.ndarray, "h w"], hiding: Bool[np.ndarray, "h w"]) -> bool:
    """Whether a mask borders on what may hide the rest of it."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), dtype=np.uint8)).astype(bool)
    return bool((near & hiding).any())


def _crop(view: ObjectView) -> tuple[tuple[int, int], tuple[int, int]]:
    """Origin (x, y) and size (w, h) of the crop."""
    x0, y0, x1, y1 = view.instance.box
    margin = max(4, round(BEYOND * max(x1 - x0, y1 - y0)))
    return (x0 - margin, y0 - margin), (x1 - x0 + 2 * margin, y1 - y0 + 2 * margin)


def _depth(fit: ShapeFit, camera: Camera, origin: tuple[int, int], hw: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """Depth of the fitted furniture in the crop, metres; inf where it is not."""
    crop = np.array([[1.0, 0.0, -origin[0]], [0.0, 1.0, -origin[1]], [0.0, 0.0, 1.0]])
    surface = surface_from(fit)
    vertices = transform(camera.camera_from_world @ fit.box.world_from_object.matrix, surface.vertices)
    return rasterize(vertices, surface.faces, crop @ camera.intrinsics, hw).depth.astype(np.float64)


def _mirror(
    colours: UInt8[np.ndarray, "h w 3"],
    known: Bool[np.ndarray, "h w"],
    hidden: Bool[np.ndarray, "h w"],
    depth: Float[np.ndarray, "h w"],
    place: tuple[FittedBox, Camera, tuple[int, int]],
) -> None:
    """Colour hidden pixels by the mirror image of their surface points across the object's plane x = 0."""
    box, camera, origin = place
    rows, columns = np.nonzero(hidden)
    if rows.size == 0:
        return
    pixels = np.stack([columns + 0.5, rows + 0.5], axis=1) + np.array(origin)
    camera_from_object = camera.camera_from_world @ box.world_from_object.matrix
    points = unproject(camera.intrinsics, pixels, depth[rows, columns])
    local = transform(np.linalg.inv(camera_from_object), points) * np.array([-1.0, 1.0, 1.0])
    mirrored = transform(camera_from_object, local)
    at = np.floor(project(camera.intrinsics, mirrored) - np.array(origin)).astype(int)
    inside = (at >= 0).all(axis=1) & (at[:, 0] < known.shape[1]) & (at[:, 1] < known.shape[0])
    u, v = np.where(inside, at[:, 0], 0), np.where(inside, at[:, 1], 0)
    slack = TOLERANCE * float(np.linalg.norm(box.size_m))
    sure = inside & _clear(known)[v, u]
    sure &= mirrored[:, 2] < depth[v, u] + slack
    colours[rows[sure], columns[sure]] = colours[v[sure], u[sure]]
    known[rows[sure], columns[sure]] = True


def _nearest(
    colours: UInt8[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"], hidden: Bool[np.ndarray, "h w"]
) -> None:
    """Colour what is still unknown by the nearest known pixel, smoothed."""
    rest = hidden & ~known
    sure = _clear(known)
    smooth = cv2.GaussianBlur(spread_colours(colours, sure)[0], (0, 0), 3.0)
    colours[rest] = smooth[rest]


def _clear(known: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The known pixels that are no mixture with what lies beside them; all where that leaves none."""
    kernel = np.ones((2 * BORDER_PX + 1, 2 * BORDER_PX + 1), dtype=np.uint8)
    clear = cv2.erode(known.astype(np.uint8), kernel).astype(bool)
    return clear if clear.any() else known


def _joined(region: Bool[np.ndarray, "h w"], seed: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The connected pieces of a region that touch a seed."""
    labels = np.asarray(cv2.connectedComponents(region.astype(np.uint8), connectivity=8)[1], dtype=np.int64)
    return region & np.isin(labels, np.unique(labels[seed]))


def _window(values: Bool[np.ndarray, "ph pw"], origin: tuple[int, int], wh: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """A window of a mask, false beyond its border."""
    return _cut(values, origin, wh).astype(bool)


def _window_picture(
    picture: UInt8[np.ndarray, "ph pw 3"], origin: tuple[int, int], wh: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """A window of a picture, black beyond its border."""
    return _cut(picture, origin, wh)


def _cut(values: np.ndarray, origin: tuple[int, int], wh: tuple[int, int]) -> np.ndarray:
    (x, y), (width, height) = origin, wh
    window = np.zeros((height, width, *values.shape[2:]), dtype=values.dtype)
    rows, columns = (
        slice(max(y, 0), min(y + height, values.shape[0])),
        slice(max(x, 0), min(x + width, values.shape[1])),
    )
    window[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x] = values[rows, columns]
    return window
