"""What an interruption calls off."""

import pytest

from regen3d.config import Execution
from tasks.execution.executor import cancelling


def test_an_interruption_before_anything_ran_starts_no_cluster() -> None:
    with pytest.raises(KeyboardInterrupt), cancelling(Execution(name="ray", address="ray://127.0.0.1:1")):
        raise KeyboardInterrupt
