"""Materials in USD: UsdPreviewSurface with a picture of the colour."""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
from typing import TYPE_CHECKING

from regen3d.types import Mesh

if TYPE_CHECKING:
    from pxr import Usd, UsdShade


def define_material(stage: "Usd.Stage", path: str, mesh: Mesh, picture: str) -> "UsdShade.Material":
    """A material that wears a picture.

    Args:
        stage: where it is defined.
        path: its prim.
        mesh: tells roughness and metallic.
        picture: path of the colour (sRGB), relative to the stage's layer.
    """
    from pxr import Sdf, UsdShade

    kinds = Sdf.ValueTypeNames
    material = UsdShade.Material.Define(stage, path)
    surface = UsdShade.Shader.Define(stage, f"{path}/surface")
    surface.CreateIdAttr("UsdPreviewSurface")
    reader = UsdShade.Shader.Define(stage, f"{path}/st")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", kinds.String).Set("st")
    texture = UsdShade.Shader.Define(stage, f"{path}/colour")
    texture.CreateIdAttr("UsdUVTexture")
    texture.CreateInput("file", kinds.Asset).Set(picture)
    texture.CreateInput("sourceColorSpace", kinds.Token).Set("sRGB")
    for side in ("wrapS", "wrapT"):
        texture.CreateInput(side, kinds.Token).Set("repeat")
    texture.CreateInput("st", kinds.Float2).ConnectToSource(reader.CreateOutput("result", kinds.Float2))
    surface.CreateInput("diffuseColor", kinds.Color3f).ConnectToSource(texture.CreateOutput("rgb", kinds.Float3))
    surface.CreateInput("roughness", kinds.Float).Set(float(mesh.roughness))
    surface.CreateInput("metallic", kinds.Float).Set(float(mesh.metallic))
    material.CreateSurfaceOutput().ConnectToSource(surface.CreateOutput("surface", kinds.Token))
    return material
