"""`regen3d status`, `watch` and `cancel`: what the farm does."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regen3d.cli.keys import use_store_key
from regen3d.cli.run import PARTIAL
from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from flows.client import SceneClient
    from flows.watching import RunView, StageView

UNDER_WAY = 4
"""Exit code of `status RUN` while it has not ended, and of `watch` whose patience has."""

POLL_S = 2.0
"""Between two looks at a run."""

MOST_SHOWN = 30
"""Runs in a table, unless asked otherwise."""

Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, the beginning of one, or its name.")]


def status(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run in detail.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many runs to list.")] = MOST_SHOWN,
    json_: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show the farm's last runs, or one run with its stages.

    Exit codes with RUN: 0 completed, 3 completed with something missing, 1 failed, crashed or cancelled, 4 not ended
    yet; 2 no such run, or no server.

    Example: regen3d status kitchen
    """
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.client import server
    from flows.watching import find_run, recent_runs, stages, views

    with server() as client:
        if run is None:
            found = recent_runs(client, limit)
            _print_runs(found, json_=json_)
            return
        (view,) = views(client, [find_run(client, run)])
        _print_run(view, stages(client, view.id), json_=json_)
    raise typer.Exit(exit_code(view))


def watch(
    run: Run,
    out: Annotated[
        Path | None, typer.Option(help="When it is done, write the scene's folder here, from its store.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds after which to give up watching.")] = None,
) -> None:
    """Follow one run until it ends: stages as they finish, how far it is, what became of it.

    Exit codes: 0 completed, 3 completed with something missing, 1 failed, crashed or cancelled, 4 still going on when
    --timeout was over; 2 no such run, or no server.

    Example: regen3d watch kitchen --out ~/scenes/kitchen
    """
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.client import server
    from flows.watching import find_run

    with server() as client:
        wanted = str(find_run(client, run).id)
    code = watch_all([wanted], timeout)
    if out is not None and code in (0, PARTIAL):
        _deliver(wanted, out)
    raise typer.Exit(code)


def cancel(run: Run) -> None:
    """Stop a run, or a library with all that it has started. Finished stages are kept: submit again to go on.

    Example: regen3d cancel kitchen
    """
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.client import server
    from flows.watching import cancel as stop
    from flows.watching import find_run

    with server() as client:
        wanted = find_run(client, run)
        stopped = stop(client, wanted)
    if not stopped:
        raise ConfigError(f"'{wanted.name}' is over already: `regen3d status {run}` says how it ended")
    for view in stopped:
        typer.echo(f"{view.id}  {view.state.lower()}  {view.name}")


def watch_all(ids: list[str], timeout: float | None) -> int:
    """Follow runs until all have ended, and say on standard output what became of each.

    Returns:
        The exit code: that of the run that went worst.
    """
    from flows.client import server
    from regen3d.errors import ServerUnavailableError

    deadline = None if timeout is None else time.monotonic() + timeout
    waiting, codes, told = list(ids), [], set[str]()
    with server() as client, _bar() as bar:
        while True:
            try:
                waiting, ended = _look(client, bar, waiting, told)
            except ServerUnavailableError as error:
                # The farm goes on without its server; so does whoever watches.
                bar.console.print(str(error), style="yellow", highlight=False)
                ended = []
            codes += [_tell_end(view) for view in ended]
            if not waiting:
                break
            if deadline is not None and time.monotonic() > deadline:
                codes.append(UNDER_WAY)
                break
            time.sleep(POLL_S)
    return next((code for code in (1, UNDER_WAY, PARTIAL) if code in codes), 0)


def exit_code(view: "RunView") -> int:
    """What a script is told of a run."""
    if not view.over:
        return UNDER_WAY
    return 0 if view.whole else PARTIAL if view.partial else 1


