"""What the viewer is told of a scene, as JSON beside the scene file."""

import json
from typing import Any

from regen3d.align.confidence import DOUBTFUL
from regen3d.manifest import Manifest, ObjectEntry

POOR_IOU = 0.7
"""Below this the rendered object misses a part of its mask that is seen at a glance: a chair turned by 30 degrees."""

AMBIGUOUS_MARGIN = 0.02
"""Below this lead another orientation explains the picture as well; two renderings of one pose differ by less."""

LOOSE_GAP_M = 0.02
"""Gaps to the support above this are visible as floating or sinking from a few metres away."""


def doubts(entry: ObjectEntry) -> list[str]:
    """What an artist should look at in one object; empty where nothing stands out."""
    found = [] if entry.status == "ok" else [entry.status]
    if entry.truncated:
        found.append("cut by the border")
    if entry.diagnostics is None:
        return found
    if entry.diagnostics.mask_iou < POOR_IOU:
        found.append("poor fit")
    if entry.diagnostics.runner_up_margin < AMBIGUOUS_MARGIN:
        found.append("ambiguous orientation")
    if entry.diagnostics.confidence is not None and entry.diagnostics.confidence < DOUBTFUL:
        found.append("pose may be wrong")
    if abs(entry.diagnostics.contact_gap_m) > LOOSE_GAP_M:
        found.append("floats" if entry.diagnostics.contact_gap_m > 0 else "sinks in")
    return found


def viewer_facts(manifest: Manifest, *, photo: str, glb: str) -> dict[str, Any]:
    """The document that `web/src/viewer.js` reads.

    Args:
        manifest: the scene.
        photo: URL of the picture, `data:` or relative.
        glb: URL of the scene file, or `#ID` of the element that holds it in base64.
    """
    return {
        "scene": manifest.scene,
        "image": {"width": manifest.image.width, "height": manifest.image.height},
        "camera": manifest.camera.model_dump(include={"intrinsics", "world_from_camera"}),
        "room": manifest.room.model_dump(include={"bounds_min", "bounds_max", "yaw_deg"}),
        "objects": [_object(entry, manifest) for entry in manifest.objects],
        "files": sorted(path for path in manifest.exports if "/" not in path and path != "report.html"),
        "photo": photo,
        "glb": glb,
    }


def script_json(document: dict[str, Any]) -> str:
    """JSON that may stand in a `<script>` of a page: no text in it can end the element."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _object(entry: ObjectEntry, manifest: Manifest) -> dict[str, Any]:
    file = f"objects/{entry.name}.glb"
    return {
        "name": entry.name,
        "label": entry.label,
        "kind": entry.kind,
        "reason": entry.reason,
        "doubts": doubts(entry),
        "rows": _rows(entry),
        "notes": list(entry.notes),
        "file": file if file in manifest.exports else None,
    }


def _rows(entry: ObjectEntry) -> list[tuple[str, str]]:
    rows = [("Label", f"{entry.label}, {entry.score:.2f}")]
    if entry.kind:
        rows.append(("Made as", entry.kind))
    if entry.support:
        rows.append(("Stands on", entry.support))
    if entry.size_m:
        rows.append(("Size", "{:.2f} x {:.2f} x {:.2f} m".format(*entry.size_m)))
    found = entry.diagnostics
    if found is not None:
        rows.append(("Mask IoU", f"{found.mask_iou:.3f}"))
        rows.append(("Gap", f"{100 * found.contact_gap_m:+.1f} cm"))
        rows.append(("Margin", f"{found.runner_up_margin:.3f}"))
        if found.point_residual_m is not None:
            rows.append(("Off the points", f"{100 * found.point_residual_m:.1f} cm"))
        if found.confidence is not None:
            rows.append(("Confidence", f"{found.confidence:.2f}"))
    return rows
