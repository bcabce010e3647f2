"""The published alignment of 3D-RE-GEN (arXiv 2512.17459), to compare with: one start, one long gradient descent.

What is kept: an upright box round the object's points gives scale and place, a coarse grid the yaw; an object whose
box touches the floor's in the picture, or is called like furniture, moves on the fitted floor in four numbers, any
other freely in five; `0.1 silhouette + 0.1 points + 0.01 room`, the silhouette being `0.75 Dice + 0.25 focal` on the
floor and a quarter of the cross-entropy elsewhere; Adam at 0.005, 300 steps, gradients clipped to length 1, an early
end after 200 steps where they are below 0.005; 1024 pixels.

`paper` leaves out the released code's coding faults; `paper-released` has them: each flag of `PaperFaults` is one. In
both, scale is optimised as a factor's logarithm, which is the released linear factor to first order as both start
from one. Weights and steps take the scene's unit for a metre.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from regen3d.align.closest import index_surface
from regen3d.align.diagnostics import mask_iou, point_residual, silhouette
from regen3d.align.engine import AlignRequest
from regen3d.align.memory import working_memory_mb
from regen3d.align.paper_descent import PaperProblem, descend
from regen3d.align.paper_settings import RELEASED, PaperFaults, PaperSettings
from regen3d.align.paper_start import eroded, fit_floor, published_start, shortest_rotation, trimmed
from regen3d.align.pose_models import FreeModel, PlanarModel, PoseModel
from regen3d.align.proxy import sample_surface
from regen3d.errors import DegenerateGeometryError
from regen3d.frames import transform
from regen3d.render.base import silhouette_renderer
from regen3d.types import Alignment, Instance, Mask, PointMap, Similarity

BOX_MARGIN_M = 0.02
"""The room's box is this much smaller on each side."""

FLOOR_BAND_M = 0.15
"""Where no floor mask is known, points this near the world's floor stand for it."""

GROUNDED = ("chair", "sofa", "table", "couch", "bed", "cabinet", "desk", "sideboard", "dresser", "plant")
"""Parts of labels that put an object on the floor, as published."""


def align_paper(request: AlignRequest, settings: PaperSettings | None = None) -> Alignment:
    """Align an object as published.

    Args:
        request: the object; its metric points are needed.
        settings: default: those of the request, with the faults of its preset.

    Raises:
        DegenerateGeometryError: there are no metric points of the object.
        InvalidMeshError: the mesh has no surface.
    """
    if settings is None:
        released = request.settings.preset == "paper-released"
        settings = PaperSettings(
            width_px=request.settings.paper_width_px,
            steps=request.settings.paper_steps,
            faults=RELEASED if released else PaperFaults(),
        )
    problem, world_from_work, notes = pose_problem(request, settings)
    renderer = silhouette_renderer(request.settings.renderer, working_memory_mb(request.settings))
    numbers, _ = descend(problem, renderer, request.settings.device)
    mesh = request.asset.mesh
    found = problem.model.similarity(numbers, mesh.vertices)
    pose = Similarity(
        rotation=world_from_work[:3, :3] @ found.rotation,
        translation=transform(world_from_work, found.translation),
        scale=found.scale,
    )
    on_floor = isinstance(problem.model, PlanarModel)
    surface = KDTree(sample_surface(mesh.vertices, mesh.faces, np.random.default_rng(request.seed)))
    if settings.width_px != PaperSettings().width_px or settings.steps != PaperSettings().steps:
        notes = (*notes, f"not at the published settings: {settings.width_px} px and {settings.steps} steps")
    return Alignment(
        world_from_object=pose,
        support="floor" if on_floor else "free",
        mask_iou=mask_iou(request.view, silhouette(mesh, pose, request.view.camera)),
        contact_gap_m=float(transform(pose.matrix, mesh.vertices)[:, 1].min()) if on_floor else 0.0,
        point_residual_m=point_residual(surface, pose, transform(world_from_work, problem.cloud)),
        runner_up_margin=0.0,
        notes=notes,
    )


