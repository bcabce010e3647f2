"""The farm's numbers for Prometheus: read from the Prefect server and this machine, served over HTTP.

Runs are processes that come and go, so they cannot be scraped: one exporter asks the server what they left. Counters
begin when the exporter does; Prometheus knows restarts. Memory of GPUs is that of the machine the exporter runs on.
"""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    FlowRunFilterWorkQueueName,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from flows.client import SceneClient, answering, server
from flows.names import ARTISTS_QUEUE, LIBRARY_QUEUE, TAG
from regen3d.errors import ServerUnavailableError
from tasks.limits import API_LIMIT, GPU_LIMIT
from tasks.summary import TIMINGS_KEY

SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Bounds of the histograms: a stage takes from a tenth of a second to minutes."""

OVERLAP = timedelta(minutes=2)
"""How far a look goes back before the last one: the server records some ends late."""

PAGE = 200
"""Most rows that the server gives at once."""

_KIND = re.compile(r"exception:? '?(?P<kind>[A-Za-z_][A-Za-z0-9_]*)")


class FarmMetrics:
    """All metrics, and the means to bring them up to date."""

    def __init__(self, since: datetime | None = None) -> None:
        """Begin with nothing counted; what ended before `since`, or now, is never counted."""
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        self.up = Gauge("regen3d_server_up", "1 while the Prefect server answers.", **made)
        self.queue = Gauge("regen3d_queue_length", "Runs that wait, by work queue.", ["queue"], **made)
        self.under_way = Gauge("regen3d_runs_under_way", "Runs that hold a place, by work queue.", ["queue"], **made)
        self.slots = Gauge("regen3d_limit_slots", "Size of a global concurrency limit.", ["limit"], **made)
        self.taken = Gauge("regen3d_limit_taken", "Taken slots of a global concurrency limit.", ["limit"], **made)
        self.runs = Counter("regen3d_runs", "Runs that ended, by flow state.", ["state"], **made)
        self.run_seconds = Histogram("regen3d_run_seconds", "Duration of ended runs.", buckets=SECONDS, **made)
        self.stage_seconds = Histogram(
            "regen3d_stage_seconds", "Duration of computed stages.", ["stage"], buckets=SECONDS, **made
        )
        self.stages = Counter("regen3d_stages", "Stages that ended, computed or reused.", ["stage", "how"], **made)
        self.failures = Counter("regen3d_failures", "Stages and runs that failed, by error.", ["stage", "kind"], **made)
        self.gpu_seconds = Counter("regen3d_gpu_seconds", "GPU time of computed stages.", ["stage"], **made)
        self.api_calls = Counter("regen3d_api_calls", "Calls of paid services.", ["stage"], **made)
        self.api_usd = Counter("regen3d_api_usd", "Cost of paid services, US dollars.", ["stage"], **made)
        self.vram_used = Gauge("regen3d_vram_used_bytes", "Memory in use of a GPU of this machine.", ["gpu"], **made)
        self.vram_total = Gauge("regen3d_vram_total_bytes", "Memory of a GPU of this machine.", ["gpu"], **made)
        self._begun = self._since = since or datetime.now(UTC)
        self._counted: dict[UUID, datetime] = {}

    def update(self, client: SceneClient) -> None:
        """Ask the server once.

        Raises:
            ServerUnavailableError: it does not answer.
        """
        with answering():
            for queue in (ARTISTS_QUEUE, LIBRARY_QUEUE):
                self.queue.labels(queue).set(_count(client, queue, [StateType.SCHEDULED]))
                self.under_way.labels(queue).set(_count(client, queue, [StateType.PENDING, StateType.RUNNING]))
            for limit in client.read_global_concurrency_limits(limit=PAGE, offset=0):
                if limit.name in (GPU_LIMIT, API_LIMIT):
                    self.slots.labels(limit.name).set(limit.limit)
                    self.taken.labels(limit.name).set(limit.active_slots)
            now = datetime.now(UTC)
            for run in self._ended(client):
                self._count_run(client, run)
            self._since = now
            self._counted = {id_: at for id_, at in self._counted.items() if at > now - 2 * OVERLAP}
        self.up.set(1)

    def update_gpus(self, rows: Iterable[tuple[str, float, float]]) -> None:
        """Take memory of GPUs: index, used and total bytes."""
        for index, used, total in rows:
            self.vram_used.labels(index).set(used)
            self.vram_total.labels(index).set(total)

    def _ended(self, client: SceneClient) -> list[FlowRun]:
        after = FlowRunFilterEndTime.model_validate({"after_": self._since - OVERLAP})
        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG]), end_time=after)
        found: list[FlowRun] = []
        while len(found) % PAGE == 0:
            page = client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found))
            found += page
            if not page:
                break
        new = [run for run in found if run.id not in self._counted and run.state is not None and run.state.is_final()]
        return [run for run in new if run.end_time is not None and run.end_time >= self._begun]

    def _count_run(self, client: SceneClient, run: FlowRun) -> None:
        self._counted[run.id] = datetime.now(UTC)
        state = run.state
        name = "unknown" if state is None else str(state.name).lower()
        self.runs.labels(name).inc()
        self.run_seconds.observe(run.total_run_time.total_seconds())
        if name in ("failed", "crashed"):
            self.failures.labels("run", _kind(state.message if state is not None else None, name)).inc()
        failed = client.read_task_runs(
            task_run_filter=TaskRunFilter(
                flow_run_id=TaskRunFilterFlowRunId(any_=[run.id]),
                state=TaskRunFilterState(
                    type=TaskRunFilterStateType(any_=[StateType.FAILED, StateType.CRASHED]),
                ),
            ),
            limit=PAGE,
        )
        for task in failed:
            message = task.state.message if task.state is not None else None
            self.failures.labels(task.name.split(":")[0], _kind(message, "unknown")).inc()
        self._count_stages(client, run)

    def _count_stages(self, client: SceneClient, run: FlowRun) -> None:
        artifacts = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[TIMINGS_KEY])),
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])),
            limit=1,
        )
        for row in _rows(artifacts[0].data) if artifacts else ():
            stage = str(row.get("stage"))
            self.stages.labels(stage, "reused" if row.get("reused") else "computed").inc()
            if row.get("reused"):
                continue
            self.stage_seconds.labels(stage).observe(float(row.get("seconds", 0.0)))
            for counter, name in (
                (self.gpu_seconds, "gpu_seconds"),
                (self.api_calls, "api_calls"),
                (self.api_usd, "api_usd"),
            ):
                counter.labels(stage).inc(float(row.get(name, 0.0)))


def serve(host: str, port: int, every_s: float, announce: Callable[[str], None]) -> None:
    """Serve the metrics until the process is stopped; `announce` is told where.

    Raises:
        ConfigError: no server is named, or it is not there at the beginning.
    """
    metrics = FarmMetrics()
    with server() as client:
        endpoint, _ = start_http_server(port, addr=host, registry=metrics.registry)
        announce(f"metrics at http://{host}:{endpoint.server_port}/metrics")
        keep_up(metrics, client, every_s, threading.Event())


def keep_up(metrics: FarmMetrics, client: SceneClient, every_s: float, over: threading.Event) -> None:
    """Bring the metrics up to date until `over` is set; a server that is away is a number as well."""
    while not over.is_set():
        metrics.update_gpus(gpu_memory())
        try:
            metrics.update(client)
        except ServerUnavailableError:
            metrics.up.set(0)
        over.wait(every_s)


def gpu_memory() -> tuple[tuple[str, float, float], ...]:
    """Index, used and total bytes of the NVIDIA GPUs of this machine; none where there is no driver."""
    if shutil.which("nvidia-smi") is None:
        return ()
    query = ["nvidia-smi", "--query-gpu=index,memory.used,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.split(",") for line in answer.stdout.splitlines() if line.count(",") == 2]
    mib = 2.0**20
    return tuple((index.strip(), float(used) * mib, float(total) * mib) for index, used, total in rows)


def _count(client: SceneClient, queue: str, states: list[StateType]) -> int:
    return client.count_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[TAG]),
            work_queue_name=FlowRunFilterWorkQueueName(any_=[queue]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)),
        )
    )


def _kind(message: str | None, default: str) -> str:
    """The class of error that a state's message names."""
    match = _KIND.search(message or "")
    return match["kind"] if match else default


def _rows(data: Any) -> list[dict[str, Any]]:
    """The rows of a table artifact, which the server keeps as text."""
    import json

    try:
        table = json.loads(data) if isinstance(data, str) else data
    except ValueError:
        return []
    return [row for row in table if isinstance(row, dict)] if isinstance(table, list) else []
