"""The actor that has the book: it queues orders, starts and ends workers, and passes on what they say.

One on a cluster and version of the code, shared by every flow that runs there, so that models stay warm between flows
and the queue knows them all. Orders and outcomes are small: values stay in the store.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayError, WorkerCrashedError

from regen3d.errors import ConfigError, JobCancelledError, ModelError, PoisonedJobError, WorkerLostError
from tasks.execution.messages import Line, Order, Outcome
from tasks.execution.roster import Assign, Hand, Retire, Roster, Spawn, Ticket
from tasks.execution.settings import FarmSettings, PoolSpec
from tasks.execution.worker import Worker

LOG = logging.getLogger("regen3d.dispatcher")

LOST = (RayActorError, WorkerCrashedError, OutOfMemoryError, TimeoutError)
"""What says that a worker died, or must; other errors of Ray leave it alive."""

DEADLY = 2
"""Workers that a job may kill."""

GRACE_S = 5.0
"""Seconds that a cancelled job has to end by itself; after them its worker is ended."""

TICK_S = 0.5
"""How often idle workers, hung jobs and silent flows are looked for."""

MEASURE_S = 5.0
"""How often the size of the cluster is asked for."""

PING_S = 10.0
"""How often a worker shows that it lives."""

LISTEN_S = 10.0
"""How long a flow's question for log lines stays open."""


@dataclass(slots=True)
class _Running:
    order: Order
    turn: asyncio.Future[Hand]
    hand: Hand | None = None
    cancelled: float | None = None


