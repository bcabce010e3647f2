from collections.abc import Callable

import pytest

from regen3d.errors import ConfigError
from regen3d.inputs.length import KnownLength, check_measured, parse_length


def test_a_length_is_read() -> None:
    assert parse_length("coffee-table-2:height=0.45") == KnownLength(
        name="coffee-table-2", dimension="height", metres=0.45
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("0.74", "NAME:DIMENSION=METRES"),
        ("table-1=0.74", "NAME:DIMENSION=METRES"),
        (":height=0.74", "NAME:DIMENSION=METRES"),
        ("../etc:height=0.74", "NAME:DIMENSION=METRES"),
        ("table-1:length=0.74", "width, height, depth"),
        ("table-1:height=", "0.05 to 10"),
        ("table-1:height=74cm", "0.05 to 10"),
        ("table-1:height=74", "0.05 to 10"),
        ("table-1:height=-0.74", "0.05 to 10"),
        ("table-1:height=nan", "0.05 to 10"),
    ],
)
def test_what_is_no_length_is_refused(text: str, word: str, refused: Callable[..., str]) -> None:
    refused(ConfigError, ("--scale", word), parse_length, text)


def test_the_length_of_no_object_is_refused(refused: Callable[..., str]) -> None:
    length = parse_length("table-2:height=0.74")
    check_measured(length, ["table-1", "table-2"])
    refused(ConfigError, ("table-2", "table-1, chair-1"), check_measured, length, ["table-1", "chair-1"])
