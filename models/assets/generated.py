"""From the raw mesh of a generator to an asset: coloured, clean, within its budget, in the object frame."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float, Integer, UInt8

from regen3d.errors import InvalidMeshError
from regen3d.meshes.hygiene import cleaned
from regen3d.meshes.spreading import spread_colours
from regen3d.types import Asset, Mesh

LEAST_SIZE = 1e-4
"""Least ratio of the second longest side to the longest one: anything thinner is a line or a point."""
TEXTURE_PX = 1024
"""Longer side of a projected texture: what one object of a photograph has at most."""


def projected(
    vertices: Float[np.ndarray, "v 3"],
    faces: Integer[np.ndarray, "f 3"],
    picture: UInt8[np.ndarray, "h w 4"],
) -> Mesh:
    """A mesh in the colours of its picture, seen along -Z from the front; its back mirrors them.

    Args:
        vertices: Y up, front +Z, any unit.
        faces: counter-clockwise seen from outside.
        picture: RGBA; alpha is the whole object.

    Raises:
        InvalidMeshError: the mesh is empty, flat or not finite, or the picture shows nothing.
    """
    _check_shape(vertices, faces)
    alpha = picture[..., 3] > 127
    if not alpha.any():
        raise InvalidMeshError("the completed picture shows nothing: complete the object again")
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    texture, _ = spread_colours(np.ascontiguousarray(picture[window][..., :3]), alpha[window])
    if max(texture.shape[:2]) > TEXTURE_PX:
        scale = TEXTURE_PX / max(texture.shape[:2])
        texture = np.asarray(cv2.resize(texture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    low, size = vertices.min(axis=0), np.maximum(np.ptp(vertices, axis=0), 1e-12)
    uv = np.clip(((vertices - low) / size)[:, :2], 0.0, 1.0).astype(np.float64)
    return Mesh(vertices=vertices.astype(np.float64), faces=faces.astype(np.int64), uv=uv, texture=texture)


def finished(mesh: Mesh, *, kind: str, budget: int, seed: int, notes: tuple[str, ...] = ()) -> Asset:
    """A generator's mesh as an asset of relative scale.

    Layout, texture, roughness and metallic stay, unless there are more faces than the budget; see `meshes.hygiene`.

    Args:
        mesh: Y up, front +Z, any unit and place.
        kind: name of the generator.
        budget: most faces.
        seed: for the points that cleaning looks at.
        notes: what happened on the way.

    Raises:
        InvalidMeshError: the mesh is empty, flat or not finite.
    """
    _check_shape(mesh.vertices, mesh.faces)
    light, report = cleaned(mesh, budget=budget, seed=seed)
    low, high = light.vertices.min(axis=0), light.vertices.max(axis=0)
    base = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    said = (*notes, report.sentence) if report.sentence else notes
    return Asset(mesh=replace(light, vertices=light.vertices - base), scale="relative", kind=kind, notes=said)


def _check_shape(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> None:
    if len(faces) == 0 or len(vertices) == 0:
        raise InvalidMeshError("the generator made no surface: use another seed, or a clearer picture")
    if not np.isfinite(vertices).all():
        raise InvalidMeshError("the generator made vertices that are not finite: use another seed, or full precision")
    sides = np.sort(np.ptp(vertices, axis=0))
    if sides[1] <= LEAST_SIZE * max(float(sides[2]), 1e-12):
        raise InvalidMeshError("the generator made a line or a point: use another seed, or a clearer picture")
