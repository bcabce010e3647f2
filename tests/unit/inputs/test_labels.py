from collections.abc import Callable

import pytest

from regen3d.errors import ConfigError
from regen3d.inputs.labels import parse_labels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chair", ("chair",)),
        ("chair, dining table", ("chair", "dining table")),
        (" Chair ,,CHAIR,  dining   table ,", ("chair", "dining table")),
        ("coffee_table, l-shaped sofa, child's bed", ("coffee table", "l-shaped sofa", "child's bed")),
        ("stół, 椅子, 2 seater", ("stół", "椅子", "2 seater")),
    ],
)
def test_labels_are_cleaned(text: str, expected: tuple[str, ...]) -> None:
    assert parse_labels(text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        (" , ", "empty"),
        ("chair; table", "chair; table"),
        ("../chair", "characters"),
        ("chair\0", "characters"),
        ("-chair", "characters"),
        ("a" * 61, "61"),
        (",".join(f"thing {i}" for i in range(101)), "101"),
    ],
)
def test_bad_labels_are_refused(text: str, word: str, refused: Callable[..., str]) -> None:
    refused(ConfigError, ("--labels", word), parse_labels, text)
