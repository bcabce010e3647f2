"""What every USD file of a scene agrees on: axes, units, names, and how values of this project become values of USD."""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from pxr import Usd

Z_UP_FROM_Y_UP = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""Stands a world of ours up in a world whose Z is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The axes of one set of files."""

    up: str
    """`Y` or `Z`."""

    @property
    def from_ours(self) -> Float[np.ndarray, "4 4"]:
        """Rotation from the frames of this project to those of the files; the same for world and objects."""
        return np.eye(4) if self.up == "Y" else Z_UP_FROM_Y_UP

    def points(self, ours: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Points or directions in the axes of the files."""
        return ours @ self.from_ours[:3, :3].T

    def placing(self, world_from_mesh: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
        """The transform of a mesh whose own points were turned, too."""
        return self.from_ours @ world_from_mesh @ self.from_ours.T


def new_stage(path: str, default: str, frame: Frame) -> "Usd.Stage":
    """An empty stage with the metadata that every layer of a scene has.

    Args:
        path: file to create.
        default: name of its default prim.
        frame: its axes.
    """
    from pxr import Usd, UsdGeom, UsdPhysics

    stage = Usd.Stage.CreateNew(path)
    UsdGeom.SetStageUpAxis(stage, frame.up)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    stage.SetDefaultPrim(stage.DefinePrim(f"/{default}", "Xform"))
    return stage


def save(stage: "Usd.Stage") -> None:
    """Write a stage's own layer."""
    stage.GetRootLayer().Save()


def identifiers(names: list[str]) -> dict[str, str]:
    """Name of each thing as USD allows it, all different: `coffee-table-1` becomes `coffee_table_1`."""
    from pxr import Tf

    made: dict[str, str] = {}
    for name in names:
        wanted = Tf.MakeValidIdentifier(name)
        number = 1
        while wanted in made.values():
            number += 1
            wanted = f"{Tf.MakeValidIdentifier(name)}_{number}"
        made[name] = wanted
    return made


def matrix(ours: Float[np.ndarray, "4 4"]) -> Any:
    """A transform as USD writes it, for row vectors."""
    from pxr import Gf

    return Gf.Matrix4d(ours.T.tolist())


def vectors(values: Float[np.ndarray, "n 3"]) -> Any:
    """An array of 3-vectors in single precision."""
    from pxr import Vt

    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(values, dtype=np.float32))
