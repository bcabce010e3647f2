"""`regen3d stage`: one stage again, alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regen3d.cli.keys import use_store_key
from regen3d.cli.manifests import manifest_path, read_manifest, store_of
from regen3d.cli.run import parse_overrides
from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from regen3d.manifest import Manifest, StageEntry


def stage(
    name: Annotated[str, typer.Argument(help="Which stage: segment, plate, ... align, assemble, report.")],
    manifest: Annotated[Path, typer.Option(help="manifest.json of the scene.", show_default=False)],
    object_: Annotated[str | None, typer.Option("--object", help="Only this object.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed for the scene.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE=NAME", help="Another adapter for the stage.")
    ] = None,
) -> None:
    """Run one stage of a finished scene again, alone, from the inputs that its manifest names.

    The result is computed anew, kept in the scene's store, and compared with the old one: to see whether a stage is
    repeatable, how long it takes, or what another seed gives. The scene's files stay as they are.

    Example: regen3d stage align --manifest scenes/living-room/manifest.json --object armchair-1
    """
    from regen3d.cli.progress import progress_bar
    from regen3d.cli.quiet import calm_prefect

    manifest = manifest_path(manifest)
    scene = read_manifest(manifest)
    old = _chosen(scene, name, object_)
    calls = [_changed(entry, seed, parse_overrides(set_ or [])).call for entry in old]
    calm_prefect()
    use_store_key()
    with progress_bar(len(calls)) as bar:
        bar.begin("starting the orchestrator")
        from flows.client import check_server
        from flows.stage import run_stage_again
        from tasks.stage import SceneContext

        context = SceneContext(store=store_of(scene, manifest), adapters=scene.adapters, seed=scene.seed)
        check_server()
        new = run_stage_again(context, calls)
    _print(old, new, context.store)


def _chosen(scene: "Manifest", name: str, wanted: str | None) -> "list[StageEntry]":
    from regen3d.config import STAGES

    if name not in STAGES:
        raise ConfigError(f"unknown stage '{name}': choose one of {', '.join(STAGES)}")
    entries = [entry for entry in scene.stages if entry.call.stage == name]
    if wanted is not None:
        objects = [str(entry.call.object) for entry in entries if entry.call.object]
        entries = [entry for entry in entries if entry.call.object == wanted]
        if not entries:
            choice = f"choose one of {', '.join(objects)}" if objects else "this stage runs once a scene, drop --object"
            raise ConfigError(f"the manifest has no finished '{name}' of '{wanted}': {choice}")
    if not entries:
        raise ConfigError(f"the manifest has no finished '{name}': run the scene first")
    return entries


def _changed(entry: "StageEntry", seed: int | None, overrides: dict[str, str]) -> "StageEntry":
    from models import registry
    from regen3d.fingerprint import derive_seed

    call = entry.call
    if set(overrides) - {call.stage}:
        raise ConfigError(f"--set names another stage than '{call.stage}', which alone runs here")
    if overrides and call.adapter is None:
        raise ConfigError(f"no model runs in '{call.stage}': drop --set")
    changes: dict[str, object] = {}
    if call.stage in overrides:
        changes["adapter"] = registry.find(call.stage, overrides[call.stage]).name
    if seed is not None:
        changes["seed"] = derive_seed(seed, call.stage, call.object)
    return entry.model_copy(update={"call": call.model_copy(update=changes)})


def _print(old: "list[StageEntry]", new: "list[StageEntry]", store: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("stage", "seconds", "result")
    table.add_column("value in the store", overflow="fold")
    for before, after in zip(old, new, strict=True):
        same = "same as before" if before.value.digest == after.value.digest else "differs from before"
        table.add_row(after.call.title, f"{after.seconds:.1f}", same, after.value.path)
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(f"Store: {store}", highlight=False)
