"""The asset generator that needs no download: parametric furniture fitted to the silhouette, painted by the picture."""

from collections.abc import Sequence

import numpy as np

from models.assets.candidates import fitted_shape
from models.assets.packing import pack
from models.assets.recipes import surface_from, template_of
from models.assets.sizes import category_of
from models.assets.solid import Surface
from models.assets.texturing import textured
from models.base import AssetRequest
from regen3d.frames import transform
from regen3d.render.scan import NEAR_M
from regen3d.render.triangles import triangle_areas
from regen3d.types import Asset, Camera, FittedBox

TEXTURE_PX = (1024, 2048)
"""Sides of textures: what artists expect to paint on, and what one object of a photograph fills at most."""


class EmbeddedAssets:
    """Furniture as code: templates by label, pose and proportions by silhouette, colours by the picture."""

    def load(self) -> None:
        """Nothing to load: the furniture is code."""

    def close(self) -> None:
        """Nothing to give back."""

    def generate(self, requests: Sequence[AssetRequest]) -> list[Asset]:
        """Answer each request with a metric mesh and the pose under which it was fitted.

        What the completion was fitted with is built; where it hands no fit on, one is made.

        Raises:
            DegenerateGeometryError: a visible mask is empty.
            InvalidMeshError: a size is zero or not finite.
            ModelOutputError: a completion hands on a fit of a template that is not known.
        """
        return [_asset(request) for request in requests]


def _asset(request: AssetRequest) -> Asset:
    view = request.view
    fit = request.completion.fit or fitted_shape(view, request.seed, request.completion.box)
    surface = surface_from(fit)
    mesh = textured(
        surface,
        fit.box,
        view,
        request.completion,
        size_px=texture_side(surface, fit.box, view.camera),
        is_round=template_of(fit.template, fit.outline).is_round,
    )
    notes = ()
    if category_of(view.instance.label) is None:
        name = view.instance.label
        notes = (f"no furniture is known by the name '{name}': it became a {fit.kind}, textured by the picture",)
    return Asset(mesh=mesh, scale="metric", kind=fit.kind, pose_hint=fit.box.world_from_object, notes=notes)


def texture_side(surface: Surface, box: FittedBox, camera: Camera) -> int:
    """The side of the smallest texture whose texels are no larger than the picture's pixels where it is nearest.

    A larger one would show nothing that the picture holds. What leaves much of a texture empty, as leaves do, needs a
    larger one than a box of the same surface.
    """
    laid = np.pad(pack(surface, TEXTURE_PX[0]) / TEXTURE_PX[0], ((0, 0), (0, 1)))
    area, filled = (triangle_areas(points[surface.faces]).sum() for points in (surface.vertices, laid))
    depth = transform(camera.camera_from_world @ box.world_from_object.matrix, surface.vertices)[:, 2]
    pixel_m = max(float(depth.min()), NEAR_M) / float(camera.intrinsics[0, 0])
    needed = float(np.sqrt(area / filled)) / pixel_m
    return next((side for side in TEXTURE_PX if side >= needed), TEXTURE_PX[-1])
