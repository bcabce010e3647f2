"""Who works on what: queues, workers and capacity, and which step comes next.

Plain bookkeeping without a clock, a network or a process: the dispatcher asks for the next step, takes it, and asks
again. Jobs are bound to workers as late as possible; a second job goes to a busy worker, where it reads while the first
has the GPU, only while more jobs wait than there are workers, so that none idles at the end.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from tasks.execution.settings import FarmSettings, PoolSpec

UNASKED_PAUSE_S = 30.0
"""Pause of workers that are kept without work (`min_size`) after one that could not load its model."""


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A job in the queue."""

    id: str
    """Unique."""
    pool: str
    """Who may take it."""
    priority: int = 0
    """Greater comes first."""
    since: float
    """When it came."""
    alone: bool = False
    """Whether it gets a worker for itself, because its worker died and it may have been the reason."""


@dataclass(slots=True, kw_only=True)
class Hand:
    """A worker."""

    number: int
    """Unique."""
    pool: str
    """Its pool."""
    state: Literal["starting", "ready", "leaving"] = "starting"
    """`leaving` takes no further jobs."""
    placed: bool = True
    """Whether it holds its share of a machine; not while the machine still has to come."""
    jobs: dict[str, Ticket] = field(default_factory=dict)
    """What it has, by id."""
    done: int = 0
    """Jobs that it finished."""
    idle_since: float
    """When it last had something to do."""


@dataclass(slots=True)
class _Pool:
    spec: PoolSpec
    queue: list[tuple[int, int, Ticket]] = field(default_factory=list)
    lost: int = 0
    not_before: float = 0.0
    unasked_from: float = 0.0
    had: float = -1.0


