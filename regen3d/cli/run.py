"""`regen3d run`: one picture in, one scene out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from regen3d.cli.keys import use_store_key
from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from regen3d.config import SceneRequest
    from regen3d.export.settings import ExportSettings
    from regen3d.manifest import Manifest

PARTIAL = 3
"""Exit code of a scene with placeholders, without a believable room, or without a format that was asked for."""

Formats = Annotated[
    list[str] | None, typer.Option("--format", help="Also write usd, usdz, fbx, blend, obj or gltf; repeatable.")
]


def run(
    image: Annotated[Path, typer.Argument(help="Picture of an indoor scene.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to write the scene to.", show_default=False)],
    profile: Annotated[str, typer.Option(help="Chooses one adapter for every stage.")] = "embedded",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE=NAME", help="Another adapter for one stage; repeatable.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="STAGE.OPTION=VALUE", help="An option of a stage's adapter; repeatable."),
    ] = None,
    allow_noncommercial: Annotated[
        bool, typer.Option("--allow-noncommercial", help="Use models that forbid commercial use.")
    ] = False,
    territory: Annotated[
        str | None, typer.Option(metavar="COUNTRY", help="Where results are used, for licences that ask: US.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    labels: Annotated[str | None, typer.Option(help='What to look for: "chair,table".')] = None,
    boxes: Annotated[
        Path | None, typer.Option(help="JSON file with a box, points or an outline for each object.")
    ] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder with a mask for each object.")] = None,
    camera: Annotated[Path | None, typer.Option(help="JSON file with the camera.")] = None,
    plate: Annotated[Path | None, typer.Option(help="Picture of the empty room.")] = None,
    points: Annotated[Path | None, typer.Option(help="NPZ file with a 3D point for each pixel.")] = None,
    scale: Annotated[
        str | None, typer.Option(metavar="NAME:DIMENSION=METRES", help="A length you know: table-1:height=0.74.")
    ] = None,
    mesh: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE.glb", help="A mesh of yours for one object; repeatable.")
    ] = None,
    format_: Formats = None,
    store: Annotated[str | None, typer.Option(help="Folder or URI of the store.  [default: OUT/store]")] = None,
    pause_after: Annotated[
        str | None, typer.Option(metavar="segment", help="Wait until somebody has looked at the masks.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether what was given can be used.")] = False,
    execution: Annotated[str, typer.Option(help="Where heavy calls run: local, ray, or ray-tasks.")] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Ray cluster: ray://HOST:10001, or HOST:6379.  [default: one of its own]"),
    ] = None,
) -> None:
    """Turn one picture into a scene.

    Writes scene.glb, objects/, background.glb, manifest.json, report.html and overlay.png to OUT. What you give by hand
    (boxes, masks, camera, plate, points, scale, meshes) always wins; docs/inputs.md describes the formats. Running the
    same command again computes nothing that is there already.

    Exit codes: 0 the whole scene; 3 a scene with placeholders, without a believable room, or without a format that was
    asked for; 2 something you gave cannot be used; 1 anything else.

    Example: regen3d run examples/living-room.png --out scenes/living-room
    """
    from regen3d.config import SceneRequest
    from regen3d.corrections import with_corrections
    from regen3d.inputs.labels import parse_labels
    from regen3d.inputs.meshes import parse_mesh_option

    request = SceneRequest(
        image=_absolute(image),
        out=_absolute(out),
        store=store if store is None or "://" in store else _absolute(Path(store)),
        profile=profile,
        overrides=parse_overrides(set_ or []),
        options=parse_options(option or []),
        allow_noncommercial=allow_noncommercial,
        territory=territory,
        seed=seed,
        labels=parse_labels(labels) if labels is not None else (),
        boxes=boxes and _absolute(boxes),
        masks=masks and _absolute(masks),
        camera=camera and _absolute(camera),
        plate=plate and _absolute(plate),
        points=points and _absolute(points),
        scale=scale,
        meshes={name: _absolute(path) for name, path in map(parse_mesh_option, mesh or [])},
        pause_after=parse_pause(pause_after),
        export=export_of(format_),
        **parse_execution(execution, ray_address),
    )
    raise typer.Exit(_finish(with_corrections(request), only_check=check))


def parse_execution(
    execution: str, ray_address: str | None, places: tuple[str, ...] = ("local", "ray", "ray-tasks")
) -> dict[str, Any]:
    """Fields of the request from `--execution` and `--ray-address`; an address without Ray is refused.

    Args:
        execution: as given.
        ray_address: as given.
        places: what the command offers.

    Raises:
        ConfigError: there is no such execution, or the address is of no use to it.
    """
    if execution not in places:
        raise ConfigError(f"--execution takes {', '.join(places[:-1])} or {places[-1]}, found '{execution}'")
    if ray_address is not None and execution == "local":
        raise ConfigError("--ray-address names a Ray cluster: say --execution ray as well")
    return {"execution": execution, "ray_address": ray_address}


def export_of(formats: list[str] | None) -> "ExportSettings":
    """What a scene is written as: GLB, and the formats of `--format`.

    Raises:
        ConfigError: there is no such format.
    """
    from regen3d.export.formats import find_format
    from regen3d.export.settings import ExportSettings

    asked = dict.fromkeys(find_format(name).name for name in ["glb", *(formats or [])])
    return ExportSettings(formats=tuple(asked))


def parse_overrides(options: list[str]) -> dict[str, str]:
    """Stage -> adapter from `STAGE=NAME` options.

    Raises:
        ConfigError: an option has another form, or a stage is named twice.
    """
    overrides: dict[str, str] = {}
    for option in options:
        stage, equals, name = option.partition("=")
        if not (stage and equals and name):
            raise ConfigError(f"--set takes STAGE=NAME, found '{option}': write for example --set segment=embedded")
        if stage in overrides:
            raise ConfigError(f"--set names the stage '{stage}' twice: choose one adapter for it")
        overrides[stage] = name
    return overrides


def parse_options(given: list[str]) -> dict[str, dict[str, str]]:
    """Stage -> option -> value from `STAGE.OPTION=VALUE` options.

    Raises:
        ConfigError: one has another form, or is given twice.
    """
    options: dict[str, dict[str, str]] = {}
    for text in given:
        place, equals, value = text.partition("=")
        stage, dot, name = place.partition(".")
        if not (stage and dot and name and equals):
            raise ConfigError(f"--option takes STAGE.OPTION=VALUE, found '{text}': for example generate.steps=30")
        if name in options.setdefault(stage, {}):
            raise ConfigError(f"--option gives '{place}' twice: choose one value")
        options[stage][name] = value
    return options


def parse_pause(stage: str | None) -> Literal["segment"] | None:
    """The stage after which a person is asked.

    Raises:
        ConfigError: no run can wait there.
    """
    if stage not in (None, "segment"):
        raise ConfigError(f"a run cannot wait after '{stage}': --pause-after takes segment")
    return "segment" if stage else None


def _absolute(path: Path) -> str:
    return str(path.expanduser().absolute())


def _finish(request: "SceneRequest", *, only_check: bool) -> int:
    """Answer from the store where possible, else run the flow; returns the exit code."""
    from regen3d.cli.summary import print_summary
    from regen3d.fingerprint import run_key
    from regen3d.runs import deliver, find_run, undone
    from regen3d.store import Store

    _check(request)
    if only_check:
        typer.echo(f"Everything that was given can be used. Without --check the scene is written to {request.out}.")
        return 0
    use_store_key()
    store, out = Store(request.store_uri), Path(request.out)
    known = find_run(store, run_key(request))
    tell_what_is_undone(out, undone(out, known))
    # What was corrected stands; formats that could not be written then are tried again.
    manifest = _compute(request) if known is None or known.missing_formats else deliver(store, known, out)
    print_summary(manifest, out)
    return 0 if manifest.status == "whole" else PARTIAL


def tell_what_is_undone(out: Path | str, names: tuple[str, ...]) -> None:
    """Say which corrections a folder loses: who asks something else, or with other code, gets a scene without."""
    if names:
        typer.echo(f"'{out}' gets a scene without what was redone there: {', '.join(names)}", err=True)


def _check(request: "SceneRequest") -> None:
    """Refuse what cannot be used before anything is written or started."""
    from models.choice import check_choice
    from models.licences import Permission
    from regen3d.config import adapters_of
    from regen3d.export.folder import check_scene_folder
    from regen3d.export.formats import check_formats
    from tasks.ingest import check_inputs

    permission = Permission(allow_noncommercial=request.allow_noncommercial, territory=request.territory)
    check_choice(adapters_of(request.profile, request.overrides), request.options, permission)
    if request.execution != "local":
        from tasks.execution.cluster import check_ray

        check_ray()
    check_formats(request.export.formats)
    check_scene_folder(Path(request.out))
    check_inputs(request)


def _compute(request: "SceneRequest") -> "Manifest":
    from regen3d.cli.progress import SCENE_STAGES, progress_bar
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    with progress_bar(SCENE_STAGES) as bar:
        bar.begin("starting the orchestrator")
        from flows.client import check_server
        from flows.review import check_pausable
        from flows.scene import reconstruct_scene
        from tasks.execution.runner import on_place

        check_server()
        check_pausable(request)
        return on_place(reconstruct_scene, request.place)(request)
