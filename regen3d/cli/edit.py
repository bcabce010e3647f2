"""`regen3d edit`: mend the masks of a scene in the browser, and rebuild what depends on them."""

import threading
import traceback
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regen3d.errors import ConfigError, Regen3dError

if TYPE_CHECKING:
    from regen3d.config import SceneRequest
    from regen3d.editor.pages import EditorPages
    from regen3d.editor.scene import EditorScene
    from regen3d.editor.session import Session
    from regen3d.editor.waiting import WaitingScene

LOOK_S = 0.2
"""How often the command looks whether the page asked for something."""


def edit(
    manifest: Annotated[
        Path,
        typer.Argument(help="manifest.json of the scene, or its folder; also of a run that waits.", show_default=False),
    ],
    image: Annotated[
        Path | None,
        typer.Option(help="The picture, where it no longer is where the scene was made.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1.  [default: a free one]")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Mend the masks of a scene: click, paint, split, merge, say what stands on what; then rebuild.

    Serves one page on 127.0.0.1 until Ctrl-C; its address holds a secret. What is saved goes to corrections/masks in
    the scene's folder and wins over what was found, in every later run, too. A rebuild makes only what depends on what
    was changed. A run that waits (`regen3d run --pause-after segment`) goes on with what is saved.

    Example: regen3d edit scenes/living-room/manifest.json
    """
    from regen3d.editor.pages import EditorPages
    from regen3d.editor.session import Session
    from regen3d.serving.server import Server

    folder = manifest if manifest.is_dir() else manifest.parent
    scene, request, waiting = _opened(manifest, folder.absolute(), image)
    session = Session()
    pages = EditorPages(scene, _cutter(), session)
    server = Server(pages.get, pages.post, port=port, most_bytes=pages.most_bytes)
    threading.Thread(target=server.serve, daemon=True).start()
    typer.echo(f"The masks of {scene.title} are at {server.url}  (Ctrl-C ends)")
    if browser:
        webbrowser.open(server.url)
    try:
        while True:
            if session.wait_for_job(LOOK_S):
                _work(session, pages, request, waiting)
    except KeyboardInterrupt:
        typer.echo("closed; what was saved is kept")
    finally:
        server.close()


def _cutter() -> Any:
    from models.segmentation.clicks import best_cutter

    return best_cutter()


def _opened(path: Path, folder: Path, image: Path | None) -> "tuple[EditorScene, SceneRequest, WaitingScene | None]":
    """The scene to edit, how to run it again, and the run that waits for it, if one does."""
    from pydantic import ValidationError

    from regen3d.cli.keys import use_store_key
    from regen3d.cli.manifests import manifest_path, read_manifest, store_of
    from regen3d.cli.opening import from_manifest, from_waiting
    from regen3d.config import SceneRequest
    from regen3d.editor.waiting import no_longer_waiting, read_waiting
    from regen3d.remote import is_remote

    use_store_key()
    waiting = read_waiting(folder)
    if waiting is not None and _has_ended(waiting):
        no_longer_waiting(folder)
        typer.echo(f"the run that waited in '{folder}' does not wait any more", err=True)
    elif waiting is not None:
        return from_waiting(waiting, folder), waiting.request, waiting
    file = manifest_path(path)
    found = read_manifest(file)
    place = {"out": str(folder), "store": store_of(found, file), "pause_after": None}
    try:
        request = SceneRequest.model_validate({**(found.run.request or {}), **place})
    except ValidationError as error:
        raise ConfigError(
            f"'{file}' does not say how this version would make its scene: run it once more, then edit it"
        ) from error
    if image is not None:
        request = request.model_copy(update={"image": str(image.expanduser().absolute())})
    if not is_remote(request.image) and not Path(request.image).is_file():
        raise ConfigError(f"the picture is not at '{request.image}' any more: say where it is with --image")
    return from_manifest(found, request.store_uri, folder), request, None


def _has_ended(waiting: "WaitingScene") -> bool:
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.review import has_ended

    return has_ended(waiting)


def _work(session: "Session", pages: "EditorPages", request: "SceneRequest", waiting: "WaitingScene | None") -> None:
    """Do what the page asked for; what goes wrong is told there, and the editor stays open."""
    try:
        if waiting is not None:
            _go_on(waiting)
            session.tell("resumed", "The run goes on with these masks. This page can be closed.")
        else:
            _rebuild(session, pages, request)
    except Regen3dError as error:
        place = " ".join(part for part in (error.stage, error.instance) if part)
        session.tell("failed", f"{place}: {error}" if place else str(error))
        typer.secho(f"regen3d: {error}", fg=typer.colors.RED, err=True)
    except Exception as error:  # noqa: BLE001 - the border of a sitting: what was not saved yet must not be lost
        session.tell("failed", f"internal error, {type(error).__name__}: {error} (the terminal says where)")
        traceback.print_exc()


def _go_on(waiting: "WaitingScene") -> None:
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.review import go_on

    go_on(waiting.flow_run)
    typer.echo("the waiting run goes on")


def _rebuild(session: "Session", pages: "EditorPages", request: "SceneRequest") -> None:
    from regen3d.cli.progress import SCENE_STAGES, progress_bar
    from regen3d.cli.quiet import calm_prefect
    from regen3d.corrections import with_corrections
    from regen3d.runs import undone
    from regen3d.store import Store
    from regen3d.viewer.pages import viewer_pages
    from tasks.progress import Progress, listening

    def show(event: Progress) -> None:
        if event.event != "planned":
            session.add_event(f"{event.stage}: {event.object}" if event.object else event.stage, event.event)

    session.tell("running", "Starting the orchestrator …")
    calm_prefect()
    # Masks given on the command line were mended here since.
    asked = with_corrections(request.model_copy(update={"masks": None}))
    redone = undone(Path(request.out), None)
    with progress_bar(SCENE_STAGES) as bar, listening(show):
        bar.begin("starting the orchestrator")
        from flows.scene import reconstruct_scene
        from tasks.execution.runner import on_place

        session.tell("running", "What depends on the change is made again.")
        manifest = on_place(reconstruct_scene, asked.place)(asked)
    pages.viewer = viewer_pages(manifest, Path(request.out), Store(request.store_uri))
    made = sum(not entry.reused for entry in manifest.stages)
    lost = f" What was redone is lost: {', '.join(redone)}." if redone and not manifest.run.redone else ""
    message = f"{made} of {len(manifest.stages)} stages were made again in {manifest.run.seconds:.0f} s."
    session.tell("done", message + lost)
    typer.echo(f"rebuilt: {made} of {len(manifest.stages)} stages made again; {request.out}/report.html{lost}")
