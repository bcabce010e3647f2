"""Meshes in USD."""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
from typing import TYPE_CHECKING

import numpy as np

from regen3d.export.normals import shade
from regen3d.export.usd.frame import Frame, vectors
from regen3d.types import Mesh

if TYPE_CHECKING:
    from pxr import Usd, UsdGeom


def define_mesh(
    stage: "Usd.Stage", path: str, mesh: Mesh, frame: Frame, *, double_sided: bool = True
) -> "UsdGeom.Mesh":
    """A polygon mesh with normals and texture coordinates, in the axes of the files.

    Vertices are those of `regen3d.export.normals.shade`: split where the surface has a crease.
    """
    from pxr import Sdf, UsdGeom, Vt

    shaded = shade(mesh)
    prim = UsdGeom.Mesh.Define(stage, path)
    points = vectors(frame.points(mesh.vertices[shaded.source]))
    prim.CreatePointsAttr(points)
    prim.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(shaded.faces), 3, dtype=np.int32)))
    prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(shaded.faces.astype(np.int32).ravel()))
    prim.CreateNormalsAttr(vectors(frame.points(shaded.normals)))
    prim.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    prim.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    prim.CreateDoubleSidedAttr(double_sided)
    prim.CreateExtentAttr(UsdGeom.PointBased.ComputeExtent(points))
    primvars = UsdGeom.PrimvarsAPI(prim)
    st = primvars.CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex)
    st.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(mesh.uv[shaded.source], dtype=np.float32)))
    return prim
