"""The camera of the photograph and the light of the room in USD."""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
from typing import TYPE_CHECKING

import numpy as np

from regen3d.export.glb import GLTF_FROM_OPENCV, NEAR_M
from regen3d.export.usd.frame import Frame, matrix, vectors
from regen3d.light.base import SceneLight
from regen3d.types import Camera, RoomLayout

if TYPE_CHECKING:
    from pxr import Usd

SENSOR_MM = 36.0
"""Width of the film that focal lengths are told for, as photographers count them; only ratios matter."""

KEY_RADIUS_M = 0.15
"""Of the ball that the key light is: a ceiling lamp's shade."""


def define_camera(stage: "Usd.Stage", path: str, camera: Camera, plate: str, frame: Frame) -> None:
    """A camera with focal length, apertures and their offsets, so that it sees what the photograph shows.

    USD has no property for a picture behind the scene: the plate is the attribute `regen3d:plate`, and
    `houdini:backgroundimage`, which Houdini's viewport shows.

    Args:
        stage: where it is defined.
        path: its prim.
        camera: OpenCV, world frame of this project.
        plate: path of the picture, relative to the stage's layer.
        frame: axes of the files.
    """
    from pxr import Gf, Sdf, UsdGeom

    prim = UsdGeom.Camera.Define(stage, path)
    # A USD camera looks along its own -Z with its own Y up, whatever axis of the world is up.
    prim.AddTransformOp().Set(matrix(frame.from_ours @ camera.world_from_camera @ GLTF_FROM_OPENCV))
    (focal_x, focal_y), (centre_x, centre_y) = np.diag(camera.intrinsics)[:2], camera.intrinsics[:2, 2]
    mm_per_px = SENSOR_MM / camera.width
    focal_mm = float(focal_x * mm_per_px)
    prim.CreateFocalLengthAttr(focal_mm)
    prim.CreateHorizontalApertureAttr(SENSOR_MM)
    prim.CreateVerticalApertureAttr(float(camera.height * focal_mm / focal_y))
    prim.CreateHorizontalApertureOffsetAttr(float((camera.width / 2 - centre_x) * mm_per_px))
    prim.CreateVerticalApertureOffsetAttr(float((centre_y - camera.height / 2) * focal_mm / focal_y))
    prim.CreateClippingRangeAttr(Gf.Vec2f(NEAR_M, 1000.0))
    for name in ("regen3d:plate", "houdini:backgroundimage"):
        prim.GetPrim().CreateAttribute(name, Sdf.ValueTypeNames.Asset).Set(plate)
    prim.GetPrim().CreateAttribute("regen3d:intrinsics", Sdf.ValueTypeNames.DoubleArray).Set(
        camera.intrinsics.ravel().tolist()
    )
    size = prim.GetPrim().CreateAttribute("regen3d:resolution", Sdf.ValueTypeNames.Int2)
    size.Set(Gf.Vec2i(camera.width, camera.height))


def define_lights(stage: "Usd.Stage", path: str, light: SceneLight, picture: str, frame: Frame) -> None:
    """The light of the room, in one of two variants: the whole environment, or its strongest part as a lamp.

    The environment comes from outside: whoever lights with it hides the walls, or lets them cast no shadows.

    Args:
        stage: where it is defined.
        path: prim that holds the lights and the variant set `light`.
        light: the estimate.
        picture: path of the environment, relative to the stage's layer.
        frame: axes of the files.
    """
    from pxr import Gf, UsdGeom, UsdLux

    scope = UsdGeom.Xform.Define(stage, path)
    strength = float(light.key_intensity.max())
    colour = (light.key_intensity / max(strength, 1e-9)).tolist()
    dome = UsdLux.DomeLight.Define(stage, f"{path}/environment")
    dome.CreateTextureFileAttr(picture)
    dome.CreateTextureFormatAttr(UsdLux.Tokens.latlong)
    # A dome's pole is the Y axis of the light itself.
    dome.AddTransformOp().Set(matrix(frame.from_ours))
    lamp = UsdLux.SphereLight.Define(stage, f"{path}/key")
    lamp.CreateRadiusAttr(KEY_RADIUS_M)
    # A ball of radiance L sends L * pi * r^2 in every direction.
    lamp.CreateIntensityAttr(strength / (np.pi * KEY_RADIUS_M**2))
    lamp.CreateColorAttr(Gf.Vec3f(*colour))
    lamp.AddTranslateOp().Set(Gf.Vec3d(*frame.points(light.key_position[None])[0].tolist()))
    variants = scope.GetPrim().GetVariantSets().AddVariantSet("light")
    for name, off in (("environment", lamp), ("key", dome)):
        variants.AddVariant(name)
        variants.SetVariantSelection(name)
        with variants.GetVariantEditContext():
            stage.OverridePrim(off.GetPath()).SetActive(False)
    variants.SetVariantSelection("environment")


def define_shadow_catcher(stage: "Usd.Stage", path: str, layout: RoomLayout, frame: Frame) -> None:
    """The floor once more, hidden: shown as a matte that only catches shadows, it lays them on the photograph."""
    from pxr import Sdf, UsdGeom, Vt

    from regen3d.frames import rotation_about_y

    low, high = layout.bounds_min, layout.bounds_max
    corners = [[low[0], 0.0, high[2]], [high[0], 0.0, high[2]], [high[0], 0.0, low[2]], [low[0], 0.0, low[2]]]
    points = vectors(frame.points(np.array(corners) @ rotation_about_y(layout.yaw_rad).T))
    prim = UsdGeom.Mesh.Define(stage, path)
    prim.CreatePointsAttr(points)
    prim.CreateFaceVertexCountsAttr(Vt.IntArray([4]))
    prim.CreateFaceVertexIndicesAttr(Vt.IntArray([0, 1, 2, 3]))
    prim.CreateExtentAttr(UsdGeom.PointBased.ComputeExtent(points))
    prim.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    prim.CreateVisibilityAttr(UsdGeom.Tokens.invisible)
    prim.GetPrim().CreateAttribute("regen3d:shadowCatcher", Sdf.ValueTypeNames.Bool).Set(True)
