"""What protocols share: points on objects and scenes, and distances whose search trees serve every alignment."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from regen3d.errors import DegenerateGeometryError
from regen3d.metrics.boxes import bounds_of
from regen3d.metrics.points import WORKERS, NearestDistances, Points
from regen3d.metrics.protocols.base import PlacedMesh
from regen3d.metrics.registration import IDENTITY, apply, invert
from regen3d.metrics.sampling import sample_surface
from regen3d.render.triangles import triangle_areas
from regen3d.types import Camera, Similarity

UPRIGHT_FROM_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0])
"""Where the true camera is not known: up is up in the picture."""

NOT_UPRIGHT = "The true camera is not given: boxes stand upright in the picture, not in the room."
"""Note of protocols that need to know what is up."""


class Samples:
    """Points of a surface, and a tree that finds the nearest of them, built when it is first asked."""

    def __init__(self, points: Points, found: Points | None = None) -> None:
        """Take points that ask, and those that are found where these are others, denser ones.

        Raises:
            DegenerateGeometryError: there are no points, or some are not finite.
        """
        if len(points) == 0 or not np.isfinite(points).all():
            raise DegenerateGeometryError(f"{len(points)} points to compare, none or not finite: check the meshes")
        self.points = points
        self._found = points if found is None else found

    @cached_property
    def tree(self) -> KDTree:
        """Over the points that are found; leaves and nodes as in `regen3d.metrics.points`."""
        return KDTree(self._found, leafsize=64, compact_nodes=False)


def distances(predicted: Samples, true: Samples, true_from_predicted: Similarity = IDENTITY) -> NearestDistances:
    """Distances both ways after a motion of the prediction, in the unit of the truth; the trees stay as they are."""
    there = true.tree.query(apply(true_from_predicted, predicted.points), workers=WORKERS)[0]
    # A similarity keeps the order of distances: the truth is asked for in the prediction's frame.
    back = predicted.tree.query(apply(invert(true_from_predicted), true.points), workers=WORKERS)[0]
    return NearestDistances(predicted_to_true=there, true_to_predicted=true_from_predicted.scale * back)


def object_points(mesh: PlacedMesh, count: int, seed: int) -> Points:
    """Even samples of one object.

    Raises:
        InvalidMeshError: it has no area.
    """
    return sample_surface(mesh.vertices, mesh.faces, count, seed).points


def scene_samples(objects: Sequence[Points], areas: Sequence[float], count: int | None = None) -> Samples:
    """Points spread evenly over all objects, chosen among the samples of each; all of these can be found.

    Args:
        objects: even samples of each object, one or more objects.
        areas: of the objects.
        count: how many points in all; None: as many as one object has samples.
    """
    shares = np.asarray(areas) / np.sum(areas)
    wanted = np.maximum(np.rint(shares * (count or len(objects[0]))).astype(int), 1)
    # Samples are in the order of the surface: every n-th one covers all of it.
    chosen = [
        points[np.linspace(0, len(points), n, endpoint=False).astype(int)]
        for points, n in zip(objects, wanted, strict=True)
    ]
    return Samples(np.concatenate(chosen), np.concatenate(objects))


def area(mesh: PlacedMesh) -> float:
    """Of all faces, both sides of a sheet once."""
    return float(triangle_areas(mesh.vertices[mesh.faces]).sum())


def merged(meshes: Sequence[PlacedMesh], name: str = "scene") -> PlacedMesh:
    """All objects as one mesh; at least one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return PlacedMesh(
        name=name,
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]),
    )


def moved(mesh: PlacedMesh, matrix: Float[np.ndarray, "4 4"]) -> PlacedMesh:
    """A mesh in another frame."""
    return PlacedMesh(name=mesh.name, vertices=mesh.vertices @ matrix[:3, :3].T + matrix[:3, 3], faces=mesh.faces)


def upright(meshes: Sequence[PlacedMesh], camera: Camera | None) -> list[PlacedMesh]:
    """Objects in a frame whose Y is up: the world of the true camera, or its picture where it is not known."""
    matrix = UPRIGHT_FROM_CAMERA if camera is None else camera.world_from_camera
    return [moved(mesh, matrix) for mesh in meshes]


def in_true_cube(
    predicted: Sequence[PlacedMesh], true: Sequence[PlacedMesh], half_side: float, camera: Camera | None
) -> tuple[list[PlacedMesh], list[PlacedMesh]]:
    """Both sides upright, and the true scene's box centred with a longest side of a given length."""
    predicted, true = upright(predicted, camera), upright(true, camera)
    bounds = bounds_of(np.concatenate([mesh.vertices for mesh in true]))
    scale = 2.0 * half_side / float(np.ptp(bounds, axis=0).max())
    matrix = np.diag([scale, scale, scale, 1.0])
    matrix[:3, 3] = -scale * bounds.mean(axis=0)
    return [moved(mesh, matrix) for mesh in predicted], [moved(mesh, matrix) for mesh in true]