@dataclass(frozen=True, slots=True)
class Assign:
    """Give a job to a worker; it is booked already."""

    ticket: Ticket
    """The job."""
    hand: Hand
    """The worker."""


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a worker; it is booked already."""

    hand: Hand
    """The worker."""


@dataclass(frozen=True, slots=True)
class Retire:
    """End a worker, which has no jobs; it is out of the book already."""

    hand: Hand
    """The worker."""


Step = Assign | Spawn | Retire
"""What may be next."""


class Roster:
    """The book of one cluster."""

    def __init__(self, farm: FarmSettings, cpus: float, gpus: float) -> None:
        """Open a book.

        Args:
            farm: settings.
            cpus: cores of the cluster.
            gpus: its GPUs.
        """
        self.farm = farm
        self.cpus, self.gpus = cpus, gpus
        self.hands: dict[int, Hand] = {}
        self._pools: dict[str, _Pool] = {}
        self._numbers, self._arrivals = itertools.count(1), itertools.count()

    def add_pool(self, spec: PoolSpec) -> None:
        """Make a pool known; nothing happens where it is."""
        self._pools.setdefault(spec.name, _Pool(spec))

    def impossible(self, spec: PoolSpec) -> str | None:
        """Why a pool can never have a worker on this cluster, if so."""
        if self.farm.elastic or self._could_fit(spec):
            return None
        return (
            f"a worker of '{spec.name}' needs {spec.cpus:g} CPUs and {spec.gpus:g} GPUs, "
            f"the Ray cluster has {self.cpus:g} and {self.gpus:g}"
        )

    def enqueue(self, ticket: Ticket) -> None:
        """Put a job in its queue."""
        heapq.heappush(self._pools[ticket.pool].queue, (-ticket.priority, next(self._arrivals), ticket))

    def withdraw(self, id_: str) -> bool:
        """Take a job out of its queue; whether it was in one."""
        for pool in self._pools.values():
            kept = [item for item in pool.queue if item[2].id != id_]
            if len(kept) < len(pool.queue):
                heapq.heapify(kept)
                pool.queue = kept
                return True
        return False

    def waiting(self, pool: str) -> list[Ticket]:
        """Jobs in a pool's queue, the next first."""
        return [ticket for _, _, ticket in sorted(self._pools[pool].queue, key=lambda item: item[:2])]

    def pools(self) -> Iterator[PoolSpec]:
        """Every pool."""
        return (pool.spec for pool in self._pools.values())

    def of(self, pool: str) -> list[Hand]:
        """Workers of a pool."""
        return [hand for hand in self.hands.values() if hand.pool == pool]

    def is_placed(self, hand: Hand) -> None:
        """A worker has a machine, and begins to load its model."""
        hand.placed = True

    def is_ready(self, hand: Hand, now: float) -> None:
        """A worker has loaded its model."""
        hand.state, hand.placed, hand.idle_since = "ready", True, now

    def is_done(self, hand: Hand, id_: str, now: float) -> None:
        """A worker has answered a job."""
        hand.jobs.pop(id_, None)
        hand.done += 1
        hand.idle_since = now
        pool = self._pools[hand.pool]
        pool.lost = 0
        if hand.done >= pool.spec.settings.recycle_after:
            hand.state = "leaving"

    def is_lost(self, hand: Hand, now: float) -> bool:
        """A worker is gone; whether its pool may start another one."""
        self.hands.pop(hand.number, None)
        pool = self._pools[hand.pool]
        pool.lost += 1
        # A pause that doubles: a model that kills every worker as it loads must not keep the cluster busy.
        pool.not_before = now + min(0.5 * 2**pool.lost, 30.0)
        return pool.lost <= pool.spec.settings.max_restarts

    def is_refused(self, hand: Hand, now: float) -> None:
        """A worker could not load its model, for want of weights say; whoever asks next may try again at once."""
        self.hands.pop(hand.number, None)
        self._pools[hand.pool].unasked_from = now + UNASKED_PAUSE_S

    def forgive(self, pool: str) -> int:
        """Let a pool that gave up try again for jobs that come later; how many workers it had lost in a row."""
        lost, self._pools[pool].lost = self._pools[pool].lost, 0
        return lost

    def next_step(self, now: float) -> Step | None:
        """The next thing to do, entered in the book; None where all is as it should be."""
        return (
            self._assign(now, self._empty_hand)
            or self._clear(now)
            or self._grow(now)
            or self._assign(now, self._shared_hand)
            or self._shrink(now)
        )

    def _assign(self, now: float, find: Callable[[_Pool, Ticket], Hand | None]) -> Assign | None:
        for pool in self._pools.values():
            if not pool.queue:
                continue
            ticket = min(pool.queue, key=lambda item: item[:2])[2]
            hand = find(pool, ticket)
            if hand is not None:
                heapq.heappop(pool.queue)
                hand.jobs[ticket.id] = ticket
                hand.idle_since = now
                return Assign(ticket, hand)
        return None

    def _empty_hand(self, pool: _Pool, _: Ticket) -> Hand | None:
        ready = [hand for hand in self.of(pool.spec.name) if hand.state == "ready"]
        return max((hand for hand in ready if not hand.jobs), key=lambda hand: hand.idle_since, default=None)

    def _shared_hand(self, pool: _Pool, ticket: Ticket) -> Hand | None:
        hands = self.of(pool.spec.name)
        if ticket.alone or len(pool.queue) < len(hands):
            return None
        shared = [
            hand
            for hand in hands
            if hand.state == "ready"
            and len(hand.jobs) < pool.spec.in_flight
            and not any(item.alone for item in hand.jobs.values())
        ]
        return min(shared, key=lambda hand: len(hand.jobs), default=None)

    def _clear(self, now: float) -> Retire | None:
        for hand in self.hands.values():
            if hand.state == "leaving" and not hand.jobs:
                return self._retire(hand, now)
        return None

    def _retire(self, hand: Hand, now: float) -> Retire:
        del self.hands[hand.number]
        self._pools[hand.pool].had = now
        return Retire(hand)

    def _grow(self, now: float) -> Step | None:
        short = [pool for pool in self._pools.values() if self._is_short(pool, now)]
        reserved: list[PoolSpec] = []
        # Who has no worker at all comes first, then who had none for longest, then who waits longest.
        for pool in sorted(short, key=lambda pool: (bool(self.of(pool.spec.name)), pool.had, _oldest(pool, now))):
            step = self._room_for(pool, now, reserved)
            if step is not None:
                return step
            if self._is_starved(pool, now):
                self._ask_to_leave(pool.spec)
                reserved.append(pool.spec)
        return None

    def _is_starved(self, pool: _Pool, now: float) -> bool:
        late = now - _oldest(pool, now) > self.farm.patience_s
        # What no worker that leaves could make room for holds nobody else up.
        return late and not self.of(pool.spec.name) and self._could_fit(pool.spec)

    def _is_short(self, pool: _Pool, now: float) -> bool:
        hands = self.of(pool.spec.name)
        most = pool.spec.settings.max_size
        if now < pool.not_before or (most is not None and len(hands) >= most):
            return False
        unasked = sum(1 for hand in hands if hand.state == "starting" or not hand.jobs)
        kept = pool.spec.settings.min_size if now >= pool.unasked_from else 0
        return len(pool.queue) > unasked or len(hands) < kept

    def _room_for(self, pool: _Pool, now: float, reserved: list[PoolSpec]) -> Step | None:
        """A worker more, or an idle one less; what comes free for those who starve is not for others."""
        spec, elastic = pool.spec, self._may_ask(pool)
        if reserved and not elastic and not self._fit([spec, *reserved], self._leaving()):
            return None
        fits = self._fit([spec], [])
        if fits or elastic:
            hand = Hand(number=next(self._numbers), pool=spec.name, placed=fits, idle_since=now)
            self.hands[hand.number] = hand
            return Spawn(hand)
        if not pool.queue:
            return None
        given: list[Hand] = []
        for hand in sorted(self._idle(spec.name), key=lambda hand: hand.idle_since):
            given.append(hand)
            if self._fit([spec], given):
                # Without this one it did not fit: it must go, the others perhaps need not.
                return self._retire(hand, now)
        return None

    def _may_ask(self, pool: _Pool) -> bool:
        """Whether it may ask for a machine that has to come: up to its size, or once where none is large enough."""
        if not self.farm.elastic:
            return False
        return pool.spec.settings.max_size is not None or not (self.of(pool.spec.name) or self._could_fit(pool.spec))

    def _could_fit(self, spec: PoolSpec) -> bool:
        """Whether the cluster, as it is, has what a worker needs."""
        return spec.cpus <= self.cpus and spec.gpus <= self.gpus

    def _idle(self, pool: str) -> list[Hand]:
        others = [hand for hand in self.hands.values() if hand.pool != pool and hand.state == "ready" and not hand.jobs]
        # What its own queue will take in the next step is not idle.
        others = [hand for hand in others if not self._pools[hand.pool].queue]
        return [hand for hand in others if len(self.of(hand.pool)) > self._pools[hand.pool].spec.settings.min_size]

    def _leaving(self) -> list[Hand]:
        return [hand for hand in self.hands.values() if hand.state == "leaving"]

    def _ask_to_leave(self, spec: PoolSpec) -> None:
        """Let go as few busy workers as make room, together with those that leave already."""
        leaving = self._leaving()

        def cost(hand: Hand) -> tuple[bool, float, float]:
            other = self._pools[hand.pool].spec
            # No model shall lose its GPU to who wants cores alone; large ones first, so that few have to go.
            return (bool(other.gpus) and not spec.gpus, -other.gpus, -other.cpus)

        others = [hand for hand in self.hands.values() if hand.state == "ready" and hand.pool != spec.name]
        chosen: list[Hand] = []
        for hand in sorted(others, key=cost):
            if self._fit([spec], [*leaving, *chosen]):
                break
            chosen.append(hand)
        if not self._fit([spec], [*leaving, *chosen]):
            # Some are still starting: they are asked when they are ready.
            return
        for hand in list(chosen):
            rest = [other for other in chosen if other is not hand]
            if self._fit([spec], [*leaving, *rest]):
                chosen = rest
        for hand in chosen:
            hand.state = "leaving"

    def _fit(self, specs: list[PoolSpec], without: list[Hand]) -> bool:
        """Whether a worker of each fits beside all others but some."""
        gone = {hand.number for hand in without}
        there = (hand for hand in self.hands.values() if hand.placed and hand.number not in gone)
        held = [self._pools[hand.pool].spec for hand in there] + specs
        # A hair of slack: shares are decimal numbers.
        return (
            sum(spec.cpus for spec in held) <= self.cpus + 1e-6 and sum(spec.gpus for spec in held) <= self.gpus + 1e-6
        )

    def _shrink(self, now: float) -> Retire | None:
        for hand in self.hands.values():
            settings = self._pools[hand.pool].spec.settings
            over = len(self.of(hand.pool)) > settings.min_size
            # A machine that has not come by when nobody wants it any more is not waited for.
            unwanted = hand.state == "ready" or not (hand.placed or self._pools[hand.pool].queue)
            if unwanted and not hand.jobs and over and now - hand.idle_since > settings.idle_s:
                return self._retire(hand, now)
        return None


def _oldest(pool: _Pool, now: float) -> float:
    return min((ticket.since for _, _, ticket in pool.queue), default=now)
