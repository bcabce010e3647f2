"""Placing all objects of a picture: what carries each, where each stands, and how they settle together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from regen3d.align.engine import AlignRequest, align_objects
from regen3d.align.lens import calibrated_camera
from regen3d.align.occlusion import occluders
from regen3d.align.proportions import proportioned
from regen3d.align.rim import regrown
from regen3d.align.settings import AlignSettings
from regen3d.align.settle import PlacedObject, settle
from regen3d.align.support import infer_supports
from regen3d.align.walls import fit_walls, without_walls
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import transform
from regen3d.room.from_points import fit_layout
from regen3d.types import Alignment, Asset, Camera, Instance, Mask, Mesh, ObjectView, PointMap, Rgb, RoomLayout


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
    background: PointMap | None = None
    """The same for the empty room."""
    layout: RoomLayout | None = None
    """The room box, where one is believed."""
    floor: Mask | None = None
    """Pixels that show the bare floor, for the published presets."""
    seed: int = 0
    """For every random choice."""
    settings: AlignSettings = field(default_factory=AlignSettings)
    """Which algorithm."""


def align_scene(request: SceneRequest) -> dict[str, Alignment]:
    """Infer supports, align every object, settle them: the pose of each object by name.

    What hangs on walls is aligned last, on walls that furniture has corrected. Where metric points were measured with
    another lens than the camera's, theirs is used and every pose says so (`lens.calibrated_camera`).

    Raises:
        AlignmentDivergedError: a mask is empty, or no pose overlaps it.
        InvalidMeshError: a mesh has no surface.
    """
    request, notes = _calibrated(request)
    instances, _ = regrown(request.image, request.instances)
    supports = infer_supports(instances, request.camera, request.layout)
    hidden = occluders(instances)
    requests = {
        item.name: AlignRequest(
            view=ObjectView(instance=item, image=request.image, ignore=hidden[item.name], camera=request.camera),
            asset=request.assets[item.name],
            support=supports[item.name],
            points=request.points,
            layout=request.layout,
            floor=request.floor,
            seed=request.seed,
            settings=request.settings,
        )
        for item in instances
    }
    standing = [name for name, support in supports.items() if support != "wall"]
    found, layout = _stand(request, {name: requests[name] for name in standing})
    hanging = [replace(requests[name], layout=layout) for name in supports if name not in found]
    found |= {item.view.instance.name: pose for item, pose in zip(hanging, align_objects(hanging), strict=True)}
    placed = [
        PlacedObject(
            name=item.name, alignment=found[item.name], mesh=_standing(request, item.name, found), instance=item
        )
        for item in instances
    ]
    settled = settle(placed, request.camera, layout)
    return {
        item.name: replace(alignment, notes=(*alignment.notes, *notes))
        for item, alignment in zip(placed, settled, strict=True)
    }


def _standing(request: SceneRequest, name: str, found: Mapping[str, Alignment]) -> Mesh:
    """The mesh of an object in the proportions that its alignment found."""
    return proportioned(request.assets[name].mesh, found[name].proportions)


def _calibrated(request: SceneRequest) -> tuple[SceneRequest, tuple[str, ...]]:
    """The request under the lens of its points; a room box that was found under another is fitted again."""
    camera, note = calibrated_camera(request.camera, request.points)
    if note is None:
        return request, ()
    layout = request.layout
    if layout is not None and request.background is not None and request.background.scale == "metric":
        try:
            again = fit_layout(request.background, camera)
        except DegenerateGeometryError:
            again = layout
        layout = again if again.believable else layout
    return replace(request, camera=camera, layout=layout), (note,)


def _stand(
    request: SceneRequest, requests: Mapping[str, AlignRequest]
) -> tuple[dict[str, Alignment], RoomLayout | None]:
    """Poses of what stands, and the room box that they correct.

    Walls that lines place wrongly would push all that stands along them. So objects are placed as if there were no
    walls, tell where the walls are, and only those that then reach behind one are placed again, before it.
    """
    bare = request.layout and without_walls(request.layout)
    found = dict(zip(requests, align_objects([replace(item, layout=bare) for item in requests.values()]), strict=True))
    if request.layout is None:
        return found, None
    bodies = {
        name: (transform(pose.world_from_object.matrix, _standing(request, name, found).vertices), pose.mask_iou)
        for name, pose in found.items()
        if pose.support == "floor"
    }
    fit = fit_walls(request.layout, bodies, request.camera, request.background)
    again = align_objects([replace(requests[name], layout=fit.layout) for name in fit.displaced])
    return found | dict(zip(fit.displaced, again, strict=True)), fit.layout
