"""What the Prefect UI shows of a whole scene: a report, and a table of times and costs."""

from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from regen3d.export.report import shortfalls
from regen3d.manifest import Manifest, StageEntry

REPORT_KEY = "scene"
"""Artifact of a run: what was made, as text."""
TIMINGS_KEY = "timings"
"""Artifact of a run: a row a stage with its time and cost."""


def publish_summary(manifest: Manifest, out: str) -> None:
    """Attach report and timings to the running flow; a server that does not take them costs no scene."""
    try:
        create_markdown_artifact(markdown=report_markdown(manifest, out), key=REPORT_KEY, description=manifest.scene)
        create_table_artifact(
            table=[timing_row(entry) for entry in manifest.stages], key=TIMINGS_KEY, description="Times and costs"
        )
    except Exception as error:  # noqa: BLE001 - an artifact that cannot be sent must not undo finished work
        get_run_logger().warning("no report in the UI: %s: %s", type(error).__name__, error)


def timing_row(entry: StageEntry) -> dict[str, Any]:
    """One finished call as a row: `seconds` and `usage` are those of when it was computed."""
    return {
        "stage": entry.call.stage,
        "object": entry.call.object or "",
        "seconds": entry.seconds,
        "reused": entry.reused,
        **{name: round(value, 4) for name, value in entry.usage.items()},
    }


def report_markdown(manifest: Manifest, out: str) -> str:
    """A finished scene for people, as markdown."""
    camera, room = manifest.camera, manifest.room
    lines = [
        f"# {manifest.scene}: {manifest.status}",
        *(f"- {sentence}" for sentence in shortfalls(manifest)),
        "",
        "| object | status | made as | stands on | mask IoU |",
        "|---|---|---|---|---|",
    ]
    for entry in manifest.objects:
        overlap = f"{entry.diagnostics.mask_iou:.2f}" if entry.diagnostics else "-"
        cells = (entry.name, entry.status, entry.kind or "-", entry.support or "-", overlap)
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    lines += [
        "",
        f"Camera: {camera.hfov_deg:.1f} degrees wide, {camera.height_m:.2f} m high. "
        f"Room: confidence {room.confidence:.2f}. {room.scale_source}",
        *(f"- {_cell(note)}" for note in manifest.notes),
        "",
        f"Folder: `{out}` (open `report.html` there). Store: `{manifest.store}`. Digest: `{manifest.digest[:16]}`.",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
