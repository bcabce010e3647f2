"""`regen3d contact`: one picture of many scenes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regen3d.cli.export import open_scene
from regen3d.cli.manifests import manifest_path, read_manifest, store_of
from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from regen3d.export.library_sheet import SheetRow
    from regen3d.manifest import Manifest


def contact(
    manifests: Annotated[
        list[Path], typer.Argument(help="Folders of scenes, or their manifest.json.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Picture to write, PNG.")] = Path("contact.png"),
) -> None:
    """Draw one picture of many scenes: the photograph, the scene over it, and two other views of each.

    The views are drawn by regen3d itself, without a GPU, from the manifests and their stores.

    Example: regen3d contact scenes/* --out contact.png
    """
    from rich.console import Console

    from regen3d import codec
    from regen3d.export.library_sheet import library_sheet
    from regen3d.store import check_folder, write_atomically

    if out.suffix.lower() != ".png" or out.is_dir():
        raise ConfigError(f"--out takes a PNG file, found '{out}': write for example contact.png")
    check_folder(out.absolute().parent, "picture")
    paths = [manifest_path(path) for path in manifests]
    rows = [_row(read_manifest(path), path) for path in paths]
    write_atomically(out, codec.png_bytes(library_sheet(rows)))
    Console(soft_wrap=True).print(f"{len(rows)} scenes: {out}", highlight=False)


def _row(record: "Manifest", path: Path) -> "SheetRow":
    import io

    import numpy as np
    from PIL import Image

    from regen3d.export.library_sheet import SheetRow
    from regen3d.store import Store

    scene = open_scene(record, path)
    store = Store(store_of(record, path))
    drawn = record.exports.get("overlay.png")
    if drawn is None or not store.has(drawn):
        raise ConfigError(f"'{path}' has no overlay.png in its store: run '{record.image.name}' again")
    overlaps = [entry.diagnostics.mask_iou for entry in record.objects if entry.diagnostics]
    fit = f", mask IoU {np.median(overlaps):.2f} in the median" if overlaps else ""
    return SheetRow(
        scene=scene,
        overlay=np.array(Image.open(io.BytesIO(store.get_bytes(drawn))).convert("RGB")),
        title=f"{record.scene}: {len(record.objects)} objects, {record.status}{fit}",
    )
