"""Two who want the same do it once; the dead hold nothing up."""

import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from regen3d.store import Store, claims
from regen3d.store.claims import held, once


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_many_at_once_make_it_once(store: Store) -> None:
    made: list[int] = []
    answers: list[dict | None] = []

    def make(k: int) -> dict:
        made.append(k)
        time.sleep(0.5)
        store.put_record("stages/x", {"by": k})
        return {"by": k}

    def ask(k: int) -> None:
        answers.append(once(store, "stages/x", lambda: store.get_record("stages/x"), lambda: make(k)))

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert answers == [{"by": made[0]}] * 8


def test_what_failed_is_tried_by_the_next(store: Store) -> None:
    def fail() -> dict:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        once(store, "work", lambda: None, fail)
    started = time.monotonic()
    assert once(store, "work", lambda: None, lambda: {"a": 1}) == {"a": 1}
    assert time.monotonic() - started < 5


HOLD = """
import sys, time
from regen3d.store import Store
from regen3d.store.claims import held, once
def make():
    print("held", flush=True)
    time.sleep(600)
once(Store(sys.argv[1]), "work", lambda: None, make)
"""


def test_a_killed_process_of_this_machine_holds_nothing_up(store: Store) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, store.uri], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert claims._take(store, "work") is None
    process.kill()
    process.wait()
    process.stdout.close()
    started = time.monotonic()
    assert once(store, "work", lambda: None, lambda: {"a": 1}) == {"a": 1}
    assert time.monotonic() - started < claims.TTL_S / 2


def test_a_claim_of_another_container_with_the_same_name_holds(store: Store) -> None:
    # Number 1 of another namespace of this machine says nothing of number 1 here, nor one that is not here of it.
    document = {
        "holder": "x",
        "host": platform.node(),
        "process": "b007.4026532000.999999.7",
        "until": time.time() + 60,
    }
    store.put_record("claims/work/0", document)
    assert claims._take(store, "work") is None


def test_a_silent_machine_holds_nothing_up_for_long(store: Store) -> None:
    document = {"holder": "x", "host": "another", "process": 1, "until": time.time() + 1.0}
    store.put_record("claims/work/0", document)
    assert claims._take(store, "work") is None
    time.sleep(1.1)
    claim = claims._take(store, "work")
    assert claim is not None
    assert claim.number == 1


def test_a_long_job_keeps_its_claim(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "TTL_S", 0.6)
    monkeypatch.setattr(claims, "RENEW_S", 0.1)
    monkeypatch.setattr(claims, "_RENEWER", claims._Renewer())
    seen: list[object] = []

    def make() -> dict:
        time.sleep(1.5)
        seen.append(claims._take(store, "work"))
        return {}

    once(store, "work", lambda: None, make)
    assert seen == [None]


def test_a_held_block_lets_one_in_after_the_other(store: Store) -> None:
    inside, most, order = 0, 0, list[int]()

    def change(k: int) -> None:
        nonlocal inside, most
        with held(store, "scene"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.2)
            order.append(k)
            inside -= 1

    threads = [threading.Thread(target=change, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert sorted(order) == [0, 1, 2, 3]


def test_a_held_block_that_fails_is_left(store: Store) -> None:
    with pytest.raises(ValueError, match="no"), held(store, "scene"):
        raise ValueError("no")
    started = time.monotonic()
    with held(store, "scene"):
        assert claims._take(store, "scene") is None
    assert time.monotonic() - started < claims.TTL_S / 2
