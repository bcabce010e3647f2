"""The command line itself: its commands, and how their errors become exit codes."""

import os
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from regen3d import __version__
from regen3d.cli.contact import contact
from regen3d.cli.doctor import doctor
from regen3d.cli.edit import edit
from regen3d.cli.evaluate import evaluate
from regen3d.cli.export import export
from regen3d.cli.farm import farm
from regen3d.cli.gc import gc
from regen3d.cli.models import models
from regen3d.cli.redo import redo
from regen3d.cli.run import run
from regen3d.cli.runs import cancel, status, watch
from regen3d.cli.stage import stage
from regen3d.cli.submit import batch, submit
from regen3d.cli.view import view
from regen3d.errors import InputError, Regen3dError

BAD_INPUT = 2
"""Exit code when the user can mend it."""

FAILED = 1
"""Exit code of anything else."""

DEBUG = "REGEN3D_DEBUG"
"""Environment variable: where it is set, errors show where they came from."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

app = typer.Typer(
    name="regen3d",
    help="Turn one image of an indoor scene into a complete, textured, editable 3D scene.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
app.command()(run)
app.command()(redo)
app.command()(view)
app.command()(edit)
app.command()(stage)
app.command()(export)
app.command()(contact)
app.command()(evaluate)
app.command()(submit)
app.command()(batch)
app.command()(status)
app.command()(watch)
app.command()(cancel)
app.command()(gc)
app.command()(doctor)
app.add_typer(models)
app.add_typer(farm)


def _show_version(wanted: bool | None) -> None:
    if wanted:
        typer.echo(f"regen3d {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        app()
    except SystemExit as exit_:
        # Typer turns Ctrl-C into a silent exit with this code.
        if exit_.code == INTERRUPTED:
            _complain("stopped; finished stages are kept: run the same command again to go on")
        raise
    except Regen3dError as error:
        if DEBUG in os.environ:
            traceback.print_exception(error)
        place = " ".join(part for part in (error.stage, error.instance) if part)
        _complain(f"{place}: {error}" if place else str(error))
        sys.exit(BAD_INPUT if isinstance(error, InputError) else FAILED)
    except Exception as error:
        if DEBUG in os.environ:
            raise
        _complain(f"internal error, {type(error).__name__}: {error} (set {DEBUG}=1 to see where)")
        sys.exit(FAILED)
    sys.exit(0)


def _complain(sentence: str) -> None:
    typer.secho(f"regen3d: {sentence}", fg=typer.colors.RED, err=True)
