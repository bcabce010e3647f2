"""What a simulator needs: convex colliders, and a mass from their volume."""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
import functools
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer
from scipy.spatial import ConvexHull

from regen3d.export.usd.frame import Frame, vectors
from regen3d.metrics.convex import ConvexPieces, convex_pieces
from regen3d.metrics.surfaces import Surface
from regen3d.types import Mesh

if TYPE_CHECKING:
    from pxr import Usd

DENSITY_KG_M3 = {"armchair": 60.0, "sofa": 60.0, "bed": 60.0, "plant": 150.0, "cabinet": 200.0, "bookshelf": 200.0}
"""Of the convex volume, which counts the air in drawers, cushions and leaves: a sofa of 0.9 cubic metres weighs some
55 kg, a wardrobe of 1 cubic metre some 200 kg by the sizes and weights that furniture shops state."""

USUAL_DENSITY_KG_M3 = 400.0
"""Of anything else: softwood has 450, a hollow table leg less."""


def author_body(stage: "Usd.Stage", root: str, mesh: Mesh, label: str, scale: float, frame: Frame) -> None:
    """Make an object a rigid body: one convex collider a piece, and a mass.

    Args:
        stage: the physics layer of the object.
        root: path of the object's prim.
        mesh: object frame.
        label: what it is; decides the density.
        scale: metres per unit of the mesh, as the object stands in the scene.
        frame: axes of the files.
    """
    from pxr import Gf, UsdGeom, UsdPhysics, Vt

    body = stage.OverridePrim(root)
    UsdPhysics.RigidBodyAPI.Apply(body)
    pieces = _pieces(mesh.vertices.tobytes(), mesh.faces.astype(np.int64).tobytes())
    UsdGeom.Scope.Define(stage, f"{root}/colliders")
    volume, moment = 0.0, np.zeros(3)
    for number, corners in enumerate(pieces.pieces):
        hull = ConvexHull(corners)
        faces = _outward(corners, hull)
        volume += hull.volume
        moment += hull.volume * centroid(corners, faces)
        collider = UsdGeom.Mesh.Define(stage, f"{root}/colliders/piece_{number}")
        points = vectors(frame.points(corners))
        collider.CreatePointsAttr(points)
        collider.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), 3, dtype=np.int32)))
        collider.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(faces.astype(np.int32).ravel()))
        collider.CreateExtentAttr(UsdGeom.PointBased.ComputeExtent(points))
        collider.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
        collider.CreatePurposeAttr(UsdGeom.Tokens.guide)
        UsdPhysics.CollisionAPI.Apply(collider.GetPrim())
        UsdPhysics.MeshCollisionAPI.Apply(collider.GetPrim()).CreateApproximationAttr("convexHull")
    mass = UsdPhysics.MassAPI.Apply(body)
    mass.CreateMassAttr(volume * scale**3 * density_of(label))
    centre = frame.points((moment / max(volume, 1e-12))[None])[0]
    mass.CreateCenterOfMassAttr(Gf.Vec3f(*centre.tolist()))


def density_of(label: str) -> float:
    """Kilograms per cubic metre of the convex volume of a thing."""
    # By the ends of its words: a daybed is a bed, a bedside table is none.
    ends = [word.removesuffix("s") for word in label.replace("-", " ").split()]
    known = (value for kind, value in DENSITY_KG_M3.items() if any(end.endswith(kind) for end in ends))
    return next(known, USUAL_DENSITY_KG_M3)


def centroid(corners: Float[np.ndarray, "n 3"], faces: Integer[np.ndarray, "f 3"]) -> Float[np.ndarray, " 3"]:
    """Centre of mass of a solid of even density.

    Args:
        corners: its vertices.
        faces: its closed surface, counter-clockwise seen from outside.
    """
    start = corners.mean(axis=0)
    a, b, c = (corners[faces[:, k]] - start for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    return start + volume @ (a + b + c) / (4.0 * volume.sum())


def author_static(stage: "Usd.Stage", path: str) -> None:
    """Let a mesh that never moves be bumped into, as it is."""
    from pxr import UsdPhysics

    prim = stage.OverridePrim(path)
    UsdPhysics.CollisionAPI.Apply(prim)
    UsdPhysics.MeshCollisionAPI.Apply(prim).CreateApproximationAttr("none")


@functools.lru_cache(maxsize=64)
def _pieces(vertices: bytes, faces: bytes) -> ConvexPieces:
    """Pieces of a mesh, remembered for the next file of the same scene."""
    surface = Surface(
        vertices=np.frombuffer(vertices, dtype=np.float64).reshape(-1, 3),
        faces=np.frombuffer(faces, dtype=np.int64).reshape(-1, 3),
    )
    return convex_pieces(surface)


def _outward(corners: np.ndarray, hull: ConvexHull) -> np.ndarray:
    """The hull's triangles, counter-clockwise seen from outside."""
    faces = hull.simplices.copy()
    a, b, c = (corners[faces[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return faces
