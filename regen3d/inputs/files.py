"""Bytes and JSON documents from files that a user names."""

import json
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from regen3d.errors import ConfigError, InputError

MAX_JSON_BYTES = 10_000_000
"""A document of the formats here has kilobytes; anything longer is another file."""

Document = TypeVar("Document", bound=BaseModel)


def read_bytes(
    path: Path,
    kind: str,
    max_bytes: int,
    unreadable: type[InputError] = ConfigError,
    too_large: type[InputError] = ConfigError,
) -> bytes:
    """Everything in a file; symbolic links are followed.

    Args:
        path: the file.
        kind: what it should be, for the message: `picture`.
        max_bytes: the longest file that is read.
        unreadable: raised when the file is missing, no plain file, empty, or cannot be read.
        too_large: raised when the file is longer than `max_bytes`.
    """
    try:
        if path.is_dir():
            raise unreadable(f"{path.name}: this is a folder; give the {kind} as a file")
        if not path.exists():
            raise unreadable(f"{path.name}: there is no such file in {path.parent}; check the path of the {kind}")
        if not path.is_file():
            raise unreadable(f"{path.name}: this is a device or a pipe; give the {kind} as a plain file")
        size = path.stat().st_size
        if size > max_bytes:
            raise too_large(
                f"{path.name}: the file has {size / 1e6:.0f} MB, more than {max_bytes / 1e6:.0f} MB; "
                f"give a smaller {kind}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(
            f"{path.name[:100]}: the {kind} cannot be read ({_reason(error)}); check the path and its permissions"
        ) from error
    if not data:
        raise unreadable(f"{path.name}: the file is empty; give the {kind} again, its copy may have been cut off")
    return data


def list_folder(folder: Path, kind: str) -> list[Path]:
    """What a folder holds, in the order of the names.

    Raises:
        ConfigError: it is missing, no folder, or cannot be read.
    """
    try:
        if not folder.is_dir():
            found = "a file" if folder.exists() else "missing"
            raise ConfigError(f"{folder.name}: the folder of {kind} is {found}; check its path")
        return sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{folder.name[:100]}: the folder of {kind} cannot be read ({_reason(error)}); "
            "check the path and its permissions"
        ) from error


def read_json(path: Path, model: type[Document], kind: str) -> Document:
    """A JSON document, validated.

    Raises:
        ConfigError: the file is no JSON, or not of the form that the model states.
    """
    data = read_bytes(path, kind, MAX_JSON_BYTES)
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path.name}: this is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg.lower()}); "
            f"correct the {kind} there"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path.name}: this is not valid JSON ({_reason(error)}); write the {kind} as UTF-8 JSON"
        ) from error
    return validate(content, model, path.name)


def validate(content: Any, model: type[Document], source: str) -> Document:
    """The content of a document as its model.

    Raises:
        ConfigError: with the first thing that is wrong, in one sentence.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        found = repr(first["input"])
        found = " ".join(found.split()) if len(found) <= 40 else f"{found[:36]} …"
        message = first["msg"].removeprefix("Value error, ").replace(". ", "; ").rstrip(".")
        raise ConfigError(
            f"{source}: {_place(first['loc'])}: {message[:1].lower()}{message[1:]}, found {found}; "
            "docs/inputs.md shows the format"
        ) from error


def _place(location: tuple[int | str, ...]) -> str:
    """`("boxes", 2, "box")` as `boxes[2].box`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.lstrip(".") or "the document"


def _reason(error: BaseException) -> str:
    """What an error of the system says, without path or number, on one line."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split()).replace(". ", "; ").rstrip(".")


def _refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities are no JSON, though Python reads them."""
    raise ValueError(f"{name} is not a number in JSON")
