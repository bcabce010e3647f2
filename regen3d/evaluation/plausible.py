"""Whether what was reconstructed could stand where it stands, whatever the truth is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regen3d.errors import NotInstalledError
from regen3d.evaluation.found import FoundScene
from regen3d.frames import transform
from regen3d.meshes.quality import is_closed_surface
from regen3d.metrics.drop import drop_test
from regen3d.metrics.mesh_quality import degenerate_faces, mesh_quality, non_manifold_edges
from regen3d.metrics.plausibility import FLOATING_M, contact_gaps_m, floating_share, penetrations
from regen3d.metrics.protocols.base import PlacedMesh
from regen3d.metrics.surfaces import Surface
from regen3d.types import Camera

LITRE_M3 = 1e-3
"""Common volumes are told in litres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausibility:
    """What of a scene could be so."""

    values: dict[str, float]
    """Of the scene."""
    objects: dict[str, dict[str, float]]
    """Of each found object, by its name."""
    notes: tuple[str, ...] = ()
    """Sentences for the report: what could not be measured."""


def plausibility(found: FoundScene, camera: Camera, seed: int | None) -> Plausibility:
    """Gaps, floating objects, common volumes, and what a second of gravity does.

    Nothing where the scene has no meshes.

    Args:
        found: the scene.
        camera: the one whose world has the floor: the scene's own, or the true one where the scene has none.
        seed: of the convex pieces that fall; None: nothing falls.
    """
    if not found.surfaces:
        return Plausibility(values={}, objects={})
    standing = surfaces_in_world(found, camera)
    layout = found.room.layout if found.room is not None and found.room.layout.believable else None
    gaps = contact_gaps_m(standing)
    common = penetrations(standing)
    values = {
        "contact_gap_median_m": float(np.median(np.abs(gaps))),
        "floating_share": floating_share(standing, layout),
        "sunken_share": float((gaps < -FLOATING_M).mean()),
        "penetration_litres": sum(each.volume_m3 for each in common.values()) / LITRE_M3,
        "penetrating_pairs": float(len(common)),
    }
    if seed is None:
        return Plausibility(values=values, objects={})
    items = [item for item in found.objects if item.surface is not None]
    held = frozenset(k for k, item in enumerate(items) if item.hangs)
    try:
        dropped = drop_test(standing, layout, held, seed)
    except NotInstalledError as error:
        return Plausibility(values=values, objects={}, notes=(f"No drop test: {error}.",))
    if dropped.stable_share is not None:
        values["stable_share"] = dropped.stable_share
    falls = {item.name: fall for item, fall in zip(items, dropped.falls, strict=True) if fall is not None}
    return Plausibility(
        values=values,
        objects={
            name: {"fall_m": fall.moved_m, "fall_deg": fall.turned_deg, "stable": float(fall.stable)}
            for name, fall in falls.items()
        },
    )


def quality(found: FoundScene) -> dict[str, float]:
    """Means over the meshes that were made; those that were given are not judged.

    Of other systems' scenes only the surfaces are read, so there is no layout to judge.
    """
    if found.camera is None:
        return _soundness([item.surface for item in found.objects if item.surface is not None])
    made = [
        mesh_quality(item.mesh, item.camera_from_object.scale)
        for item in found.objects
        if item.mesh is not None and item.camera_from_object is not None and not item.by_hand
    ]
    if not made:
        return {}
    return {
        **_soundness([item.surface for item in found.objects if item.surface is not None and not item.by_hand]),
        "uv_overlap": float(np.mean([item.uv_overlap for item in made])),
        "texels_per_m": float(np.median([item.texels_per_m for item in made])),
    }


def _soundness(surfaces: Sequence[PlacedMesh]) -> dict[str, float]:
    """Means over surfaces, of what needs no texture."""
    if not surfaces:
        return {}
    return {
        "watertight": float(np.mean([is_closed_surface(each.vertices, each.faces) for each in surfaces])),
        "non_manifold_edges": float(np.mean([non_manifold_edges(each.vertices, each.faces) for each in surfaces])),
        "degenerate_faces": float(np.mean([degenerate_faces(each.vertices, each.faces) for each in surfaces])),
    }


def surfaces_in_world(found: FoundScene, camera: Camera) -> list[Surface]:
    """The objects in the world of a camera, floor at y = 0."""
    world_from_camera = camera.world_from_camera
    return [Surface(vertices=transform(world_from_camera, each.vertices), faces=each.faces) for each in found.surfaces]
