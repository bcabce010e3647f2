"""`regen3d redo`: one object again, everything else as it is."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regen3d.cli.keys import use_store_key
from regen3d.cli.options import located
from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from regen3d.manifest import Manifest
    from regen3d.redo import RedoRequest


def redo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run of the farm, or the folder of a scene.")],
    object_: Annotated[str, typer.Option("--object", help="Name of the object, as in the report.")],
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of this object.  [default: the next one]", show_default=False)
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="PNG file with the object's mask, painted over the picture.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="What the object is: armchair.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="On the farm: stay until it is done.")] = False,
) -> None:
    """Make one object of a finished scene again; every other object stays exactly as it is.

    A mask, a label or a seed that you give wins over what was found. With neither, the next seed is tried. RUN is a run
    of the farm that PREFECT_API_URL names, where the redo runs too; or the folder of a scene, and then it runs here.
    Should the object fail, the scene stays as it was.

    Exit codes as those of `run`; on the farm 0 is handed over, or with --wait those of `watch`.

    Example: regen3d redo scenes/kitchen --object chair-2 --mask chair-2.png
    """
    if (Path(run) / "manifest.json").is_file():
        raise typer.Exit(_here(Path(run), object_, seed, mask, label))
    _on_the_farm(run, object_, seed, mask, label, wait=wait)


def _here(folder: Path, name: str, seed: int | None, mask: Path | None, label: str | None) -> int:
    from regen3d.cli.progress import progress_bar
    from regen3d.cli.quiet import calm_prefect
    from regen3d.cli.run import PARTIAL
    from regen3d.cli.stage import read_manifest, store_of
    from regen3d.cli.summary import print_summary
    from regen3d.redo import RedoRequest
    from regen3d.runs import keep_manifest
    from regen3d.store import Store

    manifest = read_manifest(folder / "manifest.json")
    store = store_of(manifest, folder / "manifest.json")
    if manifest.run.id == "store":
        # An answer from the store has no run of its own yet.
        manifest = manifest.model_copy(update={"run": manifest.run.model_copy(update={"id": uuid.uuid4().hex})})
    request = RedoRequest(
        run=manifest.run.id,
        store=store,
        out=located(folder),
        object=name,
        seed=seed,
        mask=None if mask is None else located(mask),
        label=label,
    )
    _check(manifest, request)
    use_store_key()
    keep_manifest(Store(store), manifest)
    calm_prefect()
    with progress_bar(2) as bar:
        bar.begin("starting the orchestrator")
        from flows.client import check_server
        from flows.redo import redo_object

        check_server()
        done = redo_object(request)
    print_summary(done, folder)
    return 0 if done.status == "whole" else PARTIAL


def _on_the_farm(run: str, name: str, seed: int | None, mask: Path | None, label: str | None, *, wait: bool) -> None:
    from regen3d.cli.quiet import calm_prefect
    from regen3d.config import Execution
    from regen3d.redo import RedoRequest
    from regen3d.remote import is_remote, uploaded_file
    from regen3d.runs import find_manifest
    from regen3d.store import Store

    calm_prefect()
    from flows.client import server
    from flows.names import REDO
    from flows.submitting import Order, submit
    from flows.watching import find_run

    with server() as client:
        found = find_run(client, run)
        asked = found.parameters.get("request", {})
        out = str(asked.get("out", "")).rstrip("/")
        use_store_key()
        store = Store(str(asked.get("store") or f"{out}/store"))
        manifest = find_manifest(store, str(found.id))
        if manifest is None:
            raise ConfigError(f"the store '{store.uri}' knows no scene of the run '{found.name}': it made none")
        given = None if mask is None else located(mask)
        place = asked.get("execution", "local")
        # A scene's request has two fields, that of an earlier redo one.
        place = {"name": place, "address": asked.get("ray_address")} if isinstance(place, str) else place
        request = RedoRequest(
            run=str(found.id),
            store=store.uri,
            out=out,
            object=name,
            seed=seed,
            mask=given,
            label=label,
            execution=Execution.model_validate(place),
        )
        _check(manifest, request)
        if given is not None and is_remote(store.uri):
            request = request.model_copy(update={"mask": uploaded_file(given, store)})
        title = f"{manifest.scene}: {request.name}"
        submitted = submit(client, Order(deployment=REDO, name=title), {"request": request}, title, uuid.uuid4().hex)
    typer.echo(f"{submitted.id}  {submitted.news}  {title}  {submitted.url}".rstrip())
    if wait:
        from regen3d.cli.runs import watch_all

        raise typer.Exit(watch_all([submitted.id], None))


def _check(manifest: "Manifest", request: "RedoRequest") -> None:
    """Refuse what cannot be used before anything runs."""
    from regen3d.inputs.labels import clean_label
    from regen3d.inputs.mask_pixels import silhouette
    from regen3d.redo import check_object

    check_object(manifest, request.object)
    if request.label is not None:
        clean_label(request.label, "--label")
    if request.mask is not None:
        silhouette(Path(request.mask))