def pose_problem(
    request: AlignRequest, settings: PaperSettings
) -> tuple[PaperProblem, Float[np.ndarray, "4 4"], tuple[str, ...]]:
    """What is to be solved, the working frame in the world, and what had to be assumed.

    Raises:
        DegenerateGeometryError: there are no metric points of the object.
    """
    camera, mesh, faults = request.view.camera, request.asset.mesh, settings.faults
    points = _metric(request.points)
    mask, notes = request.view.instance.mask, ()
    inner = eroded(mask) & points.valid
    if not inner.any():
        inner, notes = mask & points.valid, ("erosion leaves nothing of the mask: its points are those of the whole",)
    world_from_work = camera.world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0]) if faults.camera_up else np.eye(4)
    camera_from_work = camera.camera_from_world @ world_from_work
    work = transform(np.linalg.inv(camera_from_work), points.points)
    cloud = trimmed(np.unique(work[inner], axis=0))
    cloud = cloud[np.random.default_rng(request.seed).permutation(len(cloud))[: settings.most_points]]
    yaws = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=faults.repeated_yaw)
    start = published_start(mesh, cloud, yaws, by_vertices=faults.symmetric_points, seed=request.seed)
    floor, more = _floor(request, transform(world_from_work, work)[..., 1])
    floor, notes = floor & points.valid, notes + more
    stands = request.settings.pose == "planar" and is_on_floor(request.view.instance, floor)
    model, numbers = _free_start(start, mesh.vertices)
    if stands:
        model, numbers = _planar_start(start, cloud, np.unique(work[floor], axis=0), (faults, request.seed))
    hw = max(1, round(camera.height * settings.width_px / camera.width)), settings.width_px
    problem = PaperProblem(
        model=model,
        start=numbers,
        mesh=mesh,
        index=index_surface(mesh.vertices, mesh.faces),
        cloud=cloud,
        room=_room_walls(work[points.valid]),
        camera_from_work=camera_from_work,
        intrinsics=np.diag([hw[1] / camera.width, hw[0] / camera.height, 1.0]) @ camera.intrinsics,
        target=_target(eroded(mask) if faults.eroded_target else mask, hw),
        settings=settings,
    )
    return problem, world_from_work, notes


def _floor(request: AlignRequest, heights_m: Float[np.ndarray, "h w"]) -> tuple[Mask, tuple[str, ...]]:
    """Pixels of the floor: the mask, eroded as published, or what lies as low as the world's floor; and a note."""
    if request.floor is not None:
        inner = eroded(request.floor)
        return inner if inner.any() else request.floor, ()
    low = ~request.view.instance.mask & ~request.view.ignore & (np.abs(heights_m) < FLOOR_BAND_M)
    return low, ("no mask of the floor: it is fitted to all points near the world's floor, other objects' among them",)


def is_on_floor(instance: Instance, floor: Mask) -> bool:
    """The published rule: the object's box touches the floor's in the picture, or its label sounds like it.

    Without any floor in the picture nothing is on it.
    """
    if floor.sum() < 3:
        return False
    if any(part in instance.label for part in GROUNDED):
        return True
    x0, y0, x1, y1 = instance.box
    rows, columns = np.flatnonzero(floor.any(axis=1)), np.flatnonzero(floor.any(axis=0))
    return bool(x0 <= columns[-1] and x1 > columns[0] and y0 <= rows[-1] and y1 > rows[0])


def _metric(points: PointMap | None) -> PointMap:
    """The points, where there are metric ones."""
    if points is None or points.scale != "metric":
        raise DegenerateGeometryError(
            "the published alignment starts from metric points and there are none: choose the preset `default`"
        )
    return points


def _free_start(start: Similarity, vertices: Float[np.ndarray, "v 3"]) -> tuple[PoseModel, Float[np.ndarray, " p"]]:
    """Five numbers about the mean of the vertices, as published."""
    model = FreeModel(pivot=vertices.mean(axis=0))
    return model, model.parameters(start)


def _planar_start(
    start: Similarity,
    cloud: Float[np.ndarray, "n 3"],
    floor: Float[np.ndarray, "m 3"],
    settings: tuple[PaperFaults, int],
) -> tuple[PoseModel, Float[np.ndarray, " p"]]:
    """Four numbers on the fitted floor: the middle of the base goes to the middle of the cloud."""
    faults, seed = settings
    plane = fit_floor(floor, transposed=faults.transposed_normal, seed=seed)
    model = PlanarModel(plane=plane, tilt=shortest_rotation(plane.normal))
    yaw = float(np.arctan2(start.rotation[0, 2], start.rotation[0, 0]))
    return model, np.array([*(plane.axes @ (cloud.mean(axis=0) - plane.origin)), yaw, np.log(start.scale)])


def _room_walls(points: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, "4 3"], Float[np.ndarray, " 4"]]:
    """The box round all points along x and z, as inward normals and offsets."""
    normals = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    return normals, (points @ normals.T).min(axis=0) + BOX_MARGIN_M


def _target(mask: Bool[np.ndarray, "h w"], hw: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
    """The mask at the size compared, blurred by one pixel."""
    area = cv2.resize(mask.astype(np.float32), (hw[1], hw[0]), interpolation=cv2.INTER_AREA)
    return np.clip(cv2.GaussianBlur(area, (0, 0), 1.0), 0.0, 1.0).astype(np.float64)
