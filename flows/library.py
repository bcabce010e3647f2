"""A folder or bucket of concept art to many scenes: what is done is left, what is new runs on the farm."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Completed
from prefect.utilities.urls import url_for

from flows.client import SceneClient, answering, server
from flows.names import LIBRARY_QUEUE
from flows.submitting import Order, submit
from regen3d.config import SceneRequest
from regen3d.errors import InputError, ServerUnavailableError
from regen3d.library import (
    LibraryRequest,
    SceneRecord,
    find_record,
    picture_digest,
    record_key,
    scene_requests,
    spent,
)
from regen3d.remote import PictureFile, is_remote, list_pictures, uploaded_inputs
from regen3d.runs import find_manifest
from regen3d.store import Store
from tasks.credentials import use_block
from tasks.shown_progress import PROGRESS_KEY

POLL_S = 3.0
"""Between two looks at the scenes that are under way: their runs take a minute or more."""

PATIENCE_POLLS = 200
"""Looks in a row that a server may leave without an answer, ten minutes: the runs go on without it."""


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """One picture that has no scene yet."""

    file: PictureFile
    scene: SceneRequest
    digest: str
    key: str
    tries: int


@dataclass(slots=True, kw_only=True)
class _Ledger:
    """What this run has made of the library so far."""

    request: LibraryRequest
    done_before: list[SceneRecord] = field(default_factory=list)
    made: list[SceneRecord] = field(default_factory=list)
    given_up: list[SceneRecord] = field(default_factory=list)
    listed: frozenset[str] = frozenset()
    """Addresses of all its pictures."""
    first: dict[str, str] = field(default_factory=dict)
    """Digest -> the picture that others which have it are copies of."""
    started: int = 0

    def may_start(self, under_way: int) -> bool:
        """Whether the budget holds one more scene, if those under way cost what the others did."""
        request = self.request
        if request.max_scenes is not None and self.started >= request.max_scenes:
            return False
        expected = 1.0 + under_way / max(1, len(self.made))
        usd = sum(record.api_usd for record in self.made)
        hours = sum(record.gpu_seconds for record in self.made) / 3600
        limits = ((usd, request.max_usd), (hours, request.max_gpu_hours))
        return all(limit is None or cost * expected < limit for cost, limit in limits)


@flow(name="library", flow_run_name="{request.name}")
def library(request: LibraryRequest) -> State[dict[str, int]]:
    """Convert what is new in a library, within its budget, and say what became of every picture.

    Raises:
        ConfigError: there are no pictures, or no server to hand scenes to.
    """
    use_block()
    pictures = list_pictures(request.scene.image)
    ledger = _Ledger(request=request, listed=frozenset(picture.uri for picture in pictures))
    waiting = deque(zip(pictures, scene_requests(request, pictures), strict=True))
    progress = create_progress_artifact(progress=0.0, key=PROGRESS_KEY, description=f"{len(pictures)} pictures")
    with server() as client:
        _convert(client, ledger, waiting, lambda: _show_progress(progress, ledger, len(pictures)))
    left = [file.uri for file, _ in waiting]
    create_markdown_artifact(markdown=summary(ledger, left), key="library", description=request.name)
    failed = sum(not record.is_done for record in (*ledger.made, *ledger.given_up))
    counts = {"pictures": len(pictures), "new": len(ledger.made), "failed": failed, "left": len(left)}
    whole = not failed and not left
    message = f"{counts['new']} new of {counts['pictures']}, {failed} failed, {counts['left']} left by the budget"
    return Completed(name="Completed" if whole else "Partial", message=message, data=counts)


def _convert(client: SceneClient, ledger: _Ledger, waiting: deque[tuple[PictureFile, SceneRequest]], show: Any) -> None:
    """Keep some scenes under way until none waits, or the budget is spent; `waiting` keeps those left."""
    store = Store(ledger.request.scene.store_uri)
    under_way: dict[str, _Picture] = {}
    while waiting or under_way:
        while waiting and len(under_way) < ledger.request.at_once:
            found = _next(store, ledger, waiting[0])
            if found is not None and not ledger.may_start(len(under_way)):
                break
            waiting.popleft()
            if found is not None:
                under_way[_start(client, store, ledger, found)] = found
        if not under_way:
            return
        time.sleep(POLL_S)
        for run in _ended(client, list(under_way)):
            picture = under_way.pop(str(run.id))
            record = _record(store, picture, run)
            store.put_record(picture.key, record.model_dump(mode="json"))
            ledger.made.append(record)
        show()


def _next(store: Store, ledger: _Ledger, item: tuple[PictureFile, SceneRequest]) -> _Picture | None:
    """The picture, if it needs a scene; else the ledger gets its record."""
    file, scene = item
    try:
        digest = picture_digest(store, ledger.request, file, scene)
    except InputError as error:
        record = SceneRecord(picture=file.uri, digest="", out=scene.out, status="failed", run="", tries=1)
        ledger.made.append(record.model_copy(update={"reason": str(error)}))
        return None
    # A copy has a folder, a run and a record of its own; what the other computes is there for both. The other is the
    # one that had it before, whatever came into the listing since, else the first.
    before = find_record(store, record_key(ledger.request, digest))
    original = before.picture if before is not None and before.picture in ledger.listed else file.uri
    twin = ledger.first.setdefault(digest, original) != file.uri
    key = record_key(ledger.request, digest, copy=file.name if twin else None)
    known = find_record(store, key)
    if known is not None and known.is_done:
        ledger.done_before.append(known.model_copy(update={"picture": file.uri}))
        return None
    tries = 0 if known is None else known.tries
    if known is not None and tries >= ledger.request.most_tries:
        ledger.given_up.append(known)
        return None
    return _Picture(file=file, scene=scene, digest=digest, key=key, tries=tries)


def _start(client: SceneClient, store: Store, ledger: _Ledger, picture: _Picture) -> str:
    """Id of the scene's run; where an earlier run of this library has started it already, that one."""
    scene = uploaded_inputs(picture.scene, store) if is_remote(store.uri) else picture.scene
    order = Order(queue=LIBRARY_QUEUE, tags=(f"library:{ledger.request.name}",))
    ledger.started += 1
    number = picture.tries
    while True:
        # A cancelled run counts as no try, but its key is used up.
        key = f"{picture.key}-{number}"
        submitted = _patiently(lambda key=key: submit(client, order, {"request": scene}, scene.name, key))
        run = _patiently(lambda id=submitted.id: client.read_flow_run(UUID(id)))
        if submitted.news == "submitted" or run.state is None or not run.state.is_final():
            return submitted.id
        if find_manifest(store, submitted.id) is not None:
            return submitted.id
        number += ledger.request.most_tries


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """The server's answer; while it is away, it is asked again.

    Raises:
        ServerUnavailableError: it refused, or did not come back.
    """
    for turn in range(PATIENCE_POLLS):
        try:
            with answering():
                return ask()
        except ServerUnavailableError as error:
            if isinstance(error.__cause__, PrefectHTTPStatusError):
                raise
            get_run_logger().warning("%s (%d)", error, turn + 1)
            time.sleep(POLL_S)
    raise ServerUnavailableError("the Prefect server did not come back: run the library again to go on")


