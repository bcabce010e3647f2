"""`regen3d gc`: housekeeping of a store."""

import re
import time
from typing import Annotated

import typer

from regen3d.cli.keys import use_store_key
from regen3d.cli.options import FarmStore, located
from regen3d.errors import ConfigError

UNITS_S = {"m": 60.0, "h": 3600.0, "d": 86400.0}
"""Unit of an age -> seconds."""


def gc(
    store: FarmStore = None,
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Younger files stay: 90m, 12h, 7d.")] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")] = False,
) -> None:
    """Remove from a store what no scene needs: results of other code or settings, of runs that never ended, uploads.

    Everything that the manifest of a run refers to stays, and so does everything that is young. Runs may go on
    meanwhile.

    Example: regen3d gc --store s3://regen3d/store --older-than 30d --dry-run
    """
    from regen3d.store import FRESH_S, Store
    from regen3d.sweep import sweep

    if store is None:
        raise ConfigError("say which store: --store s3://BUCKET/PREFIX, or the folder `store` of a scene")
    age = seconds_of(older_than)
    if age < FRESH_S:
        # Runs that are under way rely on what is younger.
        raise ConfigError(f"--older-than {older_than} is too little: a run may need what is younger than 1d")
    use_store_key()
    done = sweep(Store(located(store)), before=time.time() - age, dry_run=dry_run)
    verb = "would be removed" if dry_run else "removed"
    typer.echo(f"{done.files} files, {done.bytes / 1e6:.1f} MB {verb}; {done.kept} files stay.")


def seconds_of(age: str) -> float:
    """Seconds of an age such as `12h`.

    Raises:
        ConfigError: it has another form.
    """
    match = re.fullmatch(r"(?P<number>\d+(\.\d+)?)(?P<unit>[mhd])", age)
    if match is None:
        raise ConfigError(f"--older-than takes a number and m, h or d, as in 12h, found '{age}'")
    return float(match["number"]) * UNITS_S[match["unit"]]
