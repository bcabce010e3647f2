"""Every scene with truth through `regen3d run` as a user starts it: how long, how much memory, how near the truth.

Run: python -m benchmarks.scenes --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--out DIR] [--json FILE]
     [--given masks,camera,plate]

`--given` hands the truth over in place of the stages' own answers. `regen3d evaluate` measures more, but not the time
and memory of a whole command.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import Finished, run_regen3d
from benchmarks.tables import number, table
from regen3d.config import STAGES
from regen3d.datasets.registry import chosen_scenes, open_dataset
from regen3d.datasets.truth import TrueScene
from regen3d.errors import InputError
from regen3d.evaluation.found import open_scene
from regen3d.evaluation.given import truth_as_input
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.scoring import ScoreSettings, score_scene
from regen3d.evaluation.summary import Run, object_summary, scene_summary
from regen3d.evaluation.tables import Table, json_text, object_table, results_document, scene_table, summary_table
from regen3d.manifest import Manifest
from regen3d.store import Store

GIVEN = ("masks", "camera", "plate")
"""What the truth can stand in for; each is an option of `regen3d run`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scene's run and what came of it."""

    run: Finished
    """The command."""
    manifest: Manifest | None
    """None where the command left none."""
    result: SceneResult
    """Its numbers."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all scenes and print the tables; returns 1 where a run crashed."""
    options = _options(arguments)
    out = Path(options.out or tempfile.mkdtemp(prefix="regen3d-scenes-"))
    outcomes = []
    for name in options.scenes:
        outcomes.append(measure(options.reader.read(name), out / name, options.given, ScoreSettings()))
        run = outcomes[-1].run
        print(f"{name}: exit code {run.code} after {run.seconds:.0f} s", flush=True)
    scored = Run(name="regen3d run", description="as a user", scenes=tuple(each.result for each in outcomes))
    print(run_table(outcomes), stage_table(outcomes), sep="\n")
    print(plain("Scenes", scene_table(scored)), plain("Objects", object_table(scored)), sep="\n")
    print(plain("Over all scenes", summary_table(scene_summary(scored))))
    print(plain("Over all objects", summary_table(object_summary(scored))))
    print(f"\nScenes and logs: {out}")
    if options.json:
        document = results_document("regen3d run", [scored], Path(options.json).parent)
        Path(options.json).write_text(json_text(document), encoding="utf-8")
    return int(any(outcome.manifest is None for outcome in outcomes))


def measure(truth: TrueScene, out: Path, given: Sequence[str], settings: ScoreSettings) -> Outcome:
    """Run one scene and score what it left."""
    out.parent.mkdir(parents=True, exist_ok=True)
    handed = truth_as_input(truth, given, out.with_name(f"{out.name}.given")) if given else {}
    run = run_regen3d(truth.image, out, [text for name, path in handed.items() for text in (f"--{name}", path)])
    if run.code not in (0, 3) or not (out / "manifest.json").is_file():
        reason = f"exit code {run.code}, see {out.name}.log"
        return Outcome(run=run, manifest=None, result=SceneResult(scene=truth.name, status="failed", reason=reason))
    manifest = Manifest.model_validate_json((out / "manifest.json").read_bytes())
    store = Store(manifest.store if "://" in manifest.store else str(out / manifest.store))
    found = open_scene(manifest, store, (truth.camera.width, truth.camera.height))
    return Outcome(run=run, manifest=manifest, result=score_scene(found, truth, settings))


def run_table(outcomes: Sequence[Outcome]) -> str:
    """What each command cost."""
    rows = []
    for outcome in outcomes:
        stages = () if outcome.manifest is None else outcome.manifest.stages
        reused = f"{sum(entry.reused for entry in stages)}/{len(stages)}"
        cost = (str(outcome.run.code), f"{outcome.run.seconds:.0f}", f"{outcome.run.peak_mb:.0f}")
        rows.append((outcome.result.scene, *cost, reused))
    return table("Runs", ("scene", "exit", "seconds", "peak MB", "reused"), rows)


def stage_table(outcomes: Sequence[Outcome]) -> str:
    """Where the time goes: seconds of each stage, summed over objects that may run at the same time."""
    finished = [outcome for outcome in outcomes if outcome.manifest is not None]
    seconds = [_stage_seconds(outcome.manifest) for outcome in finished if outcome.manifest is not None]
    rows = [(stage, *(number(each.get(stage), ".1f") for each in seconds)) for stage in STAGES]
    rows.append(("all stages", *(f"{sum(each.values()):.1f}" for each in seconds)))
    rows.append(("wall clock", *(f"{outcome.run.seconds:.1f}" for outcome in finished)))
    headings = ("stage", *(outcome.result.scene for outcome in finished))
    return table("Seconds (a stage's objects may run side by side)", headings, rows)


def plain(title: str, of: Table) -> str:
    """A table of an evaluation for a terminal."""
    return table(title, of.headings, of.rows)


def _stage_seconds(manifest: Manifest) -> dict[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    for entry in manifest.stages:
        seconds[entry.call.stage] += entry.seconds
    return seconds


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument("--scenes", default="", help="names with commas between them; default: all")
    parser.add_argument("--out", help="where scenes and logs go; a scene that lies there already is reused")
    parser.add_argument("--json", help="file for all numbers")
    parser.add_argument("--given", default="", help=f"truth to hand over: {','.join(GIVEN)}")
    options = parser.parse_args(arguments)
    options.given = [name for name in options.given.split(",") if name]
    if set(options.given) - set(GIVEN):
        parser.error(f"--given takes {', '.join(GIVEN)}")
    try:
        options.reader = open_dataset(Path(options.data))
        options.scenes = chosen_scenes(options.reader, [name for name in options.scenes.split(",") if name])
    except InputError as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    raise SystemExit(main())
