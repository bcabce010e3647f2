"""Who is at work on what: claims in a store, so that two who want the same do it once.

A claim is a chain of records `claims/KEY/0`, `1`, ...: whoever creates the next number holds it. It lives as long as
its holder says so in time; a dead one is passed by creating the next. Records are only created or, by their own holder,
replaced, so no lock is needed, on a file system as on S3. A claim saves work, and keeps changes apart as long as its
holder reaches the store: one that could not say for longer than `TTL_S` that it lives is passed by.
"""

import contextlib
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from regen3d.errors import Regen3dError
from regen3d.processes import is_gone, mark_of
from regen3d.store.store import Store

TTL_S = 30.0
"""A claim that was not renewed for so long is dead; clocks of a farm agree to seconds."""

RENEW_S = TTL_S / 3
"""How often a holder shows that it lives."""

LOOK_S, LONGEST_LOOK_S = 0.2, 3.0
"""Pauses of those who wait for another's work; they grow from the first to the longest."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One link of the chain, held by this process."""

    store: Store
    """Where."""
    key: str
    """On what."""
    number: int
    """Which link."""
    holder: str
    """Unique."""

    @property
    def record(self) -> str:
        """Key of its record."""
        return f"claims/{self.key}/{self.number}"

    def document(self, seconds: float) -> dict[str, str | float]:
        """What is written: who, on which machine, in which process, until when."""
        return {
            "holder": self.holder,
            "host": platform.node(),
            "process": mark_of(os.getpid()),
            "until": time.time() + seconds,
        }


def once(store: Store, key: str, find: Callable[[], Answer | None], make: Callable[[], Answer]) -> Answer:
    """What another makes already, or is about to make; what this call makes where nobody is at it.

    Args:
        store: where claims are.
        key: names the work; the part of a record key.
        find: looks for the finished work.
        make: does the work.
    """
    pause = LOOK_S
    while True:
        claim = _take(store, key)
        if claim is not None:
            with _alive(claim):
                # Somebody may have finished between the last look and the claim.
                return find() or make()
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_LOOK_S)
        found = find()
        if found is not None:
            return found


@contextlib.contextmanager
def held(store: Store, key: str) -> Iterator[None]:
    """Let nobody else into a block with the same key; wait until whoever is in one has left it, or has died.

    Args:
        store: where claims are.
        key: names what is changed in the block; the part of a record key.
    """
    pause = LOOK_S
    while (claim := _take(store, key)) is None:
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_LOOK_S)
    with _alive(claim):
        yield


def _take(store: Store, key: str) -> Claim | None:
    """The claim, if nobody alive holds it."""
    number = 0
    while True:
        claim = Claim(store=store, key=key, number=number, holder=uuid.uuid4().hex)
        held = store.get_record(claim.record)
        if held is None:
            return claim if store.create_record(claim.record, claim.document(TTL_S)) else None
        if _is_alive(held):
            return None
        number += 1


def _is_alive(document: dict[str, object]) -> bool:
    until, process = document.get("until"), document.get("process")
    if not isinstance(until, int | float) or until < time.time():
        return False
    # A process of this machine that is gone will not come back within its time.
    return not (isinstance(process, str) and is_gone(process))


@contextlib.contextmanager
def _alive(claim: Claim) -> Iterator[None]:
    """Renew a claim inside the block, and give it up after it."""
    _RENEWER.add(claim)
    try:
        yield
    finally:
        _RENEWER.discard(claim)
        # Nobody waits longer than for the claim's time.
        with contextlib.suppress(Regen3dError):
            claim.store.put_record(claim.record, claim.document(-1.0))


class _Renewer:
    """One thread that renews all claims of this process."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, claim: Claim) -> None:
        with self._lock:
            self._claims[claim.holder] = claim
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="regen3d-claims", daemon=True)
                self._thread.start()

    def discard(self, claim: Claim) -> None:
        with self._lock:
            self._claims.pop(claim.holder, None)

    def _renew(self) -> None:
        while True:
            time.sleep(RENEW_S)
            with self._lock:
                claims = list(self._claims.values())
            for claim in claims:
                # Another try comes before the claim's time is over; a key that is refused once may be renewed by then.
                with contextlib.suppress(Regen3dError):
                    if claim.holder in self._claims:
                        claim.store.put_record(claim.record, claim.document(TTL_S))


_RENEWER = _Renewer()
