"""Results as a document to keep (`results.json`) and as tables to read, together as `results.md`."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regen3d.evaluation.columns import HEADLINE, OBJECT_HEADLINE, column, headline
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.summary import Run, Summary, counts_sentence, object_summary, run_counts, scene_summary

SCHEMA = 1
"""Of `results.json`; grows when a field changes its meaning or goes."""


def results_document(title: str, runs: Sequence[Run], folder: Path) -> dict[str, Any]:
    """Everything, as `results.json` has it: plain, finite, and the same for the same results.

    Args:
        title: of the evaluation.
        runs: one or more.
        folder: where the document is written; pictures below it are named relative to it.
    """
    return {
        "schema": SCHEMA,
        "title": title,
        "runs": [
            {
                "name": run.name,
                "description": run.description,
                "counts": run_counts(run),
                "scene_values": {key: _summary_entry(value) for key, value in scene_summary(run).items()},
                "object_values": {key: _summary_entry(value) for key, value in object_summary(run).items()},
                "scenes": [_scene_entry(scene, folder) for scene in run.scenes],
            }
            for run in runs
        ],
    }


def json_text(document: dict[str, Any]) -> str:
    """A document as JSON.

    Raises:
        ValueError: a number is not finite, which is a bug.
    """
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells of text under headings."""

    headings: tuple[str, ...]
    """One for each column; the first column names the rows."""
    rows: tuple[tuple[str, ...], ...]
    """As many cells each."""
    best: frozenset[tuple[int, int]] = frozenset()
    """(row, column) of cells that no other row betters."""


def comparison(runs: Sequence[Run]) -> Table:
    """Runs against each other: a row a run, a column a headline number (mean over its scenes)."""
    summaries = [scene_summary(run) for run in runs]
    keys = headline(list(dict.fromkeys(key for summary in summaries for key in summary)), HEADLINE)
    means = [[summary[key].mean.value if key in summary else None for key in keys] for summary in summaries]
    scenes = [f"{len(run.scored)}/{len(run.scenes)}" for run in runs]
    return Table(
        headings=("run", "scenes scored", *(column(key).title for key in keys)),
        rows=tuple(
            (run.name, count, *(column(key).text(value) for key, value in zip(keys, row, strict=True)))
            for run, count, row in zip(runs, scenes, means, strict=True)
        ),
        best=frozenset((i, k + 2) for k, key in enumerate(keys) for i in _best([row[k] for row in means], key)),
    )


def summary_table(summaries: Mapping[str, Summary], wanted: tuple[str, ...] | None = None) -> Table:
    """A row a kind of number, with its mean, median and bands; only the wanted kinds, or all."""
    keys = list(summaries) if wanted is None else headline(list(summaries), wanted)
    rows = []
    for key in keys:
        of, found = column(key), summaries[key]
        bands = [
            f"{of.text(band.value)} [{of.text(band.low)}, {of.text(band.high)}]" for band in (found.mean, found.median)
        ]
        rows.append((of.title, *bands, str(found.mean.count), of.text(found.mean_with_failed)))
    return Table(headings=("", "mean [95 %]", "median [95 %]", "n", "mean, failed as 0"), rows=tuple(rows))


def scene_table(run: Run) -> Table:
    """A row a scene, with its status or its headline numbers."""
    keys = headline(list(dict.fromkeys(key for scene in run.scored for key in scene.values)), HEADLINE)
    return Table(
        headings=("scene", "status", *(column(key).title for key in keys)),
        rows=tuple(
            (
                scene.scene,
                scene.status if scene.reason is None else f"{scene.status}: {scene.reason}",
                *(column(key).text(scene.values.get(key)) for key in keys),
            )
            for scene in run.scenes
        ),
    )


def object_table(run: Run) -> Table:
    """A row a true object, with what stands for it and its headline numbers."""
    keys = headline(list(dict.fromkeys(key for item in run.objects for key in item.values)), OBJECT_HEADLINE)
    return Table(
        headings=("scene", "object", "found as", *(column(key).title for key in keys)),
        rows=tuple(
            (
                scene.scene,
                item.name,
                item.matched or "missing",
                *(column(key).text(item.values.get(key)) for key in keys),
            )
            for scene in run.scenes
            for item in scene.objects
        ),
    )


def results_markdown(title: str, runs: Sequence[Run]) -> str:
    """All tables as Markdown: the comparison, and for each run its means, scenes and objects."""
    parts = [f"# {title}"]
    if len(runs) > 1:
        lines = "\n".join(f"- {run.name}: {run.description}" for run in runs)
        parts += ["## Comparison", lines, _markdown(comparison(runs))]
    for run in runs:
        parts += [f"## {run.name}", run.description, counts_sentence(run)]
        parts += ["### Over all scenes", _markdown(summary_table(scene_summary(run), HEADLINE))]
        parts += ["### Scenes", _markdown(scene_table(run)), "### Objects", _markdown(object_table(run))]
        notes = [f"- {scene.scene}: {note}" for scene in run.scenes for note in scene.notes]
        parts += ["### Notes", "\n".join(notes)] if notes else []
    return "\n\n".join(part for part in parts if part) + "\n"


def _scene_entry(scene: SceneResult, folder: Path) -> dict[str, Any]:
    return {
        "scene": scene.scene,
        "status": scene.status,
        "reason": scene.reason,
        "values": _finite(scene.values),
        "objects": [
            {"name": item.name, "matched": item.matched, "values": _finite(item.values)} for item in scene.objects
        ],
        "pictures": {name: _relative(path, folder) for name, path in scene.pictures.items()},
        "notes": list(scene.notes),
    }


def _summary_entry(summary: Summary) -> dict[str, Any]:
    mean, median = summary.mean, summary.median
    entry = {"count": mean.count, "mean": mean.value, "mean_low": mean.low, "mean_high": mean.high}
    entry |= {"median": median.value, "median_low": median.low, "median_high": median.high}
    return entry | {"mean_with_failed": summary.mean_with_failed}


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if math.isfinite(value)}


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _best(values: list[float | None], key: str) -> list[int]:
    known = [value for value in values if value is not None]
    better = column(key).better
    if better == "neither" or len(known) < 2:
        return []
    best = max(known) if better == "higher" else min(known)
    return [i for i, value in enumerate(values) if value == best]


def _markdown(table: Table) -> str:
    if not table.rows:
        return "Nothing was measured."
    cells = [[_escaped(cell) for cell in row] for row in table.rows]
    for row, k in table.best:
        cells[row][k] = f"**{cells[row][k]}**"
    rule = ["---", *("---:" for _ in table.headings[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in ([_escaped(cell) for cell in table.headings], rule, *cells))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
