"""The tables of docs/evaluation.md that whole scenes give: the profile end to end, and what each of its parts is worth.

Run: python -m benchmarks.evaluation --data "$REGEN3D_DATA/scenes" --out DIR [--scenes a,b] [--doc docs/evaluation.md]

Runs `regen3d evaluate` three times, into folders of their own below DIR: everything found by itself; generation and
alignment on true masks and the true camera, with and without completion; alignment alone, with and without each of its
parts. What is there already is not computed again. Prints the tables as Markdown, or puts them into the document
between the lines that name them.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Entry = Mapping[str, Any]
"""A run or a scene as `results.json` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One number of a table."""

    title: str
    """Heading."""
    of: Literal["scene", "objects"]
    """Whether scenes have it, or objects."""
    key: str
    """Its name in `results.json`."""
    form: str
    """How it is written."""
    factor: float = 1.0
    """Of the value, for centimetres and per cent."""
    median: bool = False
    """Whether the median of objects is taken, not the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One evaluation and the table that it gives."""

    name: str
    """Of its folder, and of its place in the document."""
    options: tuple[str, ...]
    """Of `regen3d evaluate`."""
    rows: Literal["scenes", "runs"]
    """What has a row: each scene, or each variant."""
    columns: tuple[Column, ...]
    """What is told of it."""


QUESTIONS = (
    Question(
        name="whole",
        options=(),
        rows="scenes",
        columns=(
            Column(title="large found", of="scene", key="recall", form=".2f"),
            Column(title="precision", of="scene", key="precision", form=".2f"),
            Column(title="focal length", of="scene", key="focal_error", form=".1f %", factor=100.0),
            Column(title="gravity", of="scene", key="gravity_error_deg", form=".2f°"),
            Column(title="camera height", of="scene", key="height_error_m", form=".2f m"),
            Column(title="plate, dB", of="scene", key="plate_psnr_db", form=".1f"),
            Column(title="box IoU", of="objects", key="box_iou_room", form=".2f"),
            Column(title="at true height", of="objects", key="box_iou_scaled", form=".2f"),
            Column(title="F 10 cm", of="scene", key="f_score_10cm", form=".2f"),
            Column(title="F 5 cm, aligned", of="scene", key="aligned_f_score_5cm", form=".2f"),
            Column(title="CD, m", of="scene", key="chamfer_m", form=".3f"),
            Column(title="stay standing", of="scene", key="stable_share", form=".2f"),
        ),
    ),
    Question(
        name="completion",
        options=("--oracle", "masks,camera", "--ablate", "completion"),
        rows="runs",
        columns=(
            Column(title="amodal IoU", of="objects", key="amodal_iou", form=".3f"),
            Column(title="hidden IoU", of="objects", key="hidden_iou", form=".3f"),
            Column(title="box IoU", of="objects", key="box_iou_room", form=".3f"),
            Column(title="its median", of="objects", key="box_iou_room", form=".3f", median=True),
            Column(title="F 5 cm", of="objects", key="f_score_5cm", form=".3f"),
            Column(title="CD, m", of="objects", key="chamfer_m", form=".3f"),
            Column(title="render IoU", of="objects", key="render_iou", form=".3f"),
        ),
    ),
    Question(
        name="alignment",
        options=("--oracle", "masks,camera,geometry,meshes", "--ablate", "planar,search,support,paper"),
        rows="runs",
        columns=(
            Column(title="box IoU", of="objects", key="box_iou_own", form=".3f"),
            Column(title="its median", of="objects", key="box_iou_own", form=".3f", median=True),
            Column(title="base off, cm", of="objects", key="base_error_m", form=".1f", factor=100.0),
            Column(title="rotation", of="objects", key="rotation_error_deg", form=".1f°"),
            Column(title="contact gap, mm", of="objects", key="contact_gap_m", form=".1f", factor=1000.0),
            Column(title="F 5 cm", of="objects", key="f_score_5cm", form=".3f"),
            Column(title="in each other, l", of="scene", key="penetration_litres", form=".1f"),
            Column(title="stay standing", of="scene", key="stable_share", form=".2f"),
        ),
    ),
)
"""In the order in which the document has them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, print or write the tables; returns 1 where a run failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument(
        "--out", required=True, type=Path, help="folder for scenes and results; the next run goes on there"
    )
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--questions", default=",".join(each.name for each in QUESTIONS), help="which of them")
    parser.add_argument("--doc", type=Path, help="document whose tables are replaced; default: they are printed")
    options = parser.parse_args(arguments)
    wanted, failed = options.questions.split(","), False
    for question in (each for each in QUESTIONS if each.name in wanted):
        scenes = ("--scenes", options.scenes) if options.scenes else ()
        command = [str(Path(sys.executable).with_name("regen3d")), "evaluate", options.data, *scenes, *question.options]
        failed |= subprocess.run([*command, "--out", str(options.out / question.name)], check=False).returncode != 0
        results = options.out / question.name / "results.json"
        if not results.is_file():
            parser.error(f"'{question.name}' left no {results}: see above")
        table = markdown(question, json.loads(results.read_text(encoding="utf-8")))
        if options.doc is None:
            print(f"\n{question.name}\n\n{table}", flush=True)
        else:
            text = options.doc.read_text(encoding="utf-8")
            options.doc.write_text(with_table(text, question.name, table), encoding="utf-8")
    return int(failed)


