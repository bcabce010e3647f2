"""A run that waits for a person: the masks that were found are looked at, and mended, before anything is made of them.

The flow run pauses for input, so that it can be approved in the Prefect UI; meanwhile a file in the scene's folder lets
`regen3d edit FOLDER` show the masks, keep what is mended, and let the run go on.
"""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from prefect.flow_runs import pause_flow_run, resume_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from pydantic import Field

from regen3d.config import SceneRequest
from regen3d.corrections import with_corrections
from regen3d.editor.waiting import WaitingScene, no_longer_waiting, write_waiting
from regen3d.errors import ConfigError
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
    write_waiting(out, scene)
    try:
        question = (
            f"Look at the masks of **{inputs.name}** in the artifacts of `segment`. To mend them: `regen3d edit {out}`"
        )
        # Prefect types the answer by the class alone.
        answer = pause_flow_run(
            wait_for_input=Review.with_initial_data(description=question), timeout=PATIENCE_S, poll_interval=POLL_S
        )
    finally:
        no_longer_waiting(out)
    if answer is not None and answer.masks:
        return request.model_copy(update={"masks": answer.masks, "labels": (), "boxes": None})
    # What was mended while the run waited is newer than masks that it was given.
    mended = with_corrections(request.model_copy(update={"masks": None}))
    return mended if mended.masks is not None else request


def go_on(flow_run_id: str) -> None:
    """Let a run that waits go on, with the masks that were mended."""
    # Said outright: a loop that happens to run in this thread would be taken for a caller that awaits.
    resume_flow_run(UUID(flow_run_id), run_input={"masks": None}, _sync=True)  # pyright: ignore[reportCallIssue]
