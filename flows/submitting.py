"""Scenes handed to the farm: once, however many people ask for the same."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.utilities.urls import url_for
from pydantic import BaseModel

from flows.client import SceneClient, answering
from flows.names import ARTISTS_QUEUE, SCENE, TAG
from regen3d.config import SceneRequest
from regen3d.corrections import with_corrections
from regen3d.errors import ConfigError
from regen3d.export.folder import MANIFEST_NAME
from regen3d.fingerprint import run_key
from regen3d.manifest import Manifest
from regen3d.remote import is_remote, local_inputs, uploaded_inputs
from regen3d.runs import find_run, undone
from regen3d.store import Store, digest_of

ARTISTS_PRIORITY = "10"
"""Priority of artists' jobs on a Ray cluster; all others have 0."""

MOST_TRIES = 1000
"""Tries of one scene that are told apart; a scene that failed as often has another fault than bad luck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a run is asked for."""

    deployment: str = SCENE
    """Which deployment runs."""
    queue: str | None = ARTISTS_QUEUE
    """Queue of its work pool; None for the deployment's own."""
    tags: tuple[str, ...] = ()
    """Beside the tag that every run of the farm has."""
    name: str | None = None
    """Name of the run; None for the flow's own."""

    @property
    def job_variables(self) -> dict[str, dict[str, str]]:
        """What the run's process is told: that its jobs go first on a Ray cluster, where an artist waits for them."""
        return {"env": {"REGEN3D_PRIORITY": ARTISTS_PRIORITY}} if self.queue == ARTISTS_QUEUE else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A run on the server."""

    id: str
    """Its id."""
    name: str
    """Name of the scene."""
    news: Literal["submitted", "under way", "done"]
    """Whether this call started it, found it under way, or found it done with everything in its place."""
    url: str
    """Its page in the UI."""
    undone: tuple[str, ...] = ()
    """Objects that were redone in the scene's folder, and are not in what this run makes."""


def submit_scene(client: SceneClient, request: SceneRequest, order: Order, *, again: bool = False) -> Submitted:
    """Hand over one scene, unless the same is under way or done.

    The same is what has the same pictures, decisions and code, and goes to the same folder and store. What failed,
    was cancelled or came out partial is tried again, but for a scene of which an object was redone: that stands, and no
    more of it is tried than the formats that it lacks.

    Args:
        client: of the farm's server.
        request: local paths are for a shared file system; where the store is a bucket they are uploaded to it.
        order: to whom.
        again: run even what is done.

    Raises:
        ConfigError: the server has no such deployment.
        InputError: a file that the request names cannot be read.
    """
    store = Store(request.store_uri)
    with local_inputs(request) as local:
        # Masks that were mended in the folder meanwhile make no other order of it, but they are what its scene answers.
        key, answered = run_key(local), run_key(with_corrections(local))
    corrected = _corrected(store, answered, request.out)
    base = digest_of([key, request.out, request.store_uri])[:32]
    if is_remote(request.store_uri):
        request = uploaded_inputs(request, store)
    for number in range(MOST_TRIES):
        known = _known(client, f"{base}-{number}")
        if known is None:
            stands = corrected if corrected is not None and corrected.missing_formats else None
            lost = undone(Path(request.out), stands)
            run = _ordered(order, {"request": request}, request.name, f"{base}-{number}")
            return replace(_submitted(run, request.name, "submitted"), undone=lost)
        if not _over(known):
            return _submitted(known, request.name, "under way")
        if not again and (_is_done(known, request, store) if corrected is None else not corrected.missing_formats):
            return _submitted(known, request.name, "done")
    raise ConfigError(f"'{request.name}' was tried {MOST_TRIES} times: look at its runs in the UI")


def submit(client: SceneClient, order: Order, parameters: dict[str, BaseModel], name: str, key: str) -> Submitted:
    """Hand over any run of a deployment; the same key twice is one run.

    Raises:
        ConfigError: the server has no such deployment.
    """
    known = _known(client, key)
    if known is not None:
        return _submitted(known, name, "under way")
    return _submitted(_ordered(order, parameters, name, key), name, "submitted")


def _known(client: SceneClient, key: str) -> FlowRun | None:
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key])), limit=1
    )
    return found[0] if found else None


def _ordered(order: Order, parameters: dict[str, BaseModel], name: str, key: str) -> FlowRun:
    """The run under a key; the server makes one only where there is none, whoever asks at the same time."""
    try:
        with answering():
            # Called from synchronous code, it answers with the run itself.
            return cast(
                "FlowRun",
                run_deployment(
                    order.deployment,
                    parameters={field: value.model_dump(mode="json") for field, value in parameters.items()},
                    flow_run_name=order.name or name,
                    timeout=0,
                    tags=[TAG, *order.tags],
                    idempotency_key=key,
                    work_queue_name=order.queue,
                    job_variables=order.job_variables,
                ),
            )
    except ObjectNotFound as error:
        raise ConfigError(
            f"the server has no deployment '{order.deployment}': run deploy/local.sh up, or on a farm of your own "
            "`regen3d farm setup` and `prefect --no-prompt deploy --all --prefect-file deploy/prefect.yaml`"
        ) from error


def _over(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _is_done(run: FlowRun, request: SceneRequest, store: Store) -> bool:
    """Whether a finished run made the whole scene, and all of it is where it was asked for."""
    if run.state is None or not run.state.is_completed() or run.state.name != "Completed":
        return False
    delivered = is_remote(request.store_uri) or (Path(request.out) / MANIFEST_NAME).is_file()
    return delivered and store.get_record(f"manifests/{run.id}") is not None


def _corrected(store: Store, key: str, out: str) -> Manifest | None:
    """The scene of a question as somebody has corrected it in this folder; the same may have been asked for others."""
    found = find_run(store, key)
    if found is None or not found.run.redone or (found.run.request or {}).get("out") != out:
        return None
    return found


def _submitted(run: FlowRun, name: str, news: Literal["submitted", "under way", "done"]) -> Submitted:
    url = url_for("flow-run", obj_id=run.id) or ""
    return Submitted(id=str(run.id), name=name, news=news, url=url)
