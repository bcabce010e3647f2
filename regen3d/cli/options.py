"""Options that several commands have, written once."""

from pathlib import Path
from typing import Annotated, Any

import typer

from regen3d.cli.run import parse_options, parse_overrides

Profile = Annotated[str, typer.Option(help="Chooses one adapter for every stage.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="STAGE=NAME", help="Another adapter for one stage; repeatable.")
]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="STAGE.OPTION=VALUE", help="An adapter's option; repeatable.")
]
Noncommercial = Annotated[bool, typer.Option("--allow-noncommercial", help="Use models that forbid commercial use.")]
Territory = Annotated[
    str | None, typer.Option(metavar="COUNTRY", help="Where results are used, for licences that ask: US.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every random choice.")]
Labels = Annotated[str | None, typer.Option(help='What to look for: "chair,table".')]
FarmStore = Annotated[
    str | None,
    typer.Option(
        envvar="REGEN3D_STORE",
        help="Store that all workers see: s3://BUCKET/PREFIX, or a folder of a shared file system.",
        show_default=False,
    ),
]


def settings_of(
    *,
    profile: str,
    set_: list[str] | None,
    option: list[str] | None,
    allow_noncommercial: bool,
    territory: str | None,
    seed: int,
    labels: str | None,
) -> dict[str, Any]:
    """Fields of a `SceneRequest` from the options of a command."""
    from regen3d.inputs.labels import parse_labels

    return {
        "profile": profile,
        "overrides": parse_overrides(set_ or []),
        "options": parse_options(option or []),
        "allow_noncommercial": allow_noncommercial,
        "territory": territory,
        "seed": seed,
        "labels": parse_labels(labels) if labels is not None else (),
    }


def located(location: str | Path) -> str:
    """A local path made absolute; an address as it is."""
    text = str(location)
    # A path object has lost one of the two slashes of an address.
    return text if "://" in text else str(Path(text).expanduser().absolute())
