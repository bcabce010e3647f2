"""Masks that were mended in the editor: kept in the scene's folder, and taken by every later run of that scene."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from regen3d.config import SceneRequest
from regen3d.errors import StoreUnavailableError
from regen3d.inputs.masks import INDEX_DOCUMENT, INDEX_PICTURE
from regen3d.store import write_atomically

FOLDER = "corrections/masks"
"""Where they are in a scene's folder; in the format of `--masks`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedObject:
    """One object as the user wants it."""

    id: int
    """Its number in the index picture, 1..255."""
    name: str
    """Unique in the scene."""
    label: str
    """What it is."""
    support: str | None
    """What it stands on; None leaves that to be found."""


def corrections_folder(out: Path) -> Path:
    """Where a scene's corrected masks are, or would be."""
    return out / FOLDER


def with_corrections(request: SceneRequest) -> SceneRequest:
    """The same request with the corrected masks of its scene, where there are any.

    They stand in for labels and boxes, which said where to look before somebody looked; `--masks` is made by hand, too,
    and newer where it is given.
    """
    folder = corrections_folder(Path(request.out))
    if request.masks is not None or "://" in request.out or not (folder / INDEX_DOCUMENT).is_file():
        return request
    return request.model_copy(update={"masks": str(folder), "labels": (), "boxes": None})


def write_corrections(out: Path, objects: Sequence[CorrectedObject], index: UInt8[np.ndarray, "h w"]) -> Path:
    """Write corrected masks into a scene's folder; returns the folder of the masks.

    Args:
        out: the scene's folder.
        objects: every object of the scene.
        index: the number of the object at each pixel of the working picture, 0 for none.

    Raises:
        StoreUnavailableError: the folder did not take them.
    """
    buffer = io.BytesIO()
    Image.fromarray(index).save(buffer, format="PNG")
    entries = [
        {"id": item.id, "label": item.label, "name": item.name} | ({"support": item.support} if item.support else {})
        for item in objects
    ]
    folder = corrections_folder(out)
    # The picture first: a reader that sees the new list finds the numbers that it names.
    try:
        write_atomically(folder / INDEX_PICTURE, buffer.getvalue())
        write_atomically(folder / INDEX_DOCUMENT, (json.dumps({"objects": entries}, indent=2) + "\n").encode())
    except OSError as error:
        raise StoreUnavailableError(f"the folder '{folder}' did not take the masks: {error}") from error
    return folder
