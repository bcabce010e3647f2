"""`regen3d models`: which models there are, under which licences, and whether their weights are here."""

from typing import TYPE_CHECKING, Annotated

import typer

from regen3d.errors import ConfigError, WeightsMissingError

if TYPE_CHECKING:
    from models.registry import Adapter

models = typer.Typer(name="models", help="Models: list them, show one, fetch and check weights.", no_args_is_help=True)

READY = "ready"
"""State of an adapter that could run here."""

Name = Annotated[str, typer.Argument(help="Name of an adapter, as `regen3d models list` shows it.", show_default=False)]


@models.command("list")
def list_models() -> None:
    """Show every adapter: the stage it runs, its licence, and whether it could run here.

    Example: regen3d models list
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from models.registry import ADAPTERS

    table = Table("stage", "name", "licence", "download", "state", box=box.SIMPLE_HEAD)
    for adapter in ADAPTERS:
        size = sum(weights.size_gb for weights in adapter.weights)
        download = f"{size:.1f} GB" if adapter.weights else "-"
        table.add_row(adapter.stage, adapter.name, adapter.licence, download, _lack(adapter)[0] or READY)
    console = Console(soft_wrap=True)
    console.print(table)
    console.print("`regen3d models show NAME` says which model it is, and how to get what is missing.")


@models.command()
def show(name: Name) -> None:
    """Show everything that is known of an adapter: weights, revision, licence with its clause, resources.

    Example: regen3d models show embedded
    """
    from rich.console import Console
    from rich.markup import escape

    from models.licences import LICENCES

    console = Console(soft_wrap=True)
    for adapter in _named(name):
        licence = LICENCES[adapter.licence]
        lines = [
            ("model", f"{adapter.model}, revision {adapter.revision}"),
            ("licence", " ".join(filter(None, (licence.name, licence.url)))),
            ("commercial use", "allowed" if licence.commercial else "forbidden"),
            ("not licensed in", ", ".join(licence.excluded) or "-"),
            ("clause", licence.clause or "-"),
            ("weights", "; ".join(f"{w.repo} at {w.revision}, {w.size_gb:g} GB" for w in adapter.weights) or "-"),
            ("falls back on", "; ".join(f"{w.repo} at {w.revision}, {w.size_gb:g} GB" for w in adapter.spare) or "-"),
            ("key", " or ".join(adapter.keys) or "-"),
            ("needs", f"{adapter.resources.cpus:g} cores, {adapter.resources.vram_gb:g} GB of GPU memory"),
            ("install", adapter.install),
            ("state", _state(adapter)),
        ]
        console.print(f"[bold]{adapter.stage}: {adapter.name}[/bold]")
        console.print("\n".join(f"  {title:16}{escape(text)}" for title, text in lines))


@models.command()
def fetch(name: Name) -> None:
    """Download the weights of an adapter into the cache of the Hugging Face hub.

    Exit codes: 0 they are here; 2 unknown name; 1 the download failed.

    Example: regen3d models fetch grounded-sam
    """
    from models.weights import fetch as download

    found = {weights: None for adapter in _named(name) for weights in (*adapter.weights, *adapter.spare)}
    if not found:
        typer.echo(f"{name} has nothing to download.")
    for weights in found:
        typer.echo(f"{weights.repo} at {weights.revision}, {weights.size_gb:g} GB ...")
        typer.echo(f"  in {download(weights)}")


@models.command()
def check(name: Name) -> None:
    """Say whether an adapter could run here: packages, weights, licence.

    Exit codes: 0 it could; 1 something is missing; 2 unknown name.

    Example: regen3d models check embedded
    """
    states = {f"{adapter.stage}: {adapter.name}": _state(adapter) for adapter in _named(name)}
    for title, state in states.items():
        typer.echo(f"{title}: {state}")
    if any(state != READY for state in states.values()):
        raise typer.Exit(1)


def _named(name: str) -> "list[Adapter]":
    """All adapters of that name, one a stage."""
    from models.registry import ADAPTERS

    found = [adapter for adapter in ADAPTERS if adapter.name == name]
    if not found:
        names = ", ".join(sorted({adapter.name for adapter in ADAPTERS}))
        raise ConfigError(f"no adapter '{name}': choose one of {names}")
    return found


def _lack(adapter: "Adapter") -> tuple[str, str]:
    """What is missing in a word or two, and the way to it; two empty texts where nothing is."""
    from models.choice import has_key
    from models.weights import locate

    if adapter.missing:
        return "not installed", f"needs {', '.join(adapter.missing)}: {adapter.install}"
    if not has_key(adapter):
        return "no key", f"needs a key in {' or '.join(adapter.keys)}"
    try:
        for weights in adapter.weights:
            locate(weights, adapter.name)
    except WeightsMissingError:
        return "no weights", f"needs its weights: regen3d models fetch {adapter.name}"
    return "", ""


def _state(adapter: "Adapter") -> str:
    """`ready`, or what is missing and the command that gets it."""
    return _lack(adapter)[1] or READY
