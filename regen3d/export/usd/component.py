"""One asset in USD: an interface layer with variants, and a payload made of geometry, materials and physics.

```
NAME/NAME.usda       kind, asset info, variants of look and level of detail, payload arc
     payload.usda    stacks the three below
     geo.usdc        meshes, every level of detail; a variant shows one
     mtl.usda        a material a look
     physics.usda    colliders and mass
     textures/       pictures
```
"""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regen3d import __version__, codec
from regen3d.export.usd.frame import Frame, new_stage, save
from regen3d.export.usd.geometry import define_mesh
from regen3d.export.usd.materials import define_material
from regen3d.export.usd.physics import author_body, author_static
from regen3d.types import Mesh

if TYPE_CHECKING:
    from pxr import Usd

LAYERS = ("physics.usda", "mtl.usda", "geo.usdc")
"""Layers of a payload, strongest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One mesh of a component, in its looks and levels of detail."""

    name: str
    """As people write it."""
    prim: str
    """Name of its prim."""
    looks: dict[str, tuple[Mesh, ...]]
    """Look -> the mesh with the texture of that look, then its coarser levels."""

    @property
    def mesh(self) -> Mesh:
        """The full mesh as photographed."""
        return self.looks["baked"][0]

    def level_prim(self, level: int) -> str:
        """Name of the prim of a level of detail."""
        return f"{self.prim}_lod{level}" if level else self.prim


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """An asset to write."""

    name: str
    """As people write it."""
    prim: str
    """Name of its root prim, file and folder."""
    parts: tuple[Part, ...]
    """Its meshes; an object has one."""
    label: str | None
    """What the object is; None for what never moves."""
    scale: float
    """Metres per unit of its meshes."""
    extras: dict[str, Any]
    """Provenance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStyle:
    """What all components of a scene share."""

    frame: Frame
    """Axes."""
    look: str
    """The look that is shown first."""


def write_component(folder: Path, item: Component, style: ComponentStyle) -> None:
    """Write an asset into a folder of its own.

    Raises:
        InvalidMeshError: a mesh has no surface.
        NotInstalledError: the package that makes colliders is missing.
    """
    (folder / "textures").mkdir(parents=True)
    root = f"/{item.prim}"
    _geometry(folder, item, style)
    _materials(folder, item, style)
    stage = new_stage(str(folder / "physics.usda"), item.prim, style.frame)
    if item.label is not None:
        author_body(stage, root, item.parts[0].mesh, item.label, item.scale, style.frame)
    else:
        for part in item.parts:
            author_static(stage, f"{root}/geo/{part.prim}")
    save(stage)
    payload = new_stage(str(folder / "payload.usda"), item.prim, style.frame)
    payload.GetRootLayer().subLayerPaths = [f"./{layer}" for layer in LAYERS]
    save(payload)
    _interface(folder, item, style)


def _geometry(folder: Path, item: Component, style: ComponentStyle) -> None:
    from pxr import UsdGeom

    stage = new_stage(str(folder / "geo.usdc"), item.prim, style.frame)
    root = f"/{item.prim}"
    UsdGeom.Scope.Define(stage, f"{root}/geo")
    for part in item.parts:
        for level, mesh in enumerate(part.looks["baked"]):
            path = f"{root}/geo/{part.level_prim(level)}"
            define_mesh(stage, path, mesh, style.frame, double_sided=item.label is not None)
            stage.GetPrimAtPath(path).SetDisplayName(f"{part.name} lod{level}" if level else part.name)
    _detail_variants(stage, item)
    save(stage)


def _detail_variants(stage: "Usd.Stage", item: Component) -> None:
    """A variant a level of detail, in which the prims of the other levels are off."""
    count = max(len(part.looks["baked"]) for part in item.parts)
    if count == 1:
        return
    variants = stage.GetDefaultPrim().GetVariantSets().AddVariantSet("lod")
    for level in range(count):
        variants.AddVariant(f"lod{level}")
        variants.SetVariantSelection(f"lod{level}")
        with variants.GetVariantEditContext():
            for part in item.parts:
                last = len(part.looks["baked"]) - 1
                for other in range(last + 1):
                    prim = stage.OverridePrim(f"/{item.prim}/geo/{part.level_prim(other)}")
                    prim.SetActive(other == min(level, last))
    variants.SetVariantSelection("lod0")


def _materials(folder: Path, item: Component, style: ComponentStyle) -> None:
    from pxr import UsdGeom, UsdShade

    stage = new_stage(str(folder / "mtl.usda"), item.prim, style.frame)
    root = f"/{item.prim}"
    UsdGeom.Scope.Define(stage, f"{root}/mtl")
    variants = stage.GetPrimAtPath(root).GetVariantSets().AddVariantSet("look")
    for look in item.parts[0].looks:
        variants.AddVariant(look)
        for part in item.parts:
            for level, mesh in enumerate(part.looks[look]):
                name = part.level_prim(level)
                picture = f"textures/{name}.{look}.png"
                (folder / picture).write_bytes(codec.png_bytes(mesh.texture))
                material = define_material(stage, f"{root}/mtl/{name}_{look}", mesh, f"./{picture}")
                variants.SetVariantSelection(look)
                with variants.GetVariantEditContext():
                    bound = stage.OverridePrim(f"{root}/geo/{name}")
                    UsdShade.MaterialBindingAPI.Apply(bound).Bind(material)
    variants.SetVariantSelection(style.look)
    save(stage)


def _interface(folder: Path, item: Component, style: ComponentStyle) -> None:
    from pxr import Kind, Sdf, Usd, UsdGeom

    stage = new_stage(str(folder / f"{item.prim}.usda"), item.prim, style.frame)
    stage.CreateClassPrim("/__class__")
    stage.CreateClassPrim(f"/__class__/{item.prim}")
    prim = stage.GetDefaultPrim()
    prim.GetInherits().AddInherit(f"/__class__/{item.prim}")
    prim.GetPayloads().AddPayload("./payload.usda")
    model = Usd.ModelAPI(prim)
    model.SetKind(Kind.Tokens.component)
    model.SetAssetName(item.name)
    model.SetAssetIdentifier(Sdf.AssetPath(f"./{item.prim}.usda"))
    model.SetAssetVersion(f"regen3d {__version__}")
    prim.SetDisplayName(item.name)
    prim.SetCustomDataByKey("regen3d", _plain(item.extras))
    if len(item.parts[0].looks) > 1:
        prim.GetVariantSets().GetVariantSet("look").SetVariantSelection(style.look)
    if prim.GetVariantSets().HasVariantSet("lod"):
        prim.GetVariantSets().GetVariantSet("lod").SetVariantSelection("lod0")
    corners = np.concatenate([style.frame.points(part.mesh.vertices) for part in item.parts])
    hint = [tuple(corners.min(axis=0).tolist()), tuple(corners.max(axis=0).tolist())]
    UsdGeom.ModelAPI.Apply(prim).SetExtentsHint(hint)
    save(stage)


def _plain(extras: dict[str, Any]) -> dict[str, Any]:
    """JSON as USD keeps it: dictionaries of dictionaries, without nulls."""
    kept = {key: value for key, value in extras.items() if value is not None}
    return {key: _plain(value) if isinstance(value, dict) else value for key, value in kept.items()}
