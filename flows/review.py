"""A run that waits for a person: the masks that were found are looked at, and mended, before anything is made of them.

The flow run waits for input, so that it can be approved in the Prefect UI; meanwhile a file in the scene's folder lets
`regen3d edit FOLDER` show the masks, keep what is mended, and let the run go on. A run of the farm is suspended: its
process ends, and a worker starts it anew when it may go on, with what is finished in the store. A run of a command line
pauses in its process, because nobody else would start it again.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.exceptions import FlowPauseTimeout, NotPausedError, ObjectNotFound, Pause
from prefect.flow_runs import pause_flow_run, resume_flow_run, suspend_flow_run
from prefect.input import Keyset, RunInput
from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_API_URL
from pydantic import Field

from flows.client import server
from flows.names import AT_REST
from flows.orphans import let_go
from regen3d.config import SceneRequest
from regen3d.corrections import with_corrections
from regen3d.editor.waiting import WaitingScene, no_longer_waiting, write_waiting
from regen3d.errors import ConfigError, StageError
from regen3d.manifest import StageEntry
from tasks.ingest import SceneInputs, read_inputs
from tasks.progress import Progress, tell
from tasks.stage import SceneContext

PATIENCE_S = 7 * 24 * 3600
"""How long a run waits for a person: over a weekend and more."""

POLL_S = 2
"""How often it looks whether it may go on."""


class Review(RunInput):
    """What a person says to the masks."""

    masks: str | None = Field(
        default=None,
        description="Folder of masks to take instead. Empty: those that were mended in the editor, else those found.",
    )


def check_pausable(request: SceneRequest) -> None:
    """Make sure that somebody can answer a run that is to wait.

    Raises:
        ConfigError: no server is named, or nobody could see the folder.
    """
    if request.pause_after is None:
        return
    if PREFECT_API_URL.value() is None:
        raise ConfigError(
            "--pause-after waits for an answer through a Prefect server, and none is named: start one with "
            "`prefect server start --host 127.0.0.1` and set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    if "://" in request.out:
        raise ConfigError(f"--pause-after needs a folder that the editor can open, not '{request.out}': give --out one")


def reviewed(
    context: SceneContext, request: SceneRequest, find_objects: Callable[[SceneContext, SceneInputs], StageEntry]
) -> SceneRequest:
    """Find the objects, wait until somebody has looked at them, and return the request with what was decided.

    Args:
        context: the scene.
        request: what was asked.
        find_objects: the first stage.
    """
    inputs = read_inputs(request)
    found = find_objects(context, inputs)
    out = Path(request.out)
    scene = WaitingScene(
        flow_run=str(flow_run.id), request=request, store=context.store, image=inputs.image, segmentation=found.value
    )
    tell(Progress(stage="segment", object=None, event="waiting"))
    question = (
        f"Look at the masks of **{inputs.name}** in the artifacts of `segment`. To mend them: `regen3d edit {out}`"
    )
    answer = _answer(_asking(question, lambda: write_waiting(out, scene)), out, inputs.name)
    if answer is not None and answer.masks:
        return request.model_copy(update={"masks": answer.masks, "labels": (), "boxes": None})
    # What was mended while the run waited is newer than masks that it was given.
    mended = with_corrections(request.model_copy(update={"masks": None}))
    return mended if mended.masks is not None else request


def _asking(question: str, then: Callable[[], None]) -> type[Review]:
    """The form of a question; `then` is called once the run waits, and can be answered."""

    class Asking(Review):
        @classmethod
        def save(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> None:
            # Prefect keeps the form as soon as the server has the run as paused, and before it waits or ends; a run
            # that goes on is not paused again, and keeps its process. Before the form is there nobody can answer.
            if deployment.id is not None:
                _give_up_process()
            super().save(keyset, flow_run_id)
            then()

    Asking.__name__ = Review.__name__
    return Asking.with_initial_data(description=question)


@contextlib.contextmanager
def told_at_rest() -> Iterator[None]:
    """Tell the server when a run is suspended in the block: whatever was heard of its process before, it is at rest.

    A heartbeat may leave after the server took the run as suspended and before its process ends; the automation on
    heartbeats would wait for the next one.
    """
    try:
        yield
    except Pause:
        emit_event(AT_REST, resource={"prefect.resource.id": f"prefect.flow-run.{flow_run.id}"})
        raise


def _give_up_process() -> None:
    with get_client(sync_client=True) as client:
        let_go(client, client.read_flow_run(UUID(str(flow_run.id))))


def _answer(form: type[Review], out: Path, scene: str) -> Review | None:
    """What the person says; a run of the farm ends here, and comes by again when it may go on.

    Raises:
        StageError: nobody said anything.
    """
    # Prefect types the answer by the class alone.
    if deployment.id is None:
        try:
            return pause_flow_run(wait_for_input=form, timeout=PATIENCE_S, poll_interval=POLL_S)
        except FlowPauseTimeout as error:
            raise StageError(
                f"nobody has looked at the masks of '{scene}' for {PATIENCE_S / 86400:g} days: run it again, "
                "what was found is kept"
            ) from error
        finally:
            no_longer_waiting(out)
    answer = suspend_flow_run(wait_for_input=form, timeout=PATIENCE_S)
    no_longer_waiting(out)
    return answer


def has_ended(waiting: WaitingScene) -> bool:
    """Whether the run that left the sign waits no more: cancelled, answered, given up; not known without a server.

    Raises:
        ConfigError: the server that is named does not answer.
    """
    if PREFECT_API_URL.value() is None:
        return False
    with server() as client:
        try:
            state = client.read_flow_run(UUID(waiting.flow_run)).state
        except ObjectNotFound:
            return True
    return state is None or not state.is_paused()


def go_on(flow_run_id: str) -> None:
    """Let a run that waits go on, with the masks that were mended.

    Raises:
        ConfigError: it does not wait any more, no server is named, or it does not answer.
    """
    with server():
        try:
            # Said outright: a loop that happens to run in this thread would be taken for a caller that awaits.
            resume_flow_run(UUID(flow_run_id), run_input={"masks": None}, _sync=True)  # pyright: ignore[reportCallIssue]
        except (NotPausedError, FlowPauseTimeout, ObjectNotFound) as error:
            raise ConfigError("the run does not wait any more: look at it with `regen3d status`") from error
