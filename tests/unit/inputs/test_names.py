import pytest
from hypothesis import given
from hypothesis import strategies as st

from regen3d.inputs.names import instance_name, instance_names, is_safe_name, slug


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("chair", "chair"),
        ("Coffee Table", "coffee-table"),
        ("nightstand_l", "nightstand-l"),
        ("  café -- table!", "cafe-table"),
        ("../../etc/passwd", "etc-passwd"),
        ("椅子", "object"),
        ("", "object"),
        ("CON", "object"),
    ],
)
def test_slug(label: str, expected: str) -> None:
    assert slug(label) == expected


@given(st.text(max_size=200))
def test_slugs_are_safe_and_stable(label: str) -> None:
    assert is_safe_name(slug(label))
    assert slug(slug(label)) == slug(label)


@given(st.text(max_size=200), st.integers(1, 999_999_999))
def test_instance_names_are_safe(label: str, n: int) -> None:
    assert is_safe_name(instance_name(label, n))


@given(st.lists(st.one_of(st.sampled_from(["chair", "Chair", "chair 1", "chair-1", "椅子"]), st.text(max_size=70))))
def test_names_of_a_scene_are_unique_and_in_order(labels: list[str]) -> None:
    names = instance_names(labels)
    assert len(set(names)) == len(labels)
    assert [name.rsplit("-", 1)[0] for name in names] == [slug(label) for label in labels]


def test_numbers_count_from_one_for_each_label() -> None:
    assert instance_names(["chair", "table", "chair"]) == ("chair-1", "table-1", "chair-2")


@pytest.mark.parametrize(
    "name", ["", "-", "a-", "-a", "a--b", "A", "a b", "a/b", "..", "a.b", "a\n", "é", "nul", "com1", "x" * 61]
)
def test_unsafe_names(name: str) -> None:
    assert not is_safe_name(name)
