"""An object that has a pose, and how poses are moved."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from regen3d.frames import transform
from regen3d.types import Alignment, Instance, Mesh, Similarity

Bounds = tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]
"""Least and greatest corner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedObject:
    """One object after its alignment."""

    name: str
    """Of the object; unique."""
    alignment: Alignment
    """Where it stands, as if on the floor when another object carries it."""
    mesh: Mesh
    """Object frame."""
    instance: Instance
    """How the picture shows it."""


def scaled_about(pose: Similarity, center: Float[np.ndarray, " 3"], factor: float) -> Similarity:
    """The pose after scaling the world about a point; about the camera's centre no silhouette changes."""
    return Similarity(
        rotation=pose.rotation,
        translation=center + factor * (pose.translation - center),
        scale=pose.scale * factor,
    )


def world_vertices(item: PlacedObject) -> Float[np.ndarray, "v 3"]:
    """The mesh's vertices in the world frame, metres."""
    return transform(item.alignment.world_from_object.matrix, item.mesh.vertices)


def bounds_along(item: PlacedObject, world_from_axes: Float[np.ndarray, "3 3"]) -> Bounds:
    """Bounds along the axes given."""
    points = world_vertices(item) @ world_from_axes
    return points.min(axis=0), points.max(axis=0)


def posed(item: PlacedObject, pose: Similarity) -> PlacedObject:
    """The object in another pose."""
    return replace(item, alignment=replace(item.alignment, world_from_object=pose))


def shifted(item: PlacedObject, step: Float[np.ndarray, " 3"]) -> PlacedObject:
    """The object moved by a step in the world frame."""
    pose = item.alignment.world_from_object
    return posed(item, replace(pose, translation=pose.translation + step))


def noted(item: PlacedObject, sentence: str) -> PlacedObject:
    """The object with one more sentence for the report."""
    return replace(item, alignment=replace(item.alignment, notes=(*item.alignment.notes, sentence)))
