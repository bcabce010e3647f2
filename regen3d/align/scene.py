"""Placing all objects of a picture: what carries each, where each stands, and how they settle together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regen3d.align.engine import AlignRequest, align_objects
from regen3d.align.occlusion import occluders
from regen3d.align.rim import regrown
from regen3d.align.settings import AlignSettings
from regen3d.align.settle import PlacedObject, settle
from regen3d.align.support import infer_supports
from regen3d.types import Alignment, Asset, Camera, Instance, ObjectView, PointMap, Rgb, RoomLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRequest:
    """Where do these meshes stand?"""

    image: Rgb
    """The picture."""
    instances: Sequence[Instance]
    """Its objects; masks do not overlap, names are unique."""
    assets: Mapping[str, Asset]
    """The mesh of each object, by name."""
    camera: Camera
    """In the world frame."""
    points: PointMap | None = None
    """A point for each pixel; only metric ones are used."""
    layout: RoomLayout | None = None
    """The room box, where one is believed."""
    seed: int = 0
    """For every random choice."""
    settings: AlignSettings = field(default_factory=AlignSettings)
    """Which algorithm."""


def align_scene(request: SceneRequest) -> dict[str, Alignment]:
    """Infer supports, align every object, settle them: the pose of each object by name.

    Raises:
        AlignmentDivergedError: a mask is empty, or no pose overlaps it.
        InvalidMeshError: a mesh has no surface.
    """
    instances, _ = regrown(request.image, request.instances)
    supports = infer_supports(instances, request.camera, request.layout)
    hidden = occluders(instances)
    requests = [
        AlignRequest(
            view=ObjectView(instance=item, image=request.image, ignore=hidden[item.name], camera=request.camera),
            asset=request.assets[item.name],
            support=supports[item.name],
            points=request.points,
            layout=request.layout,
            seed=request.seed,
            settings=request.settings,
        )
        for item in instances
    ]
    placed = [
        PlacedObject(name=item.name, alignment=alignment, mesh=request.assets[item.name].mesh, instance=item)
        for item, alignment in zip(instances, align_objects(requests), strict=True)
    ]
    settled = settle(placed, request.camera, request.layout)
    return {item.name: alignment for item, alignment in zip(placed, settled, strict=True)}
