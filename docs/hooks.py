"""What the documentation takes from the program itself: the commands with their options."""

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from regen3d.cli.app import app

FOLDER = Path(__file__).parent
"""Of the documentation."""

MARK = "<!-- commands -->"
"""Where the commands go."""


def on_config(config: Any) -> Any:
    """Put every decision into the table of contents."""
    for entry in config.nav:
        if "Decisions" in entry:
            entry["Decisions"] = [f"decisions/{path.name}" for path in sorted(FOLDER.glob("decisions/*.md"))]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the commands into the page that asks for them."""
    return markdown.replace(MARK, commands()) if MARK in markdown else markdown


def commands() -> str:
    """Every command as Markdown."""
    return "\n\n".join(_section(name, command) for name, command in sorted(_walk("regen3d", get_command(app))))


def _walk(name: str, command: Any) -> list[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        return [(name, command)]
    return [found for key, inner in command.commands.items() for found in _walk(f"{name} {key}", inner)]


def _section(name: str, command: Any) -> str:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    usage = " ".join([name, *(item.name.upper() for item in arguments), "[OPTIONS]"])
    lines = [f"## `{name}`", "", "```text", usage, "```", "", _plain(command.help or ""), ""]
    rows = [_row(item) for item in command.params if item.name != "help"]
    if rows:
        lines += ["| | |", "|---|---|", *rows]
    return "\n".join(lines)


def _row(item: Any) -> str:
    text, default = _plain(getattr(item, "help", None) or ""), getattr(item, "default", None)
    if item.param_type_name == "argument":
        shown = item.name.upper()
    else:
        shown = ", ".join([*item.opts, *item.secondary_opts])
        takes = (
            "" if getattr(item, "is_flag", False) else item.metavar or item.type_descriptor.annotation.__name__.upper()
        )
        shown = f"{shown} {takes}".strip()
        if isinstance(default, str | int | float) and not isinstance(default, bool) and default not in ("", 0):
            text += f" Default: `{default}`."
    return f"| `{_cell(shown)}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _plain(text: str) -> str:
    """Help as Markdown: examples as code, brackets that are no links."""
    text = re.sub(r"^([A-Z][^:\n]*): (regen3d .*)$", r"\1:\n\n```text\n\2\n```", text.strip(), flags=re.MULTILINE)
    return text.replace("[default: ", "(default: ").replace("]", ")") if "[default: " in text else text