def markdown(question: Question, results: Entry) -> str:
    """The table of a question as Markdown, from the document that `regen3d evaluate` wrote."""
    headings = ("room" if question.rows == "scenes" else "run", "n", *(column.title for column in question.columns))
    runs = results["runs"]
    if question.rows == "runs":
        rows = [_row(run["name"], run["counts"], run, question.columns) for run in runs]
    else:
        scenes = [_as_run(scene) for scene in runs[0]["scenes"]]
        rows = [_row(run["name"], run["counts"], run, question.columns) for run in scenes]
        rows.append(_row("all", runs[0]["counts"], runs[0], question.columns))
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_table(text: str, name: str, table: str) -> str:
    """A document with the table between the two lines that name it replaced.

    Raises:
        SystemExit: the document has no such lines.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    found = re.subn(f"{start}.*?{end}", lambda _: f"{start}\n\n{table}\n\n{end}", text, flags=re.DOTALL)
    if found[1] != 1:
        raise SystemExit(f"the document has {found[1]} places between '{start}' and '{end}': it needs one")
    return found[0]


def _as_run(scene: Entry) -> Entry:
    """A scene with the means and medians that runs have."""
    objects: dict[str, list[float]] = {}
    for item in scene["objects"]:
        for key, value in item["values"].items():
            objects.setdefault(key, []).append(value)
    return {
        "name": scene["scene"],
        "counts": {
            "objects": len(scene["objects"]),
            "objects_matched": sum(item["matched"] is not None for item in scene["objects"]),
        },
        "scene_values": {key: {"mean": value} for key, value in scene["values"].items()},
        "object_values": {
            key: {"mean": sum(values) / len(values), "median": sorted(values)[len(values) // 2]}
            for key, values in objects.items()
        },
    }


def _row(name: str, counts: Mapping[str, int], run: Entry, columns: Sequence[Column]) -> tuple[str, ...]:
    matched = f"{counts['objects_matched']}/{counts['objects']}"
    return (name, matched, *(_cell(run["scene_values" if c.of == "scene" else "object_values"], c) for c in columns))


def _cell(values: Mapping[str, Mapping[str, float]], column: Column) -> str:
    if column.key not in values:
        return "-"
    digits, unit = re.fullmatch(r"(\.\df)(.*)", column.form).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return f"{column.factor * values[column.key]['median' if column.median else 'mean']:{digits}}{unit}"


if __name__ == "__main__":
    raise SystemExit(main())
