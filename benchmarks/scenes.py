"""Every scene with truth through `regen3d run`, and how near it comes.

Run: python -m benchmarks.scenes --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--out DIR] [--json FILE]
     [--given masks,camera,plate]

`--given` hands the truth over in place of the stages' own answers, so that the stages behind them are judged alone.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.command import Finished, run_regen3d
from benchmarks.scores import FOUND_IOU, ObjectScore, SceneScore, score_scene
from benchmarks.tables import number, table
from benchmarks.truth import Truth, load_truth, scene_folders
from regen3d.config import STAGES

GIVEN = {
    "masks": lambda folder: ["--masks", str(folder)],
    "camera": lambda folder: ["--camera", str(folder / "camera.json")],
    "plate": lambda folder: ["--plate", str(folder / "background.png")],
}
"""What the truth can stand in for, and the options that hand it over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scene's run and its scores."""

    scene: str
    """Name of the scene."""
    run: Finished
    """The command."""
    score: SceneScore | None
    """None where the command left no manifest."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all scenes and print the tables; returns 1 where a run crashed."""
    options = _options(arguments)
    out = Path(options.out or tempfile.mkdtemp(prefix="regen3d-scenes-"))
    outcomes = []
    for folder in scene_folders(Path(options.data), options.scenes):
        outcomes.append(_measure(load_truth(folder), out / folder.name, options.given))
        print(f"{folder.name}: exit code {outcomes[-1].run.code} after {outcomes[-1].run.seconds:.0f} s", flush=True)
    tables = (scene_table(outcomes), object_table(outcomes), found_line(outcomes), stage_table(outcomes))
    print(*tables, sep="\n")
    print(f"\nScenes and logs: {out}")
    if options.json:
        documents = [asdict(outcome) for outcome in outcomes]
        Path(options.json).write_text(json.dumps(documents, indent=2), encoding="utf-8")
    return int(any(outcome.score is None for outcome in outcomes))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--out", help="where scenes and logs go; a scene that lies there already is reused")
    parser.add_argument("--json", help="file for all numbers")
    parser.add_argument("--given", default="", help=f"truth to hand over: {','.join(GIVEN)}")
    options = parser.parse_args(arguments)
    options.given = [name for name in options.given.split(",") if name]
    if set(options.given) - set(GIVEN):
        parser.error(f"--given takes {', '.join(GIVEN)}")
    return options


def _measure(truth: Truth, out: Path, given: list[str]) -> Outcome:
    options = [text for name in given for text in GIVEN[name](truth.folder)]
    run = run_regen3d(truth.folder / "image.png", out, options)
    finished = run.code in (0, 3) and (out / "manifest.json").is_file()
    return Outcome(scene=truth.name, run=run, score=score_scene(truth, out) if finished else None)


def scene_table(outcomes: Sequence[Outcome]) -> str:
    """One row a scene."""
    headings = (
        "scene",
        "exit",
        "seconds",
        "peak MB",
        "reused",
        "found",
        "surplus",
        "height err",
        "floor err",
        "focal err",
    )
    headings += ("gravity err", "room conf", "mask IoU", "median", "box IoU", "median", "scaled", "median")
    return table(
        f"Scenes (found: mask IoU >= {FOUND_IOU}; a missed object counts 0; boxes without objects that are cut)",
        headings,
        [_scene_row(outcome) for outcome in outcomes],
    )


def _scene_row(outcome: Outcome) -> tuple[str, ...]:
    run, score = outcome.run, outcome.score
    first = (outcome.scene, str(run.code), f"{run.seconds:.0f}", f"{run.peak_mb:.0f}")
    if score is None:
        return first + ("-",) * 14
    masks = [item.mask_iou for item in score.objects]
    whole = [item for item in score.objects if not item.truncated]
    return (
        *first,
        f"{score.reused}/{score.reused + score.computed}",
        f"{score.found}/{len(score.objects)}",
        str(len(score.surplus)),
        f"{100 * score.height_error_m:+.0f} cm",
        f"{100 * score.floor_depth_error:.1f} %",
        f"{100 * score.focal_error:+.1f} %",
        f"{score.gravity_error_deg:.2f} deg",
        f"{score.room_confidence:.2f}",
        *_mean_and_median(masks),
        *_mean_and_median([item.box_iou for item in whole]),
        *_mean_and_median([item.scaled_box_iou for item in whole]),
    )


def _mean_and_median(values: Sequence[float]) -> tuple[str, str]:
    return (f"{statistics.mean(values):.2f}", f"{statistics.median(values):.2f}") if values else ("-", "-")


def object_table(outcomes: Sequence[Outcome]) -> str:
    """One row a true object."""
    headings = (
        "scene / object",
        "cut",
        "found as",
        "made as",
        "mask IoU",
        "render IoU",
        "box IoU",
        "scaled",
        "centre off",
        "size",
    )
    rows = []
    for outcome in outcomes:
        for item in outcome.score.objects if outcome.score else ():
            rows.append(_object_row(outcome.scene, item))
        if outcome.score and outcome.score.surplus:
            rows.append((f"{outcome.scene} / surplus", "", ", ".join(outcome.score.surplus), *[""] * 7))
    return table(
        "Objects (render IoU: our mesh on our own mask; scaled: box IoU at the true camera height; size: ours / true)",
        headings,
        rows,
    )


def found_line(outcomes: Sequence[Outcome]) -> str:
    """Medians over the objects of all scenes that were found."""
    items = [item for outcome in outcomes if outcome.score for item in outcome.score.objects]
    found = [item for item in items if item.mask_iou >= FOUND_IOU]
    overlaps = [item.render_iou for item in found if item.render_iou is not None]
    distances = [item.centre_error_m for item in found if item.centre_error_m is not None]
    if not overlaps or not distances:
        return f"Found: 0 of {len(items)} objects"
    return (
        f"Found: {len(found)} of {len(items)} objects; median render IoU {statistics.median(overlaps):.2f}, "
        f"median centre off {statistics.median(distances):.2f} m"
    )


def _object_row(scene: str, item: ObjectScore) -> tuple[str, ...]:
    return (
        f"{scene} / {item.name}",
        "cut" if item.truncated else "",
        item.found_as or "-",
        (item.kind or "-")[:40],
        f"{item.mask_iou:.2f}",
        number(item.render_iou, ".2f"),
        f"{item.box_iou:.2f}",
        f"{item.scaled_box_iou:.2f}",
        number(item.centre_error_m, ".2f") + (" m" if item.centre_error_m is not None else ""),
        number(item.size_ratio, ".2f"),
    )


def stage_table(outcomes: Sequence[Outcome]) -> str:
    """Where the time goes: seconds of each stage, summed over objects that may run at the same time."""
    scored = [(outcome, outcome.score.stage_seconds) for outcome in outcomes if outcome.score]
    rows = [(stage, *(number(seconds.get(stage), ".1f") for _, seconds in scored)) for stage in STAGES]
    rows.append(("all stages", *(f"{sum(seconds.values()):.1f}" for _, seconds in scored)))
    rows.append(("wall clock", *(f"{outcome.run.seconds:.1f}" for outcome, _ in scored)))
    headings = ("stage", *(outcome.scene for outcome, _ in scored))
    return table("Seconds (a stage's objects may run side by side)", headings, rows)


if __name__ == "__main__":
    raise SystemExit(main())
