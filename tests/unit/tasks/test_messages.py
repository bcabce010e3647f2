"""What a worker's log tells those who wait for its job."""

import logging

import pytest

from tasks.execution.messages import Ears, Line


@pytest.fixture
def ears() -> Ears:
    return Ears("cores 1", lambda _: None)


def test_a_traceback_travels_with_its_line(ears: Ears) -> None:
    log = logging.Logger("regen3d.test")
    log.addHandler(ears)

    def stumble() -> None:
        raise KeyError("chair-1")

    with ears.following("job") as lines:
        try:
            stumble()
        except KeyError as error:
            log.warning("the format %s was not written", "obj", exc_info=error)
    (line,) = lines
    assert isinstance(line, Line)
    assert line.text.startswith("[cores 1] the format obj was not written\nTraceback")
    assert "in stumble" in line.text
    assert line.text.endswith("KeyError: 'chair-1'")
