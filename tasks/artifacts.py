"""What the Prefect UI shows of a stage: a picture, a table, or text."""

import re
from dataclasses import dataclass
from typing import Any

from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

from regen3d.codec import png_bytes
from regen3d.export.pictures import jpeg_data_uri, thumbnail
from regen3d.manifest import StageCall
from regen3d.store import Store
from regen3d.types import Rgb

LONGEST_PX = 512
"""Long side of pictures in the UI; they travel inside the artifact, so that no file server is needed."""


LINK_S = 7 * 86400.0
"""How long a link to a picture in a bucket holds: the longest that S3 signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One artifact: exactly one of picture, table and text is given."""

    picture: Rgb | None = None
    """Shown as an image."""
    table: tuple[dict[str, Any], ...] | None = None
    """Rows of columns."""
    text: str | None = None
    """Markdown."""
    caption: str = ""
    """One line below it."""
    part: str = ""
    """Tells the artifacts of one stage apart; empty for the first."""


def publish(previews: tuple[Preview, ...], call: StageCall, store: Store) -> None:
    """Attach previews to the running task, in their order.

    A store on the web keeps the pictures, others leave them to the artifacts.
    """
    for preview in previews:
        key = re.sub(r"[^a-z0-9]+", "-", f"{call.title} {preview.part}".lower()).strip("-")
        _publish(preview, key, store)


def _publish(preview: Preview, key: str, store: Store) -> None:
    if preview.picture is not None:
        uri = _linked(preview.picture, store) or jpeg_data_uri(thumbnail(preview.picture, longest=LONGEST_PX))
        create_image_artifact(image_url=uri, key=key, description=preview.caption)
    elif preview.table is not None:
        create_table_artifact(table=list(preview.table), key=key, description=preview.caption)
    else:
        create_markdown_artifact(markdown=preview.text or "", key=key, description=preview.caption)


def _linked(picture: Rgb, store: Store) -> str | None:
    """A signed link to the whole picture in the store, where the store has such links."""
    if not store.has_links:
        return None
    return store.link(store.put_bytes(png_bytes(picture), ".png"), LINK_S)
