"""Pictures that hold the scene against the photograph."""

from collections.abc import Sequence

import numpy as np

from regen3d.export.annotate import Color, Tag, draw_outline, draw_tags, inmost_point, line_width, palette, tint
from regen3d.render.scene import PlacedMesh, Rendering, render
from regen3d.types import Instance, Mesh, ObjectView, Rgb, Similarity

PHOTO_COLOR: Color = (0, 214, 255)
"""Outline of what the photograph shows."""

MODEL_COLOR: Color = (255, 64, 160)
"""Outline of what the scene shows; with `PHOTO_COLOR` also apart for people who do not tell red from green."""

NAME_COLOR: Color = (235, 235, 235)
"""Bar beside an object's name."""

ROUND = 0.3
"""Picture that is shown round one object, as a share of its longer side: a misplaced one is still in it."""

RENDERING_SHARE = 0.55
"""Share of the re-rendered scene in the blend: doubled edges of either picture show."""


def overlay(image: Rgb, rendering: Rendering, placed_names: Sequence[str], instances: Sequence[Instance]) -> Rgb:
    """The re-rendered scene over the photograph, with two outlines for every object: as photographed and as rebuilt.

    Args:
        image: the photograph.
        rendering: the scene through the camera of the photograph, in the same size.
        placed_names: name of each placed mesh that `rendering.index` counts; sides of the room may be among them.
        instances: the objects of the photograph.
    """
    share = np.where(np.isfinite(rendering.depth), RENDERING_SHARE, 0.0)[..., None]
    picture = np.rint(image * (1.0 - share) + rendering.color * share).astype(np.uint8)
    visible = [instance for instance in instances if instance.mask.any()]
    width = line_width(image)
    # The photo's line is broad and lies below: where the two agree, both show.
    for instance in visible:
        picture = draw_outline(picture, instance.mask, PHOTO_COLOR, width=width + 2)
    for instance in visible:
        if instance.name in placed_names:
            rebuilt = rendering.index == placed_names.index(instance.name)
            picture = draw_outline(picture, rebuilt, MODEL_COLOR, width=width)
    tags = [
        Tag(text="outline in the photo", center=(0.0, 0.0), color=PHOTO_COLOR),
        Tag(text="outline of the scene", center=(0.0, 0.0), color=MODEL_COLOR),
    ]
    for instance in visible:
        tags.append(Tag(text=instance.name, center=inmost_point(instance.mask), color=NAME_COLOR))
    return draw_tags(picture, tags)


def placed_overlay(view: ObjectView, mesh: Mesh, world_from_object: Similarity) -> Rgb:
    """The part of the photograph round one object, with the object drawn over it where it was placed."""
    placed = PlacedMesh(mesh=mesh, world_from_mesh=world_from_object.matrix)
    instance = view.instance
    picture = overlay(view.image, render([placed], view.camera), [instance.name], [instance])
    x0, y0, x1, y1 = instance.box
    margin = int(ROUND * max(x1 - x0, y1 - y0))
    return picture[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]


def mask_sheet(image: Rgb, instances: Sequence[Instance]) -> Rgb:
    """The photograph, greyed, with every object's mask in a colour of its own and its name."""
    grey = np.rint(image @ np.array([0.299, 0.587, 0.114]))[..., None]
    picture = np.rint(0.35 * image + 0.55 * grey).astype(np.uint8)
    visible = [instance for instance in instances if instance.mask.any()]
    tags = []
    for instance, color in zip(visible, palette(len(visible)), strict=True):
        picture = tint(picture, instance.mask, color, 0.45)
        picture = draw_outline(picture, instance.mask, color, width=line_width(image))
        tags.append(Tag(text=instance.name, center=inmost_point(instance.mask), color=color))
    return draw_tags(picture, tags)