def _ended(client: SceneClient, ids: Sequence[str]) -> Iterator[FlowRun]:
    """Those of the runs that are over."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(ids)))  # pyright: ignore[reportArgumentType] - ids travel as text
    runs = _patiently(lambda: client.read_flow_runs(flow_run_filter=wanted))
    yield from (run for run in runs if run.state is not None and run.state.is_final())
    known = {str(run.id) for run in runs}
    # Runs that somebody deleted never end.
    for lost in set(ids) - known:
        raise ServerUnavailableError(f"the run {lost} is not on the server any more: run the library again to go on")


def _record(store: Store, picture: _Picture, run: FlowRun) -> SceneRecord:
    """What became of a picture, for the library's memory and its summary."""
    state = run.state
    manifest = find_manifest(store, str(run.id)) if state is not None and state.is_completed() else None
    base: dict[str, Any] = {"picture": picture.file.uri, "digest": picture.digest, "run": str(run.id)}
    base["out"] = picture.scene.out
    if manifest is None:
        cancelled = state is not None and state.is_cancelled()
        return SceneRecord(
            **base,
            status="cancelled" if cancelled else "failed",
            tries=picture.tries + (not cancelled),
            reason=(state.message if state is not None else None) or "it left no scene",
        )
    usage = spent(manifest)
    return SceneRecord(
        **base,
        status=manifest.status,
        tries=picture.tries,
        objects=len(manifest.objects),
        seconds=manifest.run.seconds,
        gpu_seconds=usage.get("gpu_seconds", 0.0),
        api_usd=usage.get("api_usd", 0.0),
    )


def _show_progress(artifact: Any, ledger: _Ledger, pictures: int) -> None:
    ended = len(ledger.made) + len(ledger.done_before) + len(ledger.given_up)
    text = f"{ended} of {pictures} pictures, {len(ledger.made)} of them in this run"
    _patiently(lambda: update_progress_artifact(artifact, 100.0 * ended / pictures, description=text))


def summary(ledger: _Ledger, left: Sequence[str]) -> str:
    """The library for people, as markdown: counts and costs, then a row a picture of this run, with links."""
    made = ledger.made
    counts = {status: sum(record.status == status for record in made) for status in ("whole", "partial", "failed")}
    lines = [
        f"# {ledger.request.name}",
        f"{len(made)} pictures in this run: {counts['whole']} whole, {counts['partial']} partial, "
        f"{counts['failed']} failed. {len(ledger.done_before)} were done before, {len(ledger.given_up)} are left alone "
        f"after {ledger.request.most_tries} failures, {len(left)} are left by the budget.",
        f"GPU: {sum(record.gpu_seconds for record in made):.0f} s. "
        f"Paid calls: {sum(record.api_usd for record in made):.2f} USD.",
        "",
        "| picture | scene | objects | seconds | GPU seconds | USD | remark |",
        "|---|---|---|---|---|---|---|",
    ]
    for record in (*made, *ledger.given_up):
        link = f"[{record.status}]({url_for('flow-run', obj_id=record.run)})" if record.run else record.status
        cells = (record.picture, link, str(record.objects), f"{record.seconds:.0f}", f"{record.gpu_seconds:.1f}")
        remark = " ".join((record.reason or record.out).replace("|", "\\|").split())[:300]
        lines.append(f"| {' | '.join((*cells, f'{record.api_usd:.3f}', remark))} |")
    lines += [f"- left: {uri}" for uri in left[:100]]
    return "\n".join(lines)
