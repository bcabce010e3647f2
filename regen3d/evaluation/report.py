"""Results of an evaluation as files: `results.json` to keep, `results.md` and `results.html` to read.

The page needs no other file, no script and no network: pictures are embedded small, and link to the large ones where
these lie beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

import regen3d
from regen3d.errors import ConfigError
from regen3d.evaluation.columns import HEADLINE
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.summary import Run, counts_sentence, object_summary, scene_summary
from regen3d.evaluation.tables import (
    Table,
    comparison,
    json_text,
    object_table,
    results_document,
    results_markdown,
    scene_table,
    summary_table,
)
from regen3d.export.pictures import jpeg_data_uri

THUMBNAIL_PX = 480
"""Width and height of embedded pictures at most: five of a scene weigh 150 KB and show every object."""

THUMBNAIL_QUALITY = 80
"""JPEG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A picture as the page shows it."""

    title: str
    """What it shows."""
    source: str
    """`data:` URI."""
    link: str | None
    """Where the large one is, relative to the page; None where it lies elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as the page shows it."""

    run: Run
    """What it is."""
    sentence: str
    """Its counts."""
    means: Table
    """Headline numbers over scenes."""
    all_means: Table
    """All numbers over scenes."""
    object_means: Table
    """All numbers over objects."""
    scenes: Table
    """A row a scene."""
    objects: Table
    """A row an object."""
    pictures: tuple[tuple[SceneResult, tuple[Thumbnail, ...]], ...]
    """Of each scene that has any."""


def write_results(folder: Path, title: str, runs: Sequence[Run]) -> tuple[Path, ...]:
    """Write `results.json`, `results.md` and `results.html`; returns their paths.

    Args:
        folder: is made where it is missing; files of these names are replaced.
        title: of the evaluation.
        runs: one, or several to compare; their names differ.

    Raises:
        ConfigError: the folder cannot be written.
    """
    texts = {
        "results.json": json_text(results_document(title, runs, folder)),
        "results.md": results_markdown(title, runs),
        "results.html": results_html(title, runs, folder),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"'{folder}' cannot be written ({error.strerror}): name another folder") from error
    return tuple(folder / name for name in texts)


def results_html(title: str, runs: Sequence[Run], folder: Path) -> str:
    """The page; links to large pictures are relative to the folder that it will lie in."""
    environment = Environment(
        loader=PackageLoader("regen3d", "evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        title=title,
        version=regen3d.__version__,
        comparison=comparison(runs) if len(runs) > 1 else None,
        runs=[_view(run, folder) for run in runs],
    )


def _view(run: Run, folder: Path) -> RunView:
    scenes, objects = scene_summary(run), object_summary(run)
    shown = [(scene, _thumbnails(scene, folder)) for scene in run.scenes]
    return RunView(
        run=run,
        sentence=counts_sentence(run),
        means=summary_table(scenes, HEADLINE),
        all_means=summary_table(scenes),
        object_means=summary_table(objects),
        scenes=scene_table(run),
        objects=object_table(run),
        pictures=tuple((scene, pictures) for scene, pictures in shown if pictures),
    )


def _thumbnails(scene: SceneResult, folder: Path) -> tuple[Thumbnail, ...]:
    """Of the pictures that are there: a scene that failed may have none."""
    return tuple(
        Thumbnail(
            title=title,
            source=_embedded(path),
            link=quote(path.relative_to(folder).as_posix()) if path.is_relative_to(folder) else None,
        )
        for title, path in scene.pictures.items()
        if path.is_file()
    )


def _embedded(path: Path) -> str:
    with Image.open(path) as picture:
        small = picture.convert("RGB")
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return jpeg_data_uri(np.array(small), THUMBNAIL_QUALITY)
