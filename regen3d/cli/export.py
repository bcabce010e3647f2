"""`regen3d export`: a finished scene in the formats of other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regen3d.cli.keys import use_store_key
from regen3d.cli.manifests import manifest_path, read_manifest, store_of

if TYPE_CHECKING:
    from regen3d.export.scene import ExportScene
    from regen3d.manifest import Manifest


def export(
    manifest: Annotated[Path, typer.Argument(help="Folder of the scene, or its manifest.json.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to write to.", show_default=False)],
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="glb, gltf, usd, usdz, fbx, blend or obj; repeatable.  [default: glb]"),
    ] = None,
    profile: Annotated[
        Literal["film", "simready"], typer.Option(help="USD: Y up with camera and plate, or Z up for simulators.")
    ] = "film",
    look: Annotated[
        Literal["baked", "relightable"], typer.Option(help="Colours as photographed, or with the light taken off.")
    ] = "baked",
    lods: Annotated[int, typer.Option(min=0, max=3, help="Levels of detail below the full mesh (GLB, USD).")] = 0,
    compress: Annotated[
        Literal["none", "quantize", "meshopt"], typer.Option(help="Pack the vertices of GLB files.")
    ] = "none",
) -> None:
    """Write a finished scene in other formats.

    Everything comes from the manifest and the store that it names; nothing is computed again that the run knows. A
    format that cannot be written leaves the others alone.
    docs/exports.md says what arrives in Blender, Houdini and Unreal.

    Example: regen3d export scenes/living-room/manifest.json --format usd --format obj --out exports/living-room
    """
    from rich.console import Console

    from regen3d.errors import StageError
    from regen3d.export.folder import check_export_folder, write_export_folder
    from regen3d.export.formats import check_formats, find_format, write_format
    from regen3d.export.packing import check_packing
    from regen3d.export.settings import ExportSettings

    settings = ExportSettings(
        formats=tuple(dict.fromkeys(format_ or ["glb"])), profile=profile, look=look, lods=lods, compress=compress
    )
    check_formats(settings.formats)
    check_packing(settings.compress)
    check_export_folder(out)
    manifest = manifest_path(manifest)
    record = read_manifest(manifest)
    scene = open_scene(record, manifest)
    console = Console(soft_wrap=True)
    failed: dict[str, StageError] = {}
    for name in settings.formats:
        try:
            with console.status(f"writing {name}"):
                files = write_format(name, scene, settings)
                written = write_export_folder(record, files, out)
        except StageError as error:
            failed[name] = error
            continue
        size = sum(len(content) for content in files.values()) / 1e6
        place = out / find_format(name).opens
        console.print(f"{name}: {place}  ({len(written)} files, {size:.1f} MB)", highlight=False)
    if failed:
        sentence = "; ".join(f"{name} was not written: {error}" for name, error in failed.items())
        raise StageError(sentence) from ExceptionGroup("what the writers stumbled over", list(failed.values()))


def open_scene(record: "Manifest", path: Path) -> "ExportScene":
    """The scene of a manifest that was read from `path`.

    Raises:
        ConfigError: the store of the manifest does not hold the scene any more.
    """
    from regen3d.export.scene import read_scene
    from regen3d.store import Store

    use_store_key()
    return read_scene(Store(store_of(record, path)), record)