def _look(client: "SceneClient", bar: Any, ids: list[str], told: set[str]) -> "tuple[list[str], list[RunView]]":
    """One look: those that go on, and those that have ended; finished stages are printed once."""
    from flows.watching import find_run, stages, views

    seen = views(client, [find_run(client, each) for each in ids])
    for view in seen:
        for stage in stages(client, view.id):
            mark = f"{view.id} {stage.title}"
            if stage.over and mark not in told:
                told.add(mark)
                line = f"{stage.seconds:6.1f} s  {view.name}  {stage.title}  {stage.state.lower()}"
                bar.console.print(line, highlight=False)
        _move(bar, view)
    return [view.id for view in seen if not view.over], [view for view in seen if view.over]


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, soft_wrap=True)
    columns = (SpinnerColumn(), BarColumn(bar_width=30), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _move(bar: Any, view: "RunView") -> None:
    known = {task.fields["run"]: task.id for task in bar.tasks}
    task = known[view.id] if view.id in known else bar.add_task("", total=100.0, run=view.id)
    text = f"{view.name}: {view.doing if view.state == 'Running' and view.doing else view.state.lower()}"
    bar.update(task, completed=view.percent or 0.0, description=text)


def _tell_end(view: "RunView") -> int:
    reason = "" if view.whole else f"  {view.message}"
    typer.echo(f"{view.id}  {view.state.lower()}  {view.name}  {view.seconds:.0f} s  {view.url}{reason}")
    return exit_code(view)


def _deliver(run_id: str, out: Path) -> None:
    """Write the folder of a scene that the farm made, wherever its own is."""
    from flows.client import server
    from flows.watching import find_run, views
    from regen3d.runs import deliver, find_manifest
    from regen3d.store import Store

    with server() as client:
        (view,) = views(client, [find_run(client, run_id)])
    asked = view.parameters.get("request", {})
    use_store_key()
    store = Store(str(asked.get("store") or f"{str(asked.get('out', '')).rstrip('/')}/store"))
    manifest = find_manifest(store, view.id)
    if manifest is None:
        raise ConfigError(f"the store '{store.uri}' knows no scene of the run '{view.name}': --out is for scenes")
    deliver(store, manifest, out)
    # A scene whose GLB could not be written has a report all the same.
    typer.echo(f"Scene: {out / ('scene.glb' if 'scene.glb' in manifest.exports else 'report.html')}")


def _print_runs(found: "tuple[RunView, ...]", *, json_: bool) -> None:
    if json_:
        _print_json([_document(view) for view in found])
        return
    from rich.console import Console
    from rich.table import Table

    if not found:
        typer.echo("No runs yet: regen3d submit IMAGE --out FOLDER makes one.")
        return
    counts = {state: sum(view.state == state for view in found) for state in dict.fromkeys(v.state for v in found)}
    title = ", ".join(f"{count} {state.lower()}" for state, count in counts.items())
    table = Table(title=f"last {len(found)} runs: {title}")
    for heading in ("run", "name", "state", "queue", "age", "time", "progress"):
        table.add_column(heading, justify="right" if heading in ("age", "time") else "left")
    for view in found:
        far = f"{view.percent:.0f} %  {view.doing}" if view.percent is not None and not view.over else ""
        remark = far or ("" if view.whole else view.message[:60])
        times = (_span(view.age_s), _span(view.seconds))
        table.add_row(view.id[:8], view.name, view.state, view.queue, *times, remark)
    Console(soft_wrap=True).print(table)


def _print_run(view: "RunView", found: "tuple[StageView, ...]", *, json_: bool) -> None:
    if json_:
        stages = [{"title": each.title, "state": each.state, "seconds": each.seconds} for each in found]
        _print_json({**_document(view), "stages": stages})
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True)
    console.print(f"{view.name}: {view.state}{f' - {view.message}' if view.message else ''}", highlight=False)
    far = f", {view.percent:.0f} %, {view.doing}" if view.percent is not None else ""
    console.print(f"run {view.id}, {_span(view.seconds)} of work{far}", highlight=False)
    if found:
        table = Table("stage", "state", "seconds", "remark")
        for each in found:
            remark = each.message if each.state not in ("Completed", "Running") else ""
            table.add_row(each.title, each.state, f"{each.seconds:.1f}", remark[:100])
        console.print(table)
    if view.url:
        console.print(view.url, highlight=False)


def _document(view: "RunView") -> dict[str, Any]:
    shown = ("id", "name", "state", "message", "queue", "age_s", "seconds", "percent", "doing", "url")
    return {**{name: getattr(view, name) for name in shown}, "exit_code": exit_code(view)}


def _print_json(document: Any) -> None:
    import json

    typer.echo(json.dumps(document, indent=2))


def _span(seconds: float) -> str:
    """A time for people: 45 s, 12 min, 3.5 h, 2.1 d."""
    for unit, length in (("d", 86400.0), ("h", 3600.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
