"""`regen3d view`: a finished scene in the browser."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer


def view(
    manifest: Annotated[Path, typer.Argument(help="manifest.json of the scene, or its folder.", show_default=False)],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1.  [default: a free one]")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Look at a scene in three dimensions, from the camera of the photograph and from everywhere else.

    Serves one page on 127.0.0.1 until Ctrl-C; its address holds a secret. Nothing is fetched from elsewhere. The same
    view is part of report.html, which needs no server.

    Example: regen3d view scenes/living-room/manifest.json
    """
    from regen3d.cli.keys import use_store_key
    from regen3d.cli.manifests import manifest_path, read_manifest, store_of
    from regen3d.serving.server import Server
    from regen3d.store import Store
    from regen3d.viewer.pages import viewer_pages

    path = manifest_path(manifest)
    scene = read_manifest(path)
    use_store_key()
    server = Server(viewer_pages(scene, path.absolute().parent, Store(store_of(scene, path))), port=port)
    typer.echo(f"{scene.scene} is at {server.url}  (Ctrl-C ends)")
    if browser:
        webbrowser.open(server.url)
    try:
        server.serve()
    except KeyboardInterrupt:
        typer.echo("closed")
