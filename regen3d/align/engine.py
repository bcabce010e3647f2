"""Placing one object: evidence, search, refinement, diagnostics."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from regen3d.align.appearance import rank_by_appearance
from regen3d.align.diagnostics import mask_iou, point_residual, silhouette
from regen3d.align.energy import Evidence, energy
from regen3d.align.free import freed
from regen3d.align.planes import seen_walls, support_plane
from regen3d.align.polish import polish
from regen3d.align.pose import FLOOR, Parameters, SupportPlane, plane_coordinates, similarity
from regen3d.align.proxy import finer, make_proxy
from regen3d.align.refine import Refined, refine
from regen3d.align.search import single_start, starting_poses
from regen3d.align.settings import AlignSettings
from regen3d.align.target import FINE_PX, make_target, visible_points
from regen3d.errors import AlignmentDivergedError
from regen3d.frames import yaw_of
from regen3d.types import Alignment, Asset, Mask, ObjectView, PointMap, RoomLayout, Similarity

FINALISTS = 6
"""Poses that are polished on the coarse crop; one takes 30 CPU milliseconds."""

LAST = 3
"""Poses that are polished on the fine crop and looked at, at most; one takes a tenth of a CPU second."""

STILL_RIVAL = 0.2
"""Energy over the best one's from which a pose does not win any more: polishing gains up to 0.15."""

SAME_WAY_RAD = np.radians(8.0)
"""Poses that face ways nearer than this are one answer: polishing leads from either to the other."""

OTHER_WAY_RAD = np.radians(30.0)
"""A pose that faces at least this far elsewhere is a rival, not the same answer again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignRequest:
    """Where does this mesh stand?"""

    view: ObjectView
    """The object in its picture."""
    asset: Asset
    """Its mesh."""
    support: str
    """`floor`, `wall`, `ceiling`, `free`, or the name of the object below."""
    points: PointMap | None = None
    """A point for each pixel of the picture; only metric ones are used."""
    layout: RoomLayout | None = None
    """The room box."""
    floor: Mask | None = None
    """Pixels that show the bare floor; only the published presets, which fit their floor to them, look at it."""
    seed: int = 0
    """For every random choice."""
    settings: AlignSettings = field(default_factory=AlignSettings)
    """Which algorithm."""


def align_objects(requests: Sequence[AlignRequest]) -> list[Alignment]:
    """The pose of each object, as `align_object` finds it alone."""
    return [align_object(request) for request in requests]


def align_object(request: AlignRequest) -> Alignment:
    """Find the pose that explains an object's mask and visible points.

    An object on another one is placed as if it stood on the floor: scaling about the camera's centre changes no
    silhouette, so `settle` can lift it to where it belongs.

    Raises:
        AlignmentDivergedError: the mask is empty, or no pose overlaps it.
        DegenerateGeometryError: the published algorithm was asked for, and there are no metric points.
        InvalidMeshError: the mesh has no surface.
    """
    if request.settings.preset != "default":
        # The published algorithm asks for this module's request.
        from regen3d.align.paper import align_paper

        return align_paper(request)
    view, mesh = request.view, request.asset.mesh
    evidence, notes = _evidence(request)
    plane, target = evidence.plane, evidence.target
    fine = replace(
        evidence,
        target=make_target(view, target.points, points_slide=target.points_slide, crop_px=FINE_PX),
        proxy=finer(evidence.proxy, mesh),
    )
    refined = _polished(evidence, refine(evidence, _starts(evidence, request), request.seed), FINALISTS)
    refined = rank_by_appearance(_polished(fine, refined, LAST), fine.target, mesh, plane)
    pose = similarity(plane, refined.parameters[0], mesh.vertices)
    if request.settings.pose == "free":
        pose, note = freed(fine, refined.parameters, 1.0 if request.asset.scale == "metric" else None)
        notes = (note,) if note else ()
    lowered = plane is FLOOR and request.support != "floor"
    iou = mask_iou(view, silhouette(mesh, pose, view.camera))
    if iou <= 0.0:
        raise AlignmentDivergedError(
            f"no pose of {view.instance.name} overlaps its mask: check the mask, the camera and the mesh"
        )
    return Alignment(
        world_from_object=pose,
        support=plane.name if plane is not FLOOR else request.support,
        mask_iou=iou,
        contact_gap_m=0.0,
        point_residual_m=None if lowered else point_residual(evidence.proxy.surface, pose, target.points),
        runner_up_margin=_margin(refined),
        notes=notes,
    )


def _evidence(request: AlignRequest) -> tuple[Evidence, tuple[str, ...]]:
    """All that the object's pose is judged by, and what had to be assumed."""
    view = request.view
    x0, y0, x1, y1 = view.instance.box
    middle = np.array([0.5 * (x0 + x1), 0.5 * (y0 + y1)])
    is_free = request.settings.pose == "free"
    support = "free" if is_free else request.support
    plane, notes = support_plane(support, view.camera, middle, (request.layout, request.points))
    # Where the plane is not the object's own, points tell its distance afterwards.
    slides = is_free or (plane is FLOOR and support != "floor")
    points = visible_points(view.instance.mask, request.points, view.camera, request.seed)
    evidence = Evidence(
        plane=plane,
        proxy=make_proxy(request.asset.mesh, request.seed),
        target=make_target(view, points, points_slide=slides),
        known_log_scale=0.0 if request.asset.scale == "metric" and not slides else None,
        square_yaw=None if request.layout is None else request.layout.yaw_rad,
        hinted_yaw=None if request.asset.pose_hint is None else yaw_of(request.asset.pose_hint.rotation),
        # What stands on an object is placed farther away than it is: walls say nothing of it.
        walls=seen_walls(request.layout) if request.layout is not None and support == "floor" else None,
    )
    return evidence, notes


