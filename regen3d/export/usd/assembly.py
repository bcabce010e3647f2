"""A whole scene in USD: an assembly that places components.

```
usd/scene.usda               /World: Objects, Room, Cameras, Lights, ShadowCatcher
usd/assets/NAME/NAME.usda    a component, see `regen3d.export.usd.component`
usd/plate/photo.png          the picture, behind the camera
usd/light/environment.exr    the light
```

Two profiles: `film` is Y up; `simready` is Z up in every layer, points included, and has a physics scene.
"""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regen3d import codec
from regen3d.export.detail import levels
from regen3d.export.look import with_look
from regen3d.export.scene import ExportScene, SceneObject, check_names
from regen3d.export.settings import ExportSettings
from regen3d.export.usd.component import Component, ComponentStyle, Part, write_component
from regen3d.export.usd.frame import Frame, identifiers, matrix, new_stage, save
from regen3d.export.usd.view import define_camera, define_lights, define_shadow_catcher
from regen3d.light.environment import exr_bytes
from regen3d.types import Mesh

if TYPE_CHECKING:
    from pxr import UsdGeom

FOLDER = "usd"
"""Where the files lie; paths inside them are relative."""

ROOT = "scene.usda"
"""The file that is opened."""


def write(scene: ExportScene, settings: ExportSettings) -> dict[str, bytes]:
    """The scene as a folder of USD files.

    Raises:
        ConfigError: two prims would have the same name, or the look needs a light that was not estimated.
        InvalidMeshError: a mesh has no surface.
        NotInstalledError: the package that makes colliders is missing.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_assembly(scene, settings, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {f"{FOLDER}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files}


def write_assembly(scene: ExportScene, settings: ExportSettings, folder: Path) -> None:
    """Write the files of a scene into an empty folder; see `write`."""
    check_names(scene)
    frame = Frame(up="Y" if settings.profile == "film" else "Z")
    style = ComponentStyle(frame=frame, look=settings.look)
    components = _components(scene, settings)
    for item in components:
        write_component(folder / "assets" / item.prim, item, style)
    for path, content in _pictures(scene).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    _root(folder, scene, components, settings, frame)


def _components(scene: ExportScene, settings: ExportSettings) -> list[Component]:
    looks = {"baked": scene}
    if scene.light is not None or settings.look == "relightable":
        looks["relightable"] = with_look(scene, "relightable")
    prims = identifiers(["room", *(item.name for item in scene.objects)])
    made = []
    for k, item in enumerate(scene.objects):
        meshes = {look: _detailed(shown.objects[k].mesh, settings.lods) for look, shown in looks.items()}
        made.append(
            Component(
                name=item.name,
                prim=prims[item.name],
                parts=(Part(name=item.name, prim=prims[item.name], looks=meshes),),
                label=str(item.extras.get("label", "")),
                scale=item.world_from_object.scale,
                extras=item.extras,
            )
        )
    sides = identifiers(sorted(scene.room.parts))
    parts = [
        Part(name=side, prim=sides[side], looks={look: (shown.room.parts[side],) for look, shown in looks.items()})
        for side in sorted(scene.room.parts)
    ]
    room = Component(
        name="room",
        prim=prims["room"],
        parts=tuple(parts),
        label=None,
        scale=1.0,
        extras={"scale_source": scene.room.scale_source},
    )
    return [room, *made]


def _detailed(mesh: Mesh, count: int) -> tuple[Mesh, ...]:
    return (mesh, *levels(mesh, count))


def _pictures(scene: ExportScene) -> dict[str, bytes]:
    light = {} if scene.light is None else {"light/environment.exr": exr_bytes(scene.light.environment)}
    return {"plate/photo.png": codec.png_bytes(scene.photo), **light}


def _root(
    folder: Path, scene: ExportScene, components: list[Component], settings: ExportSettings, frame: Frame
) -> None:
    from pxr import Gf, Kind, Usd, UsdGeom, UsdPhysics

    stage = new_stage(str(folder / ROOT), "World", frame)
    world = stage.GetDefaultPrim()
    Usd.ModelAPI(world).SetKind(Kind.Tokens.assembly)
    world.SetDisplayName(scene.name)
    world.SetCustomDataByKey("regen3d", {"scene": scene.name, "scale_source": scene.room.scale_source})
    UsdGeom.Xform.Define(stage, "/World/Objects")
    Usd.ModelAPI(stage.GetPrimAtPath("/World/Objects")).SetKind(Kind.Tokens.group)
    for item in components:
        path = "/World/Room" if item.label is None else f"/World/Objects/{item.prim}"
        prim = UsdGeom.Xform.Define(stage, path)
        prim.GetPrim().GetReferences().AddReference(f"./assets/{item.prim}/{item.prim}.usda")
        placed = next((known for known in scene.objects if known.name == item.name), None)
        if placed is not None:
            _place(prim, placed, frame)
    UsdGeom.Scope.Define(stage, "/World/Cameras")
    define_camera(stage, "/World/Cameras/camera", scene.camera, "./plate/photo.png", frame)
    if scene.light is not None:
        define_lights(stage, "/World/Lights", scene.light, "./light/environment.exr", frame)
        define_shadow_catcher(stage, "/World/ShadowCatcher", scene.room.layout, frame)
    if settings.profile == "simready":
        physics = UsdPhysics.Scene.Define(stage, "/World/PhysicsScene")
        physics.CreateGravityDirectionAttr(Gf.Vec3f(*(frame.from_ours[:3, :3] @ [0.0, -1.0, 0.0]).tolist()))
        physics.CreateGravityMagnitudeAttr(9.81)
    save(stage)


def _place(prim: "UsdGeom.Xform", item: SceneObject, frame: Frame) -> None:
    prim.AddTransformOp().Set(matrix(frame.placing(np.asarray(item.world_from_object.matrix))))
