"""The last thing a run prints: what was made, how good it is, where it lies, how to look at it."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from regen3d.manifest import Manifest, ObjectEntry


def print_summary(manifest: Manifest, out: Path) -> None:
    """Print a table of the objects and the next steps to standard output."""
    console = Console(soft_wrap=True)
    if manifest.objects:
        console.print(_objects_table(manifest))
    else:
        console.print(
            "An empty room: no objects were found. Name them with --labels, --boxes or --masks if there are any."
        )
    camera, room = manifest.camera, manifest.room
    console.print(
        f"Camera: {camera.hfov_deg:.1f} degrees wide, {camera.height_m:.2f} m high. "
        f"Room: confidence {room.confidence:.2f}{'' if room.believable else ' - not believable'}. {room.scale_source}"
    )
    for name, reason in manifest.missing_formats.items():
        console.print(f"The format {name} was not written: {reason}", style="red", highlight=False)
    for note in manifest.notes:
        console.print(f"Note: {note}", style="yellow", highlight=False)
    fresh = [entry for entry in manifest.stages if not entry.reused]
    if fresh:
        console.print(f"{len(fresh)} of {len(manifest.stages)} stages computed in {manifest.run.seconds:.0f} s.")
    else:
        console.print(f"Nothing to compute: all {len(manifest.stages)} stages were in the store.")
    if "scene.glb" in manifest.exports:
        console.print(f"Scene:  {out / 'scene.glb'}  (Blender: File > Import > glTF)", highlight=False)
    console.print(f"Report: {out / 'report.html'}  (any browser)", highlight=False)


def _objects_table(manifest: Manifest) -> Table:
    table = Table(title=f"{manifest.scene}: {len(manifest.objects)} objects, {manifest.status}")
    for heading in ("object", "status", "made as", "stands on", "size (m)", "mask IoU"):
        table.add_column(heading, justify="right" if heading in ("size (m)", "mask IoU") else "left")
    for entry in manifest.objects:
        table.add_row(*_row(entry))
    return table


def _row(entry: ObjectEntry) -> tuple[str, ...]:
    status = entry.status if entry.reason is None else f"{entry.status}: {entry.reason}"
    size = " x ".join(f"{length:.2f}" for length in entry.size_m) if entry.size_m else "-"
    overlap = f"{entry.diagnostics.mask_iou:.2f}" if entry.diagnostics else "-"
    return entry.name, status, entry.kind or "-", entry.support or "-", size, overlap
