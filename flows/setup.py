"""What a farm's server has to know before its first run: pools, queues, limits, automations. Asked twice, the same."""

from dataclasses import dataclass
from datetime import timedelta

from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from flows.client import SceneClient, answering
from flows.names import ARTISTS_QUEUE, AT_REST, COORDINATION_POOL, LIBRARY_QUEUE, SCENES_POOL, TAG
from regen3d.errors import ConfigError
from tasks.limits import API_LIMIT, GPU_LIMIT

PRIORITIES = {ARTISTS_QUEUE: 1, LIBRARY_QUEUE: 10}
"""Queue of the scenes' pool -> its priority; 1 is served first."""

POOL_TYPES = ("process", "docker", "kubernetes")
"""What may start the runs of a pool."""

MISSED_HEARTBEATS = 3
"""A run is crashed when it was silent for as many heartbeats: one lost with a restarting server is no death."""

SILENT = ("Completed", "Partial", "Failed", "Cancelled", "Crashed", "Suspended")
"""States of runs without a process."""

ENDED = (*(f"prefect.flow-run.{state}" for state in SILENT), AT_REST)
"""Events after which no heartbeat is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmSettings:
    """How large the farm is, and whom it tells."""

    pool_type: str = "process"
    """Which of `POOL_TYPES` starts runs."""
    gpus: int = 1
    """GPUs of the whole farm."""
    api_calls: int = 4
    """Calls of paid services at once, on the whole farm."""
    heartbeat_s: int = 30
    """Seconds between heartbeats; the workers' `PREFECT_FLOWS_HEARTBEAT_FREQUENCY`."""
    alert_block: str | None = None
    """Notification block, `TYPE/NAME`, that is told of failed and crashed runs; None tells nobody."""


def set_up_farm(client: SceneClient, settings: FarmSettings) -> tuple[str, ...]:
    """Bring pools, queues, limits and automations of the server to these settings.

    While no run is under way, slots of the limits that are still taken are freed.

    Returns:
        What is there now, in sentences.

    Raises:
        ConfigError: the pool type is unknown, or there is no such block.
    """
    if settings.pool_type not in POOL_TYPES:
        raise ConfigError(f"unknown pool type '{settings.pool_type}': choose one of {', '.join(POOL_TYPES)}")
    block_id = None if settings.alert_block is None else _block_id(client, settings.alert_block)
    with answering():
        for pool in (SCENES_POOL, COORDINATION_POOL):
            _pool(client, pool, settings.pool_type)
        for queue, priority in PRIORITIES.items():
            _queue(client, queue, priority)
        for limit, slots in ((GPU_LIMIT, settings.gpus), (API_LIMIT, settings.api_calls)):
            client.upsert_global_concurrency_limit_by_name(limit, slots)
        if _is_idle(client):
            _free_slots(client)
        automations = [crashed_runs(settings.heartbeat_s)]
        automations += [] if block_id is None else [alert(block_id)]
        for automation in automations:
            _automation(client, automation)
    return (
        f"work pools {SCENES_POOL} and {COORDINATION_POOL} ({settings.pool_type})",
        f"queues {', '.join(f'{queue} (priority {priority})' for queue, priority in PRIORITIES.items())}",
        f"limits {GPU_LIMIT} = {settings.gpus}, {API_LIMIT} = {settings.api_calls}",
        *(f"automation '{automation.name}'" for automation in automations),
    )


def crashed_runs(heartbeat_s: int) -> AutomationCore:
    """A run whose process is gone without a word is told to be crashed, and does not stay `Running`."""
    silent_s = MISSED_HEARTBEATS * heartbeat_s
    return AutomationCore(
        name="regen3d: crashed runs",
        description="A run that stopped sending heartbeats is crashed.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ENDED},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=silent_s),
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                force=False,
                state=StateType.CRASHED,
                message=f"No heartbeat for {silent_s} s: its process or machine is gone. Submit it again to go on.",
            )
        ],
    )


def alert(block_id: str) -> AutomationCore:
    """Somebody is told of every scene that failed or crashed."""
    return AutomationCore(
        name="regen3d: failed scenes",
        description="Tells of runs that failed or crashed.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            match_related={"prefect.resource.id": [f"prefect.tag.{TAG}"], "prefect.resource.role": "tag"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,  # pyright: ignore[reportArgumentType] - pydantic reads the id
                subject="regen3d: {{ flow_run.name }} {{ flow_run.state.name | lower }}",
                body="{{ flow_run.name }}: {{ flow_run.state.message }}\n{{ flow_run|ui_url }}",
            )
        ],
    )


def _pool(client: SceneClient, name: str, kind: str) -> None:
    try:
        known = client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=_template(kind)))
        return
    if known.type != kind:
        raise ConfigError(
            f"the work pool '{name}' is one of {known.type}, not of {kind}: delete it first, with what waits in it"
        )
    # A template that was changed by hand in the UI stays.
    client.update_work_pool(name, WorkPoolUpdate(is_paused=False))


def _template(kind: str) -> dict[str, object]:
    """The usual job template of a kind of pool, as far as this machine knows it; a worker fills in what is missing."""
    from prefect.utilities.asyncutils import run_coro_as_sync

    return run_coro_as_sync(get_default_base_job_template_for_infrastructure_type(kind)) or {}


def _queue(client: SceneClient, name: str, priority: int) -> None:
    known = {queue.name: queue for queue in client.read_work_queues(work_pool_name=SCENES_POOL)}
    if name not in known:
        client.create_work_queue(name=name, work_pool_name=SCENES_POOL, priority=priority)
    elif known[name].priority != priority:
        client.update_work_queue(known[name].id, priority=priority)


def _is_idle(client: SceneClient) -> bool:
    """Whether no run at all is under way: one that somebody started by hand may hold a slot as well."""
    busy = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    return client.count_flow_runs(flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=busy))) == 0


def _free_slots(client: SceneClient) -> None:
    """What nobody holds; a server that forgot its leases, as a default one does when it is killed, never frees them."""
    for limit in (GPU_LIMIT, API_LIMIT):
        client.update_global_concurrency_limit(limit, GlobalConcurrencyLimitUpdate(active_slots=0))


def _automation(client: SceneClient, automation: AutomationCore) -> None:
    for known in client.read_automations_by_name(automation.name):
        client.delete_automation(known.id)
    client.create_automation(automation)


def _block_id(client: SceneClient, name: str) -> str:
    kind, slash, document = name.partition("/")
    if not slash:
        raise ConfigError(f"the alert block is TYPE/NAME, as in slack-webhook/regen3d, found '{name}'")
    try:
        with answering():
            return str(client.read_block_document_by_name(document, kind).id)
    except ObjectNotFound as error:
        raise ConfigError(f"the server has no block '{name}': make it under Blocks in the UI first") from error