def _polished(evidence: Evidence, refined: Refined, most: int) -> Refined:
    """The poses that can still win, fitted to outlines and points, and the others; of those that meet one is left.

    What is not polished stays as far behind the best as it was.
    """
    behind = refined.energies - refined.energies[0]
    count = min(int((behind < STILL_RIVAL).sum()), most)
    parameters = np.stack([polish(evidence, start) for start in refined.parameters[:count]])
    energies = energy(evidence, parameters)
    parameters = np.concatenate([parameters, refined.parameters[count:]])
    energies = np.concatenate([energies, energies.min() + behind[count:]])
    kept: list[int] = []
    for index in np.argsort(energies, kind="stable"):
        if (np.abs(_wrap(parameters[kept, 2] - parameters[index, 2])) > SAME_WAY_RAD).all():
            kept.append(int(index))
    return Refined(parameters=parameters[kept], energies=energies[kept])


def _wrap(angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The same angles in -pi..pi."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def _starts(evidence: Evidence, request: AlignRequest) -> Parameters:
    """Where the search begins: everywhere, or at one pose, as published."""
    hint = request.asset.pose_hint
    hinted = np.zeros((0, 4)) if hint is None else _hinted(evidence.plane, hint)
    if request.settings.starts == "search":
        return np.concatenate([hinted, starting_poses(evidence)])
    return hinted if len(hinted) else single_start(evidence)


def _hinted(plane: SupportPlane, hint: Similarity) -> Parameters:
    """The pose that the generator had in mind, on the plane."""
    first, second = plane_coordinates(plane, hint.translation)
    return np.array([[first, second, yaw_of(hint.rotation), np.log(hint.scale)]])


def _margin(refined: Refined) -> float:
    """How much worse the best pose is that faces elsewhere; 1 where there is none."""
    turn = _wrap(refined.parameters[:, 2] - refined.parameters[0, 2])
    rivals = refined.energies[np.abs(turn) > OTHER_WAY_RAD]
    return _clip(rivals - refined.energies[0])


def _clip(gaps: Float[np.ndarray, " n"]) -> float:
    """The smallest gap within 0..1."""
    return float(np.clip(gaps.min(initial=1.0), 0.0, 1.0))
