"""`regen3d submit` and `regen3d batch`: scenes for the farm."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regen3d.cli.keys import use_store_key
from regen3d.cli.options import (
    FarmStore,
    Labels,
    Noncommercial,
    Options,
    Overrides,
    Profile,
    Seed,
    Territory,
    located,
    settings_of,
)
from regen3d.cli.run import Formats, export_of, tell_what_is_undone
from regen3d.errors import ConfigError

if TYPE_CHECKING:
    from flows.submitting import Submitted
    from regen3d.config import SceneRequest

FARM_PLACES = ("local", "ray")
"""What `--execution` offers on a farm, whose workers choose no task runner."""


def submit(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Pictures: paths, or s3:// addresses.")],
    out: Annotated[
        Path, typer.Option(help="Folder that holds a folder a scene; on a shared file system.", show_default=False)
    ],
    store: FarmStore = None,
    profile: Profile = "embedded",
    set_: Overrides = None,
    option: Options = None,
    allow_noncommercial: Noncommercial = False,
    territory: Territory = None,
    seed: Seed = 0,
    labels: Labels = None,
    format_: Formats = None,
    boxes: Annotated[
        Path | None, typer.Option(help="JSON file with a box, points or an outline for each object; for one picture.")
    ] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder with a mask for each object; for one picture.")] = None,
    camera: Annotated[Path | None, typer.Option(help="JSON file with the camera; for one picture.")] = None,
    plate: Annotated[Path | None, typer.Option(help="Picture of the empty room; for one picture.")] = None,
    points: Annotated[Path | None, typer.Option(help="NPZ file with a 3D point for each pixel; for one.")] = None,
    scale: Annotated[
        str | None, typer.Option(metavar="NAME:DIMENSION=METRES", help="A length you know; for one picture.")
    ] = None,
    mesh: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE.glb", help="A mesh of yours for one object; repeatable.")
    ] = None,
    execution: Annotated[str, typer.Option(help="Where heavy calls run: local, or ray.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Ray cluster.  [default: that of the workers]")
    ] = None,
    pause_after: Annotated[
        str | None, typer.Option(metavar="segment", help="Wait until somebody has looked at the masks.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Run even what is done.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until all scenes are done, as `watch` does.")] = False,
) -> None:
    """Hand scenes to the farm that PREFECT_API_URL names.

    What is under way or done already is found, not run twice. Artists' scenes go before the nightly library. Where the
    store is a bucket, local files are uploaded to it; else they must lie on a file system that the workers share.

    Exit codes: 0 handed over (with --wait: all whole); 2 something you gave cannot be used, or there is no server;
    with --wait also 3 a scene with something missing, 1 a scene that failed.

    Example: regen3d submit kitchen.jpg hall.jpg --out scenes --store s3://regen3d/store --wait
    """
    from regen3d.cli.run import parse_execution, parse_pause
    from regen3d.config import SceneRequest
    from regen3d.inputs.meshes import parse_mesh_option

    given = {"boxes": boxes, "masks": masks, "camera": camera, "plate": plate, "points": points}
    by_hand: dict[str, Any] = {name: located(path) for name, path in given.items() if path is not None}
    if scale is not None:
        by_hand["scale"] = scale
    if mesh:
        by_hand["meshes"] = {name: located(path) for name, path in map(parse_mesh_option, mesh)}
    if len(images) > 1 and by_hand:
        raise ConfigError(f"--{sorted(by_hand)[0]} is for one picture, but {len(images)} are given: submit them singly")
    settings = settings_of(
        profile=profile,
        set_=set_,
        option=option,
        allow_noncommercial=allow_noncommercial,
        territory=territory,
        seed=seed,
        labels=labels,
    )
    settings |= {**parse_execution(execution, ray_address, FARM_PLACES), **by_hand}
    settings |= {"pause_after": parse_pause(pause_after), "export": export_of(format_)}
    requests = [
        SceneRequest(image=located(image), out=folder, store=_shared(store, folder), **settings)
        for image, folder in zip(images, _folders(images, located(out)), strict=True)
    ]
    for request in requests:
        _check(request)
    submitted = _hand_over(requests, again=again)
    if wait:
        from regen3d.cli.runs import watch_all

        raise typer.Exit(watch_all([each.id for each in submitted], None))


def batch(
    pictures: Annotated[str, typer.Argument(metavar="FOLDER_OR_S3_PREFIX", help="Where the pictures are.")],
    out: Annotated[Path, typer.Option(help="Folder that holds a folder a scene.", show_default=False)],
    store: FarmStore = None,
    name: Annotated[str, typer.Option(help="Under which the farm remembers what is done.")] = "library",
    profile: Profile = "embedded",
    set_: Overrides = None,
    option: Options = None,
    allow_noncommercial: Noncommercial = False,
    territory: Territory = None,
    seed: Seed = 0,
    labels: Labels = None,
    format_: Formats = None,
    execution: Annotated[str, typer.Option(help="Where heavy calls run: local, or ray.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Ray cluster.  [default: that of the workers]")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=1000, help="Scenes under way at the same time.")] = 4,
    max_scenes: Annotated[int | None, typer.Option(min=0, help="Most new scenes of this run.")] = None,
    max_usd: Annotated[float | None, typer.Option(min=0, help="Most US dollars for paid calls of this run.")] = None,
    max_gpu_hours: Annotated[float | None, typer.Option(min=0, help="Most GPU hours of this run.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the library is done, as `watch` does.")] = False,
) -> None:
    """Convert a whole library of pictures on the farm; what is done already is left.

    Every picture is known by its content: run the same command every night and only what is new is converted. A library
    that was stopped goes on where it was. Artists' scenes go first. No new scene starts once the budget is spent.

    Example: regen3d batch s3://art/concepts --out /scenes/concepts --store s3://regen3d/store --max-usd 20
    """
    import uuid

    from pydantic import ValidationError

    from regen3d.cli.quiet import calm_prefect
    from regen3d.cli.run import parse_execution
    from regen3d.config import SceneRequest
    from regen3d.library import LibraryRequest
    from regen3d.remote import list_pictures

    settings = settings_of(
        profile=profile,
        set_=set_,
        option=option,
        allow_noncommercial=allow_noncommercial,
        territory=territory,
        seed=seed,
        labels=labels,
    )
    settings |= {**parse_execution(execution, ray_address, FARM_PLACES), "export": export_of(format_)}
    place = located(out)
    scene = SceneRequest(image=located(pictures), out=place, store=_shared(store, place), **settings)
    limits = {"max_scenes": max_scenes, "max_usd": max_usd, "max_gpu_hours": max_gpu_hours}
    try:
        request = LibraryRequest(name=name, scene=scene, at_once=at_once, **limits)
    except ValidationError as error:
        raise ConfigError(f"--name '{name}' cannot be: use letters, digits, '-' and '_', 64 at most") from error
    _check_choice(scene)
    use_store_key()
    found = list_pictures(scene.image)
    calm_prefect()
    from flows.client import server
    from flows.names import LIBRARY
    from flows.submitting import Order, submit

    with server() as client:
        order = Order(deployment=LIBRARY, queue=None, tags=(f"library:{name}",))
        submitted = submit(client, order, {"request": request}, name, uuid.uuid4().hex)
    _tell(submitted, f"{len(found)} pictures")
    if wait:
        from regen3d.cli.runs import watch_all

        raise typer.Exit(watch_all([submitted.id], None))


def _folders(images: list[str], out: str) -> list[str]:
    """A folder for each picture, named as the picture."""
    from pathlib import PurePosixPath

    stems = [PurePosixPath(image).stem for image in images]
    for stem in stems:
        if stems.count(stem) > 1:
            raise ConfigError(f"two of the pictures are named '{stem}': submit them singly, each with its own --out")
    return [f"{out.rstrip('/')}/{stem}" for stem in stems]


def _shared(store: str | None, out: str) -> str | None:
    """The store; beside the scene where none is named."""
    return located(store) if store is not None else f"{out.rstrip('/')}/store"


def _check(request: "SceneRequest") -> None:
    """Refuse what cannot be used before the farm hears of it."""
    from regen3d.remote import local_inputs
    from tasks.ingest import check_inputs

    _check_choice(request)
    use_store_key()
    with local_inputs(request) as local:
        check_inputs(local)


def _check_choice(request: "SceneRequest") -> None:
    from models.choice import check_choice
    from models.licences import Permission
    from regen3d.config import adapters_of

    permission = Permission(allow_noncommercial=request.allow_noncommercial, territory=request.territory)
    check_choice(adapters_of(request.profile, request.overrides), request.options, permission, elsewhere=True)


def _hand_over(requests: "list[SceneRequest]", *, again: bool) -> "list[Submitted]":
    from regen3d.cli.quiet import calm_prefect

    calm_prefect()
    from flows.client import server
    from flows.submitting import Order, submit_scene

    done = []
    with server() as client:
        for request in requests:
            submitted = submit_scene(client, request, Order(), again=again)
            _tell(submitted, request.out)
            tell_what_is_undone(request.out, submitted.undone)
            done.append(submitted)
    return done


def _tell(submitted: "Submitted", what: str) -> None:
    typer.echo(f"{submitted.id}  {submitted.news:<9}  {submitted.name}  {what}  {submitted.url}".rstrip())
