"""Whether what was reconstructed could stand where it stands, whatever the truth is."""

import numpy as np

from regen3d.evaluation.found import FoundScene
from regen3d.frames import transform
from regen3d.metrics.mesh_quality import mesh_quality
from regen3d.metrics.plausibility import FLOATING_M, contact_gaps_m, floating_share, penetrations
from regen3d.metrics.surfaces import Surface

LITRE_M3 = 1e-3
"""Common volumes are told in litres."""


def plausibility(found: FoundScene) -> dict[str, float]:
    """Gaps, floating objects and common volumes; nothing where the scene has no meshes or no floor of its own."""
    if found.camera is None or not found.surfaces:
        return {}
    standing = surfaces_in_world(found)
    layout = found.room.layout if found.room is not None and found.room.layout.believable else None
    gaps = contact_gaps_m(standing)
    common = penetrations(standing)
    return {
        "contact_gap_median_m": float(np.median(np.abs(gaps))),
        "floating_share": floating_share(standing, layout),
        "sunken_share": float((gaps < -FLOATING_M).mean()),
        "penetration_litres": sum(each.volume_m3 for each in common.values()) / LITRE_M3,
        "penetrating_pairs": float(len(common)),
    }


def quality(found: FoundScene) -> dict[str, float]:
    """Means over the meshes that were made; those that were given are not judged."""
    made = [
        mesh_quality(item.mesh, item.camera_from_object.scale)
        for item in found.objects
        if item.mesh is not None and item.camera_from_object is not None and not item.by_hand
    ]
    if not made:
        return {}
    return {
        "watertight": float(np.mean([item.watertight for item in made])),
        "non_manifold_edges": float(np.mean([item.non_manifold_edges for item in made])),
        "degenerate_faces": float(np.mean([item.degenerate_faces for item in made])),
        "uv_overlap": float(np.mean([item.uv_overlap for item in made])),
        "texels_per_m": float(np.median([item.texels_per_m for item in made])),
    }


def surfaces_in_world(found: FoundScene) -> list[Surface]:
    """The objects in the scene's own world, floor at y = 0."""
    if found.camera is None:
        return []
    world_from_camera = found.camera.world_from_camera
    return [Surface(vertices=transform(world_from_camera, each.vertices), faces=each.faces) for each in found.surfaces]
