"""`regen3d evaluate`: scenes with truth, run and scored."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from regen3d.evaluation.request import EvaluationRequest
    from tasks.progress import Progress as Event

PARTIAL = 3
"""Exit code when a scene could not be run or scored."""


def evaluate(
    dataset: Annotated[Path, typer.Argument(help="Folder of scenes with truth.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for results, scenes and their stores.")] = Path("evaluation"),
    scenes: Annotated[str | None, typer.Option(help="Some of them: a,b.  [default: all]", show_default=False)] = None,
    profile: Annotated[str, typer.Option(help="Chooses one adapter for every stage.")] = "embedded",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE=NAME", help="Another adapter for one stage; repeatable.")
    ] = None,
    allow_noncommercial: Annotated[
        bool, typer.Option("--allow-noncommercial", help="Use models that forbid commercial use.")
    ] = False,
    territory: Annotated[
        str | None, typer.Option(metavar="COUNTRY", help="Where results are used, for licences that ask: US.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    oracle: Annotated[
        str, typer.Option(help="Take from the truth: masks,camera,geometry,meshes,plate.", show_default=False)
    ] = "",
    ablate: Annotated[
        str,
        typer.Option(
            help="Run once more without: completion,planar,search,support,paper,paper-released.", show_default=False
        ),
    ] = "",
    protocol: Annotated[
        str, typer.Option(help="Score by these published protocols beside our own.", show_default=False)
    ] = "",
    predictions: Annotated[
        Path | None, typer.Option(help="Score SCENE.glb in this folder instead, one node an object.")
    ] = None,
    frame: Annotated[
        str, typer.Option(help="Frame of the predictions: camera-opencv, camera-opengl, world, dataset.")
    ] = "camera-opencv",
) -> None:
    """Run scenes with ground truth and measure how near they come.

    Writes results.json, results.md and results.html to OUT, and every scene to OUT/scenes. A scene that fails is a row
    with its reason. Running the same command again computes nothing that is there already. docs/evaluation.md says what
    every number means.

    Exit codes: 0 every scene was scored; 3 some were not; 2 something you gave cannot be used; 1 anything else.

    Alignment alone: regen3d evaluate scenes --oracle masks,camera,geometry,meshes

    What each part is worth: regen3d evaluate scenes --ablate completion,planar,search,paper

    Another system: regen3d evaluate scenes --predictions midi-output --frame camera-opengl
    """
    from regen3d.cli.run import parse_overrides
    from regen3d.evaluation.predictions import FRAMES
    from regen3d.evaluation.request import EvaluationRequest, check_names

    check_names("--frame", (frame,), FRAMES)
    request = EvaluationRequest(
        dataset=str(dataset.expanduser().absolute()),
        out=str(out.expanduser().absolute()),
        scenes=split_names(scenes or ""),
        profile=profile,
        overrides=parse_overrides(set_ or []),
        allow_noncommercial=allow_noncommercial,
        territory=territory,
        seed=seed,
        oracle=split_names(oracle),
        ablate=split_names(ablate),
        protocols=tuple(dict.fromkeys(("canonical", *split_names(protocol)))),
        predictions=None if predictions is None else str(predictions.expanduser().absolute()),
        frame=next(known for known in FRAMES if known == frame),
    )
    raise typer.Exit(_finish(request))


def split_names(text: str) -> tuple[str, ...]:
    """The names of a list with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _finish(request: "EvaluationRequest") -> int:
    """Run and score everything, write the results; returns the exit code."""
    runs = _check(request)
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    with _progress_bar(runs) as show:
        show("starting the orchestrator")
        from flows.client import check_server
        from flows.evaluate import evaluate as run_flow
        from regen3d.evaluation.summary import counts_sentence

        check_server()
        results = run_flow(request)
    for each in results:
        typer.echo(f"{each.name}: {counts_sentence(each)}")
        for scene in each.scenes:
            if scene.reason is not None:
                typer.secho(f"{each.name}, {scene.scene}: {scene.status}, {scene.reason}", fg="yellow", err=True)
    typer.echo(f"Tables:  {Path(request.out) / 'results.md'}")
    typer.echo(f"Report:  {Path(request.out) / 'results.html'}  (any browser)")
    return PARTIAL if any(len(each.scored) < len(each.scenes) for each in results) else 0


def _check(request: "EvaluationRequest") -> int:
    """Refuse what cannot be used before anything is written or started; returns how many scenes will be run."""
    from models.choice import check_choice
    from models.licences import Permission
    from regen3d.config import adapters_of
    from regen3d.datasets.registry import chosen_scenes, open_dataset
    from regen3d.evaluation.request import ABLATIONS, ORACLES, check_names
    from regen3d.metrics.protocols.registry import PROTOCOLS

    check_names("--oracle", request.oracle, ORACLES)
    check_names("--ablate", request.ablate, tuple(ABLATIONS))
    check_names("--protocol", request.protocols, tuple(PROTOCOLS))
    names = chosen_scenes(open_dataset(Path(request.dataset)), request.scenes)
    check_names("--scenes", request.scenes, names)
    if request.predictions is None:
        permission = Permission(allow_noncommercial=request.allow_noncommercial, territory=request.territory)
        check_choice(adapters_of(request.profile, request.overrides), {}, permission)
    elif request.oracle or request.ablate:
        raise ConfigError("--predictions scores what is there already: leave out --oracle and --ablate")
    elif not Path(request.predictions).is_dir():
        raise ConfigError(f"'{request.predictions}' is no folder: name one with a SCENE.glb for each scene")
    try:
        Path(request.out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"'{request.out}' is a file, or cannot be made: name a folder for the results") from error
    return len(names) * len(request.variants)


@contextlib.contextmanager
def _progress_bar(total: int) -> Iterator[Callable[[str], None]]:
    """Shows which scene is worked on; on a terminal as a bar, elsewhere as a line a finished scene."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from tasks.progress import listening

    console, lock = Console(stderr=True), threading.Lock()
    columns = (SpinnerColumn(), BarColumn(bar_width=30), MofNCompleteColumn(), TextColumn("{task.description}"))
    shown = Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal)
    with shown as bar:
        task, scene = bar.add_task("", total=total), ""

        def show(event: "Event") -> None:
            nonlocal scene
            with lock:
                if event.stage != "evaluate":
                    bar.update(task, description=f"{scene}: {event.stage} {event.object or ''}")
                elif event.event == "started":
                    scene = str(event.object)
                    bar.update(task, description=scene)
                else:
                    bar.advance(task)
                    if not console.is_terminal:
                        console.print(f"{event.object}  {event.event}")

        with listening(show):
            yield lambda description: bar.update(task, description=description)
