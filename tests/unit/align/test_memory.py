"""How much memory alignment takes."""

import pytest

from regen3d.align.memory import CPU_MB, MOST_MB, card_memory_mb, working_memory_mb
from regen3d.align.settings import AlignSettings


def test_what_is_set_is_taken_and_a_cpu_takes_little():
    assert working_memory_mb(AlignSettings(memory_mb=100)) == 100
    assert working_memory_mb(AlignSettings(memory_mb=100, device="cuda")) == 100
    assert working_memory_mb(AlignSettings()) == CPU_MB


@pytest.mark.parametrize(("free_gb", "expected_mb"), [(0.5, CPU_MB), (8.0, 2000), (16.0, 4000), (80.0, MOST_MB)])
def test_a_card_gives_a_share_of_what_is_free_within_bounds(free_gb, expected_mb):
    assert card_memory_mb(int(free_gb * 1e9)) == expected_mb
