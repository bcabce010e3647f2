"""Placing objects: evidence, search, refinement, diagnostics; all objects and all starts in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import KDTree

from regen3d.align.appearance import rank_by_appearance
from regen3d.align.batch import NUMBERS, Batch, Poses, make_batch
from regen3d.align.diagnostics import mask_iou, point_residual, silhouette
from regen3d.align.energy import energy
from regen3d.align.evidence import Evidence
from regen3d.align.floor_depth import SLIDE_SPREAD, floor_calibrated
from regen3d.align.free import freed
from regen3d.align.memory import working_memory_mb
from regen3d.align.planes import seen_walls, support_plane
from regen3d.align.polish import polish, polish_shapes
from regen3d.align.pose import FLOOR, SupportPlane, plane_coordinates, similarity
from regen3d.align.proportions import planar, proportioned, proportions_of, told
from regen3d.align.proxy import finer, is_round, make_proxy
from regen3d.align.refine import Refined, distinct, ranked, refine, wrapped
from regen3d.align.search import Guesses, fit_boxes, guessed_poses, single_guess
from regen3d.align.settings import AlignSettings
from regen3d.align.size_prior import SizePrior
from regen3d.align.target import FINE_PX, make_target, visible_points
from regen3d.errors import AlignmentDivergedError
from regen3d.frames import yaw_of
from regen3d.render.threads import one_thread
from regen3d.types import Alignment, Asset, Mask, ObjectView, PointMap, RoomLayout, Similarity

FINALISTS = 6
"""Poses of an object that are polished on the coarse crop."""

LAST = 3
"""Poses that are polished on the fine crop and looked at, at most."""

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
    size_prior: SizePrior | None = None
    """How large things of its category usually are; looked at where the mesh does not know its own size."""
    floor: Mask | None = None
    """Pixels that show the bare floor; only the published presets, which fit their floor to them, look at it."""
    seed: int = 0
    """For every random choice."""
    settings: AlignSettings = field(default_factory=AlignSettings)
    """Which algorithm."""


def align_object(request: AlignRequest) -> Alignment:
    """The pose of one object, as `align_objects` finds it."""
    return align_objects([request])[0]


def align_objects(requests: Sequence[AlignRequest]) -> list[Alignment]:
    """Find the pose of each object that explains its mask and visible points.

    An object on another one is placed as if it stood on the floor: scaling about the camera's centre changes no
    silhouette, so `settle` can lift it to where it belongs.

    Args:
        requests: the objects; all that share their settings are searched together.

    Raises:
        AlignmentDivergedError: a mask is empty, or no pose overlaps it.
        DegenerateGeometryError: the published algorithm was asked for, and there are no metric points.
        InvalidMeshError: a mesh has no surface.
    """
    found: dict[int, Alignment] = {}
    batches: dict[AlignSettings, list[int]] = {}
    for index, request in enumerate(requests):
        if request.settings.preset == "default":
            batches.setdefault(request.settings, []).append(index)
        else:
            # The published algorithm asks for this module's request.
            from regen3d.align.paper import align_paper

            found[index] = align_paper(request)
    with one_thread():
        for settings, members in batches.items():
            found |= dict(zip(members, _searched([requests[index] for index in members], settings), strict=True))
    return [found[index] for index in range(len(requests))]


def _searched(requests: Sequence[AlignRequest], settings: AlignSettings) -> list[Alignment]:
    """The poses of objects that share their settings."""
    gathered = [_evidence(request) for request in requests]
    coarse = [evidence for evidence, _ in gathered]
    memory_mb = working_memory_mb(settings)
    batch = make_batch(coarse, settings.device, memory_mb)
    starts = fit_boxes(batch, [_starts(e, r) for e, r in zip(coarse, requests, strict=True)])
    refined = _polished(batch, refine(batch, starts, [request.seed for request in requests]), FINALISTS)
    fine = [_finer(evidence, request) for evidence, request in zip(coarse, requests, strict=True)]
    refined = _polished(make_batch(fine, settings.device, memory_mb), refined, LAST, other_shapes=True)
    return [
        _alignment(request, evidence, poses, notes)
        for request, evidence, poses, (_, notes) in zip(requests, fine, refined, gathered, strict=True)
    ]


def _alignment(request: AlignRequest, evidence: Evidence, refined: Refined, notes: tuple[str, ...]) -> Alignment:
    """The best pose of one object, judged on its full mesh."""
    view, plane = request.view, evidence.plane
    refined = rank_by_appearance(refined, evidence.target, request.asset.mesh, plane)
    numbers = refined.numbers[0]
    fitted = request.settings.proportions == "fitted"
    proportions = proportions_of(numbers) if fitted else (1.0, 1.0, 1.0)
    mesh = proportioned(request.asset.mesh, proportions)
    pose, notes = similarity(plane, planar(numbers), mesh.vertices), (*notes, *told(proportions))
    if request.settings.pose == "free":
        pose, note = freed(evidence, pose, 1.0 if request.asset.scale == "metric" else None)
        notes = (*told(proportions), *([note] if note else []))
    lowered = plane is FLOOR and request.support != "floor"
    iou = mask_iou(view, silhouette(mesh, pose, view.camera))
    if iou <= 0.0:
        raise AlignmentDivergedError(
            f"no pose of {view.instance.name} overlaps its mask: check the mask, the camera and the mesh"
        )
    points = np.zeros((0, 3)) if lowered else evidence.target.points
    surface = KDTree(evidence.proxy.surface.data * np.array(proportions))
    return Alignment(
        world_from_object=pose,
        support=plane.name if plane is not FLOOR else request.support,
        mask_iou=iou,
        contact_gap_m=0.0,
        point_residual_m=point_residual(surface, pose, points),
        runner_up_margin=1.0 if is_round(evidence.proxy) else _margin(refined),
        proportions=proportions,
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
    points, slide_spread = _points(request)
    evidence = Evidence(
        plane=plane,
        proxy=make_proxy(request.asset.mesh, request.seed),
        target=make_target(view, points, points_slide=slides),
        slide_spread=slide_spread,
        known_log_scale=0.0 if request.asset.scale == "metric" and not slides else None,
        size_prior=None if slides or request.asset.scale == "metric" else request.size_prior,
        square_yaw=None if request.layout is None else request.layout.yaw_rad,
        hinted_yaw=None if request.asset.pose_hint is None else yaw_of(request.asset.pose_hint.rotation),
        # What stands on an object is placed farther away than it is: walls say nothing of it.
        walls=seen_walls(request.layout) if request.layout is not None and support == "floor" else None,
    )
    return evidence, notes


def _points(request: AlignRequest) -> tuple[Float[np.ndarray, "n 3"], float]:
    """Points of the visible surface at distances that the floor has corrected, and the spread of what is still off."""
    mask, hidden, camera = request.view.instance.mask, request.view.ignore, request.view.camera
    if request.points is None or request.points.scale != "metric" or not mask.any():
        return np.zeros((0, 3)), SLIDE_SPREAD
    points, spread = floor_calibrated(request.points, camera, mask | hidden)
    return visible_points(mask, points, camera, request.seed), float(np.median(spread[mask]))


def _finer(evidence: Evidence, request: AlignRequest) -> Evidence:
    """The same on a larger crop, with more faces."""
    target = evidence.target
    larger = make_target(request.view, target.points, points_slide=target.points_slide, crop_px=FINE_PX)
    return replace(evidence, target=larger, proxy=finer(evidence.proxy, request.asset.mesh))


def _polished(batch: Batch, refined: Sequence[Refined], most: int, *, other_shapes: bool = False) -> list[Refined]:
    """The poses that can still win, fitted to outlines and points, and the others; of those that meet one is left.

    What is not polished stays as far behind the best as it was. With `other_shapes` the best is also polished from
    other proportions of its mesh; what comes of them has to win by what poses are compared by, too, or a wrong pose
    that faces elsewhere would overtake it.
    """
    counts = [min(int((poses.energies - poses.energies[0] < STILL_RIVAL).sum()), most) for poses in refined]
    numbers = np.concatenate([poses.numbers[:count] for poses, count in zip(refined, counts, strict=True)])
    owner = torch.tensor(np.repeat(np.arange(len(counts)), counts), device=batch.device)
    polished = Poses(polish(batch, Poses(torch.from_numpy(numbers).to(batch.device), owner)), owner)
    if other_shapes:
        first = torch.tensor(np.cumsum([0, *counts[:-1]]), device=batch.device)
        shaped = Poses(polish_shapes(batch, polished.some(first)), owner[first])
        fitter = energy(batch, shaped) < energy(batch, polished.some(first))
        polished.numbers[first[fitter]] = shaped.numbers[fitter]
    better, costs = polished.numbers.cpu().numpy(), energy(batch, polished).cpu().numpy()
    ends = np.cumsum(counts)
    return [
        _merged(poses, better[end - count : end], costs[end - count : end])
        for poses, count, end in zip(refined, counts, ends, strict=True)
    ]


def _merged(refined: Refined, better: Float[np.ndarray, "n 7"], costs: Float[np.ndarray, " n"]) -> Refined:
    """Polished poses and those after them, one for each way to face."""
    behind = refined.energies[len(costs) :] - refined.energies[0]
    merged = ranked(
        np.concatenate([better, refined.numbers[len(costs) :]]), np.concatenate([costs, costs.min() + behind])
    )
    kept = distinct(merged.numbers[:, 2], merged.energies, SAME_WAY_RAD)
    return Refined(numbers=merged.numbers[kept], energies=merged.energies[kept])


def _starts(evidence: Evidence, request: AlignRequest) -> Guesses:
    """Where the search begins: everywhere, or at one pose, as published; and where the generator had it."""
    hint = request.asset.pose_hint
    hinted = np.zeros((0, NUMBERS)) if hint is None else _hinted(evidence.plane, hint)
    if request.settings.starts == "search":
        return Guesses(hinted, guessed_poses(evidence))
    return Guesses(hinted, hinted[:0] if len(hinted) else single_guess(evidence))


def _hinted(plane: SupportPlane, hint: Similarity) -> Float[np.ndarray, "1 7"]:
    """The pose that the generator had in mind, on the plane."""
    first, second = plane_coordinates(plane, hint.translation)
    return np.array([[first, second, yaw_of(hint.rotation), np.log(hint.scale), 0.0, 0.0, 0.0]])


def _margin(refined: Refined) -> float:
    """How much worse the best pose is that faces elsewhere, within 0..1; 1 where there is none."""
    turn = wrapped(refined.numbers[:, 2] - refined.numbers[0, 2])
    rivals = refined.energies[np.abs(turn) > OTHER_WAY_RAD]
    return float(np.clip((rivals - refined.energies[0]).min(initial=1.0), 0.0, 1.0))
