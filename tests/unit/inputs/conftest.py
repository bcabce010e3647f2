import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regen3d.inputs.image import Picture


@pytest.fixture
def refused() -> Callable[..., str]:
    """Calls, expects exactly one class of error, and checks that its message is one sentence with all the words."""

    def call(error: type[Exception], words: tuple[str, ...], function: Callable[..., Any], *arguments: Any) -> str:
        with pytest.raises(error) as caught:
            function(*arguments)
        message = str(caught.value)
        assert type(caught.value) is error
        assert "\n" not in message
        assert re.search(r"[.!?](\s|$)", message) is None, f"more than one sentence: {message}"
        assert ";" in message, f"does not say what to do: {message}"
        for word in words:
            assert word in message, f"{word!r} is not in: {message}"
        return message

    return call


@pytest.fixture
def picture() -> Picture:
    """A working picture of half the size given."""
    return Picture(pixels=np.zeros((120, 160, 3), np.uint8), given_wh=(320, 240))


@pytest.fixture
def write_json(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "given.json"
        path.write_text(text, encoding="utf-8")
        return path

    return write
