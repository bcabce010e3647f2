"""Laws hold beside threads that earlier tests left in the process, such as those of Prefect, which draw jitter."""

import random
from collections.abc import Iterator
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def jitter() -> Iterator[None]:
    """A thread that draws from the process's random numbers all the time."""
    ended = Event()

    def draw() -> None:
        while not ended.wait(1e-4):
            random.random()

    thread = Thread(target=draw)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.mark.usefixtures("jitter")
def test_examples_are_drawn_beside_a_thread_that_draws() -> None:
    @given(st.lists(st.integers(), min_size=20))
    def law(numbers: list[int]) -> None:
        assert sum(numbers) == sum(reversed(numbers))

    law()
