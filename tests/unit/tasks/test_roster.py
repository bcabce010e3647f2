"""The farm's book: capacity is never exceeded, no job is lost, and everything ends."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.execution.roster import Assign, Hand, Retire, Roster, Spawn, Ticket
from tasks.execution.settings import FarmSettings, PoolSettings, PoolSpec


def spec(name: str, cpus: float = 1.0, gpus: float = 0.0, in_flight: int = 1, **settings: object) -> PoolSpec:
    return PoolSpec(
        name=name,
        adapter=None,
        options=(),
        cpus=cpus,
        gpus=gpus,
        in_flight=in_flight,
        settings=PoolSettings(**settings),
    )


def ticket(id_: str, pool: str, **facts: object) -> Ticket:
    return Ticket(id=id_, pool=pool, **{"since": 0.0, **facts})


def steps(roster: Roster, now: float = 0.0) -> list:
    """All steps up to rest; workers are ready at once."""
    taken = []
    while (step := roster.next_step(now)) is not None:
        taken.append(step)
        if isinstance(step, Spawn):
            roster.is_ready(step.hand, now)
    return taken


def book(*specs: PoolSpec, cpus: float = 4.0, gpus: float = 2.0, **farm: object) -> Roster:
    roster = Roster(FarmSettings(**farm), cpus, gpus)
    for each in specs:
        roster.add_pool(each)
    return roster


def held(roster: Roster) -> tuple[float, float]:
    specs = {each.name: each for each in roster.pools()}
    return (
        sum(specs[hand.pool].cpus for hand in roster.hands.values()),
        sum(specs[hand.pool].gpus for hand in roster.hands.values()),
    )


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_happens_capacity_holds_and_every_job_ends(data: st.DataObject) -> None:
    pools = [
        spec("a", gpus=1.0, in_flight=2, recycle_after=3),
        spec("b", gpus=0.5, in_flight=2),
        spec("c", cpus=1.0, min_size=1),
    ]
    roster = book(*pools, cpus=4.0, gpus=2.0, patience_s=5.0)
    todo = {f"job-{k}": data.draw(st.sampled_from("abc")) for k in range(data.draw(st.integers(1, 25)))}
    for name, pool in todo.items():
        roster.enqueue(ticket(name, pool))
    ended: list[str] = []
    now, deaths = 0.0, 0
    for _ in range(600):
        if len(ended) == len(todo):
            break
        now += 1.0
        for step in steps(roster, now):
            if isinstance(step, Assign):
                assert step.ticket.pool == step.hand.pool
                assert len(step.hand.jobs) <= 2
            if isinstance(step, Retire):
                assert not step.hand.jobs
        cpus, gpus = held(roster)
        assert cpus <= 4.0
        assert gpus <= 2.0
        busy = [hand for hand in roster.hands.values() if hand.jobs]
        if busy:
            hand = data.draw(st.sampled_from(busy))
            if deaths < 4 and data.draw(st.integers(0, 5)) == 0:
                deaths += 1
                jobs = list(hand.jobs.values())
                roster.is_lost(hand, now)
                for each in jobs:
                    roster.enqueue(replace(each, alone=True))
            else:
                name = data.draw(st.sampled_from(sorted(hand.jobs)))
                roster.is_done(hand, name, now)
                ended.append(name)
    assert sorted(ended) == sorted(todo)


def test_a_second_job_reads_ahead_only_while_more_wait_than_there_are_workers() -> None:
    roster = book(spec("a", gpus=1.0, in_flight=2), gpus=2.0)
    for k in range(6):
        roster.enqueue(ticket(f"job-{k}", "a"))
    steps(roster)
    assert sorted(len(hand.jobs) for hand in roster.of("a")) == [2, 2]
    tail = book(spec("a", gpus=1.0, in_flight=2), gpus=2.0)
    for k in range(3):
        tail.enqueue(ticket(f"job-{k}", "a"))
    steps(tail)
    assert sorted(len(hand.jobs) for hand in tail.of("a")) == [1, 1]


def test_greater_priority_comes_first_then_who_came_first() -> None:
    roster = book(spec("a"), cpus=1.0)
    for name, priority in (("library-1", -1), ("artist-1", 0), ("library-2", -1), ("artist-2", 0)):
        roster.enqueue(ticket(name, "a", priority=priority))
    order = []
    while len(order) < 4:
        (given_,) = [step for step in steps(roster) if isinstance(step, Assign)]
        order.append(given_.ticket.id)
        roster.is_done(given_.hand, given_.ticket.id, 0.0)
    assert order == ["artist-1", "artist-2", "library-1", "library-2"]


def test_an_idle_worker_of_another_model_makes_room() -> None:
    roster = book(spec("a", gpus=1.0), spec("b", gpus=1.0), gpus=1.0)
    roster.enqueue(ticket("one", "a"))
    steps(roster)
    (hand,) = roster.of("a")
    roster.enqueue(ticket("two", "b"))
    assert steps(roster) == []
    roster.is_done(hand, "one", 1.0)
    kinds = [type(step) for step in steps(roster, 1.0)]
    assert kinds == [Retire, Spawn, Assign]


def test_a_job_that_waits_too_long_gets_the_next_free_worker_of_a_busy_pool() -> None:
    roster = book(spec("a", gpus=1.0), spec("b", gpus=1.0), gpus=1.0, patience_s=10.0)
    for k in range(3):
        roster.enqueue(ticket(f"a-{k}", "a"))
    roster.enqueue(ticket("b-0", "b"))
    steps(roster)
    steps(roster, 11.0)
    (hand,) = roster.of("a")
    assert hand.state == "leaving"
    roster.is_done(hand, "a-0", 12.0)
    assigned = [step.ticket.id for step in steps(roster, 12.0) if isinstance(step, Assign)]
    assert assigned == ["b-0"]


def run_on(roster: Roster, until: float) -> list[tuple[float, str]]:
    """Let every worker finish its jobs in turn, one second each, and say which job was given when."""
    given_, now = [], 0.0
    while now < until:
        given_ += [(now, step.ticket.id) for step in steps(roster, now) if isinstance(step, Assign)]
        now += 1.0
        # Of those at work the ones that have been so for longest end first, never two at once.
        busy = [hand for hand in roster.hands.values() if hand.jobs]
        if busy:
            hand = min(busy, key=lambda hand: hand.idle_since)
            roster.is_done(hand, next(iter(hand.jobs)), now)
    return given_


@pytest.mark.parametrize("large", [{"gpus": 2.0}, {"cpus": 4.0}], ids=["both GPUs", "all cores"])
def test_who_needs_the_room_of_several_workers_gets_it_though_their_queues_never_end(large: dict) -> None:
    small = [spec("a", gpus=0.5), spec("b", gpus=0.5)]
    roster = book(*small, spec("large", **large), patience_s=10.0)
    for k in range(200):
        for pool in ("a", "b"):
            roster.enqueue(ticket(f"{pool}-{k}", pool))
    roster.enqueue(ticket("large-0", "large"))
    given_ = {name: when for when, name in run_on(roster, 60.0)}
    assert given_["large-0"] < 30.0
    # All the others go on.
    assert max(given_.values()) > 50.0


def test_a_worker_that_leaves_elsewhere_does_not_keep_others_waiting() -> None:
    roster = book(spec("a", gpus=1.0), spec("b"), spec("c", gpus=1.0), cpus=4.0, gpus=1.0, patience_s=10.0)
    for name in ("a-0", "a-1", "b-0"):
        roster.enqueue(ticket(name, name[0]))
    steps(roster)
    (recycled,) = roster.of("b")
    # It works at its last job for an hour, and gives no GPU.
    recycled.state = "leaving"
    roster.enqueue(ticket("c-0", "c"))
    steps(roster, 11.0)
    assert [hand.state for hand in roster.of("a")] == ["leaving"]


def test_who_wants_a_core_takes_no_gpu_from_a_model() -> None:
    roster = book(spec("a", gpus=1.0), spec("b"), spec("c"), cpus=2.0, gpus=1.0, patience_s=10.0)
    for name in ("a-0", "b-0", "a-1", "b-1"):
        roster.enqueue(ticket(name, name[0]))
    steps(roster)
    roster.enqueue(ticket("c-0", "c"))
    steps(roster, 11.0)
    assert {hand.pool: hand.state for hand in roster.hands.values()} == {"a": "ready", "b": "leaving"}


def test_workers_grow_with_the_queue_up_to_the_most_and_go_when_idle() -> None:
    roster = book(spec("a", max_size=3, min_size=1, idle_s=30.0), cpus=8.0)
    steps(roster)
    assert len(roster.of("a")) == 1
    for k in range(9):
        roster.enqueue(ticket(f"job-{k}", "a"))
    steps(roster)
    assert len(roster.of("a")) == 3
    while any(hand.jobs for hand in roster.of("a")):
        hand = next(hand for hand in roster.of("a") if hand.jobs)
        roster.is_done(hand, next(iter(hand.jobs)), 1.0)
        steps(roster, 1.0)
    steps(roster, 60.0)
    assert len(roster.of("a")) == 1


def test_a_pool_that_loses_worker_after_worker_gives_up_and_pauses_before() -> None:
    roster = book(spec("a", max_restarts=2))
    roster.enqueue(ticket("job", "a"))
    now, verdicts = 0.0, []
    for _ in range(3):
        step = roster.next_step(now)
        assert isinstance(step, Spawn)
        verdicts.append(roster.is_lost(step.hand, now))
        assert roster.next_step(now + 0.1) is None
        now += 60.0
    assert verdicts == [True, True, False]


def test_a_worker_that_cannot_load_its_model_is_not_started_again_and_again_for_nobody() -> None:
    roster = book(spec("a", min_size=1))
    first = roster.next_step(0.0)
    assert isinstance(first, Spawn)
    roster.is_refused(first.hand, 0.0)
    assert roster.next_step(0.5) is None
    roster.enqueue(ticket("job", "a"))
    asked = roster.next_step(1.0)
    assert isinstance(asked, Spawn)
    roster.is_refused(asked.hand, 1.0)
    roster.withdraw("job")
    assert roster.next_step(1.5) is None
    assert isinstance(roster.next_step(60.0), Spawn)


def test_a_suspect_gets_a_worker_for_itself() -> None:
    roster = book(spec("a", gpus=1.0, in_flight=2), gpus=1.0)
    roster.enqueue(ticket("suspect", "a", alone=True))
    for k in range(4):
        roster.enqueue(ticket(f"job-{k}", "a"))
    steps(roster)
    (hand,) = roster.of("a")
    assert list(hand.jobs) == ["suspect"]
    roster.is_done(hand, "suspect", 0.0)
    steps(roster)
    assert len(hand.jobs) == 2


def test_what_can_never_run_is_said_at_once_unless_machines_come_on_demand() -> None:
    large = spec("a", gpus=4.0)
    assert "4 GPUs, the Ray cluster has 4 and 2" in str(book().impossible(large))
    assert book(elastic=True).impossible(large) is None


def waiting_machines(**large: object) -> Roster:
    """A book whose large pool waits for a machine that does not come, while a small one has work."""
    roster = book(spec("large", gpus=8.0, **large), spec("small"), elastic=True, patience_s=10.0)
    roster.enqueue(ticket("large-0", "large"))
    for now in (0.0, 20.0):
        while (step := roster.next_step(now)) is not None:
            assert isinstance(step, Spawn)
    return roster


@pytest.mark.parametrize("large", [{}, {"max_size": 2}], ids=["as many as fit", "on demand"])
def test_a_machine_that_never_comes_keeps_no_other_pool_waiting(large: dict) -> None:
    roster = waiting_machines(**large)
    # It was asked for, once: else no machine would ever come.
    assert [hand.placed for hand in roster.of("large")] == [False]
    roster.enqueue(ticket("small-0", "small"))
    taken = [step for step in steps(roster, 21.0) if isinstance(step, Assign)]
    assert [step.ticket.id for step in taken] == ["small-0"]


def test_a_machine_that_comes_is_held_and_one_that_nobody_wants_is_called_off() -> None:
    roster = waiting_machines()
    (hand,) = roster.of("large")
    roster.gpus = 8.0
    roster.is_placed(hand)
    roster.add_pool(spec("other", gpus=1.0))
    roster.enqueue(ticket("other-0", "other"))
    assert roster.next_step(21.0) is None
    roster = waiting_machines()
    assert roster.next_step(10_000.0) is None
    roster.withdraw("large-0")
    assert isinstance(roster.next_step(10_000.0), Retire)


def test_a_withdrawn_job_never_runs() -> None:
    roster = book(spec("a"))
    roster.enqueue(ticket("job", "a"))
    assert roster.withdraw("job")
    assert not roster.withdraw("job")
    assert [type(step) for step in steps(roster)] == []


@pytest.mark.parametrize("state", ["starting", "leaving"])
def test_only_ready_workers_get_jobs(state: str) -> None:
    roster = book(spec("a", max_size=1))
    roster.enqueue(ticket("job", "a"))
    step = roster.next_step(0.0)
    assert isinstance(step, Spawn)
    hand: Hand = step.hand
    hand.state = state
    assert not isinstance(roster.next_step(0.0), Assign)