@dataclass(slots=True)
class _Driver:
    heard: float
    lines: list[Line] = field(default_factory=list)
    bell: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """Runs orders on pools of warm workers; Ray runs its methods side by side in one event loop."""

    def __init__(self, farm: FarmSettings, name: str) -> None:
        """Make a dispatcher; `name` goes before the names of its workers."""
        self._farm, self._name = farm, name
        self._roster = Roster(farm, 0.0, 0.0)
        self._actors: dict[int, Any] = {}
        self._running: dict[str, _Running] = {}
        self._drivers: dict[str, _Driver] = {}
        self._tending: asyncio.Task[None] | None = None
        self._chores: set[asyncio.Task[None]] = set()
        self._failures: dict[str, int] = defaultdict(int)

    async def run(self, order: Order) -> Outcome:
        """Do an order: wait for a worker, replace one that dies, give up on what kills two."""
        self._wake(order.driver)
        why = self._roster.impossible(order.pool)
        if why is not None:
            return Outcome(error=ConfigError(f"{why}: ask for less in {order.pool.name}'s settings, or add machines"))
        self._roster.add_pool(order.pool)
        started, deaths, reason = time.monotonic(), 0, ""
        while deaths < DEADLY:
            running = _Running(order, asyncio.get_running_loop().create_future())
            self._running[order.id] = running
            ticket = Ticket(id=order.id, pool=order.pool.name, priority=order.priority, since=started, alone=deaths > 0)
            self._roster.enqueue(ticket)
            self._step()
            try:
                hand = await running.turn
                return await self._answer(hand, order)
            except (*LOST, _Gone) as error:
                if running.cancelled is not None:
                    break
                if isinstance(error, _Gone):
                    # It went before it had the job.
                    continue
                deaths, reason = deaths + 1, _reason(error, order.pool)
                self._failures["worker lost"] += 1
            except RayError as error:
                return Outcome(error=WorkerLostError(f"the job or its answer did not arrive: {error}"))
            except _GivenUp as error:
                return Outcome(error=error.args[0])
            except asyncio.CancelledError:
                self._drop(order.id)
                raise
            finally:
                self._running.pop(order.id, None)
                self._step()
        if deaths < DEADLY:
            return Outcome(error=JobCancelledError("the job was cancelled"))
        return Outcome(
            error=PoisonedJobError(f"it killed {DEADLY} workers of '{order.pool.name}', the last one {reason}")
        )

    async def hear(self, driver: str) -> list[Line]:
        """Log lines for a flow's process, as soon as there are any; asking shows that it lives."""
        state = self._wake(driver)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(state.bell.wait(), LISTEN_S)
        state.heard = time.monotonic()
        state.bell.clear()
        lines, state.lines = state.lines, []
        return lines

    async def tell(self, line: Line) -> None:
        """Take a log line from a worker."""
        running = self._running.get(line.order)
        driver = self._drivers.get(running.order.driver) if running else None
        if driver is not None:
            driver.lines.append(line)
            driver.bell.set()

    async def cancel(self, orders: list[str]) -> None:
        """Drop orders that wait; end those that run, their worker too if they do not end by themselves."""
        for id_ in orders:
            self._drop(id_)

    async def settings(self) -> tuple[FarmSettings, tuple[PoolSpec, ...]]:
        """What this dispatcher was started with, and its pools, each as its first job asked for it."""
        return self._farm, tuple(self._roster.pools())

    async def look(self) -> dict[str, Any]:
        """Queues, workers and failures, for people and for metrics."""
        pools = {}
        for spec in self._roster.pools():
            hands = self._roster.of(spec.name)
            pools[spec.name] = {
                "waiting": len(self._roster.waiting(spec.name)),
                "running": sum(len(hand.jobs) for hand in hands),
                "workers": {hand.number: hand.state for hand in hands},
                "done": sum(hand.done for hand in hands),
                "gpus": sum(spec.gpus for _ in hands),
                "vram_gb": sum(spec.adapter.resources.vram_gb if spec.adapter else 0.0 for _ in hands),
            }
        return {"pools": pools, "failures": dict(self._failures), "drivers": len(self._drivers)}

    async def pids(self, pool: str) -> list[int]:
        """Processes of a pool's workers that are ready."""
        hands = [hand for hand in self._roster.of(pool) if hand.state == "ready"]
        return list(await asyncio.gather(*(self._actors[hand.number].ping.remote() for hand in hands)))

    def _wake(self, driver: str) -> _Driver:
        if self._tending is None:
            self._measure()
            self._tending = asyncio.create_task(self._tend())
        state = self._drivers.setdefault(driver, _Driver(time.monotonic()))
        state.heard = time.monotonic()
        return state

    def _measure(self) -> None:
        known = ray.cluster_resources()
        self._roster.cpus, self._roster.gpus = known.get("CPU", 0.0), known.get("GPU", 0.0)

    async def _answer(self, hand: Hand, order: Order) -> Outcome:
        """The worker's answer.

        Raises:
            _Gone: it is no more there.
            RayError: it died.
            TimeoutError: it took longer than its pool allows, and is ended.
        """
        actor = self._actors.get(hand.number)
        if actor is None:
            raise _Gone
        try:
            answer = actor.answer.remote(order)
            outcome: Outcome = await asyncio.wait_for(answer, order.pool.settings.job_timeout_s)
        except LOST:
            self._lose(hand)
            raise
        except RayError:
            # The worker lives, its answer did not make it: no reason to take another one.
            self._roster.is_done(hand, order.id, time.monotonic())
            raise
        self._roster.is_done(hand, order.id, time.monotonic())
        if outcome.error is not None:
            self._failures[type(outcome.error).__name__] += 1
        return outcome

    def _step(self) -> None:
        """Take steps until the book has none."""
        while (step := self._roster.next_step(time.monotonic())) is not None:
            match step:
                case Assign(ticket, hand):
                    running = self._running.get(ticket.id)
                    if running is None or running.turn.done():
                        hand.jobs.pop(ticket.id, None)
                        continue
                    running.hand = hand
                    running.turn.set_result(hand)
                case Spawn(hand):
                    self._spawn(hand)
                case Retire(hand):
                    self._chore(self._retire(hand))

    def _spawn(self, hand: Hand) -> None:
        spec = next(spec for spec in self._roster.pools() if spec.name == hand.pool)
        # Unique even where a dispatcher is restarted and counts from one again.
        name = f"{self._name} {spec.name} {hand.number}-{uuid.uuid4().hex[:4]}"
        me = ray.get_runtime_context().current_actor
        self._actors[hand.number] = (
            ray.remote(Worker)
            .options(
                name=name,
                num_cpus=spec.cpus,
                num_gpus=spec.gpus,
                # A dead worker is replaced from here, where its job is known.
                max_restarts=0,
                # Beside the jobs: signs of life, and cancelling.
                max_concurrency=spec.in_flight + 2,
                scheduling_strategy="SPREAD",
            )
            .remote(f"{spec.name} {hand.number}", spec, _Sender(me))
        )
        self._chore(self._welcome(hand, spec))

    async def _welcome(self, hand: Hand, spec: PoolSpec) -> None:
        """Wait until a worker has its model, then watch that it lives."""
        actor = self._actors[hand.number]
        try:
            # A machine may have to come first, which takes as long as it takes.
            await actor.ping.remote()
            self._roster.is_placed(hand)
            error = await asyncio.wait_for(actor.load.remote(), spec.settings.job_timeout_s)
        except (RayError, TimeoutError) as lost:
            self._lose(hand, f"as it loaded its model, {_reason(lost, spec)}")
            return
        if error is not None:
            self._roster.is_refused(hand, time.monotonic())
            self._kill(hand.number)
            self._give_up(spec.name, error)
            return
        if hand.number not in self._roster.hands:
            return
        self._roster.is_ready(hand, time.monotonic())
        self._step()
        while hand.number in self._roster.hands:
            await asyncio.sleep(min(PING_S, spec.settings.silence_s))
            if hand.number not in self._roster.hands:
                return
            try:
                await asyncio.wait_for(actor.ping.remote(), spec.settings.silence_s)
            except LOST:
                self._lose(hand)
                return

    def _lose(self, hand: Hand, when: str = "while idle or at work") -> None:
        """Take a worker that died, or must die, out of the book."""
        if hand.number not in self._roster.hands:
            return
        may_go_on = self._roster.is_lost(hand, time.monotonic())
        self._kill(hand.number)
        if not may_go_on:
            lost = self._roster.forgive(hand.pool)
            self._give_up(hand.pool, ModelError(f"{lost} workers of '{hand.pool}' died in a row, the last one {when}"))
        self._step()

    def _give_up(self, pool: str, error: Exception) -> None:
        """End all that waits for a pool that cannot have workers."""
        for ticket in self._roster.waiting(pool):
            self._roster.withdraw(ticket.id)
            running = self._running.get(ticket.id)
            if running is not None and not running.turn.done():
                running.turn.set_exception(_GivenUp(error))

    def _drop(self, id_: str) -> None:
        running = self._running.get(id_)
        if running is None or running.cancelled is not None:
            return
        running.cancelled = time.monotonic()
        if self._roster.withdraw(id_):
            if not running.turn.done():
                running.turn.set_exception(_GivenUp(JobCancelledError("the job was cancelled")))
        elif running.hand is not None and running.hand.number in self._actors:
            self._actors[running.hand.number].cancel.remote(id_)

    def _dismiss(self, hand: Hand) -> None:
        self._roster.hands.pop(hand.number, None)
        self._kill(hand.number)

    def _kill(self, number: int) -> None:
        actor = self._actors.pop(number, None)
        if actor is not None:
            with contextlib.suppress(RayError, ValueError):
                ray.kill(actor)

    async def _retire(self, hand: Hand) -> None:
        actor = self._actors.pop(hand.number)
        with contextlib.suppress(RayError, TimeoutError):
            await asyncio.wait_for(actor.close.remote(), GRACE_S)
        with contextlib.suppress(RayError, ValueError):
            ray.kill(actor)

    def _chore(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _tend(self) -> None:
        """Now and then: end what was cancelled and goes on, forget flows that are silent, go when nobody comes."""
        measured = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            if now - measured > MEASURE_S:
                measured = now
                # Should the cluster not answer, its size is what it was; whoever tends must not end.
                with contextlib.suppress(RayError):
                    self._measure()
            for running in list(self._running.values()):
                over = running.cancelled is not None and now - running.cancelled > GRACE_S
                if over and running.hand is not None:
                    # Not lost: a pool must not be given up because somebody cancelled a scene of many objects.
                    self._dismiss(running.hand)
            for driver, state in list(self._drivers.items()):
                if now - state.heard > self._farm.silence_s:
                    for running in [each for each in self._running.values() if each.order.driver == driver]:
                        self._drop(running.order.id)
                    del self._drivers[driver]
            self._step()
            if not self._drivers and not self._roster.hands:
                # Nobody has asked for long enough that all workers went: so does the book.
                ray.kill(ray.get_runtime_context().current_actor)


class _Gone(Exception):
    """A worker ended between being chosen and being asked."""


class _GivenUp(Exception):
    """There will be no worker; carries why."""


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends a worker's log lines to the dispatcher; a line that gets lost arrives with the outcome."""

    dispatcher: Any

    def __call__(self, line: Line) -> None:
        self.dispatcher.tell.remote(line)


def _reason(error: Exception, pool: PoolSpec) -> str:
    if isinstance(error, TimeoutError):
        return f"ended because it had no answer after {pool.settings.job_timeout_s:g} s"
    LOG.warning("a worker of %s is lost: %s", pool.name, error)
    if isinstance(error, OutOfMemoryError):
        return "ended by Ray because the machine ran out of memory"
    return f"whose process died ({type(error).__name__})"
